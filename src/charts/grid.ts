/** A plain layout that needs no ELK: boxes in rows, as they come, with every transition as a line in its state. */
import type { Box } from './chart.js';
import { moved, type Place, type Size, sizeOf } from './places.js';

const gapPx = 14;

/** Boxes stand side by side until a row is so wide, px. */
const widestRow = 900;

export function gridOf(root: Box, roomLetters: number): Size & { readonly boxes: ReadonlyMap<string, Place> } {
  const { width, height, boxes } = gridIn(root, roomLetters);
  const placed = new Map([...boxes].map(([key, place]) => [key, moved(place, gapPx, gapPx)]));
  return { width: width + 2 * gapPx, height: height + 2 * gapPx, boxes: placed };
}

function gridIn(box: Box, roomLetters: number): Size & { readonly boxes: ReadonlyMap<string, Place> } {
  const head = sizeOf(box, roomLetters);
  const boxes = new Map<string, Place>();
  let [x, y, rowHeight, widest] = [gapPx, head.height + gapPx, 0, head.width];
  for (const inner of box.boxes) {
    const grid = gridIn(inner, roomLetters);
    if (x > gapPx && x + grid.width > widestRow) {
      y += rowHeight + gapPx;
      [x, rowHeight] = [gapPx, 0];
    }
    for (const [key, place] of grid.boxes) boxes.set(key, moved(place, x, y));
    x += grid.width + gapPx;
    rowHeight = Math.max(rowHeight, grid.height);
    widest = Math.max(widest, x);
  }
  const size = { width: widest, height: box.boxes.length === 0 ? head.height : y + rowHeight + gapPx };
  return { ...size, boxes: new Map([[box.key, { x: 0, y: 0, ...size }], ...boxes]) };
}
