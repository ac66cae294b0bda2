/** Lines of coloured text, before anybody knows how wide the screen is and whether it has colours. */

import { columnsOf, cutTo } from './text-width.js';

export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'busy' | 'bad' | 'name';

export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

export type Line = readonly Span[];

const codes: Readonly<Record<Exclude<Tone, 'plain'>, string>> = { strong: '1', quiet: '2', good: '32', busy: '33', bad: '31', name: '36' };

/** How many columns a line takes. */
export function widthOf(line: Line): number {
  return line.reduce((width, { text }) => width + columnsOf(text), 0);
}

/** The line, cut to so many columns; what is cut off is shown by `…`. */
export function clip(line: Line, columns: number): Line {
  if (widthOf(line) <= columns) return line;
  const clipped: Span[] = [];
  let left = columns - 1;
  for (const span of line) {
    const width = columnsOf(span.text);
    if (width > left) {
      clipped.push({ ...span, text: `${cutTo(span.text, left)}…` });
      break;
    }
    clipped.push(span);
    left -= width;
  }
  return clipped;
}

/** A line whose last span is broken between words, the following lines indented to where that span began. */
export function wrap(line: Line, columns: number): Line[] {
  const last = line.at(-1);
  const indent = widthOf(line.slice(0, -1));
  const room = columns - indent;
  if (last === undefined || room < 20 || widthOf(line) <= columns) return [line];
  const rows: string[] = [''];
  for (const word of last.text.split(' ')) {
    const row = rows.at(-1) as string;
    if (row !== '' && columnsOf(row) + 1 + columnsOf(word) > room) rows.push(word);
    else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`;
  }
  return rows.map((text, index) => (index === 0 ? [...line.slice(0, -1), { ...last, text }] : [{ text: ' '.repeat(indent) }, { ...last, text }]));
}

/** The line as text, with ANSI colours or without; characters that would move the cursor or ring the bell are shown, not sent. */
export function paint(line: Line, colours: boolean): string {
  const painted = line.map(({ text, tone = 'plain' }) => {
    const harmless = printable(text);
    return colours && tone !== 'plain' && harmless !== '' ? `\u001B[${codes[tone]}m${harmless}\u001B[0m` : harmless;
  });
  return painted.join('').trimEnd();
}

/** Control characters as people can see them: what comes from a wire or a file must not steer a terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it is about
  return text.replace(/[\u0000-\u001F\u007F-\u009F]/g, (character) =>
    character === '\n' ? '⏎' : character === '\t' ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
