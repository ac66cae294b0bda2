/**
 * Agents that think of one question at a time: what waits meanwhile, what is taken back. With what they think is in chat-agent.ts and live-agent.ts.
 */
import { type AnyActorRef, type CallbackActorLogic, fromCallback } from 'xstate';
import type { AgentEvent, CommsRequest } from '../../machines/comms/message.js';
import { wordsOf } from '../../machines/live/ending.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { refuse, reply } from '../comms/respondent.js';
import { isPlainObject, shown, sortOf } from '../option-checks.js';
import { type Clock, clockOf } from '../supervision/clock.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { count, invalid } from './agents-options.js';

/** What an agent behind which a model stands may be told beside the options of its model. */
export interface MindOptions {
  /**
   * What the model is asked, made of what the agent is asked; what it throws is the answer `error`, in words. Default: the body itself, a text or `{ text }`;
   * any other is answered `error`.
   */
  readonly prompt?: (body: unknown, asked: { readonly to: string; readonly from: string | null }) => string;
  /** The answer, JSON, made of what the model has said; what it throws is the answer `error`, in words. Default: the text itself. */
  readonly answer?: (text: string, body: unknown) => unknown;
  /** Questions that may wait while one is thought of, 1 to 10 000; one more is answered `error`. Default 100. What comes through comms has a bound before this one: the agent's credits. */
  readonly maxWaiting?: number;
}

export const mindKeys = keysOf<MindOptions>({ prompt: true, answer: true, maxWaiting: true });

/** The same, checked, with its defaults. */
export type MindPlan = Required<MindOptions>;

/** What came of thinking: what was said, or why nothing was. */
export type Said = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** Whatever answers, one question at a time. */
export interface Mind {
  /**
   * Begins with a question; none is begun before the last has settled.
   * @param settle  called once, at once or later, also where it is taken back; not after `end`
   * @returns takes it back: it settles as soon as the next may begin
   */
  think(question: string, settle: (said: Said) => void): () => void;
  /** Lets go of all that it has. */
  end(): void;
}

/** Where a mind lives. */
export interface MindScope {
  /** The agent, whose children are what it thinks with. */
  readonly self: AnyActorRef;
  readonly clock: Clock;
  /** It cannot think any more: whoever waits is answered `error`, and the agent crashes with this. Twice is once. */
  lost(error: Error): void;
}

/** The logic of such an agent; it needs no input, and is told no more than comms tell agents. */
export type MindLogic = CallbackActorLogic<AgentEvent>;

/** @throws EspalierError `agents/invalid-options` */
export function planMind({ answer = (text) => text, maxWaiting, prompt = textOf }: MindOptions): MindPlan {
  for (const [name, value] of Object.entries({ answer, prompt })) if (typeof value !== 'function') throw invalid(name, 'a function', shown(value));
  return { answer, maxWaiting: count('maxWaiting', maxWaiting, 100, 10_000), prompt };
}

function textOf(body: unknown): string {
  const text = isPlainObject(body) ? body['text'] : body;
  if (typeof text !== 'string') throw new TypeError(`expected a text, or { text }, got: ${sortOf(body)}`);
  return text;
}

/** The logic of an agent with such a mind, opened as the agent starts. */
export function thinking(open: (scope: MindScope) => Mind, plan: MindPlan): MindLogic {
  const logic = fromCallback<AgentEvent | MindLost>(({ receive, self, system }) => {
    // Not within the turn of whoever ended: that tells its parent first, and may not find it gone.
    const lost = (error: Error): void =>
      queueMicrotask(() => {
        if (!hasStopped(self)) self.send({ type: 'mind.lost', error });
      });
    const desk = new Desk(open({ self, clock: clockOf(system), lost }), plan);
    receive((event) => desk.take(event));
    return () => desk.end();
  });
  // By which comms know what it takes.
  return Object.assign(logic, { events: ['comms.request', 'comms.cancelled'] }) as unknown as MindLogic;
}

interface MindLost {
  readonly type: 'mind.lost';
  readonly error: Error;
}

interface Thought {
  readonly request: CommsRequest;
  /** Null until the mind has begun with it. */
  takeBack: (() => void) | null;
  isTakenBack: boolean;
}

/** What one agent has been asked and has not answered. */
class Desk {
  readonly #mind: Mind;
  readonly #plan: MindPlan;
  /** By ref, in the order in which they came. */
  readonly #waiting = new Map<string, { readonly request: CommsRequest; readonly question: string }>();
  #thought: Thought | null = null;
  #isBeginning = false;
  #isOver = false;

  constructor(mind: Mind, plan: MindPlan) {
    this.#mind = mind;
    this.#plan = plan;
  }

  take(event: AgentEvent | MindLost): void {
    if (this.#isOver) return;
    if (event.type === 'comms.request') this.#ask(event);
    else if (event.type === 'comms.cancelled') this.#takeBack(event.ref);
    else if (event.type === 'mind.lost') this.#fail(event.error);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting.clear();
    this.#mind.end();
  }

  #ask(request: CommsRequest): void {
    const { body, from, ref, replyTo, to } = request;
    const refusal = (why: string): void => replyTo.send(refuse(request, why));
    let question: string;
    try {
      question = this.#plan.prompt(body, { to, from });
    } catch (error) {
      return refusal(wordsOf(error));
    }
    if (typeof question !== 'string' || question === '') return refusal(`expected something to ask, got: ${sortOf(question)}`);
    if (this.#waiting.size >= this.#plan.maxWaiting) return refusal(`so many questions wait already: ${this.#plan.maxWaiting}`);
    this.#waiting.set(ref, { request, question });
    this.#next();
  }

  #takeBack(ref: string): void {
    if (this.#waiting.delete(ref) || this.#thought?.request.ref !== ref || this.#thought.isTakenBack) return;
    this.#thought.isTakenBack = true;
    this.#thought.takeBack?.();
  }

  #next(): void {
    // One that settles at once is followed from here, and not from within: as many may wait as no stack is deep.
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    while (this.#thought === null && this.#waiting.size > 0 && !this.#isOver) this.#begin();
    this.#isBeginning = false;
  }

  #begin(): void {
    const [first] = this.#waiting.values();
    if (first === undefined) return;
    const { question, request } = first;
    this.#waiting.delete(request.ref);
    const thought: Thought = { request, takeBack: null, isTakenBack: false };
    this.#thought = thought;
    thought.takeBack = this.#mind.think(question, (said) => {
      if (this.#thought !== thought || this.#isOver) return;
      this.#thought = null;
      // Nobody waits for what was taken back.
      if (!thought.isTakenBack) this.#tell(request, said);
      this.#next();
    });
  }

  #tell(request: CommsRequest, said: Said): void {
    request.replyTo.send(said.ok ? this.#answered(request, said.text) : refuse(request, said.why));
  }

  #answered(request: CommsRequest, text: string): ReturnType<typeof reply> {
    try {
      return reply(request, this.#plan.answer(text, request.body));
    } catch (error) {
      return refuse(request, wordsOf(error));
    }
  }

  #fail(error: Error): never {
    const open = [...this.#waiting.values()].map(({ request }) => request);
    if (this.#thought?.isTakenBack === false) open.unshift(this.#thought.request);
    this.end();
    // Before it crashes: whoever asked hears why, and not only that it ended.
    for (const request of open) request.replyTo.send(refuse(request, wordsOf(error)));
    throw error;
  }
}
