/** What the context of a supervisor says of its restarts: read from the recording, for pages that draw it. */
import type { Portable } from '../wire/recording/portable-shape.js';
import type { RecordedTransition } from '../wire/recording/lines.js';
import type { SceneActor } from './scene.js';

/** A supervisor's restarts at a moment. */
export interface SceneBudget {
  /** Most restarts within `periodMs` before it gives up. */
  readonly intensity: number;
  readonly periodMs: number;
  /** Restarts within the window. */
  readonly used: number;
  /** Children between two attempts, with the moment of the next on the clock of the recording. */
  readonly retries: readonly { readonly id: string; readonly dueAt: number }[];
  /** Messages that wait until it has time. */
  readonly waiting: number;
}

/** That a supervisor gave up: the child whose end was one too many, and why that one had ended. */
export interface GaveUp {
  readonly id: string;
  readonly reason: Portable;
}

/** What a transition of a supervisor says of giving up, in what it emitted; null: nothing. */
export function gaveUpIn({ actions }: RecordedTransition): GaveUp | null {
  for (const action of actions) {
    if (action.kind !== 'emit' || !isFields(action.event) || action.event.type !== 'supervisor.gaveUp') continue;
    const { id, reason } = action.event;
    return { id: typeof id === 'string' ? id : '?', reason: reason ?? null };
  }
  return null;
}

type Fields = { readonly [key: string]: Portable };

/**
 * @param at  the moment, ms on the clock of the recording
 * @returns null for an actor that is no supervisor, or whose context is not known
 */
export function budgetOf({ logic, context }: SceneActor, at: number): SceneBudget | null {
  if (logic !== 'supervisor' || !isFields(context)) return null;
  const { intensity, periodMs, restarts, children, retrying, mailbox } = context;
  if (typeof intensity !== 'number' || typeof periodMs !== 'number') return null;
  const times = Array.isArray(restarts) ? (restarts as readonly Portable[]) : [];
  return {
    intensity,
    periodMs,
    // The edge of the window is within it, as in machines/supervision/restart-window.ts.
    used: times.filter((time) => typeof time === 'number' && at - time <= periodMs).length,
    retries: [...retriesOf(children), ...retriesOf(retrying)],
    waiting: Array.isArray(mailbox) ? mailbox.length : 0,
  };
}

/** Of a list of children, or of what is remembered of those by key. */
function retriesOf(children: Portable | undefined): { id: string; dueAt: number }[] {
  if (!isFields(children) && !Array.isArray(children)) return [];
  return Object.entries(children as Fields).flatMap(([key, child]) => {
    if (!isFields(child) || typeof child.retryAt !== 'number') return [];
    const spec = isFields(child.spec) ? child.spec.id : undefined;
    return [{ id: typeof spec === 'string' ? spec : key, dueAt: child.retryAt }];
  });
}

function isFields(value: Portable | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
