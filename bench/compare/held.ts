/** What a process holds: on its heap, in its sockets, in all. */
import { Socket } from 'node:net';
import { heldBytes } from '../heap.js';

/** Bytes. */
interface Bytes {
  readonly heldBytes: number;
  readonly socketBytes: number;
  readonly rssBytes: number;
}

/** What is held now beyond what was held at the start. */
export class Held {
  readonly #heapBytes: number;
  readonly #rssBytes: number;

  private constructor(heapBytes: number) {
    this.#heapBytes = heapBytes;
    this.#rssBytes = process.memoryUsage.rss();
  }

  static async start(): Promise<Held> {
    return new Held(await heldBytes());
  }

  async read(): Promise<Bytes> {
    // Before the collection: the highest that it was, or near it.
    const rssBytes = process.memoryUsage.rss() - this.#rssBytes;
    return { heldBytes: (await heldBytes()) - this.#heapBytes, socketBytes: socketBytes(), rssBytes };
  }
}

/**
 * Bytes that the process's TCP sockets hold unsent. Read beneath the clients, since not each of them shows its socket: without compression it is what
 * `bufferedAmount` of a WebSocket says.
 */
function socketBytes(): number {
  const handles = (process as unknown as { _getActiveHandles(): readonly unknown[] })._getActiveHandles();
  return handles.reduce<number>(
    (sum, handle) => (handle instanceof Socket && handle.remotePort !== undefined ? sum + handle.writableLength : sum),
    0,
  );
}
