/** A hash of text, for what must be spread and need not be secret. */

/** FNV-1a, 32 bits: a whole number of at least 0. @see Fowler, Noll, Vo (public domain) */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return h;
}
