/** What a supervisor is told of its children and of itself: shape, defaults, validation. */
import { type Backoff, longestDelayMs } from '../backoff.js';
import { faultOfKeys, isRecord, keysOf } from './option-keys.js';

/** permanent: always restarted · transient: only after an abnormal exit · temporary: never. */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/** How long a child may take to end when asked: ms, no limit, or not asked at all. */
export type ShutdownMs = number | 'infinity' | 'brutalKill';

/** Which children restart together with one that crashed. */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne';

/** Which ends of significant children end the supervisor. */
export type AutoShutdown = 'never' | 'anySignificant' | 'allSignificant';

/** How many restarts within how long are too many. */
export interface Intensity {
  /** Restarts allowed within the period; one more and the supervisor gives up. 0 allows none. */
  readonly intensity: number;
  /** Length of the sliding window, ms. */
  readonly periodMs: number;
}

/** One child. `{ src, input }` is what OTP calls module, function, arguments: with it a child can be restarted, persisted and inspected. */
export interface ChildSpec<Src extends string = string> {
  /** Unique among its siblings. */
  readonly id: string;
  /** Name of the logic, a key of the supervisor's `actors`. */
  readonly src: Src;
  /** Input of the logic; JSON, and no function: that could be neither saved nor shown, and where XState spawns it is called instead. */
  readonly input?: unknown;
  /** Default `permanent`. */
  readonly restart?: RestartType;
  /** Default 5 000; `infinity` for a supervisor. */
  readonly shutdownMs?: ShutdownMs;
  /** A label, as in OTP: it affects counts and the default of `shutdownMs`. Default `worker`. */
  readonly type?: 'worker' | 'supervisor';
  /** May its end shut the supervisor down? Default false. */
  readonly significant?: boolean;
  /** Deadline of a slow start, ms; past it the start has failed. Default none, as in OTP. Beyond OTP. */
  readonly startMs?: number;
  /** Wait between restarts. Default none: restarted at once, as in OTP. Beyond OTP. */
  readonly backoff?: Backoff;
  /** Restarts of this child alone; once spent it stays down and its siblings live on. Default none. Beyond OTP. */
  readonly budget?: Intensity;
}

/** A child spec with its defaults filled in. */
export interface ResolvedSpec extends ChildSpec {
  readonly restart: RestartType;
  readonly shutdownMs: ShutdownMs;
  readonly type: 'worker' | 'supervisor';
  readonly significant: boolean;
}

/** A logic run to its end before the first child starts (OTP's init/1). */
export interface InitSpec {
  /** Name of the logic, a key of the supervisor's `actors`. */
  readonly src: string;
  /** Input of the logic; JSON, and no function. */
  readonly input?: unknown;
}

/** Input of the supervisor machine. */
export interface SupervisorInput<Src extends string = string> extends Partial<Intensity> {
  /** Default `oneForOne`. */
  readonly strategy?: Strategy;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown;
  /** Started in this order, stopped in reverse. Default none. */
  readonly children?: readonly ChildSpec<Src>[];
  /** Run to its end before the first child starts. Default none. */
  readonly init?: InitSpec;
  /** Most calls that wait while the supervisor is busy; further ones are answered `overloaded`. Default 1 000. */
  readonly maxPending?: number;
}

/** Input of the dynamic supervisor machine. */
export interface DynamicSupervisorInput<Src extends string = string> extends Partial<Intensity> {
  /** Default `infinity`. */
  readonly maxChildren?: number | 'infinity';
  /** Present: every child is an instance of this spec (OTP's simple_one_for_one). */
  readonly template?: Omit<ChildSpec<Src>, 'id'> & { readonly id?: string };
  /** Run to its end before the first child starts. Default none. */
  readonly init?: InitSpec;
  /** Most calls that wait while the supervisor is busy; further ones are answered `overloaded`. Default 1 000. */
  readonly maxPending?: number;
}

/** What else may be in a supervisor's input, from those who make it and not from the app. */
export interface SupervisorBinding {
  /** Every name that a `src` may be: the actors that the machine was provided with. Absent: any, and the pool finds out. */
  readonly srcs?: readonly string[];
  /** Which copy this is: a partition supervisor adds it to an input that is an object. */
  readonly partition?: number;
}

const bindingKeys = keysOf<SupervisorBinding>({ srcs: true, partition: true });
const flagKeys = { intensity: true, periodMs: true, init: true, maxPending: true } as const;
/** What a supervisor may be told. */
export const supervisorKeys = keysOf<SupervisorInput>({ strategy: true, ...flagKeys, autoShutdown: true, children: true });
/** What a dynamic supervisor may be told; `autoShutdown` only so as to be refused as OTP does. */
export const dynamicSupervisorKeys = keysOf<DynamicSupervisorInput & { autoShutdown: unknown }>({
  ...flagKeys,
  maxChildren: true,
  template: true,
  autoShutdown: true,
});
const specKeys = keysOf<ChildSpec>({
  id: true,
  src: true,
  input: true,
  restart: true,
  shutdownMs: true,
  type: true,
  significant: true,
  startMs: true,
  backoff: true,
  budget: true,
});

/** Elixir's default: three restarts in five seconds. OTP's own is one. */
export const defaultIntensity: Intensity = { intensity: 3, periodMs: 5_000 };

/** Most calls that wait at a busy supervisor. */
export const defaultMaxPending = 1_000;

/** A fault of an option: an error code, what was expected, what came, and OTP's term for it. */
export interface Problem {
  readonly code: ProblemCode;
  readonly expected: string;
  readonly got: unknown;
  readonly term: unknown;
}

/** The codes of src/errors.ts that a {@link Problem} may carry. */
export type ProblemCode = `supervision/${
  | 'invalid-options'
  | 'invalid-strategy'
  | 'invalid-intensity'
  | 'invalid-period'
  | 'invalid-auto-shutdown'
  | 'invalid-max-children'
  | 'invalid-max-pending'
  | 'invalid-init'
  | 'invalid-children'
  | 'missing-id'
  | 'invalid-id'
  | 'missing-src'
  | 'unknown-src'
  | 'invalid-input'
  | 'invalid-restart'
  | 'invalid-shutdown'
  | 'invalid-type'
  | 'invalid-significant'
  | 'bad-combination'
  | 'duplicate-child'
  | 'invalid-start-deadline'
  | 'invalid-backoff'
  | 'invalid-budget'
  | 'invalid-template'}`;

/** Fills in the defaults. @see OTP supervisor — child_spec() */
export function resolveSpec(spec: ChildSpec): ResolvedSpec {
  const type = spec.type ?? 'worker';
  return {
    ...spec,
    type,
    restart: spec.restart ?? 'permanent',
    shutdownMs: spec.shutdownMs ?? (type === 'supervisor' ? 'infinity' : 5_000),
    significant: spec.significant ?? false,
  };
}

/**
 * The first fault of a child spec, in OTP's order and then in ours; null when there is none.
 * @param srcs  every name that `src` may be; absent: any
 * @throws never
 * @see OTP supervisor.erl check_childspec/2
 */
export function problemOfSpec(spec: ChildSpec, autoShutdown: AutoShutdown, srcs?: readonly string[]): Problem | null {
  if (!isRecord(spec)) return problem('missing-id', 'a child spec with an `id`', spec, 'missingId');
  const { id, src, restart = 'permanent', type = 'worker', significant = false, shutdownMs } = spec as Partial<ChildSpec>;
  if (id === undefined) return problem('missing-id', 'a child spec with an `id`', spec, 'missingId');
  if (typeof id !== 'string' || id === '') return problem('invalid-id', 'a non-empty string as `id`', id, ['invalidId', id]);
  if (src === undefined) return problem('missing-src', '`src`, the name of a logic among `actors`', spec, 'missingStart');
  if (typeof src !== 'string') return problem('missing-src', '`src`, the name of a logic among `actors`', src, ['invalidMfa', src]);
  if (!isOneOf(restart, ['permanent', 'transient', 'temporary']))
    return problem('invalid-restart', '`restart` to be permanent, transient or temporary', restart, ['invalidRestartType', restart]);
  if (!isOneOf(type, ['worker', 'supervisor'])) return problem('invalid-type', '`type` to be worker or supervisor', type, ['invalidChildType', type]);
  const faulty = problemOfSignificant(significant, restart, autoShutdown);
  if (faulty !== null) return faulty;
  if (shutdownMs !== undefined && !isDuration(shutdownMs) && !isOneOf(shutdownMs, ['infinity', 'brutalKill']))
    return problem('invalid-shutdown', '`shutdownMs` to be at least 0, infinity or brutalKill', shutdownMs, ['invalidShutdown', shutdownMs]);
  return problemBeyondOtp(spec, srcs);
}

function problemOfSignificant(significant: unknown, restart: string, autoShutdown: AutoShutdown): Problem | null {
  if (typeof significant !== 'boolean')
    return problem('invalid-significant', '`significant` to be true or false', significant, ['invalidSignificant', significant]);
  if (!significant) return null;
  if (autoShutdown === 'never') {
    const got = [
      ['autoShutdown', 'never'],
      ['significant', true],
    ];
    return problem('bad-combination', 'significant children only where autoShutdown is not never', got, ['badCombination', got]);
  }
  if (restart !== 'permanent') return null;
  const got = [
    ['restart', 'permanent'],
    ['significant', true],
  ];
  return problem('bad-combination', 'a significant child to be transient or temporary', got, ['badCombination', got]);
}

function problemBeyondOtp(spec: ChildSpec, srcs: readonly string[] | undefined): Problem | null {
  const { src, input, startMs, backoff, budget } = spec;
  const fault = faultOfKeys(spec, specKeys, 'a child spec');
  if (fault !== null) return problem('invalid-options', fault.expected, fault.got, ['unknownKey', fault.got]);
  if (srcs?.includes(src) === false) return problem('unknown-src', wordsOf(srcs), src, ['unknownSrc', src]);
  if (typeof input === 'function') return problem('invalid-input', '`input` that is data, and no function', input, ['invalidInput', input]);
  if (startMs !== undefined && !(isDuration(startMs) && startMs > 0))
    return problem('invalid-start-deadline', '`startMs` to be more than 0', startMs, ['invalidStartMs', startMs]);
  if (backoff !== undefined && !isBackoff(backoff))
    return problem('invalid-backoff', `\`backoff\` with ${wholeBackoff}`, backoff, ['invalidBackoff', backoff]);
  if (budget !== undefined && !(isRecord(budget) && isCount(budget.intensity) && isDuration(budget.periodMs) && budget.periodMs > 0))
    return problem('invalid-budget', '`budget` with a whole intensity of at least 0 and a periodMs above 0', budget, ['invalidBudget', budget]);
  return null;
}

function wordsOf(srcs: readonly string[]): string {
  return `a src among the actors ${srcs.join(', ') || '(none)'}`;
}

/**
 * The first fault of a supervisor's input; null when there is none.
 * @throws never
 * @see OTP supervisor.erl check_flags/1, check_startspec/2
 */
export function problemOfSupervisor(input: SupervisorInput & SupervisorBinding): Problem | null {
  const misspelt = problemOfOptions(input, supervisorKeys, 'the options of a supervisor');
  if (misspelt !== null) return misspelt;
  const { strategy = 'oneForOne', autoShutdown = 'never', children = [], srcs } = input;
  if (!isOneOf(strategy, ['oneForOne', 'oneForAll', 'restForOne']))
    return flag('invalid-strategy', '`strategy` to be oneForOne, oneForAll or restForOne', strategy, 'invalidStrategy');
  const faulty = problemOfFlags(input) ?? problemOfAutoShutdown(autoShutdown);
  if (faulty !== null) return faulty;
  if (!Array.isArray(children)) return problem('invalid-children', '`children` to be a list', children, ['badStartSpec', children]);
  const seen = new Set<string>();
  for (const spec of children as readonly ChildSpec[]) {
    const fault = problemOfSpec(spec, autoShutdown, srcs);
    if (fault !== null) return { ...fault, term: ['startSpec', fault.term] };
    if (seen.has(spec.id))
      return problem('duplicate-child', 'every child to have an id of its own', spec.id, ['startSpec', ['duplicateChildName', spec.id]]);
    seen.add(spec.id);
  }
  return null;
}

/**
 * The first fault of a dynamic supervisor's input; null when there is none.
 * @throws never
 */
export function problemOfDynamicSupervisor(input: DynamicSupervisorInput & SupervisorBinding & { readonly autoShutdown?: unknown }): Problem | null {
  const misspelt = problemOfOptions(input, dynamicSupervisorKeys, 'the options of a dynamic supervisor');
  if (misspelt !== null) return misspelt;
  const { maxChildren = 'infinity', template, srcs } = input;
  const faulty = problemOfFlags(input) ?? problemOfDynamicAutoShutdown(input);
  if (faulty !== null) return faulty;
  if (maxChildren !== 'infinity' && !isCount(maxChildren))
    return flag('invalid-max-children', '`maxChildren` to be a whole number of at least 0, or infinity', maxChildren, 'invalidMaxChildren');
  if (template === undefined) return null;
  if (!isRecord(template)) return problem('invalid-template', '`template` to be a child spec', template, ['badStartSpec', template]);
  const fault = problemOfSpec({ ...template, id: template.id ?? 'template' }, 'never', srcs);
  return fault === null ? null : { ...fault, term: ['startSpec', fault.term] };
}

function problemOfAutoShutdown(autoShutdown: unknown): Problem | null {
  if (isOneOf(autoShutdown, ['never', 'anySignificant', 'allSignificant'])) return null;
  return flag('invalid-auto-shutdown', '`autoShutdown` to be never, anySignificant or allSignificant', autoShutdown, 'invalidAutoShutdown');
}

/** Children that come and go have none among them that is significant. @see OTP supervisor.erl, since OTP 26: bad_combination */
function problemOfDynamicAutoShutdown({ autoShutdown = 'never' }: { autoShutdown?: unknown }): Problem | null {
  if (autoShutdown === 'never') return null;
  const faulty = problemOfAutoShutdown(autoShutdown);
  if (faulty !== null) return faulty;
  const got = ['autoShutdown', autoShutdown];
  const term = ['supervisorData', ['badCombination', [['strategy', 'simpleOneForOne'], got]]];
  return problem('bad-combination', 'no autoShutdown in a dynamic supervisor', got, term);
}

/** Is it an object of options, with names that are known? @param known  those that an app may give */
export function problemOfOptions(options: unknown, known: readonly string[], what: string): Problem | null {
  const fault = faultOfKeys(options, known, what, bindingKeys);
  return fault === null ? null : flag('invalid-options', fault.expected, fault.got, 'invalidOptions');
}

function problemOfFlags(input: Partial<Intensity> & { init?: InitSpec; maxPending?: number } & SupervisorBinding): Problem | null {
  const { intensity = 0, periodMs = 1, maxPending = 1, init, srcs } = input;
  if (!isCount(intensity)) return flag('invalid-intensity', '`intensity` to be a whole number of at least 0', intensity, 'invalidIntensity');
  if (!(isDuration(periodMs) && periodMs > 0)) return flag('invalid-period', '`periodMs` to be more than 0', periodMs, 'invalidPeriod');
  if (!isCount(maxPending)) return flag('invalid-max-pending', '`maxPending` to be a whole number of at least 0', maxPending, 'invalidMaxPending');
  if (init === undefined) return null;
  if (typeof init?.src !== 'string') return flag('invalid-init', '`init` with a `src`', init, 'invalidInit');
  if (typeof init.input === 'function')
    return flag('invalid-init', '`init` with an `input` that is data, and no function', init.input, 'invalidInit');
  if (srcs?.includes(init.src) === false) return flag('unknown-src', wordsOf(srcs), init.src, 'unknownSrc');
  return null;
}

type Suffix = ProblemCode extends `supervision/${infer Name}` ? Name : never;

function problem(name: Suffix, expected: string, got: unknown, term: unknown): Problem {
  return { code: `supervision/${name}`, expected, got, term };
}

function flag(name: Suffix, expected: string, got: unknown, atom: string): Problem {
  return problem(name, expected, got, ['supervisorData', [atom, got]]);
}

function isOneOf(value: unknown, allowed: readonly string[]): boolean {
  return allowed.includes(value as string);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return isDuration(value) && Number.isInteger(value);
}

/** What a {@link Backoff} must be, in words. */
export const wholeBackoff = `0 ≤ minMs ≤ maxMs ≤ ${longestDelayMs}, factor ≥ 1, jitter 0 to 1, resetAfterMs ≥ 0`;

/** Is it a whole backoff, as {@link wholeBackoff} has it? @throws never */
export function isBackoff(value: Backoff): boolean {
  if (!isRecord(value)) return false;
  const { minMs, maxMs, factor, jitter, resetAfterMs, seed = 1 } = value;
  return (
    isDuration(minMs) &&
    isDuration(maxMs) &&
    minMs <= maxMs &&
    maxMs <= longestDelayMs &&
    isDuration(factor) &&
    factor >= 1 &&
    isDuration(jitter) &&
    jitter <= 1 &&
    isDuration(resetAfterMs) &&
    Number.isInteger(seed)
  );
}
