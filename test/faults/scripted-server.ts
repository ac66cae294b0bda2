/** A server in memory and on virtual time: each request is answered by a script, piece by piece, and its connection can be cut at any moment. */
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What is asked: `nth` counts requests for the same host and method, from 0. */
export interface Question {
  readonly url: string;
  readonly method: string;
  readonly body: string;
  readonly nth: number;
}

/** One answer. Its head comes after `stepMs`, then each piece after as long; a number is a longer pause, ms. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces?: readonly (string | number)[];
  /** How it ends: in order, by a broken connection, or not at all. Default `end`. */
  readonly last?: 'end' | 'break' | 'silence';
  /** No head comes at all, but what `last` says. */
  readonly isMute?: boolean;
}

export type Script = (question: Question) => Reply;

/** Between two pieces, ms. */
const stepMs = 5;

/** See above. Stands where `fetch` does. */
export class ScriptedServer {
  readonly asked: Question[] = [];
  readonly #clock: VirtualClock;
  readonly #script: Script;
  readonly #lines = new Set<Line>();

  constructor(clock: VirtualClock, script: Script) {
    this.#clock = clock;
    this.#script = script;
  }

  /** Connections on which an answer is under way. */
  get openCount(): number {
    return this.#lines.size;
  }

  /** Cuts every connection. @returns how many there were */
  drop(): number {
    const all = [...this.#lines];
    for (const line of all) line.cut();
    return all.length;
  }

  readonly fetch = ((input: string, { body, method = 'GET', signal }: RequestInit = {}) => {
    const place = (url: string): string => new URL(url).host;
    const nth = this.asked.filter((one) => place(one.url) === place(input) && one.method === method).length;
    const question: Question = { url: input, method, body: typeof body === 'string' ? body : '', nth };
    this.asked.push(question);
    return new Promise<Response>((resolve, reject) => {
      if (signal?.aborted === true) return reject(aborted());
      const line = new Line(this.#clock, this.#script(question), { resolve, reject }, () => {
        this.#lines.delete(line);
        signal?.removeEventListener('abort', abort);
      });
      const abort = (): void => line.abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#lines.add(line);
      line.goOn();
    });
  }) as typeof fetch;
}

interface Head {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/** One connection. */
class Line {
  readonly #clock: VirtualClock;
  readonly #reply: Reply;
  readonly #head: Head;
  readonly #closed: () => void;
  #body: ReadableStreamDefaultController<Uint8Array> | null = null;
  #next = -1;
  #timer: unknown;
  #isOver = false;

  constructor(clock: VirtualClock, reply: Reply, head: Head, closed: () => void) {
    this.#clock = clock;
    this.#reply = reply;
    this.#head = head;
    this.#closed = closed;
  }

  goOn(): void {
    const piece = this.#reply.pieces?.[this.#next];
    this.#timer = this.#clock.setTimeout(() => this.#act(), typeof piece === 'number' ? piece : stepMs);
  }

  cut(): void {
    this.#fail(new TypeError('terminated', { cause: Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }) }));
  }

  abort(): void {
    this.#fail(aborted());
  }

  #act(): void {
    const { headers = { 'content-type': 'text/event-stream' }, isMute = false, pieces = [], status = 200, last = 'end' } = this.#reply;
    const place = this.#next++;
    if (place === -1 && !isMute) this.#head.resolve(new Response(this.#open(), { status, headers }));
    else if (place >= 0 && place < pieces.length) {
      const piece = pieces[place];
      if (typeof piece === 'string') this.#body?.enqueue(new TextEncoder().encode(piece));
    } else if (last === 'break') return this.cut();
    else if (last === 'silence') return undefined;
    else {
      this.#body?.close();
      return this.#end();
    }
    return this.goOn();
  }

  #open(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      cancel: () => this.#end(),
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#head.reject(error);
    this.#body?.error(error);
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    this.#closed();
  }
}

function aborted(): DOMException {
  return new DOMException('This operation was aborted', 'AbortError');
}
