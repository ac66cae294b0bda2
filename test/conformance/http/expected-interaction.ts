/**
 * What an app must be told of an interaction, streamed or whole: each event by the name of today, with the whole step where one stops, and the answer behind
 * the last of a success; what it comes to; the end.
 *
 * An event whose id came before is the same event, and nothing. A stream is over with its last event, or with `[DONE]` behind steps that have all stopped;
 * one that ends otherwise was cut. A whole answer to a creation is the interaction as it stands, also one that runs in the background.
 */
import type { RecordedResponse } from '../../../src/testing/gemini-server/http/recording.js';
import type { Asking } from './client.js';
import type { Expected, ExpectedEnd, ExpectedFailure } from './expected.js';
import { callsOf, ExpectedSteps, textOf } from './expected-steps.js';
import { errorIn, failureBy, isRefused, refusalBy } from './said-error.js';
import { fieldsOf, isFields, type Item, listOf, readBody, textOrNull } from './wire-body.js';

type Fields = { readonly [field: string]: unknown };

/** The names of before May 2026. */
const namesOfToday: Readonly<Record<string, string>> = {
  'interaction.start': 'interaction.created',
  'interaction.complete': 'interaction.completed',
  'content.start': 'step.start',
  'content.delta': 'step.delta',
  'content.stop': 'step.stop',
};

const outcomes: Readonly<Record<string, string>> = {
  completed: 'completed',
  requires_action: 'requiresAction',
  requires_continuation: 'requiresContinuation',
};
const underWay = ['', 'queued', 'in_progress'];

export function expectedInteraction(request: Asking, response: RecordedResponse): Expected {
  const { isStreamed, operation } = request;
  const isCreation = operation === 'interactions.create';
  if (isRefused(response)) return { events: [], end: refusalOf(response, isCreation) };
  const { isCut, isJson, items } = readBody(response.body, response.headers['content-type'] ?? '');
  if (operation === 'interactions.delete') return { events: [], end: { ok: true, outcome: '' } };
  const reading = new Reading(new URLSearchParams(request.query).get('last_event_id'));
  if (isCreation || isStreamed) {
    const end = isJson ? reading.whole(items[0], isCut, isStreamed) : reading.stream(items);
    return reading.expected(end.ok || reading.id !== null || !isCreation ? end : inDoubt(end), isStreamed);
  }
  const [item] = items;
  if (item?.kind !== 'payload' || !isFields(item.value)) return { events: [], end: { ok: false } };
  const error = wholeErrorIn(item.value);
  if (error !== null) return { events: [], end: failureBy(error) };
  return { events: [], answer: { interaction: item.value }, end: { ok: true, outcome: '' } };
}

/** Of a creation that a server did not refuse, but failed at, nobody knows whether there is one; 503 may be said before, and after. */
function refusalOf(response: RecordedResponse, isCreation: boolean): ExpectedFailure {
  const refusal = refusalBy(response);
  if (!isCreation || (response.status < 500 && response.status !== 408)) return refusal;
  return { ...refusal, kinds: response.status === 503 ? ['refused', 'creationUnknown'] : ['creationUnknown'] };
}

/** An interaction that failed may hold an error, and is none. */
function wholeErrorIn(value: unknown): ReturnType<typeof errorIn> {
  return fieldsOf(value)['status'] === undefined ? errorIn(value) : null;
}

/** A creation that was lost before its id was known may be told of as one that nobody knows about. */
function inDoubt(end: ExpectedFailure): ExpectedFailure {
  return end.kinds === undefined || ['serverError', 'finish', 'cancelled'].some((kind) => end.kinds?.includes(kind))
    ? end
    : { ...end, kinds: [...end.kinds, 'creationUnknown'] };
}

class Reading {
  readonly #events: unknown[] = [];
  readonly #steps = new ExpectedSteps();
  readonly #seen = new Set<string>();
  readonly #isMidway: boolean;
  #id: string | null = null;
  #status = '';
  #usage: unknown = null;
  #resource: Fields | null = null;
  #told: readonly Fields[] | null = null;
  #lastEventId: string | null;
  /** Has an event without an id come behind that one? */
  #isBehindId = false;
  #isAsked = false;
  #hasCome = false;

  /** @param after  the event behind which the stream was asked for */
  constructor(after: string | null) {
    this.#lastEventId = after;
    this.#isMidway = after !== null;
    if (after !== null) this.#seen.add(after);
  }

  get id(): string | null {
    return this.#id;
  }

  whole(item: Item | undefined, isCut: boolean, isStreamed: boolean): ExpectedEnd {
    if (isCut) return { ok: false, kinds: ['truncated'] };
    if (item?.kind !== 'payload') return { ok: false, kinds: ['malformed', 'truncated'] };
    const error = wholeErrorIn(item.value);
    if (error !== null) return failureBy(error);
    const value = fieldsOf(item.value);
    if (typeof value['status'] !== 'string') return { ok: false };
    this.#note(value);
    // What was an output before May 2026 is a step.
    const told = listOf(value['steps']).length > 0 ? value['steps'] : (value['outputs'] ?? value['steps']);
    if (Array.isArray(told)) this.#told = listOf(told).map(fieldsOf);
    this.#isAsked = true;
    if (!underWay.includes(this.#status)) return this.#endBy(this.#status);
    return isStreamed ? { ok: false, kinds: ['truncated'] } : { ok: true, outcome: 'running' };
  }

  stream(items: readonly Item[]): ExpectedEnd {
    for (const item of items) {
      if (item.kind === 'unreadable') return { ok: false, kinds: ['malformed'] };
      if (item.kind === 'done') return this.#done();
      const end = this.#take(item);
      if (end !== null) return end;
    }
    return { ok: false, kinds: ['truncated'] };
  }

  expected(end: ExpectedEnd, isStreamed: boolean): Expected {
    const answer = this.#answer();
    const last = end.ok ? [{ type: 'answer', answer }] : [];
    const hasCome = this.#hasCome || this.#resource !== null;
    return { events: isStreamed ? [...this.#events, ...last] : [], end, ...(hasCome ? { answer } : {}) };
  }

  /** `[DONE]` without a last event: over, by the status that was told, or because all that was begun has been said. */
  #done(): ExpectedEnd {
    if (underWay.includes(this.#status)) {
      if (!this.#steps.haveStopped) return { ok: false, kinds: ['truncated'] };
      this.#status = callsOf(this.#steps.all()).length > 0 ? 'requires_action' : 'completed';
    }
    return this.#endBy(this.#status);
  }

  #endBy(status: string): ExpectedEnd {
    const outcome = outcomes[status];
    if (outcome !== undefined) return { ok: true, outcome };
    if (underWay.includes(status)) return { ok: false, kinds: ['truncated'] };
    return status === 'cancelled' ? { ok: false, kinds: ['cancelled'], codes: ['server'] } : { ok: false, kinds: ['finish'], codes: [status] };
  }

  /** @returns how it ends, where it does */
  #take({ event, id, value }: Extract<Item, { kind: 'payload' }>): ExpectedEnd | null {
    if (!isFields(value)) return { ok: false, kinds: ['malformed'] };
    const given = textOrNull(value['event_type']) ?? event;
    const name = Object.hasOwn(namesOfToday, given) ? (namesOfToday[given] as string) : given;
    const error = name === 'error' ? errorIn(value, name) : name === '' ? wholeErrorIn(value) : null;
    if (error !== null) return failureBy(error);
    const eventId = (textOrNull(value['event_id']) ?? id) || null;
    if (eventId !== null) {
      if (this.#seen.has(eventId)) return null;
      this.#seen.add(eventId);
      this.#lastEventId = eventId;
    }
    this.#isBehindId = eventId === null;
    this.#hasCome = true;
    const said = this.#said(name, value);
    this.#events.push({ ...said, eventId, wire: value });
    return said['type'] === 'interaction.completed' ? this.#endBy(this.#status) : null;
  }

  #said(name: string, value: Fields): Fields {
    const { content, delta, index, interaction, step } = value;
    const at = typeof index === 'number' ? index : null;
    switch (name) {
      case 'interaction.created':
      case 'interaction.completed': {
        const { interaction_id: id, status } = value;
        const resource = isFields(interaction) ? interaction : typeof id === 'string' ? { id, status } : {};
        this.#note(resource);
        return { type: name, interaction: resource };
      }
      case 'interaction.status_update': {
        const { interaction_id: id, status } = value;
        if (typeof status !== 'string') break;
        this.#know(id, status);
        return { type: name, interactionId: textOrNull(id), status };
      }
      case 'step.start': {
        if (at === null) break;
        const begun = this.#steps.start(at, fieldsOf(step ?? content));
        return { type: name, index: at, step: begun };
      }
      case 'step.delta':
        if (at === null || !isFields(delta)) break;
        this.#steps.grow(at, delta);
        return { type: name, index: at, delta };
      case 'step.stop':
        if (at === null) break;
        return { type: name, index: at, step: this.#steps.stop(at) };
    }
    return { type: 'other' };
  }

  #note(resource: Fields): void {
    this.#resource = resource;
    this.#usage = resource['usage'] ?? this.#usage;
    this.#know(resource['id'], resource['status']);
  }

  #know(id: unknown, status: unknown): void {
    this.#id ??= textOrNull(id) || null;
    this.#status = textOrNull(status) ?? this.#status;
  }

  /** Of two fields the wire says nothing: whether all is there where no steps were told, and where to go on behind events that have no id. */
  #answer(): Fields {
    const steps = this.#told ?? this.#steps.all();
    const isKnown = this.#told !== null || !this.#isAsked;
    return {
      ...{ id: this.#id, status: this.#status, steps, text: textOf(steps), calls: callsOf(steps), usage: this.#usage },
      ...(isKnown ? { isWhole: this.#told !== null || (!this.#isMidway && !this.#steps.lackStart) } : {}),
      ...(this.#isBehindId && this.#lastEventId !== null ? {} : { lastEventId: this.#lastEventId }),
      interaction: this.#resource,
    };
  }
}
