/** What an oracle is told of a tree: flags, child specs, and how each child behaves. Its defaults, and what OTP answers to nonsense. */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { AutoShutdown, RestartType, ShutdownMs, Strategy } from '../../../machines/supervision/child-spec.js';

/**
 * What one attempt to start a child does. `delayMs`: it takes that long first, and the supervisor is blocked meanwhile.
 *
 * - `ok`: it runs. `info`: what its start returns beside it · `endsAfterMs`: a worker that ends by itself so long after its start, with `reason`
 *   (default `normal`)
 * - `fail`: the start returns an error (or nonsense, which is its own reason)
 * - `crash`: the start throws `reason`; the failure is `['EXIT', reason]`
 * - `decline`: nothing to run, and no fault
 */
export type OracleStart =
  | { readonly do: 'ok'; readonly delayMs?: number; readonly info?: unknown; readonly endsAfterMs?: number; readonly reason?: ExitReason }
  | { readonly do: 'fail' | 'crash'; readonly delayMs?: number; readonly reason: unknown }
  | { readonly do: 'decline'; readonly delayMs?: number };

/**
 * What a worker does when it is asked to end.
 *
 * - `prompt`: ends at once with the reason that it was asked with
 * - `ignore`: goes on; only a kill ends it
 * - `{ delayMs, reason }`: hears nothing but a kill for so long, then ends with `reason` (default that of the request)
 */
export type OracleStop = 'prompt' | 'ignore' | { readonly delayMs?: number; readonly reason?: ExitReason };

/** Flags of a supervisor: {@link OracleFlags.strategy} also says of which kind it is. */
export interface OracleFlags {
  /**
   * Default `oneForOne`. `simpleOneForOne`: OTP's, the single child spec is the template of all instances · `dynamic`: Elixir's DynamicSupervisor,
   * which has no child specs of its own.
   */
  readonly strategy?: Strategy | 'simpleOneForOne' | 'dynamic';
  /** Default 3, the library's (and Elixir's); OTP's own default is 1. */
  readonly intensity?: number;
  /** Default 5 000. */
  readonly periodMs?: number;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown;
  /** Of a `dynamic` one. Default `infinity`. */
  readonly maxChildren?: number | 'infinity';
  /** What its own attempts to start do, before its first child starts. Default `[{ do: 'ok' }]`. */
  readonly start?: readonly OracleStart[];
}

/** One child, and how it behaves. */
export interface OracleSpec {
  /** Its name in paths; among the children of a static supervisor it is unique. */
  readonly id: string;
  /** Default `permanent`. */
  readonly restart?: RestartType;
  /** ms. Default 5 000; `infinity` for a supervisor. */
  readonly shutdownMs?: ShutdownMs;
  /** A label. Default `worker`. */
  readonly type?: 'worker' | 'supervisor';
  /** Default false. */
  readonly significant?: boolean;
  /**
   * Of a worker: the k-th attempt at its path does the k-th, the last one repeats; never reset. Default `[{ do: 'ok' }]`. An empty list is no start
   * function at all, which is a fault.
   */
  readonly start?: readonly OracleStart[];
  /** Of a worker. Default `prompt`. */
  readonly stop?: OracleStop;
  /** Present: the child is itself a supervisor. */
  readonly supervisor?: OracleFlags & { readonly children?: readonly OracleSpec[] };
}

/** A spec with its defaults. */
export type ResolvedOracleSpec = OracleSpec & Required<Pick<OracleSpec, 'restart' | 'shutdownMs' | 'type' | 'significant'>>;

/** @see OTP supervisor — child_spec(): defaults */
export function resolve(spec: OracleSpec): ResolvedOracleSpec {
  const { type = 'worker', restart = 'permanent', significant = false } = spec;
  return { ...spec, type, restart, significant, shutdownMs: spec.shutdownMs ?? (type === 'supervisor' ? 'infinity' : 5_000) };
}

/** Flags with their defaults. */
export type ResolvedOracleFlags = OracleFlags & Required<Omit<OracleFlags, 'start'>>;

export function resolveFlags(flags: OracleFlags): ResolvedOracleFlags {
  return { strategy: 'oneForOne', intensity: 3, periodMs: 5_000, autoShutdown: 'never', maxChildren: 'infinity', ...flags };
}

/**
 * OTP's term for the first fault of a supervisor's flags; null when there is none.
 * @see OTP supervisor.erl do_check_flags/1 · Elixir DynamicSupervisor init/2
 */
export function faultOfFlags({ strategy, intensity, periodMs, autoShutdown, maxChildren }: ResolvedOracleFlags): unknown {
  if (!['oneForOne', 'oneForAll', 'restForOne', 'simpleOneForOne', 'dynamic'].includes(strategy)) return ['invalidStrategy', strategy];
  if (!isCount(intensity)) return ['invalidIntensity', intensity];
  if (!(isDuration(periodMs) && periodMs > 0)) return ['invalidPeriod', periodMs];
  if (strategy === 'dynamic') return maxChildren === 'infinity' || isCount(maxChildren) ? null : ['invalidMaxChildren', maxChildren];
  if (!['never', 'anySignificant', 'allSignificant'].includes(autoShutdown)) return ['invalidAutoShutdown', autoShutdown];
  if (strategy !== 'simpleOneForOne' || autoShutdown === 'never') return null;
  // Since OTP 26.
  return [
    'badCombination',
    [
      ['strategy', strategy],
      ['autoShutdown', autoShutdown],
    ],
  ];
}

/**
 * OTP's term for the first fault of a child spec; null when there is none.
 * @see OTP supervisor.erl do_check_childspec/2
 */
export function faultOfSpec(spec: OracleSpec, autoShutdown: AutoShutdown): unknown {
  const { id, restart, type, significant, shutdownMs } = resolve(spec);
  if ((id as string | undefined) === undefined) return 'missingId';
  if (spec.start?.length === 0) return 'missingStart';
  if (!['permanent', 'transient', 'temporary'].includes(restart)) return ['invalidRestartType', restart];
  const fault = faultOfSignificant(significant, restart, autoShutdown);
  if (fault !== null) return fault;
  if (!['worker', 'supervisor'].includes(type)) return ['invalidChildType', type];
  return isDuration(shutdownMs) || shutdownMs === 'infinity' || shutdownMs === 'brutalKill' ? null : ['invalidShutdown', shutdownMs];
}

/** @see OTP supervisor.erl validSignificant/3 */
function faultOfSignificant(significant: unknown, restart: RestartType, autoShutdown: AutoShutdown): unknown {
  if (typeof significant !== 'boolean') return ['invalidSignificant', significant];
  if (!significant) return null;
  if (autoShutdown === 'never')
    return [
      'badCombination',
      [
        ['autoShutdown', 'never'],
        ['significant', true],
      ],
    ];
  return restart === 'permanent'
    ? [
        'badCombination',
        [
          ['restart', 'permanent'],
          ['significant', true],
        ],
      ]
    : null;
}

/** @see OTP supervisor.erl check_startspec/2 */
export function faultOfSpecs(specs: readonly OracleSpec[], autoShutdown: AutoShutdown): unknown {
  const seen = new Set<string>();
  for (const spec of specs) {
    const fault = faultOfSpec(spec, autoShutdown);
    if (fault !== null) return fault;
    if (seen.has(spec.id)) return ['duplicateChildName', spec.id];
    seen.add(spec.id);
  }
  return null;
}

function isCount(value: unknown): boolean {
  return isDuration(value) && Number.isInteger(value);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
