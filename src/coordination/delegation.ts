/**
 * Delegations as protocols: a task goes down through representatives to those who do it, and what they deliver comes up again.
 *
 *   delegation({ task: 'count the birds', clusters: [{ name: 'north', agents: ['ann', 'bob'] }], combine: 'sum' })
 *
 * A session runs it; by hand it is `createActor(delegation(…).logic(requests), { input: { session, agents, seed } })`.
 */
import { type ActorLogic, type AnyActorRef, type CallbackActorLogic, type EventObject, fromCallback, type SnapshotFrom } from 'xstate';
import { textOf } from '../../machines/coordination/agreement.js';
import { delegationMachine } from '../../machines/coordination/delegation.js';
import type {
  Combined,
  CombinerInput,
  DelegationEmitted,
  DelegationEvent,
  DelegationResult,
  Offer,
} from '../../machines/coordination/delegation-events.js';
import { combinedBy } from '../../machines/coordination/delegation-rules.js';
import type { ProtocolInput } from '../../machines/coordination/protocol-events.js';
import { saidOf } from '../../machines/coordination/said.js';
import type { Requests } from '../comms/port.js';
import { jsonOf } from '../option-checks.js';
import { withInput } from '../supervision/supervisors.js';
import { type Combine, type CombineInfo, type DelegationOptions, planDelegation, requireMembers } from './delegation-options.js';
import { type Protocol, questions } from './protocol.js';

/** The logic of one delegation. */
export type DelegationLogic = ActorLogic<
  SnapshotFrom<typeof delegationMachine>,
  DelegationEvent,
  ProtocolInput,
  AnyActorRef['system'],
  DelegationEmitted
>;

/** A delegation with its clusters. */
export interface DelegationProtocol extends Protocol<DelegationResult> {
  readonly name: 'delegation';
  /** Those of all clusters: who takes part in its session. */
  readonly agents: readonly string[];
  /** It ends so many ms after its beginning at the latest; a session needs that much for each attempt. */
  readonly longestMs: number;
  logic(requests: Requests): DelegationLogic;
}

/**
 * A delegation: decided with a `DelegationResult`, or failed with a `NoDelegation`; its rows name everybody, and what became of each. Who represents a cluster
 * and is late, ends or answers nonsense is replaced by the next; what was handed out stands. The same answers and the same seed have the same end, in whatever
 * order they come. Restored from a snapshot, it goes on with its step, and asks under the same keys.
 * @throws EspalierError `delegation/circular`, `delegation/named-twice`, `delegation/too-large`, `delegation/invalid-options`; from `requireAgents`
 *         `coordination/insufficient-agents` for any agents but those of its clusters
 */
export function delegation(options: DelegationOptions): DelegationProtocol {
  const { terms, functions, maxBytes, longestMs } = planDelegation(options);
  return {
    name: 'delegation',
    agents: terms.clusters.flatMap(({ agents }) => agents),
    longestMs,
    requireAgents: (agents) => requireMembers(agents, terms),
    logic: (requests) => {
      const actors = { questions: questions(requests, maxBytes), combiner: combiner(functions) };
      return withInput(delegationMachine.provide({ actors }), terms) as unknown as DelegationLogic;
    },
  };
}

/** Makes one of the results of each cluster of a level, at once: nobody can end it before it has spoken. */
function combiner(functions: ReadonlyMap<number, Combine>): CallbackActorLogic<EventObject, CombinerInput> {
  return fromCallback<EventObject, CombinerInput>(({ input: { level, rule, seed, offers }, sendBack }) => {
    const own = functions.get(level);
    const values = offers.map((offer) => (own === undefined ? combinedBy(rule, offer) : applied(own, offer, { level, seed })));
    sendBack({ type: 'level.combined', values } satisfies DelegationEvent);
  });
}

/** What an app's own rule says: twice the same, and JSON; else it has failed. */
function applied(combine: Combine, offer: Offer, { level, seed }: { readonly level: number; readonly seed: number }): Combined {
  const { cluster } = offer;
  const say = (): unknown => {
    // Copies: what it does to one call's is nothing to the next, nor to what its cluster is shown.
    const { task, results, missing } = JSON.parse(JSON.stringify(offer)) as Offer;
    return combine(results, { cluster, level, task, missing, seed } satisfies CombineInfo);
  };
  try {
    const [first, second] = [copyOf(say()), copyOf(say())];
    if (first === null || second === null)
      return { cluster, ok: false, why: 'ruleFailed', error: 'it returns what is no JSON, or is more than 100 deep' };
    if (textOf(first.value) !== textOf(second.value))
      return { cluster, ok: false, why: 'ruleFailed', error: 'it says something else of the same results' };
    return { cluster, ok: true, value: first.value };
  } catch (error) {
    return { cluster, ok: false, why: 'ruleFailed', error: saidOf(error) };
  }
}

/** JSON as a copy; null for what is none. What is promised is none, and nobody waits for it. */
function copyOf(value: unknown): { readonly value: unknown } | null {
  const { then } = (value ?? {}) as { readonly then?: unknown };
  if (typeof then === 'function') {
    Promise.resolve(value).catch(() => {});
    return null;
  }
  // A NaN would be null in the copy, and a Map nothing.
  const text = textOf(value) === null ? null : jsonOf(value);
  const copy = text === null ? undefined : (JSON.parse(text) as unknown);
  return textOf(copy) === null ? null : { value: copy };
}
