/** What a supervisor says aloud: emitted facts, answers, output. */
import type { ChildSpec, ResolvedSpec } from './child-spec.js';
import type { declineStart, ExitReason, exitWith, failStart } from './exit.js';
import type { EndedChild } from './pool.js';
import type { SupervisorContext } from './supervisor-state.js';

/**
 * What OTP's supervisor would log, and when: a child ended by itself (`childTerminated`), its start failed (`startError`), the supervisor gave up
 * (`shutdown`), a child ended otherwise than it was told to (`shutdownError`). `reason`: an exit reason, or OTP's term for a failed start. `count`: how
 * many children, where several are reported as one.
 */
export interface SupervisorReport {
  readonly type: 'supervisor.report';
  readonly context: 'childTerminated' | 'startError' | 'shutdown' | 'shutdownError';
  readonly id: string;
  readonly reason: unknown;
  readonly count?: number;
}

/** The facts that every kind of supervisor emits. */
export type ChildFact =
  | { readonly type: 'child.started'; readonly id: string; readonly run: number; readonly info?: unknown }
  | { readonly type: 'child.declined'; readonly id: string; readonly run: number }
  | { readonly type: 'child.startFailed'; readonly id: string; readonly run: number; readonly reason: unknown }
  /** It ended by itself, or was killed by a stranger. */
  | { readonly type: 'child.exited'; readonly id: string; readonly run: number; readonly reason: ExitReason; readonly willRestart: boolean }
  /** It ended because its supervisor told it to. */
  | {
      readonly type: 'child.stopped';
      readonly id: string;
      readonly run: number;
      readonly reason: ExitReason;
      readonly tookMs: number;
      readonly killed: boolean;
    }
  /**
   * A new incarnation runs. `cause`: why the child `because` had ended, null when that was a failed start; `attempt`: restarts within the window.
   */
  | {
      readonly type: 'child.restarted';
      readonly id: string;
      readonly run: number;
      readonly cause: ExitReason | null;
      readonly attempt: number;
      readonly because: string;
    }
  /** It spent a restart budget of its own and stays down. `reason`: its last exit, null when only starts have failed since. */
  | { readonly type: 'child.gaveUp'; readonly id: string; readonly reason: ExitReason | null }
  /** Too many restarts: the supervisor stops everybody and exits `shutdown`. */
  | { readonly type: 'supervisor.gaveUp'; readonly id: string; readonly reason: ExitReason | null }
  /** The answer to a call. */
  | { readonly type: 'call.replied'; readonly call: string; readonly result: CallResult }
  | SupervisorReport;

/**
 * What a supervisor with a list of children emits, in the order in which it happens; `on()` of its handle listens. Each end of an ordered stop is a
 * `child.stopped` of its own, `tookMs` from the request to the end.
 */
export type SupervisorEmitted = ChildFact;

/**
 * What a dynamic supervisor emits; `id` is a child's key. The ends of an ordered stop are told in one fact, `children.stopped`: they may be a hundred
 * thousand.
 */
export type DynamicEmitted = ChildFact | { readonly type: 'children.stopped'; readonly ended: readonly EndedChild[] };

/** Answers, by call. A refused call says why. */
export type CallResult =
  | { readonly ok: true; readonly id?: string; readonly declined?: boolean; readonly info?: unknown }
  | { readonly ok: true; readonly spec: ResolvedSpec }
  | { readonly ok: true; readonly which: readonly WhichChild[] }
  | { readonly ok: true; readonly count: ChildCount }
  | { readonly ok: false; readonly reason: unknown; readonly child?: ChildSpec };

/** One row of {@link whichOf}. `id` is null for the children of a dynamic supervisor, which have keys only. */
export interface WhichChild {
  readonly id: string | null;
  /** Under which the pool knows it. */
  readonly key: string;
  readonly status: 'down' | 'running' | 'restarting';
  readonly type: 'worker' | 'supervisor';
}

/** OTP's count_children: specs known, children alive, and specs by label, dead or alive. */
export interface ChildCount {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** How a supervisor ends: its exit reason and who ended how; or why it could not start. */
export type SupervisorOutput =
  | (ReturnType<typeof exitWith> & { readonly children: readonly EndedChild[] })
  | (ReturnType<typeof failStart> & { readonly children?: readonly EndedChild[] })
  | ReturnType<typeof declineStart>;

/** Newest first. @see OTP supervisor:which_children/1 */
export function whichOf(context: SupervisorContext): WhichChild[] {
  return context.children.map(({ spec, status }) => ({ id: spec.id, key: spec.id, status, type: spec.type })).reverse();
}

/** @see OTP supervisor:count_children/1 */
export function countOf(context: SupervisorContext): ChildCount {
  const { children } = context;
  const supervisors = children.filter((child) => child.spec.type === 'supervisor').length;
  return {
    specs: children.length,
    active: children.filter((child) => child.status === 'running').length,
    supervisors,
    workers: children.length - supervisors,
  };
}
