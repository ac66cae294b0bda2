/** What is noted of a transition that is under way: what it orders, now and for later. */
import { recordedAction, type DelayedEvent, type OrderedAction } from './actions.js';
import { mostActions, mostBytesOfActions, type LineValues } from './line-values.js';
import type { Naming } from './portable.js';
import { none, type Watched } from './watched.js';

/** What an action is beside its values, bytes. */
const actionBytes = 60;

/** Notes an action, as far as a line has room for it. */
export function noteAction(watched: Watched, action: OrderedAction, values: LineValues, naming: Naming): void {
  if (watched.actions.length >= mostActions[values.mode] || watched.actionBytes > mostBytesOfActions[values.mode]) {
    watched.actionsLeft++;
    return;
  }
  const written = recordedAction(action, values, naming);
  if (written === null) return;
  watched.actionBytes += values.takeBytes() + actionBytes;
  if (watched.actions === none) watched.actions = [written];
  else watched.actions.push(written);
}

/** Notes who orders an event that comes later: it comes as the same object. */
export function noteOrdered(target: Watched, { event, ms, id }: DelayedEvent, by: number | null, values: LineValues): void {
  const ordered = { ms, by, ...(id === undefined ? {} : { id: values.text(id) }) };
  (target.ordered ??= new WeakMap()).set(event, ordered);
}
