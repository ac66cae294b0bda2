/**
 * A counter as supervised logic: the chart with its ledger.
 *
 *   orchestrator({ actors: { jobs: counter(backend, { name: 'jobs' }) }, children: [{ id: 'jobs', src: 'jobs' }] })
 *
 * The handle that an app holds is in counter-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { counterMachine } from '../../machines/coordination/counter.js';
import type { CounterEmitted, CounterEvent, LedgerCommand } from '../../machines/coordination/counter-events.js';
import type { Backend } from '../backend/port.js';
import { clockOf } from '../supervision/clock.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { Ledger } from './counter-ledger.js';
import { type CounterOptions, type CounterPlan, planCounter } from './counter-options.js';

/** The logic of one owner's part in a counter; it needs no input. */
export type CounterLogic = ActorLogic<SnapshotFrom<typeof counterMachine>, CounterEvent, undefined, AnyActorRef['system'], CounterEmitted>;

/** A running counter. */
export type CounterRef = ActorRefFrom<CounterLogic>;

const plans = new WeakMap<object, CounterPlan>();

/** With what a counter's actor was made; undefined for what runs no `counter()`. */
export function planOf(ref: AnyActorRef): CounterPlan | undefined {
  return plans.get((ref as unknown as { logic: object }).logic);
}

/**
 * The logic of one owner's part in a counter: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it writes nothing new,
 * finds out what came of what it has written, and ends. What was counted is the backend's, and stays. Restored from a snapshot no call of it is under way.
 * @throws EspalierError `counter/invalid-options`
 */
export function counter(backend: Backend, options: CounterOptions): CounterLogic {
  const plan = planCounter(backend, options);
  const { name, maxPending } = plan;
  const logic = withInput(counterMachine.provide({ actors: { ledger: ledger(plan) } }), { name, maxPending });
  plans.set(logic, plan);
  return logic;
}

/** The actor `ledger` of the chart. */
function ledger(plan: CounterPlan): ReturnType<typeof fromCallback<LedgerCommand>> {
  return fromCallback<LedgerCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    let isRunning = true;
    const crash = (error: unknown): void => {
      if (isRunning) sendBack({ type: 'ledger.ended', why: String(error) });
    };
    const made = new Ledger(
      plan,
      clockOf(owner.system),
      (fact) => {
        if (isRunning) sendBack({ type: 'ledger.settled', fact });
      },
      crash,
    );
    onLoss(self, owner, () => owner.send({ type: 'ledger.ended', why: 'ledgerLost' }));
    receive((command) => made.take(command));
    sendBack({ type: 'ledger.opened' });
    return () => {
      isRunning = false;
      made.end();
    };
  });
}
