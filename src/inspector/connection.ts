/**
 * The socket of one that was let in, until its end: whichever side brings that about, it is told once.
 *
 * What comes is handed on in the `message` handler of the app's process: nothing of it throws.
 */
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { Rate } from './rate.js';

/** So many frames that are none are passed over; at the last the socket is closed. */
const mostBadFrames = 3;

/** Of the reason of a close, bytes of UTF-8: the frame has room for 123, and the end of a character that is cut stands as one of three. */
const mostReasonBytes = 120;

/** How long one that was hung up on has to hang up, too, ms: its socket is read until then. */
const farewellMs = 1_000;

/** The same for one that broke the protocol, of which nothing is heard any more: as long as it takes to tell it why. */
const brokenMs = 100;

/** Frames that may come meanwhile: what was on its way. */
const mostLateFrames = 2_000;

/** What is done with a socket. */
export interface Listener {
  /** Takes a frame; not after the end. A fault of it is the end of the connection, and of nothing else. */
  hear(data: RawData, isBinary: boolean): void;
  /** It is over; told once. */
  ended(why: string): void;
}

export class Connection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #listener: Listener;
  /** Of pings and pongs, which cost as much as other frames and say nothing. */
  readonly #controls: Rate;
  #badFrames = 0;
  #lateFrames = 0;
  #deadline: unknown;
  #isOver = false;

  constructor(socket: WebSocket, clock: Clock, listener: Listener) {
    this.#socket = socket;
    this.#clock = clock;
    this.#listener = listener;
    this.#controls = new Rate(clock);
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('ping', () => this.#control());
    socket.on('pong', () => this.#control());
    socket.on('error', () => {
      this.#awaitEnd(brokenMs);
      this.#end('it broke the protocol');
    });
    socket.on('close', () => {
      clock.clearTimeout(this.#deadline);
      this.#end('it went away');
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  /** A frame was none. @returns whether it was one too many */
  isOneTooMany(): boolean {
    return ++this.#badFrames >= mostBadFrames;
  }

  /** Hangs up when all that was sent is written; cuts who does not hang up, too. @param why  any text: of a long one, its beginning is told */
  bye(code: number, why: string): void {
    if (this.#isOver) return;
    this.#socket.close(code, Buffer.from(why).subarray(0, mostReasonBytes).toString('utf8'));
    // One that is paused would not see its peer hang up, too.
    this.resume();
    this.#awaitEnd(farewellMs);
    this.#end(why);
  }

  /** Hangs up at once. */
  cut(why: string): void {
    this.#socket.terminate();
    this.#end(why);
  }

  #hear(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return this.#late();
    try {
      this.#listener.hear(data, isBinary);
    } catch (fault) {
      // A fault of the inspector's own must not be one of the process.
      this.bye(1011, `the inspector failed: ${String(fault)}`);
    }
  }

  #control(): void {
    if (this.#isOver) this.#late();
    else if (!this.#controls.allows()) this.bye(1008, 'at most a hundred pings and pongs a second');
  }

  /** Something came after the end. */
  #late(): void {
    if (++this.#lateFrames >= mostLateFrames) this.#socket.terminate();
  }

  #awaitEnd(ms: number): void {
    // One that was hung up on may break the protocol yet.
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#socket.terminate(), ms);
  }

  #end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.ended(why);
  }
}
