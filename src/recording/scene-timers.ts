/** The delayed events that an actor has ordered and that wait, from line to line. */
import type { RecordedEvent, RecordedTimer, RecordedTransition } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';

type Timers = readonly RecordedTimer[];

/** After one of them has come. */
export function afterEvent(timers: Timers, { actor, event, delay }: RecordedEvent): Timers {
  const type = typeOf(event);
  const index = timers.findIndex(({ id, to, event: waits }) => to === actor && (delay?.id === undefined ? waits === type : id === delay.id));
  return index < 0 ? timers : timers.toSpliced(index, 1);
}

/** After what a transition has ordered and cancelled. One that is ordered again under its id is the same, later. */
export function afterTransition(timers: Timers, { actor, at, seq, actions }: RecordedTransition): Timers {
  let after = timers;
  for (const [index, action] of actions.entries()) {
    if (action.kind === 'cancel') after = after.filter(({ id }) => id !== action.id);
    if (action.kind !== 'raise' && action.kind !== 'send') continue;
    const { delay } = action;
    if (typeof delay !== 'number') continue;
    const id = action.id ?? `${seq}.${index}`;
    const to = action.kind === 'raise' ? actor : action.to;
    if (to !== null) after = [...after.filter((timer) => timer.id !== id), { id, to, event: typeOf(action.event), ms: delay, dueAt: at + delay }];
  }
  return after;
}

/** The type of an event; empty where it has none. */
export function typeOf(event: Portable): string {
  const { type } = (event ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? type : '';
}
