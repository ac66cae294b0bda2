/** A line of TCP between a client and a local server, which is cut at the byte that a test says. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Where one connection is cut. */
export interface Cut {
  /** Behind so many bytes that the server has sent on it; or, of what the client sends, behind so many of those. */
  readonly afterBytes: number;
  readonly of: 'answer' | 'request';
  /** In order, or by a TCP reset, which may overtake what was sent. */
  readonly how: 'end' | 'reset';
}

export class CuttingLine {
  /** What has come of either side, by connection. */
  readonly answers: Buffer[] = [];
  readonly requests: Buffer[] = [];
  readonly #cuts: readonly (Cut | null)[];
  readonly #port: number;
  readonly #door: Server;
  readonly #sockets = new Set<Socket>();

  /** @param cuts  of the connections, in the order in which they are made; those beyond are not cut */
  constructor(port: number, cuts: readonly (Cut | null)[]) {
    this.#port = port;
    this.#cuts = cuts;
    this.#door = createServer({ noDelay: true }, (near) => {
      this.requests.push(Buffer.alloc(0));
      this.#join(near, this.answers.push(Buffer.alloc(0)) - 1);
    });
  }

  async listen(): Promise<string> {
    this.#door.listen(0, '127.0.0.1');
    await once(this.#door, 'listening');
    return `http://127.0.0.1:${(this.#door.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#door.close();
    await once(this.#door, 'close');
  }

  #join(near: Socket, which: number): void {
    const cut = this.#cuts[which] ?? null;
    const far = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const end = (): void => {
      if (cut?.how === 'reset') near.resetAndDestroy();
      else near.end();
      far.destroy();
    };
    const pass = (to: Socket, of: Cut['of']): ((bytes: Buffer) => void) => {
      let left = cut?.of === of ? cut.afterBytes : Number.POSITIVE_INFINITY;
      let isCut = false;
      return (bytes) => {
        if (isCut) return;
        const said = of === 'answer' ? this.answers : this.requests;
        said[which] = Buffer.concat([said[which] as Buffer, bytes]);
        if (left > 0) to.write(bytes.subarray(0, left));
        left -= bytes.length;
        isCut = left <= 0;
        if (isCut) end();
      };
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.#sockets.delete(socket));
    }
    near.on('data', pass(far, 'request'));
    far.on('data', pass(near, 'answer'));
    near.once('close', () => far.destroy());
    far.once('close', () => near.end());
  }
}

/**
 * Where an answer can be cut: behind none of its bytes, and, of its head and of each event, once between any two sorts of bytes that meet in it: in a
 * line, between CR and LF, between the two line ends of an event, inside a character, where a chunk of HTTP begins and ends.
 */
export function cutsOf(answer: Buffer): readonly number[] {
  const places = new Map<string, number>([['at all', 0]]);
  let region = 0;
  for (let place = 1; place < answer.length; place++) {
    const around = `${sortOf(answer[place - 1])}${sortOf(answer[place])}`;
    if (!places.has(`${region}:${around}`)) places.set(`${region}:${around}`, place);
    // A head and an event end with an empty line.
    if (/\n\n$|\r\n\r\n$/.test(answer.toString('latin1', Math.max(0, place - 3), place + 1))) region++;
  }
  return [...places.values()];
}

function sortOf(byte = 0): string {
  if (byte === 0x0d) return 'CR ';
  if (byte === 0x0a) return 'LF ';
  if (byte >= 0xc0) return 'first ';
  return byte >= 0x80 ? 'further ' : 'plain ';
}
