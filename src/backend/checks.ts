/** What a backend is asked for, checked before anything happens. Of values, nothing is shown. */
import { EspalierError } from '../errors.js';
import { isAbortSignal, isKeepable, isPlainObject, longestMs, shown, sortOf } from '../option-checks.js';
import type { BackendClock, BackendLimits, CallOptions } from './port.js';

const longestKey = 512;
/** Lists and objects within each other, as deep as SQLite's own JSON goes: what is taken once can be written, with more around it, wherever it goes then. */
const deepest = 1_000;

export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('backend/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** Refuses names that nobody knows: a misspelt option would silently be the default. */
export function requireKeys(name: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalid(name, 'a plain object', sortOf(options));
  for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, key.slice(0, 40));
}

/** A text that every engine can keep as it is: no control characters, no half of a surrogate pair. */
export function requireText(what: string, value: unknown, least = 1, most = longestKey): asserts value is string {
  const expected = `a text of ${least} to ${most} characters without control characters`;
  if (typeof value !== 'string') throw invalid(what, expected, sortOf(value));
  if (value.length < least || value.length > most || !isKeepable(value)) throw invalid(what, expected, `a text of ${value.length}`);
}

export function requireWhole(what: string, value: unknown, least = 0, most: number = Number.MAX_SAFE_INTEGER): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const until = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `${least} to ${most}`;
  throw invalid(what, `a whole number ${until}`, shown(value));
}

export function requireMs(what: string, value: unknown, most: number = longestMs): asserts value is number {
  if (typeof value !== 'number' || !(value >= 1 && value <= most)) throw invalid(what, `a number of ms, 1 to ${most}`, shown(value));
}

export function requireClock(clock: unknown): asserts clock is BackendClock {
  const { now, setTimeout: set, clearTimeout: clear } = (clock ?? {}) as Partial<BackendClock>;
  if ([now, set, clear].some((method) => typeof method !== 'function')) throw invalid('clock', 'now, setTimeout and clearTimeout', sortOf(clock));
}

/** Options that every call takes, beside its own. */
export function requireCall(what: string, call: CallOptions, own: readonly string[] = []): void {
  requireKeys(what, call, ['signal', 'withinMs', ...own]);
  if (call.signal !== undefined && !isAbortSignal(call.signal)) throw invalid('signal', 'an AbortSignal', sortOf(call.signal));
  if (call.withinMs !== undefined) requireMs('withinMs', call.withinMs);
}

/** JSON as it is kept. @throws EspalierError `backend/invalid-value` for what is none, or too deep */
export function jsonTextOf(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    cause = error;
  }
  if (text === undefined) throw new EspalierError('backend/invalid-value', { expected: 'JSON', got: sortOf(value) }, { cause });
  if (isTooDeep(text)) throw new EspalierError('backend/invalid-value', { expected: `JSON that is at most ${deepest} deep`, got: sortOf(value) });
  return text;
}

/** Told by its brackets, without a call for each: what is too deep for the stack is found out too. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * deepest) return false;
  let [depth, isInText] = [0, false];
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === '"') isInText = !isInText;
    else if (isInText) at += mark === '\\' ? 1 : 0;
    else if (mark === '[' || mark === '{') depth++;
    else if (mark === ']' || mark === '}') depth--;
    if (depth > deepest) return true;
  }
  return false;
}

const defaults: Required<BackendLimits> = {
  ...{ maxKeys: 10_000, maxValueBytes: 65_536, maxBytes: 33_554_432, maxLeases: 10_000, maxLeaseKeys: 256, maxTtlMs: 3_600_000 },
  ...{ maxWatches: 1_000, maxHistory: 10_000, maxWaiting: 10_000, callMs: 10_000 },
};

/** What one commit of a store can take, and one document of it: beyond that a limit would be no limit. */
const most: Partial<Record<keyof BackendLimits, number>> = { maxValueBytes: 524_288, maxBytes: 33_554_432, maxLeaseKeys: 256, maxKeys: 100_000 };

export const limitKeys = Object.keys(defaults) as (keyof BackendLimits)[];

/** @throws EspalierError `backend/invalid-options` */
export function plannedLimits(limits: BackendLimits): Required<BackendLimits> {
  for (const name of limitKeys) {
    if (limits[name] === undefined) continue;
    if (name === 'callMs' || name === 'maxTtlMs') requireMs(name, limits[name]);
    else requireWhole(name, limits[name], 1, most[name]);
  }
  return { ...defaults, ...Object.fromEntries(limitKeys.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]]]))) };
}
