/** What is asked of the API of OpenTelemetry to make spans. It is not imported: an app that has it hands it in, and one that has not needs nothing of it. */

export type SpanAttributes = Record<string, string | number | boolean>;

export interface SpanContextLike {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** A link to another span. */
export interface SpanLink {
  readonly context: SpanContextLike;
  readonly attributes?: SpanAttributes;
}

/** A `Span` of @opentelemetry/api, as far as it is used. */
export interface SpanLike {
  spanContext(): SpanContextLike;
  setAttributes(attributes: SpanAttributes): unknown;
  addEvent(name: string, attributes?: SpanAttributes): unknown;
  /** `code` 2 is an error. */
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** A `Tracer` of it. */
export interface TracerLike {
  startSpan(name: string, options?: { kind?: number; attributes?: SpanAttributes; links?: SpanLink[]; root?: boolean }, context?: unknown): SpanLike;
}

/** `import * as opentelemetry from '@opentelemetry/api'`, 1.9 or later. */
export interface OpenTelemetryLike {
  readonly context: { active(): unknown };
  readonly trace: {
    getTracer(name: string, version?: string, options?: { schemaUrl?: string }): TracerLike;
    setSpan(context: never, span: never): unknown;
  };
}

/** Starts spans, and never throws: a tracer that does is told nothing more. */
export class Tracing {
  readonly #api: OpenTelemetryLike;
  readonly #tracer: TracerLike;
  readonly #onFault: (error: unknown) => void;
  #isOff = false;

  constructor(api: OpenTelemetryLike, tracer: TracerLike, onFault: (error: unknown) => void) {
    this.#api = api;
    this.#tracer = tracer;
    this.#onFault = onFault;
  }

  /** @param parent  null: below whatever is active where it is called; `root`: below nothing */
  start(
    name: string,
    kind: 'client' | 'internal',
    attributes: SpanAttributes,
    parent: SpanLike | 'root' | null,
    links: SpanLink[] = [],
  ): SpanLike | null {
    let span: SpanLike | null = null;
    this.safely(() => {
      const active = this.#api.context.active();
      const context = parent === null || parent === 'root' ? active : this.#api.trace.setSpan(active as never, parent as never);
      const options = {
        kind: kind === 'client' ? 2 : 0,
        attributes,
        ...(links.length === 0 ? {} : { links }),
        ...(parent === 'root' ? { root: true } : {}),
      };
      span = this.#tracer.startSpan(name, options, context);
    });
    return span;
  }

  /** Whose span it is, for links and logs; null where the tracer does not say. */
  contextOf(span: SpanLike): SpanContextLike | null {
    let context: SpanContextLike | null = null;
    this.safely(() => {
      const given = span.spanContext();
      if (typeof given.traceId === 'string' && typeof given.spanId === 'string') context = given;
    });
    return context;
  }

  /** Does something with a span. */
  safely(act: () => void): void {
    if (this.#isOff) return;
    try {
      act();
    } catch (error) {
      this.#isOff = true;
      this.#onFault(error);
    }
  }
}
