/**
 * A balancer as supervised logic: the chart with its desk.
 *
 *   orchestrator({ actors: { work: loadBalancer({ strategy: 'leastLoaded' }) }, children: [{ id: 'work', src: 'work' }] })
 *
 * The handle that an app holds is in balancer-handle.ts.
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, fromCallback, type SnapshotFrom } from 'xstate';
import { balancerMachine } from '../../machines/agents/balancer.js';
import type { AgentReport, BalancerEmitted, BalancerEvent, DeskCommand } from '../../machines/agents/balancer-events.js';
import { clockOf } from '../supervision/clock.js';
import { LeftBehind } from '../supervision/left-behind.js';
import { withInput } from '../supervision/supervisors.js';
import { onLoss } from '../supervision/watch.js';
import { emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { type BalancerPlan, type LoadBalancerOptions, planBalancer } from './balancer-options.js';
import { countOn } from './count-on.js';
import { Desk } from './desk.js';

/** The logic of one balancer; it needs no input. */
export type LoadBalancerLogic = ActorLogic<SnapshotFrom<typeof balancerMachine>, BalancerEvent, undefined, AnyActorRef['system'], BalancerEmitted>;

/** A running balancer. */
export type LoadBalancerRef = ActorRefFrom<LoadBalancerLogic>;

const desks = new WeakMap<AnyActorRef, Desk>();
const left = new LeftBehind<BalancerPlan, number>();

/** The desk of a balancer; of one that has ended too, and undefined for one that never ran. */
export function deskOf(balancer: AnyActorRef): Desk | undefined {
  return desks.get(balancer);
}

/**
 * The logic of a balancer with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it ends at once: every
 * task is told its end, `closed`. Restored from a snapshot, it knows its strategy, and no agent.
 * @throws EspalierError `balancer/invalid-options`
 */
export function loadBalancer(options: LoadBalancerOptions = {}): LoadBalancerLogic {
  const plan = planBalancer(options);
  return withInput(balancerMachine.provide({ actors: { desk: desk(plan) } }), { strategy: plan.strategy });
}

/** The actor `desk` of the chart. */
function desk(plan: BalancerPlan): ReturnType<typeof fromCallback<DeskCommand | AgentReport>> {
  return fromCallback<DeskCommand | AgentReport>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const numbersFrom = countOn(left, plan, owner, () => made.records.last);
    const made: Desk = new Desk(plan, {
      ...{ clock: clockOf(self.system), self, numbersFrom },
      emptied: () => {
        if (!hasStopped(self)) sendBack({ type: 'desk.emptied' });
      },
      emit: (fact) => emitFrom(owner, fact),
    });
    desks.set(owner, made);
    receive((event) => {
      if (event.type === 'desk.strategy') made.setStrategy(event.strategy);
      else if (event.type === 'desk.drain') made.drain();
      else if (event.type === 'task.begun' || event.type === 'task.completed') made.hear(event);
    });
    sendBack({ type: 'desk.opened' });
    onLoss(self, owner, () => owner.send({ type: 'desk.ended' }));
    return () => made.close();
  });
}
