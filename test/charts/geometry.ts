/** What is wrong with a picture: things that lie on each other or outside of what holds them, texts without room, arrows that lead nowhere. */
import { type Box, boxesOf, written } from '../../src/charts/chart.js';
import type { Layout } from '../../src/charts/layout.js';
import { padding, type Place, type Point } from '../../src/charts/places.js';
import { sizes, widthOf } from '../../src/charts/text-width.js';

const nowhere: Place = { x: Number.NaN, y: Number.NaN, width: Number.NaN, height: Number.NaN };

/** Sums of tenths are not tenths, px. */
const slack = 0.2;

function overlap(left: Place, right: Place): boolean {
  const apart = (low: number, length: number, other: number): boolean => low + length <= other + slack;
  return !(
    apart(left.x, left.width, right.x) ||
    apart(right.x, right.width, left.x) ||
    apart(left.y, left.height, right.y) ||
    apart(right.y, right.height, left.y)
  );
}

function inside(inner: Place, outer: Place): boolean {
  return (
    inner.x >= outer.x - slack &&
    inner.y >= outer.y - slack &&
    inner.x + inner.width <= outer.x + outer.width + slack &&
    inner.y + inner.height <= outer.y + outer.height + slack
  );
}

function touches({ x, y }: Point, place: Place): boolean {
  const near = { x: place.x - 2, y: place.y - 2, width: place.width + 4, height: place.height + 4 };
  return inside({ x, y, width: 0, height: 0 }, near);
}

/** Whether a way of straight lines, along the axes to the pixel, comes into a place. */
function crosses(points: readonly Point[], { x, y, width, height }: Place): boolean {
  const inner = { x: x + 1, y: y + 1, width: width - 2, height: height - 2 };
  return points.some((point, index) => {
    const next = points[index + 1];
    if (next === undefined) return false;
    const line = {
      x: Math.min(point.x, next.x),
      y: Math.min(point.y, next.y),
      width: Math.abs(point.x - next.x),
      height: Math.abs(point.y - next.y),
    };
    return overlap({ ...line, width: line.width + 2 * slack, height: line.height + 2 * slack }, inner);
  });
}

/** @returns nothing where all is well */
export function faultsOf(layout: Layout): readonly string[] {
  return [...boxFaults(layout), ...arrowFaults(layout)];
}

export function boxFaults({ chart, boxes, width, height }: Layout): readonly string[] {
  const faults: string[] = [];
  const place = ({ key }: Box): Place => boxes.get(key) ?? nowhere;
  const all = boxesOf(chart.root);
  if (!inside(place(chart.root), { x: 0, y: 0, width, height })) faults.push('the machine is not inside the picture');
  for (const box of all) {
    const name = box.state ?? box.key;
    const room = place(box).width - 2 * padding.x + 1;
    const texts = [widthOf(written(box.title), sizes.title), ...box.lines.map((line) => widthOf(written(line), sizes.line))];
    if (box.kind !== 'start' && !texts.every((text) => text <= room)) faults.push(`${name} is too narrow`);
    for (const [index, inner] of box.boxes.entries()) {
      if (!inside(place(inner), place(box))) faults.push(`${inner.state ?? inner.key} is not inside ${name}`);
      for (const other of box.boxes.slice(index + 1)) {
        if (overlap(place(inner), place(other))) faults.push(`${inner.state ?? inner.key} lies on ${other.state ?? other.key}`);
      }
    }
  }
  return faults;
}

function arrowFaults({ chart, boxes, arrows }: Layout): readonly string[] {
  const faults: string[] = [];
  const labels: [string, Place][] = [];
  for (const { key, from, to, lines } of chart.arrows) {
    const name = `${lines[0]?.edge ?? key} from ${from} to ${to}`;
    const { points = [], label } = arrows.get(key) ?? {};
    const [first, last] = [points[0], points.at(-1)];
    if (points.length < 2 || points.some(({ x, y }) => !Number.isFinite(x + y))) faults.push(`${name} has no way`);
    else if (first === undefined || !touches(first, boxes.get(from) ?? nowhere)) faults.push(`${name} does not begin at its state`);
    else if (last === undefined || !touches(last, boxes.get(to) ?? nowhere)) faults.push(`${name} does not end at its state`);
    // To the pixel: what ELK and we have rounded may be a tenth apart.
    const slanted = points.some(
      ({ x, y }, index) => index > 0 && Math.abs(x - (points[index - 1]?.x ?? x)) > 1 && Math.abs(y - (points[index - 1]?.y ?? y)) > 1,
    );
    if (slanted) faults.push(`${name} is slanted`);
    if (lines.length === 0) continue;
    if (label === undefined) faults.push(`${name} has no label`);
    else labels.push([`the label of ${name}`, label]);
  }
  const holders = (key: string): readonly string[] => {
    const holder = boxesOf(chart.root).find((box) => box.boxes.some((inner) => inner.key === key));
    return holder === undefined ? [key] : [key, ...holders(holder.key)];
  };
  for (const { key, from, to, lines } of chart.arrows) {
    const { points = [] } = arrows.get(key) ?? {};
    const own = new Set([...holders(from), ...holders(to)]);
    const strange = [
      ...boxesOf(chart.root).flatMap((box) => (own.has(box.key) ? [] : [[box.state ?? box.key, boxes.get(box.key) ?? nowhere] as const])),
      ...chart.arrows.flatMap((other) => {
        const label = other.key === key ? undefined : arrows.get(other.key)?.label;
        return label === undefined ? [] : [[`the label of ${other.lines[0]?.edge ?? ''}`, label] as const];
      }),
    ];
    for (const [name, place] of strange) if (crosses(points, place)) faults.push(`${lines[0]?.edge ?? key} runs through ${name}`);
  }
  const leaves = boxesOf(chart.root).filter((box) => box.boxes.length === 0);
  for (const [index, [name, label]] of labels.entries()) {
    for (const leaf of leaves) if (overlap(label, boxes.get(leaf.key) ?? nowhere)) faults.push(`${name} lies on ${leaf.state ?? leaf.key}`);
    for (const [other, place] of labels.slice(index + 1)) if (overlap(label, place)) faults.push(`${name} lies on ${other}`);
  }
  return faults;
}
