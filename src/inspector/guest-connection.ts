/** Apps of other processes that connect to be shown: each with its socket and its bounds. They are told nothing, and nobody can control them from here. */
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { Connection } from './connection.js';
import type { Feed } from './feed.js';
import type { Guest } from './guest.js';

/** Most at a time. */
export const mostGuests = 8;
/** What is read of one guest in one turn, and how long that may take; what comes beyond it waits in its own process. */
const turn = { frames: 500, characters: 4_194_304, workMs: 10, ms: 50 } as const;

export class Guests {
  readonly #feed: Pick<Feed, 'takeIn'>;
  readonly #clock: Clock;
  readonly #here = new Set<GuestConnection>();

  constructor(feed: Pick<Feed, 'takeIn'>, clock: Clock) {
    this.#feed = feed;
    this.#clock = clock;
  }

  get hasRoom(): boolean {
    return this.#here.size < mostGuests;
  }

  /** One was let in. */
  join(socket: WebSocket): void {
    const guest = new GuestConnection(socket, this.#feed.takeIn(), this.#clock, () => this.#here.delete(guest));
    this.#here.add(guest);
  }

  /** Hangs up on all of them. */
  close(why: string): void {
    for (const guest of [...this.#here]) guest.bye(1001, why);
  }
}

class GuestConnection {
  readonly #connection: Connection;
  readonly #guest: Guest;
  readonly #clock: Clock;
  readonly #left: () => void;
  #frames = 0;
  #characters = 0;
  #workMs = 0;
  #timer: unknown;

  constructor(socket: WebSocket, guest: Guest, clock: Clock, left: () => void) {
    this.#guest = guest;
    this.#clock = clock;
    this.#left = left;
    this.#connection = new Connection(socket, clock, {
      hear: (data, isBinary) => this.#take(data, isBinary),
      ended: (why) => this.#ended(why),
    });
  }

  bye(code: number, why: string): void {
    this.#connection.bye(code, why);
  }

  #ended(why: string): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#guest.leave(why);
    this.#left();
  }

  #take(data: RawData, isBinary: boolean): void {
    const text = isBinary ? '' : (data as Buffer).toString('utf8');
    const began = this.#clock.now();
    if (this.#guest.receive(text) !== null && this.#connection.isOneTooMany()) return this.bye(1008, 'the third frame that is none');
    this.#frames++;
    this.#characters += text.length;
    this.#workMs += this.#clock.now() - began;
    const isOver = this.#frames >= turn.frames || this.#characters >= turn.characters || this.#workMs >= turn.workMs;
    if (isOver) this.#connection.pause();
    this.#timer ??= this.#clock.setTimeout(() => this.#next(), turn.ms);
  }

  #next(): void {
    this.#timer = undefined;
    this.#frames = 0;
    this.#characters = 0;
    this.#workMs = 0;
    this.#connection.resume();
  }
}
