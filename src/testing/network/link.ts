/** What may happen to a message on its way from one node to another, drawn from the seed. */
import type { Chance } from '../world/chance.js';
import { refuse, requireKeys, requireMs } from '../world/options.js';

/**
 * How long a message is under way, in whole ms: always so long; any of `[least, most]` alike; or mostly short and now and then long: `leastMs` and more,
 * `meanMs` on average (a little less, for the cut), cut at `mostMs`.
 */
export type Delay =
  | number
  | readonly [leastMs: number, mostMs: number]
  | { readonly leastMs: number; readonly meanMs: number; readonly mostMs: number };

/** One direction between two nodes. Chances are 0 to 1, for each message anew. */
export interface LinkOptions {
  /** Default `[1, 10]`. Without `reorder`, messages arrive in the order in which they were sent: a later one waits for the earlier. */
  readonly delay?: Delay;
  /** The chance that a message never arrives. Default 0. */
  readonly drop?: number;
  /** The chance that it arrives twice, the second time after a delay of its own and in any order. Default 0. */
  readonly duplicate?: number;
  /** The chance that it takes up to `reorderMs` longer, and that later ones overtake it. Default 0. */
  readonly reorder?: number;
  /** Ms. Default 50. */
  readonly reorderMs?: number;
}

/** What makes a link worse than it is: the greater chance counts, and `slowerMs` are added to each delay. */
export interface Disturbance {
  readonly drop?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly slowerMs?: number;
}

/** What becomes of one message: the moments of its arrivals, ms of the network. None: it was dropped. */
export interface Passage {
  readonly arrivals: readonly number[];
  readonly isReordered: boolean;
}

const chances = ['drop', 'duplicate', 'reorder'] as const;

/** @throws EspalierError `testing/invalid-options` */
export function requireLink(options: LinkOptions, what = 'the options of a link'): LinkOptions {
  requireKeys(options, ['delay', ...chances, 'reorderMs'], what);
  requireChances(options);
  if (options.reorderMs !== undefined) requireMs(options.reorderMs, 'reorderMs');
  const { delay } = options;
  if (delay === undefined || typeof delay === 'number') {
    if (delay !== undefined) requireMs(delay, 'delay');
  } else if (isRange(delay)) {
    requireRising('`delay` as [least, most]', delay);
  } else {
    requireKeys(delay, ['leastMs', 'meanMs', 'mostMs'], '`delay`');
    requireRising('`delay` with leastMs ≤ meanMs ≤ mostMs', [delay.leastMs, delay.meanMs, delay.mostMs]);
  }
  return options;
}

/** @throws EspalierError `testing/invalid-options` */
export function requireDisturbance(options: Disturbance): Disturbance {
  requireKeys(options, [...chances, 'slowerMs'], 'a disturbance of a link');
  requireChances(options);
  if (options.slowerMs !== undefined) requireMs(options.slowerMs, 'slowerMs');
  return options;
}

function requireChances(options: Pick<LinkOptions, (typeof chances)[number]>): void {
  for (const name of chances) {
    const value = options[name] ?? 0;
    if (!(typeof value === 'number' && value >= 0 && value <= 1)) refuse(`\`${name}\`, a chance of 0 to 1`, value);
  }
}

function requireRising(what: string, values: readonly number[]): void {
  for (const [index, value] of values.entries()) {
    requireMs(value, what);
    if (value < (values[index - 1] ?? 0)) refuse(`${what}, none less than the one before`, values);
  }
}

function isRange(delay: Delay): delay is readonly [number, number] {
  return Array.isArray(delay);
}

/** The shortest that a delay may be: links that are calm have it always. */
export function leastOf(delay: Delay): number {
  if (typeof delay === 'number') return delay;
  return isRange(delay) ? delay[0] : delay.leastMs;
}

function drawn(delay: Delay, draw: number): number {
  if (typeof delay === 'number') return delay;
  if (isRange(delay)) return delay[0] + Math.floor(draw * (delay[1] - delay[0] + 1));
  const { leastMs, meanMs, mostMs } = delay;
  return Math.min(mostMs, Math.round(leastMs - Math.log(1 - draw) * (meanMs - leastMs)));
}

/** By default of every link. */
export const usualDelay: Delay = [1, 10];

/** One direction between two nodes, as it is now. */
export class Link {
  options: LinkOptions;
  /** One for each partition that lies between the two. */
  readonly cuts = new Set<symbol>();
  readonly disturbances = new Map<symbol, Disturbance>();
  readonly #chance: Chance;
  /** When the latest message that keeps its place arrives. */
  #latestAt = 0;

  constructor(options: LinkOptions, chance: Chance) {
    this.options = options;
    this.#chance = chance;
  }

  get isCut(): boolean {
    return this.cuts.size > 0;
  }

  /** Without partitions and disturbances; its own options stay. */
  heal(): void {
    this.cuts.clear();
    this.disturbances.clear();
  }

  /** Draws what becomes of a message that is sent at `at`. */
  pass(at: number): Passage {
    const { delay = usualDelay, reorderMs = 50 } = this.options;
    // The same draws whatever the options are: a fault that is taken away from a run leaves the chances of the rest as they were.
    const chance = this.#chance;
    const [drop, duplicate, reorder] = [chance.next(), chance.next(), chance.next()];
    const [first, second, later] = [chance.next(), chance.next(), chance.next()];
    if (drop < this.#worst('drop')) return { arrivals: [], isReordered: false };
    const slowerMs = [...this.disturbances.values()].reduce((sum, one) => sum + (one.slowerMs ?? 0), 0);
    const isReordered = reorder < this.#worst('reorder');
    const arrivals = [at + slowerMs + drawn(delay, first) + (isReordered ? Math.ceil(later * reorderMs) : 0)];
    if (!isReordered) {
      this.#latestAt = Math.max(this.#latestAt, arrivals[0] as number);
      arrivals[0] = this.#latestAt;
    }
    if (duplicate < this.#worst('duplicate')) arrivals.push(at + slowerMs + drawn(delay, second) + Math.ceil(later * reorderMs));
    return { arrivals, isReordered };
  }

  #worst(name: (typeof chances)[number]): number {
    let worst = this.options[name] ?? 0;
    for (const disturbance of this.disturbances.values()) worst = Math.max(worst, disturbance[name] ?? 0);
    return worst;
  }
}
