/** States and ends of actors in words. */
import type { AnyActorRef } from 'xstate';

import type { ExitReason } from '../../../machines/supervision/exit.js';
import { wordsOf } from '../../../machines/live/ending.js';
import { isSupervisor } from '../../supervision/handle.js';
import { exitReason } from '../../supervision/watch.js';

/** How a living actor is: its innermost state; of a supervisor the outermost, and while it restarts what it is at; `running` where there is no chart. */
export function stateOf(actor: AnyActorRef): string {
  const { value } = (actor.getSnapshot() ?? {}) as { value?: unknown };
  const way = wayOf(value);
  if (way.length === 0) return 'running';
  if (!isSupervisor(actor)) return way.at(-1) as string;
  return way[0] === 'restarting' ? way.slice(0, 2).join('.') : (way[0] as string);
}

/** How an ended actor ended: its final state, where its chart has reached one. */
export function endOf(actor: AnyActorRef): string {
  const reason = exitReason(actor);
  const { status, value } = (actor.getSnapshot() ?? {}) as { status?: string; value?: unknown };
  if (status === 'done') return wayOf(value).at(-1) ?? 'done';
  return reason === 'killed' ? 'killed' : status === 'error' ? 'crashed' : 'stopped';
}

/** The names of a state value, from the outside in; of parallel regions the first. */
function wayOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const [first] = Object.entries(value);
  return first === undefined ? [] : [first[0], ...wayOf(first[1])];
}

/** An exit reason: `crash: no such city`, `shutdown`. */
export function reasonWords(reason: ExitReason | null | undefined): string {
  if (typeof reason === 'string') return reason;
  if (Array.isArray(reason)) return `shutdown (${wordsOf(reason[1])})`;
  if (typeof reason === 'object' && reason !== null && 'crash' in reason) return `crash: ${crashWords(reason.crash)}`;
  return 'unknown';
}

function crashWords(crash: unknown): string {
  const { kind, reason } = (typeof crash === 'object' && crash !== null ? crash : {}) as { kind?: unknown; reason?: unknown };
  return typeof kind === 'string' && reason !== undefined ? `${kind}: ${wordsOf(reason)}` : wordsOf(crash);
}

/** A duration for people: `12 ms`, `1.20 s`. */
export function tookWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
