/** What a gate is asked for, checked, and turned into the input of its chart and the policies of its keys. */
import type { GateInput, KeyPolicy } from '../../machines/gate/gate-events.js';
import type { Adaptive } from '../../machines/gate/level.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { RatePolicy } from './budget.js';
import { count, duration, invalid, numberOr, requireKey, requireOptions } from './refusal.js';

/** What may be said of every key, and of single ones. */
export interface KeyOptions {
  /** Permits at a time, a whole number; 0 shuts the key, `unlimited` is no limit. Default 4. */
  readonly permits?: number | 'unlimited';
  /**
   * Does the number of permits follow the service? It begins at `permits`; the first 429 of those that were under way takes it to `factor` of itself
   * (default 0.5), and as many successes as there are permits add one; never below `floor` (default 1) nor above `ceiling` (default twice `permits`).
   * Default false.
   */
  readonly adaptive?: boolean | Partial<Adaptive>;
  /** At most so many requests, so many tokens, or both, within any `windowMs` (default 60 000). Default: no limit. */
  readonly rate?: { readonly requests?: number; readonly tokens?: number; readonly windowMs?: number };
  /** How many may wait; who comes beyond is refused, `full`. Default 1 000. */
  readonly maxWaiting?: number;
}

/** Options of a gate; each may be left out. A name that is not here is refused. */
export interface GateOptions extends KeyOptions {
  /** What is different for single keys; what they leave out is as for every key. */
  readonly keys?: Readonly<Record<string, KeyOptions>>;
  /** How many keys may be in use at a time; those that rest are forgotten first. Default 10 000. */
  readonly maxKeys?: number;
  /** How long an acquisition waits that says nothing, ms. Default 60 000. */
  readonly waitMs?: number;
  /** The lease of permits that nobody watches, for want of a holder and a signal, ms. Default 300 000. */
  readonly leaseMs?: number;
}

/** How one key is dealt with; `permits` and `adaptive` are the chart's. */
export interface LanePolicy extends KeyPolicy {
  readonly rate: RatePolicy | null;
  readonly maxWaiting: number;
}

/** What the options come to. */
export interface GatePlan {
  readonly input: GateInput;
  readonly maxKeys: number;
  readonly waitMs: number;
  readonly leaseMs: number;
  policy(key: string): LanePolicy;
}

const keyOptions = keysOf<KeyOptions>({ permits: true, adaptive: true, rate: true, maxWaiting: true });
const gateOptions = [...keyOptions, 'keys', 'maxKeys', 'waitMs', 'leaseMs'];

/**
 * Checks the options of a gate.
 * @throws EspalierError `gate/invalid-options`, with the option's name
 */
export function planGate(options: GateOptions): GatePlan {
  requireOptions('the options of a gate', options, gateOptions);
  const { keys = {}, permits, adaptive, rate, maxWaiting } = options;
  requireOptions('keys', keys, Object.keys(keys ?? {}));
  const given: KeyOptions = {
    ...(permits === undefined ? {} : { permits }),
    ...(adaptive === undefined ? {} : { adaptive }),
    ...(rate === undefined ? {} : { rate }),
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
  };
  const common = planKey('', given);
  const own = new Map<string, LanePolicy>();
  for (const [key, particular] of Object.entries(keys)) {
    requireKey(key);
    requireOptions(`keys['${key}']`, particular, keyOptions);
    own.set(key, planKey(`keys['${key}'].`, { ...given, ...particular }));
  }
  return {
    input: {
      ...chartPolicy(common),
      keys: Object.fromEntries([...own].map(([key, policy]) => [key, chartPolicy(policy)])),
      intensity: 10,
      periodMs: 5_000,
    },
    maxKeys: count('maxKeys', options.maxKeys, 10_000, 1),
    waitMs: duration('waitMs', options.waitMs, 60_000),
    leaseMs: duration('leaseMs', options.leaseMs, 300_000, 1),
    policy: (key) => own.get(key) ?? common,
  };
}

const chartPolicy = ({ permits, adaptive }: LanePolicy): KeyPolicy => ({ permits, adaptive });

function planKey(at: string, { permits, adaptive = false, rate, maxWaiting }: KeyOptions): LanePolicy {
  const level = permitsOf(`${at}permits`, permits);
  return {
    permits: level,
    adaptive: planAdaptive(`${at}adaptive`, adaptive, level),
    rate: rate === undefined ? null : planRate(`${at}rate`, rate),
    maxWaiting: count(`${at}maxWaiting`, maxWaiting, 1_000),
  };
}

/** Permits as the chart has them: null is no limit. @throws EspalierError `gate/invalid-options` */
export function permitsOf(name: string, permits: unknown): number | null {
  if (permits === 'unlimited') return null;
  if (permits === undefined || (Number.isSafeInteger(permits) && (permits as number) >= 0)) return (permits as number | undefined) ?? 4;
  throw invalid(name, "a whole number of at least 0, or 'unlimited'", numberOr(permits));
}

function planAdaptive(name: string, adaptive: boolean | Partial<Adaptive>, permits: number | null): Adaptive | null {
  if (typeof adaptive !== 'boolean') requireOptions(name, adaptive, ['floor', 'ceiling', 'factor']);
  if (adaptive === false) return null;
  if (permits === null || permits === 0) throw invalid(name, 'permits of at least 1 to begin with', permits ?? 'unlimited');
  const { floor, ceiling, factor = 0.5 }: Partial<Adaptive> = adaptive === true ? {} : adaptive;
  const whole = { floor: count(`${name}.floor`, floor, 1, 1), ceiling: count(`${name}.ceiling`, ceiling, 2 * permits, 1), factor };
  if (typeof factor !== 'number' || !(factor > 0 && factor < 1)) throw invalid(`${name}.factor`, 'above 0 and below 1', factor);
  if (whole.floor > permits || permits > whole.ceiling) throw invalid(name, 'floor ≤ permits ≤ ceiling', { ...whole, permits });
  return whole;
}

function planRate(name: string, rate: NonNullable<KeyOptions['rate']>): RatePolicy {
  requireOptions(name, rate, ['requests', 'tokens', 'windowMs']);
  if (rate.requests === undefined && rate.tokens === undefined) throw invalid(name, 'requests, tokens, or both', 'neither');
  return {
    requests: count(`${name}.requests`, rate.requests, Infinity, 1),
    tokens: count(`${name}.tokens`, rate.tokens, Infinity, 1),
    windowMs: duration(`${name}.windowMs`, rate.windowMs, 60_000, 1),
  };
}
