/** Brings a trace to the canonical form of FORMAT.md §4 and finds where it first leaves the golden one. */
import type { Difference, Json } from './line.js';

/** What an adapter records of one interval of a supervisor scenario. */
export interface Interval {
  readonly step: number;
  readonly events: Traced[];
  readonly replies: [number, Json][];
  readonly sups: Record<string, Snapshot>;
  readonly reports: Traced[];
}

/** An event or report, and the concurrent supervisor (simple_one_for_one or dynamic) whose child it is about; null where order counts. */
export interface Traced {
  readonly entry: readonly Json[];
  readonly group: string | null;
}

/** What a supervisor says of itself, or that it is blocked. */
export type Snapshot = 'busy' | { readonly which: readonly (readonly Json[])[]; readonly count: readonly number[] };

/** The canonical form of what was recorded in one interval, shaped as in the golden trace. */
export function canonical(interval: Interval): Record<string, Json> {
  return {
    step: interval.step,
    events: sortRuns(interval.events, (entry) => entry[0] === 'exit', byPath).map((entry) => canonicalTerm(entry)),
    replies: [...interval.replies].sort((a, b) => a[0] - b[0]).map((reply) => canonicalTerm(reply)),
    sups: Object.fromEntries(Object.entries(interval.sups).map(([path, snapshot]) => [path, canonicalSnapshot(snapshot)])),
    reports: sortRuns(interval.reports, (entry) => entry[1] === 'shutdown_error', byText).map((entry) => canonicalTerm(entry)),
  };
}

/** Rules 1 and 2: sorts every maximal run of such entries that are about children of one concurrent supervisor. */
function sortRuns(traced: readonly Traced[], counts: (entry: readonly Json[]) => boolean, order: Order): (readonly Json[])[] {
  const runs: { group: string | null; entries: (readonly Json[])[] }[] = [];
  for (const { entry, group } of traced) {
    const own = counts(entry) ? group : null;
    const last = runs.at(-1);
    if (own !== null && last?.group === own) last.entries.push(entry);
    else runs.push({ group: own, entries: [entry] });
  }
  return runs.flatMap(({ group, entries }) => (group === null ? entries : entries.sort(order)));
}

type Order = (a: readonly Json[], b: readonly Json[]) => number;

const byPath: Order = (a, b) => inOrder(a[1] as string, b[1] as string);
const byText: Order = (a, b) => inOrder(textOf(a), textOf(b));

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Rule 4, at any depth: the offending specs of a `bad_start_spec` are opaque. */
export function canonicalTerm(term: Json): Json {
  if (isList(term)) return term.length === 2 && term[0] === 'bad_start_spec' ? ['bad_start_spec', '$specs'] : term.map((item) => canonicalTerm(item));
  if (term === null || typeof term !== 'object') return term;
  return Object.fromEntries(Object.entries(term).map(([key, value]) => [key, canonicalTerm(value)]));
}

/** The children of a dynamic supervisor (their ids are null) have no order: its list is sorted. */
function canonicalSnapshot(snapshot: Json): Json {
  if (snapshot === null || typeof snapshot !== 'object' || !('which' in snapshot)) return snapshot;
  const which = snapshot.which as readonly (readonly Json[])[];
  const unordered = which.length > 0 && which.every((row) => row[0] === null);
  return { ...snapshot, which: unordered ? [...which].sort(byText) : which };
}

/**
 * The first difference of a whole supervisor trace.
 * @param golden  `golden.intervals`
 * @param trace   what was recorded, one entry for each step
 * @returns null when they agree
 */
export function differenceOfIntervals(golden: Json, trace: readonly Interval[]): Difference | null {
  if (!isList(golden)) return { at: 'intervals', expected: golden, got: `${trace.length} intervals` };
  if (golden.length !== trace.length) return { at: 'intervals.length', expected: golden.length, got: trace.length };
  for (const [index, expected] of golden.entries()) {
    const found = differenceOfInterval(`intervals[${index}]`, expected as Record<string, Json>, canonical(trace[index] as Interval));
    if (found !== null) return found;
  }
  return null;
}

function differenceOfInterval(at: string, expected: Record<string, Json>, got: Record<string, Json>): Difference | null {
  const loose = expected['unordered'] === true;
  return (
    difference(`${at}.step`, expected['step'] ?? null, got['step'] ?? null) ??
    differenceOfLists(`${at}.events`, expected['events'], got['events'], loose) ??
    differenceOfLists(`${at}.replies`, expected['replies'], got['replies'], false) ??
    differenceOfSups(`${at}.sups`, expected['sups'] as Record<string, Json>, got['sups'] as Record<string, Json>) ??
    differenceOfLists(`${at}.reports`, expected['reports'], got['reports'], loose)
  );
}

/** Where golden says `busy` the supervisor must be there, and what it says is not compared. */
function differenceOfSups(at: string, expected: Record<string, Json>, got: Record<string, Json>): Difference | null {
  const [paths, ours] = [Object.keys(expected).sort(), Object.keys(got).sort()];
  const found = difference(`${at} (who is alive)`, paths, ours);
  if (found !== null) return found;
  for (const path of paths) {
    if (expected[path] === 'busy') continue;
    const here = difference(`${at}.${path}`, canonicalSnapshot(expected[path] ?? null), canonicalSnapshot(got[path] ?? null));
    if (here !== null) return here;
  }
  return null;
}

/** Compares two lists element by element; as multisets when `loose`. */
export function differenceOfLists(at: string, expected: Json | undefined, got: Json | undefined, loose: boolean): Difference | null {
  if (!isList(expected) || !isList(got)) return difference(at, expected ?? null, got ?? null);
  if (loose) return differenceOfBags(at, expected, got);
  const length = Math.max(expected.length, got.length);
  for (let index = 0; index < length; index++) {
    const place = `${at}[${index}]`;
    if (index >= expected.length) return { at: place, expected: nothing, got: got[index] };
    if (index >= got.length) return { at: place, expected: expected[index], got: nothing };
    const found = difference(place, expected[index] as Json, got[index] as Json);
    if (found !== null) return { at: place, expected: expected[index], got: got[index] };
  }
  return null;
}

const nothing = '(nothing)';

/** Rule 3: as multisets. Each expected entry takes one entry of ours that matches it. */
function differenceOfBags(at: string, expected: readonly Json[], got: readonly Json[]): Difference | null {
  const left = [...got];
  for (const entry of expected) {
    const index = left.findIndex((candidate) => matches(entry, candidate));
    if (index < 0) return { at: `${at} (in any order)`, expected: entry, got: left.length === 0 ? nothing : left };
    left.splice(index, 1);
  }
  return left.length === 0 ? null : { at: `${at} (in any order)`, expected: nothing, got: left };
}

/** Compares two values as wholes. */
export function difference(at: string, expected: Json, got: Json): Difference | null {
  return matches(expected, got) ? null : { at, expected, got };
}

/** Does a value of ours match a golden one? `"$…"` in golden matches anything; rules 4 and 5 hold. */
export function matches(expected: Json, got: Json): boolean {
  if (typeof expected === 'string' && expected.startsWith('$')) return true;
  if (expected === null || got === null || typeof expected !== 'object' || typeof got !== 'object') return expected === got;
  if (isList(expected) || isList(got)) return isList(expected) && isList(got) && matchesList(expected, got);
  const keys = Object.keys(expected);
  return keys.length === Object.keys(got).length && keys.every((key) => Object.hasOwn(got, key) && matches(expected[key] ?? null, got[key] ?? null));
}

function matchesList(expected: readonly Json[], got: readonly Json[]): boolean {
  return expected.length === got.length && expected.every((item, index) => matches(item, got[index] ?? null));
}

/** JSON text with sorted keys. */
export function textOf(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => inOrder(a, b)));
  });
}

function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}
