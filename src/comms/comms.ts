/**
 * Comms as supervised logic: the chart with its exchange.
 *
 *   orchestrator({ actors: { comms: comms({ agents: (name) => app.child(name) }), ann }, children: [{ id: 'ann', src: 'ann' }, { id: 'comms', src: 'comms' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { commsMachine } from '../../machines/comms/comms.js';
import type { CommsEmitted, CommsEvent } from '../../machines/comms/comms-events.js';
import type { CommsCredit, CommsReply } from '../../machines/comms/message.js';
import { clockOf } from '../supervision/clock.js';
import { LeftBehind } from '../supervision/left-behind.js';
import { withInput } from '../supervision/supervisors.js';
import { onExit, onLoss } from '../supervision/watch.js';
import { emitFrom, parentOf } from '../supervision/xstate-internals.js';
import { DeadLetters, type Leaving } from './dead-letters.js';
import { Exchange } from './exchange.js';
import { type CommsOptions, type CommsPlan, planComms } from './options.js';
import { Topics } from './topics.js';

/** The logic of comms; it needs no input. */
export type CommsLogic = ActorLogic<SnapshotFrom<typeof commsMachine>, CommsEvent, undefined, AnyActorRef['system'], CommsEmitted>;

/** Running comms. */
export type CommsRef = ActorRefFrom<CommsLogic>;

const exchanges = new WeakMap<AnyActorRef, Exchange>();

/** The mailboxes of comms that run or ran; undefined for what never did. */
export function exchangeOf(ref: AnyActorRef): Exchange | undefined {
  return exchanges.get(ref);
}

/**
 * The logic of comms with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child, after the agents. On `supervisor.shutdown` they end at
 * once: whoever waits is answered `closed`, and agents are told so. Restarted by their supervisor they know the subscriptions and dead letters of before, those of
 * the mailboxes among them; mailboxes are empty. Restored from a snapshot they know nothing.
 * @throws EspalierError `comms/invalid-options`
 */
export function comms(options: CommsOptions): CommsLogic {
  const plan = planComms(options);
  return withInput(commsMachine.provide({ actors: { exchange: exchange(plan) } }), {});
}

/** The actor `exchange` of the chart: as long as it runs, messages are taken. Agents answer it. */
function exchange(plan: CommsPlan): ReturnType<typeof fromCallback<CommsReply | CommsCredit>> {
  return fromCallback<CommsReply | CommsCredit>(({ self, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const made = new Exchange(plan, clockOf(owner.system), self, inherit(owner, plan), (fact) => emitFrom(owner, fact));
    exchanges.set(owner, made);
    // Also where it crashes, of which XState tells it nothing.
    onExit(owner, () => made.close());
    onLoss(self, owner, () => owner.send({ type: 'exchange.ended' }));
    receive((event) => made.receive(event));
    return () => made.close();
  });
}

/** What comms leave for the next ones in their seat. */
const left = new LeftBehind<CommsPlan, Leaving>();

/** What those before have left. It is left again, unless comms are closed by the app. */
function inherit(owner: AnyActorRef, plan: CommsPlan): Leaving {
  const parent = parentOf(owner);
  const byId = parent === undefined ? undefined : left.at(parent, plan);
  const leaving = byId?.get(owner.id) ?? { letters: new DeadLetters(plan.maxDeadLetters), topics: new Topics(plan.maxSubscriptions) };
  byId?.delete(owner.id);
  onExit(owner, (reason) => {
    if (reason !== 'normal') byId?.set(owner.id, leaving);
  });
  return leaving;
}
