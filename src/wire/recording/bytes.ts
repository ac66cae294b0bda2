/** How long texts are in UTF-8, without making the bytes: also where there is no Buffer. */

const plainText = /^[ !#-[\]-~]*$/;

/** The length of a text in UTF-8, bytes. */
export function bytesOf(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Each half of a pair is two of the four bytes.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** The length of a text in JSON, with its quotes and what is escaped in it, bytes of UTF-8. */
export function jsonBytesOf(text: string): number {
  return isPlainText(text) ? text.length + 2 : bytesOf(JSON.stringify(text));
}

/** Most texts are short: these are looked through by hand, which is faster. */
function isPlainText(text: string): boolean {
  if (text.length > 40) return plainText.test(text);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}
