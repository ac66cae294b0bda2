/**
 * Negotiations as protocols: parties offer in turn, until all have accepted one offer.
 *
 *   negotiation({ subject: 'who has the printer when', maxRounds: 10 })
 *
 * A session runs it; by hand it is `createActor(negotiation(…).logic(requests), { input: { session, agents, seed } })`.
 */
import type { ActorLogic, AnyActorRef, SnapshotFrom } from 'xstate';
import { negotiationMachine } from '../../machines/coordination/negotiation.js';
import type { NegotiationEmitted, NegotiationEvent, NegotiationResult } from '../../machines/coordination/negotiation-events.js';
import type { ProtocolInput } from '../../machines/coordination/protocol-events.js';
import type { Requests } from '../comms/port.js';
import { withInput } from '../supervision/supervisors.js';
import { type NegotiationOptions, planNegotiation, requireParties } from './negotiation-options.js';
import { type Protocol, questions } from './protocol.js';

/** The logic of one negotiation. */
export type NegotiationLogic = ActorLogic<
  SnapshotFrom<typeof negotiationMachine>,
  NegotiationEvent,
  ProtocolInput,
  AnyActorRef['system'],
  NegotiationEmitted
>;

/** A negotiation with its terms. */
export interface NegotiationProtocol extends Protocol<NegotiationResult> {
  readonly name: 'negotiation';
  logic(requests: Requests): NegotiationLogic;
}

/**
 * A negotiation: decided with a `NegotiationResult`, or failed with a `NoDeal` and its details. The first of the session's agents makes the first offer. A
 * party that leaves, ends, is late or answers nonsense ends it, and is named. The same answers have the same end, in whatever order they come; nothing is
 * drawn. Restored from a snapshot, it goes on with its round, and asks under the same keys; its deadline is over then, its bound of rounds is not.
 * @throws EspalierError `negotiation/invalid-options`; from `requireAgents` for fewer than two parties, more than 1 000, or one twice
 */
export function negotiation(options: NegotiationOptions = {}): NegotiationProtocol {
  const { terms, maxBytes } = planNegotiation(options);
  const logic = (requests: Requests): NegotiationLogic =>
    withInput(negotiationMachine.provide({ actors: { questions: questions(requests, maxBytes) } }), terms) as unknown as NegotiationLogic;
  return { name: 'negotiation', requireAgents: requireParties, logic };
}
