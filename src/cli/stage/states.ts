/** States and ends of actors in words. */
import type { AnyActorRef } from 'xstate';

import { wordsOf } from '../../../machines/live/ending.js';
import { isSupervisor } from '../../supervision/handle.js';
import { exitReason } from '../../supervision/watch.js';

/**
 * How a living actor is: its innermost state, and where that is `idle` the one around it, which says of what; of a supervisor the outermost, and while it
 * restarts what it is at; `running` where there is no chart.
 */
export function stateOf(actor: AnyActorRef): string {
  const { value } = (actor.getSnapshot() ?? {}) as { value?: unknown };
  return stateWords(value, isSupervisor(actor));
}

/** As {@link stateOf}, of a state value. */
export function stateWords(value: unknown, isOfSupervisor: boolean): string {
  const way = wayOf(value);
  if (way.length === 0) return 'running';
  if (!isOfSupervisor) return (way.at(-1) === 'idle' ? (way.at(-2) ?? 'idle') : way.at(-1)) as string;
  return way[0] === 'restarting' ? way.slice(0, 2).join('.') : (way[0] as string);
}

/** How an ended actor ended: its final state, where its chart has reached one. */
export function endOf(actor: AnyActorRef): string {
  const reason = exitReason(actor);
  const { status, value } = (actor.getSnapshot() ?? {}) as { status?: string; value?: unknown };
  if (status === 'done') return innermost(value) ?? 'done';
  return reason === 'killed' ? 'killed' : status === 'error' ? 'crashed' : 'stopped';
}

/** The innermost state of a state value; undefined where there is none. */
export function innermost(value: unknown): string | undefined {
  return wayOf(value).at(-1);
}

/** The names of a state value, from the outside in; of parallel regions the first. */
function wayOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const [first] = Object.entries(value);
  return first === undefined ? [] : [first[0], ...wayOf(first[1])];
}

/** Of a state value with parallel regions the others than the first, each by the last two names on its way: `candidate.leading`. */
export function otherRegions(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const [first, ...others] = Object.entries(value);
  if (first === undefined) return [];
  return others.length === 0 ? otherRegions(first[1]) : others.map(([name, inner]) => [name, ...wayOf(inner)].slice(-2).join('.'));
}

/** An exit reason, or the reason of a start that failed: `crash: no such city`, `shutdown`. */
export function reasonWords(reason: unknown): string {
  if (typeof reason === 'object' && reason !== null && 'crash' in reason) return `crash: ${termWords(reason.crash)}`;
  if (Array.isArray(reason) && reason[0] === 'shutdown' && !Array.isArray(reason[1])) return `shutdown (${termWords(reason[1])})`;
  return termWords(reason);
}

/** A term in words. Of OTP's nested ones the last part says why: `['shutdown', ['failedToStartChild', 'voice', why]]`. */
function termWords(term: unknown): string {
  if (Array.isArray(term)) return termWords(term.at(-1));
  const { kind, reason } = (typeof term === 'object' && term !== null ? term : {}) as { kind?: unknown; reason?: unknown };
  return typeof kind === 'string' && reason !== undefined ? `${kind}: ${wordsOf(reason)}` : wordsOf(term);
}

/** A duration for people: `12 ms`, `1.20 s`. */
export function tookWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
