/** What a counter is asked for, checked before anything happens. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Backend } from '../backend/port.js';
import { EspalierError } from '../errors.js';
import { isKeepable, optionChecks, shown } from '../option-checks.js';
import type { CounterKeys, CounterShape } from './counter-record.js';
import { planChecks } from './plan-checks.js';

/** Options of a counter. */
export interface CounterOptions {
  /** All who name the same counter on the same backend count together. At most 200 characters. */
  readonly name: string;
  /** Over so many records it is spread: those who count at once seldom meet. The same for all who use it. Default 8, at most 256. */
  readonly shards?: number;
  /** Keys that each shard remembers: so many others may be counted there before one is counted again. The same for all. Default 100, at most 400. */
  readonly remember?: number;
  /** Calls that may be under way at once, of one owner; a further one is refused, `full`. Default 1 000, at most 10 000. */
  readonly maxPending?: number;
  /** How long a call is tried that says nothing of it, ms. Default 10 000. */
  readonly withinMs?: number;
  /** How long the backend may take for one answer, ms. Default 2 000. */
  readonly callMs?: number;
  /** The pause before the backend is asked again that could not answer, ms. Default 100. */
  readonly retryMs?: number;
}

/** The same with its defaults filled in. */
export interface CounterPlan extends Required<Omit<CounterOptions, 'shards' | 'remember'>> {
  readonly backend: Backend;
  readonly shape: CounterShape;
  readonly keys: CounterKeys;
}

/** `counter/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('counter/invalid-options', { expected: `${name}: ${expected}`, got });
}

const checks = optionChecks(invalid);
export const { requireOptions, requireSignal, duration } = checks;
const { requireText, count } = checks;
const { requireBackend, requireName } = planChecks(checks, invalid);

const known = keysOf<CounterOptions>({
  ...({ name: true, shards: true, remember: true, maxPending: true } as const),
  ...({ withinMs: true, callMs: true, retryMs: true } as const),
});

/** What a counter asks of its backend. */
const methods = ['grant', 'get', 'compareAndSet', 'list'] as const;

/** @throws EspalierError `counter/invalid-options` */
export function planCounter(backend: Backend, options: CounterOptions): CounterPlan {
  requireBackend(backend, methods);
  requireOptions('the options of a counter', options, known);
  const { name } = options;
  requireName(name);
  const prefix = `counter/${name}/`;
  return {
    ...{ backend, name },
    shape: { shards: count('shards', options.shards, 8, 256), remember: count('remember', options.remember, 100, 400) },
    maxPending: count('maxPending', options.maxPending, 1_000, 10_000),
    withinMs: duration('withinMs', options.withinMs, 10_000),
    callMs: duration('callMs', options.callMs, 2_000),
    retryMs: duration('retryMs', options.retryMs, 100),
    keys: { prefix, shape: `${prefix}shape`, shard: `${prefix}shard/` },
  };
}

/** Positive or not, a whole number that JSON keeps as it is. */
export function requireNumber(by: unknown): void {
  if (!Number.isSafeInteger(by)) throw invalid('by', 'a safe integer', shown(by));
}

/** What names one increment: a text of at most 200 characters. */
export function requireKey(key: unknown): void {
  if (key === undefined) return;
  requireText('key', key);
  if (!isKeepable(key as string)) throw invalid('key', 'a text without control characters', `a text of ${(key as string).length}`);
}
