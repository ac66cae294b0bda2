/** Files that the page gives to its reader. */

export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A name that every file system takes. */
export function fileName(text: string, ending: string): string {
  const plain = text.replaceAll(/[^\w.-]+/gu, '-').replaceAll(/^-+|-+$/gu, '');
  return `${plain === '' ? 'recording' : plain.slice(0, 80)}.${ending}`;
}
