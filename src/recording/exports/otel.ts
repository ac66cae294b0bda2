/**
 * A recording as OpenTelemetry spans, OTLP's JSON: for `POST /v1/traces` of any collector, and for files.
 *
 * Each actor is a span, its parent's span above it; what its machine made of an event is an event of the span; the actor that takes another's place is
 * linked to it. A crash is a span with the status error. No values are in it but the types of events.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import type { RecordedLine, RecordingHead } from '../../wire/recording/lines.js';
import { reasonText, storyOf, type Life, type Message, type Step } from './story.js';

/** What {@link otlpTrace} can be told. */
export interface OtlpOptions {
  /** `service.name` of the resource. Default `espalier`. */
  readonly serviceName?: string;
  /** Most events of one span; more are counted as dropped. Default 1 000. */
  readonly maxEvents?: number;
}

type AttributeValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AttributeValue[] } };

export interface OtlpAttribute {
  readonly key: string;
  readonly value: AttributeValue;
}

export interface OtlpEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly OtlpAttribute[];
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1: internal. */
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly OtlpEvent[];
  readonly droppedEventsCount?: number;
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: readonly OtlpAttribute[] }[];
  /** 2: error; left out otherwise. */
  readonly status: { readonly code?: 2; readonly message?: string };
}

/** The body of an export request. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** The same recording gives the same ids. @throws never */
export function otlpTrace(
  { head, lines }: { readonly head: RecordingHead; readonly lines: readonly RecordedLine[] },
  { serviceName = 'espalier', maxEvents = 1_000 }: OtlpOptions = {},
): OtlpTraces {
  const { lives, messages } = storyOf(lines);
  const writing = new SpanWriting(head, lines, maxEvents);
  for (const message of messages) if (message.isDead) writing.deadLetter(message);
  const spans = lives.map((life) => writing.span(life));
  return {
    resourceSpans: [{ resource: { attributes: attributes({ 'service.name': serviceName }) }, scopeSpans: [{ scope: { name: 'espalier' }, spans }] }],
  };
}

class SpanWriting {
  readonly #wallAt: number;
  readonly #traceId: string;
  readonly #maxEvents: number;
  readonly #deadLetters = new Map<Life, Message[]>();

  constructor(head: RecordingHead, lines: readonly RecordedLine[], maxEvents: number) {
    this.#wallAt = head.wallAt ?? 0;
    this.#maxEvents = maxEvents;
    const marks = [head, ...lines.slice(0, 50), lines.length, lines.at(-1) ?? null];
    this.#traceId = hex(JSON.stringify(marks), 4);
  }

  deadLetter(message: Message): void {
    const life = message.from ?? message.to;
    const known = this.#deadLetters.get(life);
    if (known === undefined) this.#deadLetters.set(life, [message]);
    else known.push(message);
  }

  span(life: Life): OtlpSpan {
    const { line, from, until, reason, parent, replaces } = life;
    const events = [...life.steps.map((step) => this.#step(step)), ...(this.#deadLetters.get(life) ?? []).map((letter) => this.#letter(letter))];
    const hasCrashed = typeof reason === 'object' && reason !== null && 'crash' in reason;
    const left = events.length - this.#maxEvents;
    return {
      traceId: this.#traceId,
      spanId: this.#idOf(life),
      ...(parent === null ? {} : { parentSpanId: this.#idOf(parent) }),
      name: line.src ?? line.machine ?? line.id,
      kind: 1,
      startTimeUnixNano: this.#nanos(from),
      endTimeUnixNano: this.#nanos(until),
      attributes: attributes({
        'espalier.actor': line.actor,
        'espalier.logic': line.logic,
        'espalier.machine': line.machine,
        'espalier.run': line.run,
        'espalier.exit': reason === null ? null : reasonText(reason),
        'espalier.unfinished': reason === null ? true : null,
      }),
      events: left > 0 ? events.slice(0, this.#maxEvents) : events,
      ...(left > 0 ? { droppedEventsCount: left } : {}),
      links:
        replaces === null ? [] : [{ traceId: this.#traceId, spanId: this.#idOf(replaces), attributes: attributes({ 'espalier.link': 'replaces' }) }],
      status: hasCrashed ? { code: 2, message: reasonText(reason) } : {},
    };
  }

  #step({ at, type, message, taken, value, isUnhandled }: Step): OtlpEvent {
    return {
      timeUnixNano: this.#nanos(at),
      name: type,
      attributes: attributes({
        'espalier.from': message?.from?.line.actor ?? null,
        'espalier.taken': taken,
        'espalier.state': value,
        'espalier.delay_ms': message?.delayMs ?? null,
        'espalier.unhandled': isUnhandled ? true : null,
      }),
    };
  }

  #letter({ sentAt, type, to }: Message): OtlpEvent {
    return {
      timeUnixNano: this.#nanos(sentAt),
      name: 'dead letter',
      attributes: attributes({ 'espalier.event': type, 'espalier.to': to.line.actor }),
    };
  }

  #idOf(life: Life): string {
    return this.#traceId.slice(0, 8) + life.number.toString(16).padStart(8, '0');
  }

  #nanos(at: number): string {
    const micros = Math.round((this.#wallAt + at) * 1_000);
    return String(BigInt(micros) * 1_000n);
  }
}

function attributes(of: { readonly [key: string]: string | number | boolean | readonly string[] | null }): OtlpAttribute[] {
  return Object.entries(of).flatMap(([key, value]) => (value === null ? [] : [{ key, value: attributeValue(value) }]));
}

function attributeValue(value: string | number | boolean | readonly string[]): AttributeValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}

/** A name for a text: 8 hexadecimal digits for each part, never all zero. @see FNV-1a */
function hex(text: string, parts: number): string {
  return Array.from({ length: parts }, (_, part) => {
    let hash = 0x811c9dc5 ^ (part * 0x9e3779b1);
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    return ((hash ^ (hash >>> 15)) >>> 0 || 1).toString(16).padStart(8, '0');
  }).join('');
}
