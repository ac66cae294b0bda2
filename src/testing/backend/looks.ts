/** What the cases of the contract ask of an outcome. */
import { equal, fail } from 'node:assert/strict';
import type { Backend, BackendChange, BackendEntry, BackendWatch, SetOptions, WatchAnswer } from '../../backend/port.js';

type Good<Outcome> = Extract<Outcome, { readonly outcome: 'ok' }>;

/** The outcome, where it is `ok`. @throws AssertionError */
export async function ok<Outcome extends { readonly outcome: string }>(outcome: Promise<Outcome> | Outcome): Promise<Good<Outcome>> {
  const settled = await outcome;
  return settled.outcome === 'ok' ? (settled as Good<Outcome>) : fail(`expected ok, got: ${JSON.stringify(settled)}`);
}

/** @throws AssertionError where the outcome is another */
export async function is<Outcome extends { readonly outcome: string }, Word extends Outcome['outcome']>(
  outcome: Promise<Outcome> | Outcome,
  word: Word,
): Promise<Extract<Outcome, { readonly outcome: Word }>> {
  const settled = await outcome;
  if (settled.outcome !== word) fail(`expected ${word}, got: ${JSON.stringify(settled)}`);
  return settled as Extract<Outcome, { readonly outcome: Word }>;
}

/** Refused, for this reason. @throws AssertionError */
export async function isRefused(outcome: Promise<{ readonly outcome: string }>, reason: string, what?: string): Promise<void> {
  const settled = (await outcome) as { outcome: string; reason?: string; what?: string };
  equal(`${settled.outcome} ${settled.reason}`, `refused ${reason}`);
  if (what !== undefined) equal(settled.what, what);
}

/** Lists, so many within each other. */
export function deep(depth: number): unknown {
  return JSON.parse('['.repeat(depth) + ']'.repeat(depth));
}

export async function put(backend: Backend, key: string, expected: number, value: unknown, options?: SetOptions): Promise<number> {
  return (await ok(backend.compareAndSet(key, expected, value, options))).revision;
}

export async function entryAt(backend: Backend, key: string): Promise<BackendEntry | null> {
  return (await ok(backend.get(key))).entry;
}

/** What stands under a key; undefined for nothing. */
export async function valueAt(backend: Backend, key: string): Promise<unknown> {
  const entry = await entryAt(backend, key);
  return entry === null ? undefined : entry.value;
}

export async function leaseFor(backend: Backend, ttlMs: number): Promise<string> {
  return (await ok(backend.grant(ttlMs))).lease;
}

export async function headOf(backend: Backend): Promise<number> {
  return (await ok(backend.status())).revision;
}

export async function watchOf(backend: Backend, prefix: string, from?: number): Promise<BackendWatch> {
  return (await ok(backend.watch(prefix, from === undefined ? {} : { from }))).watch;
}

/** Lets time go by. */
type Advance = (ms: number) => Promise<void>;

/** What a watch answers, or that it is `quiet`: it must not need more time than this. */
export function heard(advance: Advance, watch: BackendWatch): Promise<WatchAnswer> {
  return soon(advance, watch.next({ withinMs: patienceMs }));
}

/** How long a case waits for what must have come. */
export const patienceMs = 1_000;

/** What comes at once where all is well; where it does not, time goes by until whoever was asked gives up. */
export async function soon<Answer>(advance: Advance, answer: Promise<Answer>): Promise<Answer> {
  const isThere = await Promise.race([answer.then(() => true), advance(0).then(() => false)]);
  if (!isThere) await advance(patienceMs);
  return answer;
}

/** The next changes, so many in all. @throws AssertionError where something else is told, or fewer */
export async function told(advance: Advance, watch: BackendWatch, count: number): Promise<readonly BackendChange[]> {
  const changes: BackendChange[] = [];
  while (changes.length < count) changes.push(...(await is<WatchAnswer, 'changes'>(heard(advance, watch), 'changes')).changes);
  equal(changes.length, count);
  return changes;
}

/** A change in a word: `set a`, `deleted a`. */
export function wordOf({ type, key }: BackendChange): string {
  return `${type} ${key}`;
}
