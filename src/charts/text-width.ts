/** How wide a text comes out, without anything that could draw it: the letters of a chart are all of one width. */

/** Sizes of text, px. */
export const sizes = { title: 13, line: 11.5 } as const;

/** Rows of text, px from one to the next. */
export const rowPx = { title: 20, line: 16 } as const;

/** The widest of the usual monospaced fonts: 0.602 of their size; the rest is air. */
const advance = 0.612;

/** Longest name that is written out, in letters; the whole of it is in the tooltip. */
const longestName = 48;

/** A name as it fits into a line. */
export function short(name: string): string {
  const letters = Array.from(name.replaceAll(/\s+/gu, ' '));
  return letters.length <= longestName ? letters.join('') : `${letters.slice(0, longestName - 1).join('')}…`;
}

/** @returns px */
export function widthOf(text: string, size: number): number {
  let cells = 0;
  for (const letter of text) cells += (letter.codePointAt(0) ?? 0) > 0x2e7f ? 2 : 1;
  return Math.ceil(cells * size * advance);
}
