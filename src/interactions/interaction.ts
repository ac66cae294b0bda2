/** One interaction as logic: its chart, with the actors that ask, poll and deliver. */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import type { ExchangeInput, InteractionEvent, InteractionFact, InteractionInput } from '../../machines/interactions/interaction-events.js';
import { interactionMachine } from '../../machines/interactions/interaction.js';
import { longestMs } from '../option-checks.js';
import { delivery, type DeliveryOptions } from '../stream/delivery.js';
import type { StreamPlan } from '../stream/options.js';
import { printFault } from '../supervision/last-resort.js';
import { withInput } from '../supervision/supervisors.js';
import { type Subject, withSubject } from '../telemetry/subject.js';
import { Creations } from './creation.js';
import { exchange } from './exchange.js';
import { type Asking, type ClientPlan, type EventsCallOptions, pathOf } from './options.js';
import { poll } from './poll.js';

/** The logic of one interaction; it needs no input. */
export type InteractionLogic = ActorLogic<
  SnapshotFrom<typeof interactionMachine>,
  InteractionEvent,
  undefined,
  AnyActorRef['system'],
  InteractionFact
>;

/** A running interaction. */
export type InteractionRef = ActorRefFrom<InteractionLogic>;

/** What an interaction is to do. */
export interface InteractionPlan extends Pick<InteractionInput, 'start' | 'id' | 'lastEventId'> {
  /** Of its creation. */
  readonly body?: string;
  /** Is it asked for as one value? */
  readonly isWhole: boolean;
  /** Of a stream that is gone on with: are the inputs to be among the events? */
  readonly includeInput?: boolean;
  readonly options: EventsCallOptions;
  /** Which model is asked, where that is known. */
  readonly subject?: Subject | undefined;
  /** What differs from the client's. */
  readonly input?: Partial<InteractionInput>;
}

/** A whole answer comes with its headers, and a model may think for minutes, ms. */
const wholeConnectMs = 240_000;

/** The logic of what was planned, for this target. */
export function interactionLogic(
  client: ClientPlan,
  plan: InteractionPlan,
  { demand, target }: Pick<DeliveryOptions, 'demand' | 'target'>,
): InteractionLogic {
  const { id, isWhole, lastEventId, options, start } = plan;
  const gate = options.gate ?? client.gate;
  const creations = new Creations();
  const machine = interactionMachine.provide({
    actors: {
      delivery: delivery({
        ...{ target, demand, signal: options.signal, secrets: client.secrets },
        onFault: (error) => printFault('the target of an interaction', error),
      }),
      exchange: exchange({ creations, gate, isWhole, planFor: (input) => endless(client.plan(askingOf(client, plan, input))) }),
      poll: poll({ gate, planFor: (known) => endless(client.plan({ method: 'GET', path: pathOf(known), isStreamed: false, attempts: 1 })) }),
    },
  });
  const totalMs = options.totalMs ?? client.input.totalMs;
  const logic = withInput(machine, { ...client.input, totalMs, start, id, lastEventId, isBehindGate: gate !== undefined, ...plan.input });
  const { restoreSnapshot } = logic;
  const restore: typeof restoreSnapshot = (snapshot, scope) => {
    creations.restore(scope.self as AnyActorRef, snapshot);
    return restoreSnapshot(snapshot, scope);
  };
  return withSubject(Object.assign(logic, { restoreSnapshot: restore }), plan.subject);
}

/** All the time there is, is the interaction's to keep. */
function endless(plan: StreamPlan): StreamPlan {
  return { ...plan, input: { ...plan.input, totalMs: longestMs } };
}

function askingOf({ hasConnectMs }: ClientPlan, { body, includeInput, isWhole }: InteractionPlan, { ask, id, lastEventId }: ExchangeInput): Asking {
  if (ask === 'create') {
    const connectMs = isWhole && !hasConnectMs ? wholeConnectMs : undefined;
    return { method: 'POST', ...(body === undefined ? {} : { body }), isStreamed: !isWhole, attempts: 1, connectMs };
  }
  const behind = ask === 'resume' && lastEventId !== null ? { last_event_id: lastEventId } : {};
  const query = { stream: 'true', ...behind, ...(includeInput === true ? { include_input: 'true' } : {}) };
  return { method: 'GET', path: pathOf(id), query, isStreamed: true, attempts: 1 };
}
