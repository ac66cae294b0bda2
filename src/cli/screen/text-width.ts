/** How many columns text takes on a terminal, and where it may be cut. */

const segmenter = new Intl.Segmenter();
/** Characters that take two columns: East Asian ones, and emoji. @see Unicode Standard Annex #11 */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;

/** Columns of a text without control characters. */
export function columnsOf(text: string): number {
  // Nearly all text is this.
  if (/^[\u0020-\u007E\u2500-\u257F]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += wide.test(segment) ? 2 : 1;
  return columns;
}

/** As much of a text as takes no more than so many columns, whole characters as people see them. */
export function cutTo(text: string, columns: number): string {
  let left = columns;
  let cut = '';
  for (const { segment } of segmenter.segment(text)) {
    left -= wide.test(segment) ? 2 : 1;
    if (left < 0) break;
    cut += segment;
  }
  return cut;
}

/** The text, filled up with blanks to so many columns. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}
