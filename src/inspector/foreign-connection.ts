/**
 * One who looks by the protocol of another inspector. An adapter translates; here are its socket, its bounds, and what it may do.
 *
 * Such protocols know no parts, no gaps and no answers: one who falls behind is told everything anew, and what is refused is dropped.
 */
import type { AnyActorRef } from 'xstate';
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { Scene } from '../recording/scene.js';
import type { RecordedLine } from '../wire/recording/lines.js';
import type { ForeignEvent, ForeignViewer } from './adapters/foreign.js';
import { Connection } from './connection.js';
import type { Feed, FeedLine } from './feed.js';
import { Outbox } from './outbox.js';
import { Rate } from './rate.js';
import type { SharedTurns } from './respite.js';
import { Watches } from './watches.js';

/** What may come together until the next flush, lines. */
const mostNews = 5_000;

/** What it asks of the inspector. */
export interface ForeignHooks {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  readonly turns: SharedTurns;
  watchesChanged(): void;
  wake(): void;
  /** An event is to be sent: where the app allows it. */
  send(actor: string, event: ForeignEvent): void;
  left(viewer: ForeignConnection, why: string): void;
}

export class ForeignConnection {
  readonly watches = new Watches();
  readonly #connection: Connection;
  readonly #adapter: ForeignViewer;
  readonly #hooks: ForeignHooks;
  readonly #outbox: Outbox;
  readonly #rate: Rate;
  #news: RecordedLine[] = [];
  /** It is to be told everything, when it is its turn. */
  #isBehind = false;
  /** It was told everything since the last flush. */
  #isFlushDue = false;

  constructor(socket: WebSocket, adapter: ForeignViewer, hooks: ForeignHooks) {
    this.#adapter = adapter;
    this.#hooks = hooks;
    this.#outbox = new Outbox({ send: (text, done) => socket.send(text, done) }, hooks.clock, hooks.maxQueueBytes);
    this.#rate = new Rate(hooks.clock);
    this.#connection = new Connection(socket, hooks.clock, {
      hear: (data, isBinary) => this.#take(data, isBinary),
      ended: (why) => this.#ended(why),
    });
  }

  get isIdle(): boolean {
    return this.#connection.isOver || (this.#outbox.isEmpty && this.#news.length === 0 && !this.#isBehind);
  }

  /** It was let in. */
  welcome(): void {
    if (this.#adapter.isOpen) this.#askedToOpen();
  }

  line({ line }: FeedLine): void {
    if (this.#connection.isOver || this.watches.isEmpty) return;
    if (this.#news.length >= mostNews) this.#isBehind = true;
    if (this.#isBehind) this.#news = [];
    else this.#news.push(line);
    this.#hooks.wake();
  }

  /** It is told every line. */
  touched(_actor: AnyActorRef, _path: string, _events: number): void {}

  flush(): void {
    if (this.#connection.isOver) return;
    if (this.#outbox.stalledMs() >= this.#hooks.stallMs) return this.cut('it took nothing for too long');
    this.#isFlushDue = false;
    if (this.#isBehind) {
      // Nobody waits for one that does not read.
      if (this.#outbox.heldBytes <= this.#hooks.maxQueueBytes / 4) this.#open();
      else this.#hooks.turns.keyframes.forget(this);
      return;
    }
    const news = this.#news;
    this.#news = [];
    if (news.length === 0) return;
    if (this.#outbox.hasRoom()) this.#send(this.#adapter.lines(news), true);
    else this.#isBehind = true;
  }

  bye(code: number, why: string): void {
    this.#connection.bye(code, why);
  }

  cut(why: string): void {
    this.#connection.cut(why);
  }

  #ended(why: string): void {
    this.#news = [];
    this.#outbox.clear();
    this.#hooks.turns.keyframes.forget(this);
    this.#hooks.left(this, why);
  }

  /** The first time at once where it is its turn; again when it has read what it was told, and what that has cost allows it: however often it asks. */
  #askedToOpen(): void {
    this.#isBehind = true;
    if (this.watches.isEmpty) this.#open();
    this.#hooks.wake();
  }

  /** Tells it everything, from the beginning: not before it is its turn. */
  #open(): void {
    const { keyframes } = this.#hooks.turns;
    if (this.#isFlushDue || !keyframes.isOf(this)) return;
    this.#isFlushDue = true;
    keyframes.spend(this, () => this.#tellAll());
  }

  #tellAll(): void {
    this.#news = [];
    this.#isBehind = false;
    if (this.watches.isEmpty) {
      this.watches.set('', 'full');
      this.#hooks.watchesChanged();
    }
    const scene = new Scene();
    for (const { line } of this.#hooks.feed.keyframe('', () => true).lines) scene.take(line);
    this.#send(this.#adapter.open(scene), false);
  }

  #send(frames: readonly string[], counts: boolean): void {
    for (const frame of frames) this.#outbox.send(frame, counts, false);
    this.#hooks.wake();
  }

  #take(data: RawData, isBinary: boolean): void {
    const inbound = isBinary || !this.#rate.allows() ? ({ kind: 'refused' } as const) : this.#adapter.receive((data as Buffer).toString('utf8'));
    if (inbound.kind === 'open') this.#askedToOpen();
    else if (inbound.kind === 'send') this.#hooks.send(inbound.actor, inbound.event);
    else if (inbound.kind === 'refused' && this.#connection.isOneTooMany()) this.bye(1008, 'the third frame that is none');
  }
}
