/** What follows from an exit: restart or not, who else restarts, and which ends an ordered stop expects. Pure; called from guards and assigners. */
import type { ResolvedSpec, RestartType, ShutdownMs, Strategy } from './child-spec.js';
import { isClean, type ExitReason } from './exit.js';

/** Does this exit lead to a restart? @see OTP supervisor.erl do_restart/3 */
export function shouldRestart(restart: RestartType, reason: ExitReason): boolean {
  if (restart === 'permanent') return true;
  return restart === 'transient' && !isClean(reason);
}

/** Is this exit a `childTerminated` report? Every exit of a permanent child is, and every abnormal one. */
export function isReported(restart: RestartType, reason: ExitReason): boolean {
  return restart === 'permanent' || !isClean(reason);
}

/**
 * Who restarts together with a child.
 * @param ids  every child's id, in start order
 * @param id   the child that ended
 * @returns ids in start order, the child itself included; what runs of them is stopped in reverse, then all are started in order
 * @see OTP supervisor.erl restart/3
 */
export function restartGroup(strategy: Strategy, ids: readonly string[], id: string): string[] {
  if (strategy === 'oneForAll') return [...ids];
  if (strategy === 'restForOne') return ids.slice(Math.max(0, ids.indexOf(id)));
  return [id];
}

/** Is this how a child that was told to stop may end? If not it is a `shutdownError` report. @see OTP supervisor.erl shutdown/1 */
export function isExpectedStop(spec: Pick<ResolvedSpec, 'restart' | 'shutdownMs'>, reason: ExitReason): boolean {
  return reason === expectedOf(spec.shutdownMs) || (spec.restart !== 'permanent' && isClean(reason));
}

/**
 * The same for the children of a dynamic supervisor, which are stopped all at once.
 * @see OTP supervisor.erl wait_dynamic_children/5; Elixir DynamicSupervisor wait_child/4, which accepts `{shutdown, term}` of permanent children too
 */
export function isExpectedOfAll(spec: Pick<ResolvedSpec, 'restart' | 'shutdownMs'>, reason: ExitReason, templated: boolean): boolean {
  if (spec.shutdownMs === 'brutalKill') return reason === 'killed';
  if (reason === 'shutdown' || (Array.isArray(reason) && !templated)) return true;
  return spec.restart !== 'permanent' && isClean(reason);
}

function expectedOf(shutdownMs: ShutdownMs): ExitReason {
  return shutdownMs === 'brutalKill' ? 'killed' : 'shutdown';
}
