/**
 * What is known of one interaction, over all its requests: which events came already, how far they lead, and the steps that they make.
 *
 * It stands beside the chart, which is told of it where it has to decide. The ids of the last 65 536 events are remembered; of an interaction with more the
 * first are forgotten, and it is not replayed from its start any more.
 */
import type { AnyActorRef } from 'xstate';
import type { Cursor } from '../../machines/interactions/interaction-events.js';
import { verdictOf } from '../../machines/interactions/interaction-state.js';
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import type { InteractionResource, InteractionStep, InteractionWireEvent } from '../wire/gemini/interactions.js';
import { hideIn, hideInJson, type Secrets } from '../wire/secrets.js';
import { callsIn, type InteractionCall, StepBook, textIn } from '../wire/gemini/interactions-steps.js';
import { covers } from './coverage.js';

/** An interaction as far as it came. */
export interface InteractionAnswer {
  /** Null while it is not known, and of one that the server does not store. */
  readonly id: string | null;
  /** In the server's words; empty while none was told. */
  readonly status: string;
  /** In their order, with thought signatures verbatim. */
  readonly steps: readonly InteractionStep[];
  /** All that the model said. */
  readonly text: string;
  /** Functions that are to be called; those without a result among the steps. */
  readonly calls: readonly InteractionCall[];
  readonly usage: { readonly [field: string]: unknown } | null;
  /**
   * Are these all its steps, from the first on? Not where it was resumed behind an event that somebody else had read, and not where the server has told how
   * it stands and nothing of its steps.
   */
  readonly isWhole: boolean;
  /** To go on behind it: `resume(id, { lastEventId })`. Null, too, where events without an id came behind the last that had one: they would come twice. */
  readonly lastEventId: string | null;
  /** As the server told it last. */
  readonly interaction: InteractionResource | null;
}

/** What a stream of an interaction tells: each event, with the whole step where one has ended; then the answer. */
export type InteractionStreamEvent =
  | Exclude<InteractionWireEvent, { readonly type: 'step.stop' }>
  | (Extract<InteractionWireEvent, { readonly type: 'step.stop' }> & { readonly step: InteractionStep | null })
  /** It was asked how it stands, since its stream could not be gone on with: told for each change of its status. */
  | { readonly type: 'polled'; readonly interaction: InteractionResource }
  /** The last of an interaction that came to its end. */
  | { readonly type: 'answer'; readonly answer: InteractionAnswer };

/** Did an interaction with that status come to an end of its own? */
export function isGood(status: string): boolean {
  return ['completed', 'requiresAction', 'requiresContinuation'].includes(verdictOf(status));
}

const mostIds = 65_536;

/** See above. */
export class Account {
  readonly #seen = new Set<string>();
  readonly #book = new StepBook();
  #id: string | null = null;
  #lastEventId: string | null = null;
  #eventCount = 0;
  /** Is that event the last one that came? */
  #isAtId = true;
  #knowsAll = true;
  #status = '';
  #usage: InteractionAnswer['usage'] = null;
  #resource: InteractionResource | null = null;
  /** The steps of the last whole answer, which are better than any that were put together. Null where it told none, or not all that its events did. */
  #told: readonly InteractionStep[] | null = null;
  /** Those of an answer before it, while it ran: how far it came by then, and never its answer. */
  #toldBefore: readonly InteractionStep[] | null = null;
  #isMidway = false;
  /** Was it answered as one value? */
  #wasAsked = false;
  /** The status that the last event has ended it with. */
  #overBy: string | null = null;
  /** The status that the target was told by a poll last. */
  polledStatus: string | null = null;
  /** Words that nothing of it may show: what came in pieces is joined here. */
  secrets: () => Secrets = () => [];

  /** It is known already, and perhaps its events, by somebody else: nothing of that was read here. */
  begin({ id, lastEventId }: Pick<Cursor, 'id' | 'lastEventId'>): void {
    if (this.#eventCount > 0) return;
    this.#id ??= id;
    this.#lastEventId ??= lastEventId;
    this.#isMidway = lastEventId !== null;
  }

  get id(): string | null {
    return this.#id;
  }

  /** The status that it is over with, as an event has said; null as long as none has. */
  get overBy(): string | null {
    return this.#overBy;
  }

  /** Did some of its steps come, but not all, from whatever source? What the app was shown must not vanish from a success. */
  get #isCut(): boolean {
    const hasSteps = this.#eventCount > 0 || (this.#toldBefore ?? []).length > 0;
    return hasSteps && this.#overBy === null && this.#told === null;
  }

  /** Why what was answered whole is no answer: it does not say how it stands, or stands well, and lacks steps that were told. Null where it is one. */
  get fault(): StreamFailure | null {
    if ((this.#resource?.status ?? '') === '') return failureOf('malformed', 'noStatus', 'the answer does not say how the interaction stands');
    if (!isGood(this.#status) || !this.#isCut) return null;
    return failureOf('truncated', 'noSteps', `it is '${this.#status}', and the answer lacks steps that were told before`);
  }

  get #place(): string | null {
    return this.#isAtId ? this.#lastEventId : null;
  }

  cursor(): Cursor {
    return { id: this.#id, lastEventId: this.#place, eventCount: this.#eventCount, canReplay: this.#knowsAll && !this.#isMidway };
  }

  /** @returns the event as the app has it; null for one that came before */
  take(event: InteractionWireEvent): InteractionStreamEvent | null {
    const { eventId } = event;
    if (eventId !== null && (this.#seen.has(eventId) || (this.#isMidway && eventId === this.#lastEventId))) return null;
    this.#eventCount++;
    this.#setAside();
    this.#wasAsked = false;
    if (eventId === null) this.#knowsAll = this.#isAtId = false;
    else this.#remember(eventId);
    this.#book.add(event);
    if (event.type === 'interaction.created') this.#note(event.interaction);
    else if (event.type === 'interaction.status_update') {
      this.#know(event.interactionId);
      this.#status = event.status;
    } else if (event.type === 'interaction.completed') {
      this.#note(event.interaction);
      this.#overBy = event.interaction.status ?? this.#statusSoFar();
      this.#status = this.#overBy;
    } else if (event.type === 'step.stop') return { ...event, step: hideInJson(this.#book.step(event.index), this.secrets()) };
    return event;
  }

  /** `[DONE]`. @returns whether it is over: by the status that was told, or that its steps tell; not where there is none, or one that did not end */
  done(): boolean {
    const isTold = this.#status !== '' && verdictOf(this.#status) !== 'running';
    if (!isTold && (this.#status === 'queued' || !this.#book.isClosed)) return false;
    this.#overBy ??= this.#statusSoFar();
    this.#status = this.#overBy;
    return true;
  }

  /** The interaction, answered whole. @returns its status; empty where none was ever told */
  takeWhole(resource: InteractionResource): string {
    this.#note(resource);
    this.#setAside();
    this.#wasAsked = true;
    const { outputs, steps } = resource;
    // Of before May 2026: each content is a step by itself, as it is among their events.
    const told = steps !== undefined && steps !== null && (steps.length > 0 || !outputs) ? steps : outputs;
    if (told !== undefined && told !== null && this.#isCoveredBy(told as unknown as readonly InteractionStep[]))
      this.#told = told as unknown as readonly InteractionStep[];
    return this.#status;
  }

  /** What was told whole is of before what comes now. */
  #setAside(): void {
    this.#toldBefore = this.#told ?? this.#toldBefore;
    this.#told = null;
  }

  /** Is there in these steps what its events have told? An empty list is no list to protobuf: it may say as little as none, after an answer with steps, too. */
  #isCoveredBy(told: readonly InteractionStep[]): boolean {
    const seen = this.#book.steps();
    if (told.length === 0) return seen.length === 0 && (this.#toldBefore ?? []).length === 0;
    return covers(told, seen, { isFromStart: !this.#isMidway && !this.#book.lacksStart, secrets: this.secrets() });
  }

  /** As far as is known. */
  get #steps(): readonly InteractionStep[] {
    if (this.#told !== null) return this.#told;
    const [before, seen] = [this.#toldBefore, this.#book.steps()];
    return before !== null && this.#overBy === null && this.#isCoveredBy(before) ? before : seen;
  }

  answer(): InteractionAnswer {
    const secrets = this.secrets();
    const steps = hideInJson(this.#steps, secrets);
    return {
      ...{ id: this.#id, status: this.#status, steps, text: hideIn(textIn(steps), secrets), calls: callsIn(steps), usage: this.#usage },
      isWhole: this.#told !== null || (!this.#wasAsked && !this.#isMidway && !this.#book.lacksStart),
      ...{ lastEventId: this.#place, interaction: this.#resource },
    };
  }

  #statusSoFar(): string {
    if (this.#status !== '' && verdictOf(this.#status) !== 'running') return this.#status;
    return callsIn(this.#book.steps()).length > 0 ? 'requires_action' : 'completed';
  }

  #note(resource: InteractionResource): void {
    this.#resource = resource;
    this.#know(resource.id);
    this.#status = resource.status ?? this.#status;
    this.#usage = resource.usage ?? this.#usage;
  }

  #know(id: string | null | undefined): void {
    if (typeof id === 'string' && id !== '') this.#id ??= id;
  }

  #remember(eventId: string): void {
    this.#lastEventId = eventId;
    this.#isAtId = true;
    this.#seen.add(eventId);
    if (this.#seen.size <= mostIds) return;
    this.#knowsAll = false;
    const [oldest] = this.#seen;
    this.#seen.delete(oldest as string);
  }
}

const accounts = new WeakMap<AnyActorRef, Account>();

/** The account of an interaction's actor. */
export function accountOf(interaction: AnyActorRef): Account {
  let account = accounts.get(interaction);
  if (account === undefined) {
    account = new Account();
    accounts.set(interaction, account);
  }
  return account;
}
