/** The line of an actor: that it starts, or that it is there. */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';

import { parentOf } from '../supervision/xstate-internals.js';
import type { RecordedActor, RecordedState } from '../wire/recording/lines.js';
import { streamItems } from './limits.js';
import type { LineValues } from './line-values.js';
import type { ActorNames } from './names.js';
import { PendingTimers } from './pending-timers.js';
import { historyOf, timersOf, type Watched } from './watched.js';

/**
 * Without its number and its time, which it gets when everything in it has been read.
 * @param state   what a machine is in, where that was looked at
 * @param timers  for many lines at a moment, the same
 */
export function actorLine(
  watched: Watched,
  from: RecordedActor['from'],
  isBrief: boolean,
  state: RecordedState | undefined,
  names: ActorNames,
  values: LineValues,
  timers = new PendingTimers(),
): RecordedActor {
  const { actor, machine, init, logic } = watched;
  const parent = parentOf(actor);
  const { systemId, src } = actor as unknown as { systemId?: string; src?: unknown };
  const line: RecordedActor = {
    type: '@xstate.actor',
    seq: 0,
    at: 0,
    actor: names.pathOf(actor),
    parent: parent === undefined ? null : names.pathOf(parent),
    id: values.text(actor.id),
    logic,
    src: typeof src === 'string' ? values.text(src) : null,
    machine: machine?.told.machine ?? null,
    from,
    replaces: watched.replaces,
    run: watched.run,
  };
  if (systemId !== undefined) line.systemId = values.text(systemId);
  if (isBrief) {
    if (machine !== null) line.brief = true;
    return line;
  }
  if (from === 'joined') {
    const waiting = timersOf(
      timers.of(actor),
      (text) => values.text(text),
      (target) => names.pathOf(target),
    );
    if (waiting.length > 0) line.timers = waiting.slice(0, streamItems.children);
  }
  if (machine === null || state === undefined) return line;
  if (init?.input !== undefined && from !== 'joined') line.input = values.input(init.input);
  line.state = state;
  if (from !== 'input') {
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    const children = childrenOf(snapshot, names, values);
    if (children !== null) line.children = children;
    line.history = historyOf(snapshot);
  }
  return line;
}

/** That an actor is there, and nothing of how it is. Of an actor that is no machine, all that there is. */
export function briefly(line: RecordedActor): RecordedActor {
  if (line.machine === null || line.brief === true) return line;
  const { input: _input, state: _state, children: _children, history: _history, timers: _timers, ...rest } = line;
  return { ...rest, brief: true };
}

/** Null where there are too many for a line of a stream: each has a line of its own, which names its parent. */
function childrenOf(snapshot: AnyMachineSnapshot, names: ActorNames, values: LineValues): Record<string, string> | null {
  const children = Object.entries(snapshot.children as Record<string, AnyActorRef | undefined>);
  if (values.mode === 'patches' && children.length > streamItems.children) return null;
  return Object.fromEntries(children.flatMap(([id, child]) => (child === undefined ? [] : [[values.text(id), names.pathOf(child)] as const])));
}
