/** An interaction as an app holds it. */
import { type AnyActorRef, createActor } from 'xstate';
import type { InteractionSummary } from '../../machines/interactions/interaction-events.js';
import { EspalierError } from '../errors.js';
import { outcomeOf, type Unfinished } from '../stream/http-stream.js';
import { Reader } from '../stream/reader.js';
import { createChild } from '../supervision/xstate-internals.js';
import { accountOf, type InteractionAnswer, type InteractionStreamEvent } from './account.js';
import { interactionLogic, type InteractionPlan, type InteractionRef } from './interaction.js';
import type { ClientPlan } from './options.js';

/**
 * How an interaction has ended. `requiresAction`: its `answer.calls` are to be answered by another one. `partial` is what came of one that failed: with its
 * id, and the event to go on behind.
 */
export type InteractionOutcome =
  | { readonly ok: true; readonly outcome: InteractionSummary['outcome']; readonly answer: InteractionAnswer }
  | { readonly ok: false; readonly failure: Unfinished; readonly partial: InteractionAnswer };

/**
 * An interaction that is read. Nothing is asked for before somebody wants to know: a loop, `answer()` or `ended()` begins it, wherever that is, and
 * whoever made it may be gone. It is read once: a second loop is refused. Disposing of it, or leaving the loop, ends the reading; the interaction on the
 * server goes on where it runs in the background.
 */
export interface InteractionStream extends AsyncIterable<InteractionStreamEvent>, AsyncDisposable {
  /** Its actor. */
  readonly ref: InteractionRef;
  /** As the server calls it; null while it is not known. */
  readonly id: string | null;
  /** @throws EspalierError `interactions/already-read`, the second time */
  [Symbol.asyncIterator](): AsyncIterableIterator<InteractionStreamEvent, undefined>;
  /** Ends the reading, and settles then. Twice is once. */
  cancel(reason?: string): Promise<InteractionOutcome>;
  /** Settles at the end, and never rejects. It reads nothing by itself: where nobody iterates, that is the total deadline. */
  ended(): Promise<InteractionOutcome>;
  /** Reads to the end by itself; events that nobody iterates over are dropped. Never rejects. */
  answer(): Promise<InteractionOutcome>;
}

/** A handle on what was planned, which begins when it is read: by itself, or beneath an actor, which has to cancel it when it ends. */
export function openInteraction(client: ClientPlan, plan: InteractionPlan, parent?: AnyActorRef): InteractionStream {
  return new Handle(client, plan, parent);
}

/** What came of an interaction's actor that is no longer active. */
export function interactionOutcome(ref: AnyActorRef): InteractionOutcome {
  const outcome = outcomeOf(ref);
  const answer = accountOf(ref).answer();
  if (!outcome.ok) return { ok: false, failure: outcome.failure, partial: answer };
  return { ok: true, outcome: (outcome.summary as InteractionSummary).outcome, answer };
}

class Handle implements InteractionStream {
  readonly ref: InteractionRef;
  readonly #reader = new Reader<InteractionStreamEvent>();
  #hasBegun = false;
  #isRead = false;

  constructor(client: ClientPlan, plan: InteractionPlan, parent: AnyActorRef | undefined) {
    const logic = interactionLogic(client, plan, { target: { make: this.#reader.make }, demand: 'automatic' });
    const id = 'interaction';
    this.ref = parent === undefined ? createActor(logic, { clock: client.clock, id }) : (createChild(logic, { parent, id }) as InteractionRef);
    accountOf(this.ref).begin(plan);
    // Heard here, a crash is no uncaught exception: it is the outcome.
    this.ref.subscribe({ error: () => undefined });
  }

  get id(): string | null {
    return accountOf(this.ref).id;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<InteractionStreamEvent, undefined> {
    if (this.#isRead) {
      const expected = 'one loop over the events of an interaction; `resume(id)` reads them again';
      throw new EspalierError('interactions/already-read', { expected, got: 'a second one' });
    }
    this.#isRead = true;
    this.#begin();
    return this.#reader;
  }

  cancel(reason = ''): Promise<InteractionOutcome> {
    // Begun and cancelled at once: no request is made, and there is one way to an end.
    const ended = this.ended();
    if (this.ref.getSnapshot().status === 'active') this.ref.send({ type: 'stream.cancel', by: 'app', reason });
    return ended;
  }

  ended(): Promise<InteractionOutcome> {
    this.#begin();
    return new Promise((resolve) => {
      const look = (): void => resolve(interactionOutcome(this.ref));
      if (this.ref.getSnapshot().status === 'active') this.ref.subscribe({ complete: look, error: look });
      else look();
    });
  }

  answer(): Promise<InteractionOutcome> {
    const ended = this.ended();
    this.#reader.drain();
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.ref.start();
  }
}
