/**
 * How an actor ends, in OTP's terms: the only file that spells XState's `xstate.done.actor.*` and `xstate.error.actor.*`.
 *
 * | XState                          | exit reason                                    |
 * |---------------------------------|------------------------------------------------|
 * | done                            | `normal`, or what its output says ({@link exitWith}) |
 * | error                           | `{ crash: error }`, or what a thrown {@link Exit} says |
 * | stopped by its supervisor       | the reason of the request; `killed` when forced |
 */

/** Why an actor ended. `normal`, `shutdown` and `['shutdown', term]` are clean; `killed` and a crash are not. */
export type ExitReason = 'normal' | 'shutdown' | 'killed' | readonly ['shutdown', unknown] | { readonly crash: unknown };

/** What came of an attempt to start a child. `failed` holds OTP's error term. */
export type StartOutcome = { kind: 'started' } | { kind: 'declined' } | { kind: 'failed'; reason: unknown };

const exitKey = 'espalier.exit';
const startKey = 'espalier.start';

/** Is it one of the reasons that do not restart a transient child? @see OTP supervisor.erl do_restart/3 */
export function isClean(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || Array.isArray(reason);
}

/** Is it a reason at all? @throws never */
export function isExitReason(value: unknown): value is ExitReason {
  if (Array.isArray(value)) return value.length === 2 && value[0] === 'shutdown';
  if (typeof value === 'object' && value !== null) return 'crash' in value;
  return value === 'normal' || value === 'shutdown' || value === 'killed';
}

/** The output of an actor that ends with a reason of its own: `output: exitWith(['shutdown', 'idle'])`. */
export function exitWith(reason: ExitReason): { readonly [exitKey]: ExitReason } {
  return { [exitKey]: reason };
}

/** The output of a final state reached while tagged `starting`: nothing to run, and no fault (OTP's `ignore`). */
export function declineStart(): { readonly [startKey]: 'declined' } {
  return { [startKey]: 'declined' };
}

/** The output of a final state reached while tagged `starting`: the start failed (OTP's `{error, Reason}`). */
export function failStart(reason: unknown): { readonly [startKey]: { readonly failed: unknown } } {
  return { [startKey]: { failed: reason } };
}

/** Thrown (or rejected with) by logic that has no final output: the actor exits with `reason`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    super(`exit: ${wordsOf(reason)}`);
    this.reason = reason;
  }
}

function wordsOf(reason: ExitReason): string {
  if (typeof reason === 'string') return reason;
  if ('crash' in reason) return `crash: ${String(reason.crash)}`;
  try {
    return JSON.stringify(reason);
  } catch {
    return 'shutdown, with a term that is no JSON';
  }
}

/** The exit reason that a done actor's output stands for. */
export function reasonOfOutput(output: unknown): ExitReason {
  if (typeof output !== 'object' || output === null) return 'normal';
  const start = startOfOutput(output);
  if (start?.kind === 'failed') return { crash: start.reason };
  return exitKey in output ? (output[exitKey] as ExitReason) : 'normal';
}

/** The exit reason that an errored actor's error stands for. */
export function reasonOfError(error: unknown): ExitReason {
  return error instanceof Exit ? error.reason : { crash: error };
}

/** What a child that ended while starting says of its start; undefined when its output is not about starting. */
export function startOfOutput(output: unknown): StartOutcome | undefined {
  if (typeof output !== 'object' || output === null || !(startKey in output)) return undefined;
  const start = output[startKey];
  if (start === 'declined') return { kind: 'declined' };
  return { kind: 'failed', reason: (start as { failed: unknown }).failed };
}

/** The error term of a start that ended by an exit instead of an answer. @see OTP supervisor.erl do_start_child_i/3 */
export function failureOfExit(reason: ExitReason): unknown {
  return typeof reason === 'object' && 'crash' in reason ? ['EXIT', reason.crash] : reason;
}

/** Did a child end by itself? The reason, when `event` is XState's word that it did. */
export function reasonOfEvent(event: { readonly type: string; readonly output?: unknown; readonly error?: unknown }): ExitReason | undefined {
  if (event.type.startsWith('xstate.done.actor.')) return reasonOfOutput(event.output);
  if (event.type.startsWith('xstate.error.actor.')) return reasonOfError(event.error);
  return undefined;
}

/** The id of the child that such an event is about. */
export function childOfEvent(event: { readonly type: string }): string {
  return event.type.slice(event.type.startsWith('xstate.done.actor.') ? 'xstate.done.actor.'.length : 'xstate.error.actor.'.length);
}

/** Is it XState's word that a child failed? A machine that does not handle it fails too. @see XState isErrorActorEvent */
export function isFailureOfChild(event: { readonly type: string }): boolean {
  return event.type.startsWith('xstate.error.actor');
}
