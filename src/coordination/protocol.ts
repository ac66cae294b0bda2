/** What a session runs: a protocol, which knows how to ask its agents, and comes to one end. */
import { type AnyActorLogic, type AnyActorRef, type CallbackActorLogic, type EventObject, fromCallback } from 'xstate';
import { textOf } from '../../machines/coordination/agreement.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import type { Question, QuestionsEvent, QuestionsInput } from '../../machines/coordination/protocol-events.js';
import { saidOf } from '../../machines/coordination/said.js';
import { fingerprint } from '../../machines/hash.js';
import type { Requests } from '../comms/port.js';
import { isObject, jsonOf, sortOf } from '../option-checks.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { bytesOf } from '../wire/recording/bytes.js';

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
 * those that are not. A question that is put again after a crash is the same question: its key is made of session and id, and of what is asked where that is
 * derived from other answers.
 *
 * An agent may run in this process, and may do with what it is given, and later with what it gave, what it likes: so what all are asked is a copy that nobody
 * can change, and an answer is taken as the JSON that it is as it comes; what is none is `undefined`.
 * @param maxBytes  an answer that is longer, bytes of JSON in UTF-8, is none
 */
export function questions(requests: Requests, maxBytes = Number.POSITIVE_INFINITY): CallbackActorLogic<EventObject, QuestionsInput> {
  return fromCallback<EventObject, QuestionsInput>(({ input, self, sendBack }) => {
    const chart = parentOf(self) as AnyActorRef;
    // A signal for each: so many listeners on one are a warning of the runtime's.
    const open = new Set<AbortController>();
    let isOver = false;
    const tell = (event: QuestionsEvent): void => {
      if (!isOver) sendBack(event);
    };
    // Of a body that many are asked one copy does, and one look at what is in it.
    const copies = new Map<unknown, unknown>();
    const copyOf = (body: unknown): unknown => {
      if (!copies.has(body)) copies.set(body, copied(body));
      return copies.get(body);
    };
    const marks = new Map<unknown, string>();
    // Of what is really asked, whatever the order of its keys; however deep, since what is cut off would not be told apart.
    const markOf = (body: unknown): string => {
      const known = marks.get(body) ?? fingerprint(textOf(copyOf(body), Infinity) ?? '');
      marks.set(body, known);
      return known;
    };
    const ask = async ({ id, agent, body, isDerived = false }: Question): Promise<void> => {
      const key = `${input.session}/${id}${isDerived ? `/${markOf(body)}` : ''}`;
      const own = new AbortController();
      open.add(own);
      const outcome = await requests.request(agent, copyOf(body), { signal: own.signal, withinMs: input.withinMs, from: input.session, key });
      open.delete(own);
      if (!isOver) tell({ type: 'question.answered', id, agent, outcome: outcomeOf(outcome, maxBytes) });
    };
    onLoss(self, chart, () => chart.send({ type: 'questions.lost', why: 'killed' } satisfies QuestionsEvent));
    Promise.all(input.questions.map(ask)).then(
      () => tell({ type: 'questions.answered' }),
      (error: unknown) => tell({ type: 'questions.lost', why: saidOf(error) }),
    );
    return () => {
      isOver = true;
      for (const own of open) own.abort();
    };
  });
}

/** What came of a question, of which nobody can change anything any more. @throws Error for what is no outcome */
function outcomeOf(outcome: unknown, maxBytes: number): RequestOutcome {
  const { ok, value, reason } = (isObject(outcome) ? outcome : {}) as { readonly ok?: unknown; readonly value?: unknown; readonly reason?: unknown };
  if (ok === true) return { ok, value: answerOf(value, maxBytes) };
  if (ok !== false || typeof reason !== 'string') throw new Error(`what was to ask an agent came back with ${sortOf(outcome)} that is no outcome`);
  return outcome as RequestOutcome;
}

/**
 * An answer as a copy; undefined for what would not be the same on the other end of a wire. A NaN would not, nor a Date, nor what throws as it is looked at, or
 * is something else each time. @throws never
 */
function answerOf(value: unknown, maxBytes: number): unknown {
  try {
    const text = textOf(value);
    // As long as any way to write it.
    if (text === null || bytesOf(text) > maxBytes) return undefined;
    const copy = copied(value);
    return textOf(copy) === text ? copy : undefined;
  } catch {
    return undefined;
  }
}

/** A copy of JSON, frozen throughout; undefined for what is none. @throws RangeError for what is some thousands deep */
function copied(value: unknown): unknown {
  const json = jsonOf(value);
  return json === null ? undefined : (JSON.parse(json, (_, each: unknown) => Object.freeze(each)) as unknown);
}
