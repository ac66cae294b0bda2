/** What may be shown of a command line: people put names, passwords and keys into URLs, and what is printed ends up in logs. */

/** A shorter secret is none, and to strike it out would garble what is said, characters. */
const shortestSecret = 8;

/**
 * A word of the command line without what may be secret: whatever stands before an `@`, as in `https://user:password@host`, and the query and
 * fragment of a URL. Where a `?` or a `#` stands before the `@`, and nobody can tell what is password and what is host, all is left out but the scheme.
 */
export function bare(word: string): string {
  // A file has no user, and its path may well have an `@`.
  const scheme = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.exec(word)?.[0] ?? '';
  const rest = word.slice(scheme.length);
  const userEnd = scheme !== '' || /:.*@/s.test(rest.replace(/^file:/i, '')) ? rest.lastIndexOf('@') : -1;
  const queryStart = scheme !== '' || userEnd >= 0 || /\?.*=/s.test(rest) ? rest.search(/[?#]/) : -1;
  if (queryStart >= 0 && queryStart < userEnd) return `${scheme}…`;
  const shown = rest.slice(userEnd + 1, queryStart < 0 ? undefined : queryStart);
  return `${scheme}${userEnd < 0 ? '' : '…@'}${shown}${queryStart < 0 ? '' : '?…'}`;
}

/**
 * A filter for whatever is said about a command line.
 * @param args     as typed
 * @param secrets  of the environment
 */
export function concealer(args: readonly string[], secrets: readonly (string | undefined)[]): (text: string) => string {
  const shown = new Map<string, string>();
  for (const word of args.flatMap((arg) => [arg, arg.replace(/^--[^=]*=/, '')])) if (bare(word) !== word) shown.set(word, bare(word));
  for (const secret of secrets) if (secret !== undefined && secret.trim().length >= shortestSecret) shown.set(secret.trim(), '…');
  return (text) => {
    let clean = text;
    // As typed, and as the message of an error quotes it.
    for (const [word, instead] of shown) clean = clean.replaceAll(word, instead).replaceAll(JSON.stringify(word).slice(1, -1), instead);
    return clean.replaceAll(/[^\s"'`<>()]*:\/[^\s"'`<>()]+/g, bare);
  };
}
