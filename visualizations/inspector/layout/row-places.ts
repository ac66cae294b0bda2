/** Where lines are among the rows of the sequence, and where a step of the keyboard ends there. Pure. */
import { firstIndex } from './time-scale.js';

/** A row, of the line with this index; rows stand in the order of their lines. */
interface Row {
  readonly kind: string;
  readonly index: number;
}

/** The place of the row of a line; -1 where it has none. A pause has the index of the line that ends it, whose own row comes after. */
export function placeOf(rows: readonly Row[], index: number | null): number {
  if (index === null) return -1;
  const place = firstIndex(rows.length, (one) => (rows[one]?.index ?? 0) > index) - 1;
  return rows[place]?.index === index ? place : -1;
}

/**
 * The place where a step ends: within the rows, and on the far side of a pause.
 * @param wanted  where it would go; may lie beyond the rows
 * @param from    where it begins; -1: nowhere
 * @returns -1 where there are no rows
 */
export function stepTo(rows: readonly Row[], wanted: number, from: number): number {
  const place = Math.min(Math.max(0, wanted), rows.length - 1);
  if (rows[place]?.kind !== 'idle') return place;
  return wanted < from ? place - 1 : place + 1;
}
