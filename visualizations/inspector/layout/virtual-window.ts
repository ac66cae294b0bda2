/** Which rows of a long list are drawn. Rows are of one height, so that nothing moves when a row changes. */

export interface ListView {
  /** How many rows the list has. */
  readonly count: number;
  /** Height of a row, px. */
  readonly rowPx: number;
  /** How far the list is scrolled, px. */
  readonly scrollPx: number;
  /** Height of what is seen, px. */
  readonly viewPx: number;
}

export interface RowWindow {
  /** The first row that is drawn. */
  readonly first: number;
  /** The row after the last that is drawn. */
  readonly end: number;
}

/** Rows drawn above and below what is seen, so that a fast scroll shows no gap. */
const overscan = 6;

/** The rows to draw. A scroll position that the list no longer has (it became shorter) is taken as its end. */
export function windowOf({ count, rowPx, scrollPx, viewPx }: ListView): RowWindow {
  const last = Math.max(0, count * rowPx - viewPx);
  const top = Math.min(Math.max(0, scrollPx), last);
  return {
    first: Math.max(0, Math.floor(top / rowPx) - overscan),
    end: Math.min(count, Math.ceil((top + viewPx) / rowPx) + overscan),
  };
}

/** Where to scroll, px, so that a row is seen whole: no further than needed. */
export function scrollToRow(row: number, { rowPx, scrollPx, viewPx }: Omit<ListView, 'count'>): number {
  const top = row * rowPx;
  if (top < scrollPx) return top;
  return Math.max(scrollPx, top + rowPx - viewPx);
}
