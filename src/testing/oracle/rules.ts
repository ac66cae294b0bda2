/**
 * What OTP's supervisors decide, on one page: each rule a pure function of plain values, with the function of Erlang/OTP or Elixir that it restates.
 *
 * Written from the sources of OTP and from its recorded behaviour alone. Nothing here imports a decision of the library: an oracle that shares code
 * with what it judges would repeat its mistakes and call them right.
 */
import type { ExitReason } from '../../../machines/supervision/exit.js';
import type { AutoShutdown, RestartType, ShutdownMs, Strategy } from '../../../machines/supervision/child-spec.js';

/** Where a child stands: it runs, it is between two attempts to restart it, or it is down. */
export type OracleChildStatus = 'running' | 'restarting' | 'down';

/** The decisions that an oracle follows. {@link otpRules} are OTP's. */
export interface OracleRules {
  /**
   * Is a child that ended by itself restarted? One that is not never brings its siblings down either.
   * @see OTP supervisor.erl do_restart/3 · Elixir DynamicSupervisor maybe_restart_child/5
   */
  isRestarted(restart: RestartType, reason: ExitReason): boolean;

  /**
   * Is an end by itself reported as `childTerminated`?
   * @see the same: a permanent child whatever its reason, others when it is abnormal
   */
  isReported(restart: RestartType, reason: ExitReason): boolean;

  /**
   * Counts one restart, or one more attempt at a restart whose start failed. One restart of a group counts once.
   * @param restarts  earlier ones of this supervisor, ms, newest first; they die with it
   * @param at        this one, ms of the same clock
   * @returns those still inside the window, and whether they are too many: then nobody is restarted, and the supervisor ends
   * @see OTP supervisor.erl add_restart/1 · Elixir DynamicSupervisor add_restart/1: the edge is inclusive. OTP counts whole seconds; here it is exact
   */
  addRestart(
    restarts: readonly number[],
    at: number,
    limits: { readonly intensity: number; readonly periodMs: number },
  ): { readonly restarts: readonly number[]; readonly exceeded: boolean };

  /**
   * Who is stopped and started together with one that is restarted, itself included. It takes in siblings that were down for any reason.
   * @param ids     all children in start order
   * @param failed  the one to be restarted; when a start within a group failed, the child that failed
   * @returns some of `ids`, in start order
   * @see OTP supervisor.erl restart/3
   */
  groupOf(strategy: Strategy, ids: readonly string[], failed: string): readonly string[];

  /**
   * In which order children are stopped, one after the other: newest first.
   * @param ids  in start order
   * @see OTP supervisor.erl terminate_children/2
   */
  stopOrder(ids: readonly string[]): readonly string[];

  /**
   * Is a child's spec kept once it is down, so that `restartChild` or a restart of its group can start it again? Of a temporary child nothing is
   * kept, whether it ended, was stopped with its group, or declined to start.
   * @see OTP supervisor.erl del_child/2, terminate_children/2, start_children/2
   */
  isKept(restart: RestartType): boolean;

  /**
   * Does the end of a child that is not restarted end its supervisor?
   * @param ended   the child that ended by itself
   * @param others  its siblings that are significant too
   * @see OTP supervisor.erl do_auto_shutdown/2
   */
  endsSupervisor(autoShutdown: AutoShutdown, ended: { readonly significant: boolean }, others: readonly OracleChildStatus[]): boolean;

  /**
   * Is it the end that a stopped child was asked for, or is it reported as an error? Nothing else depends on it.
   * @param kind  Elixir's dynamic supervisor is milder with `['shutdown', term]`, and harder with `brutalKill`
   * @see OTP supervisor.erl shutdown/1, wait_dynamic_children/5 · Elixir DynamicSupervisor wait_child/4
   */
  isExpectedEnd(child: { readonly restart: RestartType; readonly shutdownMs: ShutdownMs }, reason: ExitReason, kind: 'otp' | 'elixir'): boolean;
}

/** normal, shutdown, `['shutdown', term]`. `killed` and every crash are abnormal. */
function isClean(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || Array.isArray(reason);
}

/** OTP's own decisions. */
export const otpRules: OracleRules = {
  isRestarted(restart, reason) {
    if (restart === 'temporary') return false;
    return restart === 'permanent' || !isClean(reason);
  },

  isReported: (restart, reason) => restart === 'permanent' || !isClean(reason),

  addRestart(restarts, at, { intensity, periodMs }) {
    const counted = [at, ...restarts].filter((then) => at - then <= periodMs);
    return { restarts: counted, exceeded: counted.length > intensity };
  },

  groupOf(strategy, ids, failed) {
    if (strategy === 'oneForOne') return [failed];
    return strategy === 'oneForAll' ? ids : ids.slice(ids.indexOf(failed));
  },

  stopOrder: (ids) => ids.toReversed(),

  isKept: (restart) => restart !== 'temporary',

  endsSupervisor(autoShutdown, ended, others) {
    if (autoShutdown === 'never' || !ended.significant) return false;
    return autoShutdown === 'anySignificant' || others.every((status) => status === 'down');
  },

  isExpectedEnd({ restart, shutdownMs }, reason, kind) {
    if (shutdownMs === 'brutalKill' && kind === 'elixir') return reason === 'killed';
    if (reason === (shutdownMs === 'brutalKill' ? 'killed' : 'shutdown')) return true;
    if (kind === 'elixir' && Array.isArray(reason)) return true;
    return restart !== 'permanent' && isClean(reason);
  },
};
