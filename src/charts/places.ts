/** Places on a picture, px. */
import { type Box, type Line, written } from './chart.js';
import { rowPx, sizes, widthOf } from './text-width.js';

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Space within a box and a label. */
export const padding = { x: 10, y: 6, label: 6 } as const;

/** The room that the text of a box takes: all of it where it holds no other box, else its head. */
export function sizeOf({ kind, title, lines }: Box, roomLetters: number): Size {
  if (kind === 'start') return { width: 12, height: 12 };
  const widest = Math.max(widthOf(written(title), sizes.title), widestOf(lines, roomLetters));
  const height = rowPx.title + padding.y + (lines.length === 0 ? 0 : lines.length * rowPx.line + padding.y);
  return { width: Math.max(widest + 2 * padding.x, kind === 'history' ? 30 : 60), height };
}

/** The room that a label takes. */
export function labelSizeOf(lines: readonly Line[], roomLetters: number): Size {
  const width = widestOf(lines, roomLetters) + 2 * padding.label;
  return { width, height: lines.length * rowPx.line + 6 };
}

/** Lines one by one: those of a state may be more than one call takes arguments. */
export function widestOf(lines: readonly Line[], roomLetters: number): number {
  let widest = 0;
  for (const line of lines) widest = Math.max(widest, widthOf(written(line) + ' '.repeat(line.edge === undefined ? 0 : roomLetters), sizes.line));
  return widest;
}

/** To a tenth of a pixel: short, and the same on every machine. */
export function rounded(px: number): number {
  return Math.round(px * 10) / 10;
}

export function moved<It extends Point>(it: It, dx: number, dy: number): It {
  return { ...it, x: rounded(it.x + dx), y: rounded(it.y + dy) };
}
