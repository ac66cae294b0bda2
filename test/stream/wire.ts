/** A server under the hand of a test: requests that it answers, and bodies that give bytes when they are read. */
import { createActor, fromCallback, type AnyActorRef, type AnyEventObject } from 'xstate';
import type { StreamMessage } from '../../src/stream/target.js';

/** One request that was made. */
export class Asked {
  readonly url: string;
  readonly init: RequestInit;
  readonly #settle: { resolve(response: Response): void; reject(error: unknown): void };
  #body: ReadableStreamDefaultController<Uint8Array> | null = null;
  #wanted: (() => void)[] = [];
  /** How often bytes were asked for. */
  readCount = 0;
  isCancelled = false;

  constructor(url: string, init: RequestInit, settle: { resolve(response: Response): void; reject(error: unknown): void }) {
    this.url = url;
    this.init = init;
    this.#settle = settle;
    init.signal?.addEventListener('abort', () => {
      settle.reject(new DOMException('This operation was aborted', 'AbortError'));
      this.isCancelled = true;
    });
  }

  get headers(): Record<string, string> {
    return this.init.headers as Record<string, string>;
  }

  /** The head of an answer. */
  answer(status = 200, headers: Record<string, string> = { 'content-type': 'text/event-stream' }): this {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => {
          this.readCount++;
          for (const wanted of this.#wanted.splice(0)) wanted();
          // Settles with the next bytes only, so that each read is one pull.
          return new Promise<void>((resolve) => (this.#pulled = resolve));
        },
        cancel: () => {
          this.isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    this.#settle.resolve(new Response(body, { status, headers }));
    return this;
  }

  #pulled: () => void = () => undefined;

  /** Bytes, as one chunk. */
  send(text: string): this {
    this.#body?.enqueue(new TextEncoder().encode(text));
    this.#pulled();
    return this;
  }

  end(): this {
    this.#body?.close();
    this.#pulled();
    return this;
  }

  /** The connection breaks: before the head, or in the middle of the body. */
  breaks(code = 'ECONNRESET'): this {
    const error = new TypeError('terminated', { cause: Object.assign(new Error('other side closed'), { code }) });
    this.#settle.reject(error);
    this.#body?.error(error);
    return this;
  }

  /** Settles when bytes are asked for the next time. */
  wanted(): Promise<void> {
    return new Promise((resolve) => this.#wanted.push(resolve));
  }
}

/** The server. */
export class Wire {
  readonly requests: Asked[] = [];
  readonly #waiting: ((asked: Asked) => void)[] = [];
  #taken = 0;

  readonly fetch = ((url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      const asked = new Asked(url, init, { resolve, reject });
      this.requests.push(asked);
      this.#waiting.shift()?.(asked);
    })) as typeof fetch;

  /** The next request that nobody has taken yet. */
  next(): Promise<Asked> {
    const asked = this.requests[this.#taken++];
    return asked === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(asked);
  }
}

/** What a target has been told. */
export class Told {
  readonly messages: StreamMessage<unknown>[] = [];
  readonly #waiting: { readonly type: string; resolve(): void }[] = [];

  readonly tell = (message: StreamMessage<unknown>): void => {
    this.messages.push(message);
    for (const one of this.#waiting.filter(({ type }) => message.type === type || (type === 'end' && message.type !== 'stream.event'))) one.resolve();
  };

  get events(): unknown[] {
    return this.messages.flatMap((message) => (message.type === 'stream.event' ? [message.event] : []));
  }

  get ends(): StreamMessage<unknown>[] {
    return this.messages.filter(({ type }) => type !== 'stream.event');
  }

  /** Settles when it is told a message of that type, `end` for any end; at once where it has been. */
  heard(type: string): Promise<void> {
    if (this.messages.some((message) => message.type === type || (type === 'end' && message.type !== 'stream.event'))) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  /** An actor that is told. */
  actor(): AnyActorRef {
    const logic = fromCallback<AnyEventObject>(({ receive }) => receive((event) => this.tell(event as never)));
    return createActor(logic).start();
  }
}

/** Settles when the actor emits a fact of that type. */
export function fact(ref: AnyActorRef, type: string): Promise<AnyEventObject> {
  return new Promise((resolve) => {
    const listening = ref.on(type, (event) => {
      listening.unsubscribe();
      resolve(event as AnyEventObject);
    });
  });
}
