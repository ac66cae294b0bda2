/** What a session runs: a protocol, which knows how to ask its agents, and comes to one end. */
import { type AnyActorLogic, type AnyActorRef, type CallbackActorLogic, type EventObject, fromCallback } from 'xstate';
import type { Question, QuestionsEvent, QuestionsInput } from '../../machines/coordination/protocol-events.js';
import type { Requests } from '../comms/port.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';

declare const decides: unique symbol;

/** A protocol with its options, which are checked: what is left to be said is who takes part. `Value`: what it decides. */
export interface Protocol<Value = unknown> {
  /** For the compiler only: nothing has it. */
  readonly [decides]?: Value;
  /** As `voting`: for facts and for whoever reads them. */
  readonly name: string;
  /** Looks at who is to take part, before anything starts. @throws EspalierError of the protocol, where so many or these will not do */
  requireAgents(agents: readonly string[]): void;
  /** The chart: its input is a `ProtocolInput`, its output a `ProtocolEnd`. @param requests  who asks the agents */
  logic(requests: Requests): AnyActorLogic;
}

/**
 * The actor `questions` of a protocol's chart: puts each to its agent, tells the chart what came of it, and then that all are answered. Stopped, it takes back
 * those that are not. A question that is put again after a crash is the same question: its key is made of session and id.
 */
export function questions(requests: Requests): CallbackActorLogic<EventObject, QuestionsInput> {
  return fromCallback<EventObject, QuestionsInput>(({ input, self, sendBack }) => {
    const chart = parentOf(self) as AnyActorRef;
    // A signal for each: so many listeners on one are a warning of the runtime's.
    const open = new Set<AbortController>();
    let isOver = false;
    const tell = (event: QuestionsEvent): void => {
      if (!isOver) sendBack(event);
    };
    const ask = async ({ id, agent, body }: Question): Promise<void> => {
      const key = `${input.session}/${id}`;
      const own = new AbortController();
      open.add(own);
      const outcome = await requests.request(agent, body, { signal: own.signal, withinMs: input.withinMs, from: input.session, key });
      open.delete(own);
      tell({ type: 'question.answered', id, agent, outcome });
    };
    onLoss(self, chart, () => chart.send({ type: 'questions.lost', why: 'killed' } satisfies QuestionsEvent));
    Promise.all(input.questions.map(ask)).then(
      () => tell({ type: 'questions.answered' }),
      (error: unknown) => tell({ type: 'questions.lost', why: String(error) }),
    );
    return () => {
      isOver = true;
      for (const own of open) own.abort();
    };
  });
}
