/**
 * What a live session does, as operations. It may go on for hours, and a span that is open for so long is told to nobody: so the session's own span covers its
 * setup, each turn of the model is a trace of its own (`chat`), and all of them are linked to the session's. A lost socket is a span from its loss until it is
 * ready again; what happens meanwhile are events of it, and of the turn that is open. The session that takes a dead one's place is linked to that.
 */
import type { SpanLike, SpanLink } from '../telemetry/tracer.js';
import { genAi } from '../telemetry/gen-ai.js';
import { callId, type Fact, type Work, type Workshop } from './model-work.js';
import { type ErrorType, type Operation, tokensOf } from './operations.js';

/** Sessions by their places in the tree: the span of the latest. */
export class Places {
  readonly #spans = new Map<string, SpanLink['context']>();

  take(place: string, own: SpanLink['context'] | null): SpanLink['context'] | undefined {
    const former = this.#spans.get(place);
    if (own === null) return former;
    this.#spans.delete(place);
    this.#spans.set(place, own);
    const [oldest] = this.#spans.keys();
    if (this.#spans.size > 1_000 && oldest !== undefined) this.#spans.delete(oldest);
    return former;
  }
}

/** Starts spans that are no operations of a model. */
export interface SpanMaker {
  start(name: string, attributes: Record<string, string | number | boolean>, links: SpanLink[]): SpanLike | null;
  contextOf(span: SpanLike): SpanLink['context'] | null;
  safely(act: () => void): void;
}

interface CallFact {
  readonly id: string;
  readonly name: string;
}

export class LiveWork implements Work {
  readonly #shop: Workshop;
  readonly #spans: SpanMaker;
  readonly #links: SpanLink[];
  readonly #tools = new Map<string, Operation>();
  /** The setup, or the search for another socket; null while it is ready. */
  #connecting: SpanLike | null;
  #turn: Operation | null = null;
  #turns = 0;

  constructor(shop: Workshop, spans: SpanMaker, places: Places) {
    this.#shop = shop;
    this.#spans = spans;
    const { seen } = shop;
    const former = places.take(seen.place, null);
    const attributes = { ...this.#words(), 'espalier.actor.incarnation': seen.incarnation };
    this.#connecting = spans.start('live.session', attributes, former === undefined ? [] : [{ context: former }]);
    const own = this.#connecting;
    const context = own === null ? null : spans.contextOf(own);
    places.take(seen.place, context);
    if (former !== undefined && own !== null)
      spans.safely(() => void own.addEvent('session.restarted', { 'espalier.actor.incarnation': seen.incarnation }));
    this.#links = context === null ? [] : [{ context }];
  }

  span(): SpanLike | null {
    return this.#turn?.span ?? this.#connecting;
  }

  heard(fact: Fact): void {
    switch (fact.type) {
      case 'session.message':
        this.#message(fact['message'] as Readonly<Record<string, unknown>>);
        break;
      case 'session.ready':
        this.#connected({ 'espalier.live.resumed': fact['resumed'] === true });
        break;
      case 'session.reconnecting':
        this.#lost(fact);
        break;
      case 'session.contextLost':
        this.#turn?.event('session.contextLost');
        this.#turnEnded('contextLost');
        break;
      case 'session.closed':
        this.ended(null);
        break;
      case 'session.failed':
        this.ended(String(fact['kind']));
        break;
      case 'tool.called':
      case 'tool.answered':
      case 'tool.cancelled':
      case 'tool.abandoned':
        this.#call(fact as unknown as CallFact & Fact);
        break;
    }
  }

  ended(error: ErrorType): void {
    for (const tool of this.#tools.values()) tool.end('abandoned');
    this.#tools.clear();
    this.#turnEnded(error ?? 'closed');
    this.#connected(error === null ? {} : { [genAi.errorType]: error });
  }

  #words(): Record<string, string> {
    const { path, subject } = this.#shop.seen;
    const model = subject === undefined ? {} : { [genAi.providerName]: subject.provider, [genAi.requestModel]: subject.model };
    return { 'espalier.actor.path': path, ...model };
  }

  #lost({ attempt, code, delayMs }: Fact): void {
    const attributes = { 'espalier.attempt': Number(attempt), 'espalier.code': String(code), 'espalier.delay_ms': Number(delayMs) };
    this.#turn?.event('session.reconnecting', attributes);
    this.#connecting ??= this.#spans.start('live.reconnect', this.#words(), this.#links);
    const span = this.#connecting;
    if (span !== null) this.#spans.safely(() => void span.addEvent('session.reconnecting', attributes));
  }

  #connected(attributes: Record<string, string | boolean>): void {
    const span = this.#connecting;
    this.#connecting = null;
    if (span === null) return;
    this.#spans.safely(() => {
      span.setAttributes(attributes);
      if (genAi.errorType in attributes) span.setStatus({ code: 2, message: String(attributes[genAi.errorType]) });
      span.end();
    });
  }

  #message({ serverContent, usageMetadata }: Readonly<Record<string, unknown>>): void {
    const content = (typeof serverContent === 'object' ? serverContent : null) as Readonly<Record<string, unknown>> | null;
    if (content !== null && (content['modelTurn'] !== undefined || content['outputTranscription'] !== undefined)) this.#opened();
    if (usageMetadata !== undefined && this.#turn !== null) this.#turn.used(...tokensOf(usageMetadata));
    if (content?.['interrupted'] === true) this.#turn?.event('turn.interrupted');
    if (content?.['turnComplete'] === true) this.#turnEnded(null);
  }

  #opened(): Operation {
    const { subject } = this.#shop.seen;
    this.#turn ??= this.#shop.start({
      operation: 'chat',
      name: subject?.model ?? '',
      subject,
      attributes: { 'espalier.turn': ++this.#turns },
      parent: 'root',
      links: [...this.#links],
    });
    return this.#turn;
  }

  #turnEnded(error: ErrorType): void {
    this.#turn?.end(error);
    this.#turn = null;
  }

  #call(fact: CallFact & Fact): void {
    const { id, name, type } = fact;
    if (type === 'tool.called') {
      const attributes = { ...callId(id), ...this.#shop.content(genAi.toolArguments, fact['args']) };
      this.#tools.get(id)?.end('lost');
      this.#tools.set(id, this.#shop.start({ operation: 'executeTool', name, attributes, parent: this.#opened().span, links: [] }));
      return;
    }
    const tool = this.#tools.get(id);
    if (type === 'tool.answered') tool?.attributes(this.#shop.content(genAi.toolResult, fact['response']));
    tool?.end(type === 'tool.answered' ? null : type === 'tool.cancelled' ? 'cancelled' : 'abandoned');
    this.#tools.delete(id);
  }
}
