/** What a store is asked for, checked before anything happens. Of data, nothing is shown. */
import { EspalierError } from '../errors.js';
import { isKeepable, isObject, isPlainObject, longestMs, shown, sortOf } from '../option-checks.js';
import type { PlannedQuery } from './ledger.js';
import type { AppendOptions, EventQuery, Fence, NewEvent, PrunePolicy, SaveOptions, StoreLimits } from './port.js';

const longestName = 512;
const mostEvents = 1_000;

export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('events/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** Refuses names that nobody knows: a misspelt option would silently be the default. */
export function requireKeys(name: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalid(name, 'a plain object', sortOf(options));
  for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, key.slice(0, 40));
}

/**
 * A name that every engine can keep as it is: no control characters, of which some would end a text in C, and no half of a surrogate pair.
 * @throws EspalierError `events/invalid-options`
 */
export function requireName(what: string, value: unknown, least = 1): asserts value is string {
  const expected = `a text of ${least} to ${longestName} characters without control characters`;
  if (typeof value !== 'string') throw invalid(what, expected, sortOf(value));
  if (value.length < least || value.length > longestName || !isKeepable(value)) throw invalid(what, expected, `a text of ${value.length}`);
}

export function requireWhole(what: string, value: unknown, least = 0, most: number = Number.MAX_SAFE_INTEGER): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const until = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `${least} to ${most}`;
  throw invalid(what, `a whole number ${until}`, shown(value));
}

function requireTime(what: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(what, 'ms since the epoch', shown(value));
}

/** A time span, ms. @returns the value, or the default */
export function duration(name: string, value: unknown, byDefault: number, least = 1): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) throw invalid(name, `a number of ms, at least ${least}`, shown(value));
  return value;
}

/** A delay, ms, that a timer of the runtime and SQLite's own take. @returns the value, or the default */
export function delay(name: string, value: unknown, byDefault: number, least = 1): number {
  const ms = duration(name, value, byDefault, least);
  if (ms > longestMs) throw invalid(name, `at most ${longestMs} ms`, ms);
  return ms;
}

/**
 * Reads what came from outside. Each value is read once, so that what was checked is what is used, whatever a getter or a proxy says the next time; where one
 * throws, it is misuse like any other.
 */
function reading<Checked>(what: string, read: () => Checked): Checked {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('events/invalid-options', { expected: `${what}: values that can be read`, got: 'one that throws' }, { cause });
  }
}

/** JSON as it is stored. @throws EspalierError `events/invalid-event` for what is none */
export function jsonTextOf(what: string, value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value ?? null) as string | undefined;
  } catch (cause) {
    throw new EspalierError('events/invalid-event', { expected: `${what}: JSON`, got: sortOf(value) }, { cause });
  }
  if (text === undefined) throw new EspalierError('events/invalid-event', { expected: `${what}: JSON`, got: sortOf(value) });
  return text;
}

/** An event that is to be stored, with its data as text. */
export interface CheckedEvent {
  readonly type: string;
  readonly data: string;
  /** Null: it is given one. */
  readonly id: string | null;
  readonly correlation: string | null;
  readonly causation: string | null;
}

/** @throws EspalierError `events/invalid-event`, `events/invalid-options`; one event that is wrong has none of them stored */
export function checkedEvents(stream: unknown, events: unknown): CheckedEvent[] {
  requireName('stream', stream);
  const checked = reading('events', () => {
    const length = Array.isArray(events) ? events.length : undefined;
    if (length === undefined || !(length >= 1 && length <= mostEvents))
      throw invalid('events', `a list of 1 to ${mostEvents} events`, length === undefined ? sortOf(events) : `${length} events`);
    // By its places, not by `map`, which passes over holes and leaves them.
    return Array.from({ length }, (_, index) => checkedEvent(`events[${index}]`, (events as NewEvent[])[index] as NewEvent));
  });
  const ids = checked.flatMap(({ id }) => id ?? []);
  if (new Set(ids).size < ids.length) throw invalid('events', 'an id of its own for each', 'one id twice');
  return checked;
}

function checkedEvent(at: string, event: NewEvent): CheckedEvent {
  if (!isObject(event)) throw new EspalierError('events/invalid-event', { expected: `${at}: an event`, got: sortOf(event) });
  requireKeys(at, event, ['type', 'data', 'id', 'correlation', 'causation']);
  const { type, data, id, correlation, causation } = event;
  requireName(`${at}.type`, type);
  for (const [name, value] of Object.entries({ id, correlation, causation })) if (value !== undefined) requireName(`${at}.${name}`, value);
  return { type, data: jsonTextOf(`${at}.data`, data), id: id ?? null, correlation: correlation ?? null, causation: causation ?? null };
}

/** @returns a copy: the commit comes later, and asks nobody again. @throws EspalierError `events/invalid-options` */
export function checkedFence(fence: unknown): Fence {
  return reading('fence', () => {
    requireKeys('fence', fence, ['name', 'token']);
    const { name, token } = fence as Fence;
    requireName('fence.name', name);
    requireWhole('fence.token', token);
    return { name, token };
  });
}

/** What an append, a save and a removal may be told beside what they are about. */
export interface CheckedWrite {
  readonly expected: number | undefined;
  readonly fence: Fence | undefined;
}

/** @throws EspalierError `events/invalid-options` */
export function checkedWrite(what: string, options: AppendOptions | SaveOptions): CheckedWrite {
  return reading(what, () => {
    requireKeys(what, options, ['expected', 'fence']);
    const { expected, fence } = options;
    if (expected !== undefined) requireWhole('expected', expected);
    return { expected, fence: fence === undefined ? undefined : checkedFence(fence) };
  });
}

const queryKeys = ['stream', 'type', 'correlation', 'causation', 'sinceWallAt', 'untilWallAt', 'after', 'order', 'limit'];

/** @throws EspalierError `events/invalid-options` */
export function plannedQuery(query: EventQuery): PlannedQuery {
  return reading('the query', () => {
    requireKeys('the query', query, queryKeys);
    const { order = 'forward', limit = 100, ...rest } = query;
    for (const name of ['stream', 'type', 'correlation', 'causation'] as const) if (rest[name] !== undefined) requireName(name, rest[name]);
    for (const name of ['sinceWallAt', 'untilWallAt'] as const) if (rest[name] !== undefined) requireTime(name, rest[name]);
    if (rest.after !== undefined) requireWhole('after', rest.after);
    if (order !== 'forward' && order !== 'backward') throw invalid('order', 'forward or backward', sortOf(order));
    requireWhole('limit', limit, 1, mostEvents);
    return { ...rest, limit, isBackward: order === 'backward' };
  });
}

/** A page of documents. @throws EspalierError `events/invalid-options` */
export function plannedPage(page: { readonly after?: string; readonly limit?: number }): { readonly after: string; readonly limit: number } {
  return reading('the page', () => {
    requireKeys('the page', page, ['after', 'limit']);
    const { after = '', limit = 100 } = page;
    requireName('after', after, 0);
    requireWhole('limit', limit, 1, mostEvents);
    return { after, limit };
  });
}

const policyKeys = ['stream', 'prefix', 'below', 'olderThanMs', 'keep'] as const;

/** @returns a copy. @throws EspalierError `events/invalid-options` */
export function checkedPolicy(given: PrunePolicy, what = 'the policy'): PrunePolicy {
  const policy = reading(what, () => {
    requireKeys(what, given, policyKeys);
    return { ...given };
  });
  requirePolicy(policy, what);
  return policy;
}

function requirePolicy(policy: PrunePolicy, what: string): void {
  const { stream, prefix, below, olderThanMs, keep } = policy;
  if (stream !== undefined) requireName('stream', stream);
  if (prefix !== undefined) requireName('prefix', prefix);
  if (stream !== undefined && prefix !== undefined) throw invalid(what, 'a stream or a prefix', 'both');
  const bounds = [below, olderThanMs, keep].filter((bound) => bound !== undefined);
  if (bounds.length !== 1) throw invalid(what, 'exactly one of below, olderThanMs, keep', `${bounds.length} of them`);
  if (below !== undefined) requireWhole('below', below);
  if (keep !== undefined) requireWhole('keep', keep);
  duration('olderThanMs', olderThanMs, 0, 0);
}

export const limitKeys = ['maxEventBytes', 'maxDocumentBytes', 'maxPending', 'maxCommitEvents'] as const;

/** @throws EspalierError `events/invalid-options` */
export function plannedLimits(limits: StoreLimits): Required<StoreLimits> {
  for (const name of limitKeys) if (limits[name] !== undefined) requireWhole(name, limits[name], 1);
  const { maxEventBytes = 1_048_576, maxDocumentBytes = 67_108_864, maxPending = 10_000, maxCommitEvents = 1_000 } = limits;
  return { maxEventBytes, maxDocumentBytes, maxPending, maxCommitEvents };
}
