/**
 * Vector clocks: which of two events could have known of the other, told without a common clock.
 *
 * A node counts its own events, merges what comes with each message, and sends what it knows. All here are pure functions over frozen values that are JSON; a
 * node that is not named counts 0.
 * @see Fidge (1988), Mattern (1989)
 */
import { EspalierError } from '../errors.js';
import { isKeepable, isPlainObject, shown, sortOf } from '../option-checks.js';

/** Events that are known, by node: each a whole number of at least 1. */
export type VectorClock = Readonly<Record<string, number>>;

/** How one clock stands to another: it is known to that, it knows of that, neither of the other, or both are the same. */
export type ClockOrder = 'before' | 'after' | 'concurrent' | 'equal';

/** The most nodes that a clock has. */
export const maxClockNodes = 1_000;

/** The longest name of a node, in characters. */
const longestNode = 200;

/**
 * A new clock, or one that was sent or kept, checked.
 * @param counts  events by node; one of 0 is left out
 * @throws EspalierError `vector-clock/invalid-clock`, `vector-clock/full`
 */
export function newClock(counts: VectorClock = {}): VectorClock {
  const entries = entriesOf('the counts', counts);
  return frozen(entries);
}

/**
 * Counts one more event of a node.
 * @throws EspalierError `vector-clock/invalid-clock`; `vector-clock/full` where the clock has as many nodes as it may, or the node counts no further
 */
export function incrementClock(clock: VectorClock, node: string): VectorClock {
  const counts = new Map(entriesOf('the clock', clock));
  requireNode(node);
  const count = (counts.get(node) ?? 0) + 1;
  if (count > Number.MAX_SAFE_INTEGER) throw full(`at most ${Number.MAX_SAFE_INTEGER} events of a node`, count);
  return frozen([...counts.set(node, count)]);
}

/**
 * What both know together: the least clock that is not before either.
 * @throws EspalierError `vector-clock/invalid-clock`; `vector-clock/full` where they name more nodes than one may have
 */
export function mergeClocks(one: VectorClock, other: VectorClock): VectorClock {
  const counts = new Map(entriesOf('the first clock', one));
  for (const [node, count] of entriesOf('the second clock', other)) counts.set(node, Math.max(counts.get(node) ?? 0, count));
  return frozen([...counts]);
}

/**
 * How the first stands to the second.
 * @throws EspalierError `vector-clock/invalid-clock`, `vector-clock/full`
 */
export function compareClocks(one: VectorClock, other: VectorClock): ClockOrder {
  const [first, second] = [new Map(entriesOf('the first clock', one)), new Map(entriesOf('the second clock', other))];
  const isWithin = (inner: Map<string, number>, outer: Map<string, number>): boolean =>
    [...inner].every(([node, count]) => count <= (outer.get(node) ?? 0));
  const [isBefore, isAfter] = [isWithin(first, second), isWithin(second, first)];
  if (isBefore) return isAfter ? 'equal' : 'before';
  return isAfter ? 'after' : 'concurrent';
}

/** What a clock counts, without zeros. */
function entriesOf(name: string, clock: unknown): [string, number][] {
  if (!isPlainObject(clock)) throw invalid(name, 'counts by node', sortOf(clock));
  const entries = Object.entries(clock);
  if (entries.length > maxClockNodes) throw full(`${name}: at most ${maxClockNodes} nodes`, entries.length);
  for (const [node, count] of entries) {
    requireNode(node);
    if (!Number.isSafeInteger(count) || (count as number) < 0) throw invalid(name, 'whole numbers of at least 0', shown(count));
  }
  return (entries as [string, number][]).filter(([, count]) => count > 0);
}

function requireNode(node: unknown): asserts node is string {
  const expected = `a text of 1 to ${longestNode} characters without control characters`;
  if (typeof node !== 'string') throw invalid('the node', expected, sortOf(node));
  if (node === '' || node.length > longestNode || !isKeepable(node)) throw invalid('the node', expected, `a text of ${node.length}`);
}

/** Own properties, whatever they are called, in the order of their names: equal clocks are the same text. */
function frozen(entries: readonly [string, number][]): VectorClock {
  if (entries.length > maxClockNodes) throw full(`at most ${maxClockNodes} nodes`, entries.length);
  return Object.freeze(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('vector-clock/invalid-clock', { expected: `${name}: ${expected}`, got });
}

function full(expected: string, got: number): EspalierError {
  return new EspalierError('vector-clock/full', { expected, got });
}
