/** Credentials, blotted out of what a peer repeats: a URL in the body of a 404, a header in the reason of a close. */

/**
 * Blots words out of a text, however they are spelled: as they are, percent-encoded (once, or again and again, in whole or in part, as URLs of browsers,
 * proxies and forms do it), or with JSON's escaped slash.
 * @param secrets  ASCII; empty ones are passed over
 * @throws never
 */
export function hideIn(text: string, secrets: Iterable<string>): string {
  return [...secrets].reduce(
    (clean, secret) => (secret === '' ? clean : clean.replace(new RegExp(secret.split('').map(spellingOf).join(''), 'g'), '[hidden]')),
    text,
  );
}

function spellingOf(letter: string): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(2, '0');
  const encoded = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const itself = /[a-zA-Z0-9]/.test(letter) ? letter : `\\\\?\\u${hex.padStart(4, '0')}`;
  return `(?:${itself}|%(?:25)*${encoded})`;
}
