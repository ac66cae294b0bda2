/** The actors of a session's chart: its turn, and the worker that runs its protocol. */
import { type AnyActorRef, type CallbackActorLogic, type EventObject, fromCallback } from 'xstate';
import type { ProtocolEnd, ProtocolInput } from '../../machines/coordination/protocol-events.js';
import { saidOf } from '../../machines/coordination/said.js';
import { coordinationSessionMachine } from '../../machines/coordination/session.js';
import type { SessionEvent } from '../../machines/coordination/session-events.js';
import { reasonOfEvent } from '../../machines/supervision/exit.js';
import { isRecord } from '../../machines/supervision/option-keys.js';
import { exitReason, onExit, onLoss } from '../supervision/watch.js';
import { createChild, parentOf, stopActor } from '../supervision/xstate-internals.js';
import { type Entry, entryOf } from './session-ledger.js';

/** What a session's chart runs beneath it. A session of another process, restored from a snapshot, is told that whoever knew what it runs is gone. */
export const sessionLogic = coordinationSessionMachine.provide({ actors: { turn: turn(), worker: worker() } });

/** As long as it runs the session waits for its turn. */
function turn(): CallbackActorLogic<{ type: 'turn.none' }> {
  return fromCallback<{ type: 'turn.none' }>(({ self, sendBack }) => {
    const session = parentOf(self) as AnyActorRef;
    const tell = (event: SessionEvent): void => sendBack(event);
    const entry = entryOf(session);
    onLoss(self, session, () => session.send({ type: 'turn.lost' } satisfies SessionEvent));
    if (entry !== undefined) return entry.begin(session, tell);
    tell({ type: 'session.orphaned' });
    return undefined;
  });
}

/** Has the protocol's chart as its child: that is ended with it, and whoever ends it otherwise has crashed the worker. */
function worker(): CallbackActorLogic<EventObject, ProtocolInput> {
  return fromCallback<EventObject, ProtocolInput>(({ input, self, sendBack, receive }) => {
    const session = parentOf(self) as AnyActorRef;
    let isOver = false;
    const tell = (event: SessionEvent): void => {
      if (!isOver) sendBack(event);
      isOver = true;
    };
    const entry = entryOf(session);
    if (entry === undefined) {
      tell({ type: 'session.orphaned' });
      return undefined;
    }
    onLoss(self, session, () => session.send({ type: 'worker.crashed', why: 'killed' } satisfies SessionEvent));
    const chart = started(entry, self as AnyActorRef, input);
    if (typeof chart === 'string') {
      tell({ type: 'worker.crashed', why: chart });
      return undefined;
    }
    // Its own end it tells its parent; of one that somebody else has ended XState tells nobody.
    receive((event) => {
      if (reasonOfEvent(event) !== undefined) tell(endOf(chart));
    });
    onExit(chart, () => {
      if ((chart.getSnapshot() as { readonly status: string }).status === 'stopped') tell(endOf(chart));
    });
    return () => {
      isOver = true;
      stopActor(chart);
    };
  });
}

/** The protocol's chart, which runs; in words, why it could not be made. */
function started(entry: Entry, parent: AnyActorRef, input: ProtocolInput): AnyActorRef | string {
  const { name } = entry.protocol;
  try {
    const chart = createChild(entry.logic(), { parent, id: name, src: name, input });
    chart.start();
    return chart;
  } catch (error) {
    return saidOf(error);
  }
}

function endOf(chart: AnyActorRef): SessionEvent {
  const reason = exitReason(chart);
  const { output } = chart.getSnapshot() as { readonly output?: unknown };
  if (reason === 'normal' && isEnd(output)) return { type: 'worker.ended', end: output };
  if (reason === 'normal') return { type: 'worker.crashed', why: 'it ended without an outcome' };
  const why = typeof reason === 'object' && reason !== null && 'crash' in reason ? saidOf(reason.crash) : String(reason);
  return { type: 'worker.crashed', why };
}

function isEnd(output: unknown): output is ProtocolEnd {
  if (!isRecord(output)) return false;
  const { outcome, why } = output as Partial<Record<keyof ProtocolEnd | 'why', unknown>>;
  return outcome === 'decided' || (outcome === 'failed' && typeof why === 'string');
}
