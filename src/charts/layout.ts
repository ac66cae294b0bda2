/**
 * Gives a chart its places: nothing overlaps, and the same definition comes out the same.
 *
 * ELK, which is given, turns the order of regions round, leaves them half empty, and throws at boxes in boxes when it is also to keep the order of the
 * file. So each box that holds others is laid out alone (framing.ts), regions are stacked at equal size, and where ELK fails all the same the next rung is
 * tried, down to a grid that needs no ELK at all.
 */
import { type Arrow, boxesOf, type Chart, chartOf, type ChartOptions } from './chart.js';
import type { ChartDefinition } from './definition.js';
import type { Elk } from './elk-graph.js';
import { type Direction, Framing, type FramingRules } from './framing.js';
import { gridOf } from './grid.js';
import type { Place, Point } from './places.js';

/** How well a chart could be laid out, the best first. */
export const rungs = ['full', 'withoutModelOrder', 'bare', 'grid'] as const;
export type Rung = (typeof rungs)[number];

/** A chart with its places, px from the top left corner of the picture. */
export interface Layout {
  readonly chart: Chart;
  readonly width: number;
  readonly height: number;
  /** By the key of the box. */
  readonly boxes: ReadonlyMap<string, Place>;
  /** By the key of the arrow; an arrow without lines has no label. */
  readonly arrows: ReadonlyMap<string, { readonly points: readonly Point[]; readonly label: Place | undefined }>;
  readonly rung: Rung;
  /** What the better rungs failed with, in their order. */
  readonly failures: readonly string[];
}

export interface LayoutOptions extends Pick<ChartOptions, 'remarks'> {
  /** Where arrows run to. */
  readonly direction?: Direction;
  /** Letters that are kept free behind each transition, for counts that come later. */
  readonly roomLetters?: number;
}

const rulesOf: Readonly<Record<Exclude<Rung, 'grid'>, FramingRules>> = {
  full: { modelOrder: true, refined: true },
  withoutModelOrder: { modelOrder: false, refined: true },
  bare: { modelOrder: false, refined: false },
};

/**
 * @param definition  what to draw
 * @param elk         `new ELK()` of elkjs, in this thread or in a worker
 * @returns never rejects: `rung` says how well it went
 */
export async function layOut(definition: ChartDefinition, elk: Elk, options: LayoutOptions = {}): Promise<Layout> {
  const { direction = 'down', roomLetters = 0, ...chartOptions } = options;
  const chart = chartOf(definition, chartOptions);
  const failures: string[] = [];
  for (const rung of rungs) {
    if (rung === 'grid') break;
    try {
      const framing = new Framing(chart, elk, { ...rulesOf[rung], direction, roomLetters });
      return { chart, ...checked(await framing.picture(), chart), rung, failures };
    } catch (error) {
      failures.push(`${rung}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const plain = chartOf(definition, { ...chartOptions, arrows: false });
  return { chart: plain, ...gridOf(plain.root, roomLetters), arrows: new Map(), rung: 'grid', failures };
}

type Places = Pick<Layout, 'width' | 'height' | 'boxes' | 'arrows'>;

/** @throws Error where a place is missing or is none: ELK has then failed without a word */
function checked(places: Places, chart: Chart): Places {
  const isPlace = (place: Place | undefined): boolean =>
    place !== undefined && [place.x, place.y, place.width, place.height].every((px) => Number.isFinite(px));
  const isWay = ({ key, lines }: Arrow): boolean => {
    const { points = [], label } = places.arrows.get(key) ?? {};
    return points.length > 1 && points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)) && (lines.length === 0 || isPlace(label));
  };
  const box = boxesOf(chart.root).find(({ key }) => !isPlace(places.boxes.get(key)));
  if (box !== undefined) throw new Error(`no place for ${box.state ?? box.key}`);
  const arrow = chart.arrows.find((one) => !isWay(one));
  if (arrow !== undefined) throw new Error(`no way for ${arrow.lines[0]?.edge ?? arrow.key}`);
  return places;
}
