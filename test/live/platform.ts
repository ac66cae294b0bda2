/** A socket under the hand of a test, and sessions over it on a virtual clock. */
import { createActor } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import { connectLive, type ConnectOptions } from '../../src/live/connect.js';
import { type LiveSession, liveSessionHandle } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';
import type { OpenSocket, SocketAddress, SocketListener } from '../../src/live/socket.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What a platform can, and has been asked for: sockets that do nothing by themselves. */
export class Platform {
  /** Every socket that was asked for, oldest first. */
  readonly addresses: SocketAddress[] = [];
  readonly sent: JsonObject[] = [];
  /** `pause`, `resume`, `close`, `terminate`, of whichever socket, in order. */
  readonly asked: string[] = [];
  readonly #canPause: boolean;
  /** What a peer that reads nothing has not taken yet, each with its size in bytes; null while it reads. */
  #held: { readonly bytes: number; readonly written: (ok: boolean) => void }[] | null = null;
  #listener: SocketListener | undefined;
  #isPaused = false;

  constructor(options: { readonly canPause?: boolean } = {}) {
    this.#canPause = options.canPause ?? true;
  }

  /** Is the socket not read now? */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  readonly openSocket: OpenSocket = (address, listener) => {
    this.addresses.push(address);
    this.#listener = listener;
    return {
      send: (text, written) => {
        this.sent.push(JSON.parse(text) as JsonObject);
        if (this.#held === null) written(true);
        else this.#held.push({ bytes: text.length, written });
      },
      bufferedAmount: () => (this.#held ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
      pause: () => {
        this.asked.push('pause');
        this.#isPaused = this.#canPause;
        return this.#canPause;
      },
      resume: () => {
        this.asked.push('resume');
        this.#isPaused = false;
      },
      close: () => this.asked.push('close'),
      terminate: () => this.asked.push('terminate'),
    };
  };

  /** The peer reads nothing more. */
  stall(): void {
    this.#held ??= [];
  }

  /** It reads again. */
  flow(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { written } of held) written(true);
  }

  /** The socket tells that it is open. */
  opened(): void {
    this.#listener?.opened();
  }

  /** The server says this. */
  say(...messages: readonly JsonObject[]): void {
    for (const message of messages) this.#listener?.frame(JSON.stringify(message));
  }

  frame(text: string): void {
    this.#listener?.frame(text);
  }

  /** The socket ends. */
  ended(code: number | string = 1000, reason = ''): void {
    this.#held = null;
    this.#listener?.closed(code, reason);
  }

  /** The way to a session that is ready. */
  setUp(): void {
    this.opened();
    this.say({ setupComplete: {} });
  }
}

/** A session that is ready, over a socket of this platform. */
export function readySession(platform: Platform, options: Partial<LiveSessionOptions> = {}): { session: LiveSession; clock: VirtualClock } {
  const clock = new VirtualClock();
  const ref = createActor(liveSession({ model: 'gemini-live', openSocket: platform.openSocket, ...options }), { clock });
  ref.start();
  platform.setUp();
  return { session: liveSessionHandle(ref), clock };
}

/** A part of the model's audio; `data` tells it from others. */
export const audio = (data: string): JsonObject => ({
  serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data } }] } },
});

export const text = (words: string): JsonObject => ({ serverContent: { modelTurn: { parts: [{ text: words }] } } });

/** A call of the tool `weather`. */
export const weatherCall = { toolCall: { functionCalls: [{ id: 'c', name: 'weather', args: {} }] } };

/** A session that is being connected. */
export function connecting(connectOptions: Omit<ConnectOptions, 'clock'> = {}, options: Partial<LiveSessionOptions> = {}) {
  const platform = new Platform();
  const clock = new VirtualClock();
  const session = connectLive({ apiKey: 'k3y', model: 'gemini-live', openSocket: platform.openSocket, ...options }, { ...connectOptions, clock });
  return { platform, clock, session };
}

/** One that is. */
export async function connected(connectOptions: Omit<ConnectOptions, 'clock'> = {}, options: Partial<LiveSessionOptions> = {}) {
  const { platform, clock, session } = connecting(connectOptions, options);
  platform.setUp();
  return { platform, clock, session: await session };
}
