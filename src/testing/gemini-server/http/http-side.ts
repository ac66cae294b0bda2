/**
 * The HTTP half of one local server: who is let in, what each request asks for, which rule answers it, and what became of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { type Admission, pathOf, queryOf, shownCredential } from '../admission.js';
import { contains } from '../contains.js';
import type { GeminiServerSettings } from '../options.js';
import { bodyOf } from '../request-body.js';
import type { Waits } from '../waits.js';
import { Answer, type AnswerEnd } from './answer.js';
import { type Framing, framingOf } from './framing.js';
import { errorText, type GoogleError, invalidKey, invalidToken, noCredential } from './google-error.js';
import { Interactions } from './interactions.js';
import { type Asked, askedBy, type Operation } from './operations.js';
import { playAnswer } from './play-answer.js';
import type { ReadRule } from './rules.js';

/** A request as it arrived; no credential is in it. `at` is monotonic ms of the server's clock. */
export interface ReceivedRequest extends Asked {
  /** Place among all requests of the server, from 0. */
  readonly index: number;
  readonly method: string;
  /** Without query, each run of slashes as one. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Where and as what the credential was shown. */
  readonly credential: Admission['credential'];
  /** JSON as a value, else the text; null for none. */
  readonly body: unknown;
  readonly at: number;
  /** The rule that answers it, by its place among all rules; null for none. */
  readonly rule: number | null;
  /** Bytes of the answer's body that the network has taken. */
  readonly takenBytes: number;
  /** How the answer ended, null while it has not: see {@link AnswerEnd}. */
  readonly end: AnswerEnd | null;
}

/** What the server lends to its HTTP half. */
export interface HttpStage {
  /** Undefined: any, but one; null: none needed. */
  readonly key: string | null | undefined;
  readonly waits: Waits;
  now(): number;
  readonly deadlineMs: number;
  readonly maxBodyBytes: number;
  /** Requests that are kept; above it they are answered 503. */
  readonly maxReceived: number;
  /** Open answers; above it requests are answered 503. */
  readonly maxOpen: number;
  /** Owns what goes on by itself. */
  track(work: Promise<unknown>): void;
}

/** What the settings of a server come to for its HTTP half. */
export function httpStage(
  { key, deadlineMs, clock, maxMessageBytes, maxReceived, maxConnections }: GeminiServerSettings,
  waits: Waits,
  track: (work: Promise<unknown>) => void,
): HttpStage {
  return { key, waits, now: () => clock.now(), deadlineMs, maxBodyBytes: maxMessageBytes, maxReceived, maxOpen: maxConnections, track };
}

/** Headers and query fields that may hold a credential. */
const secretHeaders = ['authorization', 'x-goog-api-key', 'cookie', 'proxy-authorization'];
const secretFields = ['key', 'access_token'];

/** Names that may be released; a script has few. */
const maxReleased = 10_000;

/** Requests, rules, and the answers under way. */
export class HttpSide {
  readonly received: ReceivedRequest[] = [];
  /** The first step of an answer that failed, in words. */
  failure: string | null = null;
  readonly #stage: HttpStage;
  readonly #rules: { readonly rule: ReadRule; left: number }[] = [];
  readonly #released = new Set<string>();
  readonly #interactions: Interactions;
  #openCount = 0;

  constructor(stage: HttpStage, rules: readonly ReadRule[]) {
    this.#stage = stage;
    const { waits, deadlineMs } = stage;
    const isReleased = (name: string): boolean => this.#released.has(name);
    this.#interactions = new Interactions({ waits, deadlineMs, isReleased }, (work) => stage.track(work));
    this.add(rules);
  }

  /** Rules behind those that are there. */
  add(rules: readonly ReadRule[]): void {
    for (const rule of rules) this.#rules.push({ rule, left: rule.times === 'always' ? Number.POSITIVE_INFINITY : rule.times });
  }

  /** Lets go on what waits for this name, now and later. */
  release(name: string): void {
    if (this.#released.size < maxReleased) this.#released.add(name);
    this.#stage.waits.changed();
  }

  /** Rules that still wait for a request, by their place. */
  unused(): readonly number[] {
    return this.#rules.flatMap(({ rule, left }, index) => (left > 0 && rule.times !== 'always' ? [index] : []));
  }

  /** Answers one request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { waits, deadlineMs, maxBodyBytes, maxOpen, maxReceived } = this.#stage;
    const path = pathOf(request);
    const asked = askedBy(request.method ?? 'GET', path);
    const query = queryOf(request);
    if (this.#openCount >= maxOpen || this.received.length >= maxReceived) {
      return this.#refuse(new Answer(response, waits, jsonType), { code: 503, message: 'too many requests' });
    }
    this.#openCount += 1;
    try {
      const text = await bodyOf(request, waits, deadlineMs, maxBodyBytes);
      if (typeof text !== 'number') return await this.#answerTo(request, response, { asked, path, query, body: valueOf(text) });
      const message = text === 413 ? `at most ${maxBodyBytes} bytes` : 'the body did not come';
      await this.#refuse(new Answer(response, waits, jsonType), { code: text, message });
    } finally {
      this.#openCount -= 1;
    }
  }

  async #answerTo(
    request: IncomingMessage,
    response: ServerResponse,
    { asked, path, query, body }: { readonly asked: Asked; readonly path: string; readonly query: URLSearchParams; readonly body: unknown },
  ): Promise<void> {
    const framing = framingOf(asked, query, body);
    const answer = new Answer(response, this.#stage.waits, framing.contentType);
    const { credential, value } = shownCredential(request);
    const refusal = asked.service === 'none' ? null : refusalOf(credential, value, this.#stage.key);
    const rule = refusal === null ? this.#ruleFor(asked.operation, body) : null;
    const received = {
      ...asked,
      index: this.received.length,
      method: request.method ?? 'GET',
      path,
      query: Object.fromEntries([...query].filter(([name]) => !secretFields.includes(name))),
      headers: Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, one]) => (secretHeaders.includes(name) ? [] : [[name, String(one)]])),
      ),
      credential,
      body,
      at: this.#stage.now(),
      rule,
      get takenBytes() {
        return answer.takenBytes;
      },
      get end() {
        return answer.end;
      },
    };
    this.received.push(received);
    this.#stage.waits.changed();
    if (refusal !== null) return this.#refuse(answer, refusal);
    if (rule === null) return this.#unruled(asked, query, answer, framing);
    const { answer: steps, interaction } = this.#rules[rule]!.rule;
    if (interaction !== undefined) return this.#interactions.create(interaction, body, answer, framing);
    const { waits, deadlineMs } = this.#stage;
    const failure = await playAnswer(steps ?? [], { waits, answer, framing, deadlineMs, isReleased: (name) => this.#released.has(name) });
    if (failure !== null) this.failure ??= `rule ${rule}, ${failure}`;
  }

  #ruleFor(operation: Operation, body: unknown): number | null {
    const place = this.#rules.findIndex(
      ({ rule: { on, match }, left }) =>
        left > 0 &&
        (on === undefined || on === operation || (Array.isArray(on) && on.includes(operation))) &&
        (match === undefined || contains(body, match)),
    );
    if (place === -1) return null;
    this.#rules[place]!.left -= 1;
    return place;
  }

  #unruled({ operation, interaction, service }: Asked, query: URLSearchParams, answer: Answer, framing: Framing): Promise<void> {
    if (interaction !== null && (operation === 'interactions.get' || operation === 'interactions.cancel' || operation === 'interactions.delete')) {
      const what = operation.slice('interactions.'.length) as 'get' | 'cancel' | 'delete';
      return this.#interactions.answer(what, interaction, query, answer, framing);
    }
    if (service === 'none') return this.#refuse(answer, { code: 404, message: 'no such path' });
    return this.#refuse(answer, { code: 501, message: `no rule of this server answers this ${operation}` });
  }

  async #refuse(answer: Answer, error: GoogleError): Promise<void> {
    answer.head(error.code, { 'content-type': jsonType });
    await answer.write(Buffer.from(errorText(error)), {});
    await answer.finish();
  }
}

const jsonType = 'application/json; charset=UTF-8';

function refusalOf(credential: Admission['credential'], value: string, key: string | null | undefined): GoogleError | null {
  if (key === null || (key === undefined && value !== '') || (value !== '' && value === key)) return null;
  if (value === '') return noCredential;
  return credential === 'bearer' || credential === 'token' ? invalidToken : invalidKey;
}

function valueOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
