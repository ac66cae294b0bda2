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
import type { Feed, FeedLine } from './feed.js';
import { Outbox } from './outbox.js';
import { Rate } from './rate.js';
import { Watches } from './watches.js';

/** So many frames that are none are passed over; at the last the socket is closed. */
const mostBadFrames = 3;
/** What may come together until the next flush, lines. */
const mostNews = 5_000;

/** What it asks of the inspector. */
export interface ForeignHooks {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  watchesChanged(): void;
  wake(): void;
  /** An event is to be sent: where the app allows it. */
  send(actor: string, event: ForeignEvent): void;
  left(viewer: ForeignConnection, why: string): void;
}

export class ForeignConnection {
  readonly watches = new Watches();
  readonly #socket: WebSocket;
  readonly #adapter: ForeignViewer;
  readonly #hooks: ForeignHooks;
  readonly #outbox: Outbox;
  readonly #rate: Rate;
  #news: RecordedLine[] = [];
  #isBehind = false;
  #badFrames = 0;
  #isOver = false;

  constructor(socket: WebSocket, adapter: ForeignViewer, hooks: ForeignHooks) {
    this.#socket = socket;
    this.#adapter = adapter;
    this.#hooks = hooks;
    this.#outbox = new Outbox({ send: (text, done) => socket.send(text, done) }, hooks.clock, hooks.maxQueueBytes);
    this.#rate = new Rate(hooks.clock);
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('error', () => this.#over('it broke the protocol'));
    socket.on('close', () => this.#over('it went away'));
  }

  get isIdle(): boolean {
    return this.#isOver || (this.#outbox.isEmpty && this.#news.length === 0 && !this.#isBehind);
  }

  /** It was let in. */
  welcome(): void {
    if (this.#adapter.isOpen) this.#open();
  }

  line({ line }: FeedLine): void {
    if (this.#isOver || this.watches.isEmpty) return;
    if (this.#news.length >= mostNews) this.#isBehind = true;
    if (this.#isBehind) this.#news = [];
    else this.#news.push(line);
    this.#hooks.wake();
  }

  /** It is told every line. */
  touched(_actor: AnyActorRef, _path: string, _events: number): void {}

  flush(): void {
    if (this.#isOver) return;
    if (this.#outbox.stalledMs() >= this.#hooks.stallMs) return this.cut('it took nothing for too long');
    if (this.#isBehind) {
      if (this.#outbox.hasRoom((this.#hooks.maxQueueBytes * 3) / 4)) this.#open();
      return;
    }
    const news = this.#news;
    this.#news = [];
    if (news.length === 0) return;
    if (this.#outbox.hasRoom()) this.#send(this.#adapter.lines(news), true);
    else this.#isBehind = true;
  }

  bye(code: number, why: string): void {
    if (this.#isOver) return;
    this.#socket.close(code, why.slice(0, 100));
    this.#over(why);
  }

  cut(why: string): void {
    this.#socket.terminate();
    this.#over(why);
  }

  #over(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#news = [];
    this.#outbox.clear();
    this.#hooks.left(this, why);
  }

  /** Tells it everything, from the beginning. */
  #open(): void {
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
    if (this.#isOver) return;
    const inbound = isBinary || !this.#rate.allows() ? ({ kind: 'refused' } as const) : this.#adapter.receive((data as Buffer).toString('utf8'));
    if (inbound.kind === 'open') this.#open();
    else if (inbound.kind === 'send') this.#hooks.send(inbound.actor, inbound.event);
    else if (inbound.kind === 'refused' && ++this.#badFrames >= mostBadFrames) this.bye(1008, 'the third frame that is none');
  }
}
