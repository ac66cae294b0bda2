/** What keeps a text from being XML: tags that do not match, signs that had to be escaped. */
export function unclosed(xml: string): readonly string[] {
  const faults: string[] = [];
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(\/?)>/gu;
  for (const [, closing, name = '', , single] of xml.matchAll(tag)) {
    if (closing === '/') {
      const last = open.pop();
      if (last !== name) faults.push(`</${name}> closes <${last}>`);
    } else if (single === '') open.push(name);
  }
  const rest = xml.replaceAll(tag, '').replace(/@media[^\n]*/u, '');
  faults.push(...(rest.match(/<.{0,20}|&(?!amp;|lt;|gt;|quot;|#39;).{0,10}/gu) ?? []));
  return [...faults, ...open.map((name) => `<${name}> is left open`)];
}
