/** Hashes of text, for what must be spread or told apart and need not be secret. */

/** FNV-1a, 32 bits: a whole number of at least 0. @see Fowler, Noll, Vo (public domain) */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return h;
}

/**
 * A hash whose every bit depends on all of the text. In {@link hash} what differs only at the end differs hardly in the highest bits: names that end so are never
 * sorted evenly by it.
 * @see Austin Appleby, MurmurHash3, fmix32 (public domain)
 */
export function mixedHash(text: string): number {
  let h = hash(text);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 64 bits as 16 hexadecimal digits: by them texts are told apart, as long as nobody looks for two that have the same. @see bryc, cyrb64 (public domain) */
export function fingerprint(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
