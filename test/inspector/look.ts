/** One who looks, for tests: a socket, what it was told, and waits for what will be. */
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type ServerMessage, ServerFrames, socketPath, subprotocolsOf, type ViewerMessage } from '../../src/inspector/protocol.js';

export type Told<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
type Request<Message> = Message extends unknown ? Omit<Message, 'id'> : never;

export class Look {
  readonly socket: WebSocket;
  readonly told: ServerMessage[] = [];
  /** The largest frame, bytes. */
  largest = 0;
  /** Code and words of the end. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #frames = new ServerFrames();
  readonly #waits = new Set<() => void>();
  #id = 0;

  constructor(port: number, token: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${socketPath}`, subprotocolsOf(token), { headers });
    onTestFinished(() => this.socket.terminate());
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const wait of [...this.#waits]) wait();
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer) => {
      this.largest = Math.max(this.largest, data.length);
      const read = this.#frames.read(data.toString());
      if (read === null) return;
      if (!read.ok) throw new Error(`unreadable: ${read.problem}`);
      this.told.push(read.message);
      for (const wait of [...this.#waits]) wait();
    });
  }

  static async at(port: number, token: string): Promise<Look> {
    const look = new Look(port, token);
    await once(look.socket, 'open');
    return look;
  }

  /** Waits until something is found among what it was told. */
  until<Found>(find: (told: readonly ServerMessage[]) => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find(this.told);
        if (found === undefined && this.socket.readyState < WebSocket.CLOSING) return;
        this.#waits.delete(look);
        if (found === undefined) reject(new Error(`the socket closed; told so far: ${JSON.stringify(this.told).slice(0, 2_000)}`));
        else resolve(found);
      };
      this.#waits.add(look);
      look();
    });
  }

  all<Type extends ServerMessage['type']>(type: Type): Told<Type>[] {
    return this.told.filter((message): message is Told<Type> => message.type === type);
  }

  first<Type extends ServerMessage['type']>(type: Type): Promise<Told<Type>> {
    return this.until((told) => told.find((message): message is Told<Type> => message.type === type));
  }

  /** Asks, and waits for the answer. */
  ask(request: Request<ViewerMessage>): Promise<Told<'result'>> {
    const id = ++this.#id;
    this.socket.send(JSON.stringify({ ...request, id }));
    return this.until(() => this.all('result').find((result) => result.id === id));
  }

  /** Watches, and waits for the whole keyframe. @returns its lines */
  async watch(branch: string, detail: 'summary' | 'full'): Promise<Told<'keyframe'>['lines']> {
    const seen = this.all('keyframe').length;
    await this.ask({ type: 'watch', branch, detail });
    return this.until(() => {
      const parts = this.all('keyframe').slice(seen);
      return parts.at(-1)?.last === true ? parts.flatMap(({ lines }) => lines) : undefined;
    });
  }

  /** All lines of what has just happened, so far. */
  lines(): Told<'lines'>['lines'] {
    return this.all('lines').flatMap(({ history, lines }) => (history === undefined ? lines : []));
  }

  /** Waits until a line with this number was told. */
  line(seq: number): Promise<Told<'lines'>['lines'][number]> {
    return this.until(() => this.lines().find((line) => line.seq === seq));
  }
}
