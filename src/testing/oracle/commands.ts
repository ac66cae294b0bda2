/** What is done to an oracle's tree, and what comes of it. */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { OracleSpec, ResolvedOracleSpec } from './specs.js';

/** A request to a running supervisor, by its path. It is queued while the supervisor is busy, and answered with an effect `replied`. */
export type OracleCall =
  /** Under a template the `id` names the new instance, and only `start` and `stop` are read. */
  | { readonly type: 'startChild'; readonly supervisor: string; readonly spec: OracleSpec }
  /** By the id of a spec; `by: 'path'`: by the process that runs (or ran last) at the path `child` now. */
  | { readonly type: 'terminateChild'; readonly supervisor: string; readonly child: string; readonly by?: 'id' | 'path' }
  | { readonly type: 'restartChild' | 'deleteChild' | 'childSpec'; readonly supervisor: string; readonly child: string }
  /** Default `normal`. */
  | { readonly type: 'stop'; readonly supervisor: string; readonly reason?: ExitReason };

/** One thing done to the tree. Paths are ids joined by `/` from `top` down; a path names the process that runs there, or ran last. */
export type OracleCommand =
  /** Starts `top`. Answered as a call is. Nothing runs before. */
  | { readonly type: 'start' }
  /** A worker ends by itself. Nothing happens when it does not run, or has been asked to end and takes its time. */
  | { readonly type: 'exit'; readonly path: string; readonly reason: ExitReason }
  /** Anybody is killed. */
  | { readonly type: 'kill'; readonly path: string }
  /** The parent of `top` orders it to end. */
  | { readonly type: 'shutdown'; readonly reason: ExitReason }
  | OracleCall
  /** Time passes, ms. */
  | { readonly type: 'advance'; readonly ms: number };

/** The answer to a call. `exit`: the supervisor was or went away. `child`: the path that runs now, null when it declined. */
export type OracleReply =
  | { readonly ok: true; readonly child?: string | null; readonly info?: unknown; readonly spec?: ResolvedOracleSpec }
  | { readonly ok: false; readonly reason: unknown; readonly exit?: true; readonly spec?: OracleSpec };

/** What OTP's supervisor would log. `child`: its path; under a template, where several are reported as one, that of the template. */
export interface OracleReport {
  readonly type: 'reported';
  readonly supervisor: string;
  readonly context: 'childTerminated' | 'startError' | 'shutdown' | 'shutdownError';
  readonly child: string;
  readonly reason: unknown;
  readonly count?: number;
}

/** What happened. `started` of a supervisor follows those of its children; `exited` is of processes that had started. */
export type OracleFact =
  | { readonly type: 'started'; readonly path: string }
  | { readonly type: 'startFailed'; readonly path: string; readonly reason: unknown }
  | { readonly type: 'declined'; readonly path: string }
  | { readonly type: 'exited'; readonly path: string; readonly reason: ExitReason }
  /** `step`: which command it answers, counted from 0. */
  | { readonly type: 'replied'; readonly step: number; readonly reply: OracleReply }
  | OracleReport;

/** A fact, and when: ms since the oracle was made. */
export type OracleEffect = OracleFact & { readonly atMs: number };

/** What a supervisor answers to whichChildren and countChildren; `busy` when it would not answer now. */
export type OracleSnapshot =
  | 'busy'
  | {
      /** Newest first; of instances and of a dynamic supervisor in no promised order. `child`: the path that runs, or null. */
      readonly which: readonly {
        readonly id: string | null;
        readonly child: string | null;
        readonly restarting: boolean;
        readonly type: 'worker' | 'supervisor';
      }[];
      readonly count: { readonly specs: number; readonly active: number; readonly supervisors: number; readonly workers: number };
    };

/** The whole tree between two commands, as plain data. */
export interface OracleState {
  readonly atMs: number;
  /** Paths of those who run, in the order in which they started. */
  readonly alive: readonly string[];
  readonly supervisors: Readonly<Record<string, OracleSnapshot>>;
}
