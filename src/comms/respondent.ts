/** Agents that answer: the events by which they do, and logic for those that are a few functions. */
import { type AnyActorRef, type CallbackActorLogic, fromCallback } from 'xstate';
import type { AgentEvent, CommsCredit, CommsReply, CommsRequest } from '../../machines/comms/message.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { printFault } from '../supervision/last-resort.js';
import { requireFunction, requireOptions } from './refusal.js';

/** The answer to a question, to be sent to its `replyTo`. @param value  JSON */
export function reply(request: Pick<CommsRequest, 'ref'>, value: unknown): CommsReply {
  return { type: 'comms.reply', ref: request.ref, ok: true, value };
}

/** That a question will have no answer, to be sent to its `replyTo`: whoever asked hears `error`. @param error  in words, or JSON */
export function refuse(request: Pick<CommsRequest, 'ref'>, error: unknown): CommsReply {
  return { type: 'comms.reply', ref: request.ref, ok: false, error };
}

/**
 * That the agent takes so much more at once, to be sent to the `replyTo` of what it was sent; below 0: so much less. It counts until the agent ends or its name is
 * given up, and for that agent alone, whoever goes by its name by then.
 */
export function credit(event: Pick<CommsCredit, 'to' | 'holder'>, more: number): CommsCredit {
  return { type: 'comms.credit', to: event.to, holder: event.holder, more };
}

/** What a function of a respondent is told beside the body. */
export interface MessageScope {
  /** The agent's own name. */
  readonly to: string;
  /** Who has sent it, by name; null where that was not said. */
  readonly from: string | null;
  /** Aborts when nobody waits for the answer any more, and when the agent ends. */
  readonly signal: AbortSignal;
}

/** What a respondent does; a message for which it has no function is not delivered to it. */
export interface Respondent {
  /** @returns the answer, JSON. What it throws is the outcome `error`, in words */
  readonly request?: (body: unknown, scope: MessageScope) => unknown;
  /** Until a promise that it returns has settled, it counts as out at the agent. What it throws goes to `console.error` */
  readonly notice?: (body: unknown, scope: MessageScope) => unknown;
  /** The same for what is published. */
  readonly event?: (body: unknown, scope: MessageScope & { readonly topic: string }) => unknown;
}

const respondentKeys = keysOf<Respondent>({ request: true, notice: true, event: true });

/** In words: what is asked and answered is JSON, and an Error is none. */
function wordsOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'it threw what cannot be shown';
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/**
 * The logic of an agent that is a few functions. It works on as much at once as its channel has credits.
 * @throws EspalierError `comms/invalid-options`
 */
export function respondent(functions: Respondent): CallbackActorLogic<AgentEvent> {
  requireOptions('the functions of a respondent', functions, respondentKeys);
  for (const key of respondentKeys) requireFunction(key, functions[key as keyof Respondent]);
  const events = respondentKeys.filter((key) => functions[key as keyof Respondent] !== undefined).map((key) => `comms.${key}`);
  const logic = fromCallback<AgentEvent>(({ receive }) => {
    const work = new Work(functions);
    receive((event) => work.take(event));
    return () => work.end();
  });
  // By which comms know what it takes.
  return Object.assign(logic, { events: [...events, 'comms.cancelled'] });
}

/** What may be over before its function has returned. Its signal is made when it is asked for: it would cost as much as all the rest of a question. */
class Over {
  #controller: AbortController | null = null;
  isOver = false;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.isOver) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.isOver = true;
    this.#controller?.abort();
  }
}

/** What one respondent is at. */
class Work {
  readonly #functions: Respondent;
  readonly #open = new Map<string, Over>();
  readonly #over = new AbortController();

  constructor(functions: Respondent) {
    this.#functions = functions;
  }

  take(event: AgentEvent): void {
    switch (event.type) {
      case 'comms.request':
        return void this.#answer(event);
      case 'comms.cancelled':
        return this.#open.get(event.ref)?.abort();
      case 'comms.notice':
        return this.#hear(event, 'notice', () => this.#functions.notice?.(event.body, this.#scope(event)));
      case 'comms.event':
        return this.#hear(event, 'event', () => this.#functions.event?.(event.body, { ...this.#scope(event), topic: event.topic }));
    }
  }

  #scope({ to, from }: Pick<CommsRequest, 'to' | 'from'>): MessageScope {
    return { to, from, signal: this.#over.signal };
  }

  async #answer(event: CommsRequest): Promise<void> {
    const { ref, to, from, body, replyTo } = event;
    const over = new Over();
    this.#open.set(ref, over);
    const scope: MessageScope = {
      to,
      from,
      get signal() {
        return over.signal;
      },
    };
    let answer: CommsReply;
    try {
      answer = reply(event, await this.#functions.request?.(body, scope));
    } catch (error) {
      answer = refuse(event, wordsOf(error));
    }
    this.#open.delete(ref);
    // Nobody waits any more.
    if (!over.isOver) replyTo.send(answer);
  }

  #hear(event: Pick<CommsCredit, 'to' | 'holder'> & { readonly replyTo: AnyActorRef }, kind: string, call: () => unknown): void {
    const fault = (error: unknown): void => printFault(`the function '${kind}' of the agent '${event.to}'`, error);
    try {
      const made = call();
      if (!isPromise(made)) return;
      const { replyTo } = event;
      replyTo.send(credit(event, -1));
      const settled = (): void => {
        if (!this.#over.signal.aborted) replyTo.send(credit(event, 1));
      };
      made.then(settled, (error: unknown) => {
        fault(error);
        settled();
      });
    } catch (error) {
      fault(error);
    }
  }

  end(): void {
    this.#over.abort();
    for (const each of this.#open.values()) each.abort();
    this.#open.clear();
  }
}
