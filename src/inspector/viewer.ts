/**
 * One who looks: what it watches, what it is told, what it asks.
 *
 * What it says is checked and counted; what it is told is bounded. Nothing of it throws into the app.
 */
import { StringDecoder } from 'node:string_decoder';
import type { AnyActorRef } from 'xstate';
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { hasStopped, logicOf } from '../supervision/xstate-internals.js';
import { bytesOf } from '../wire/recording/bytes.js';
import type { RecordedActor } from '../wire/recording/lines.js';
import type { Feed, FeedLine } from './feed.js';
import { Outbox, packed } from './outbox.js';
import { Rate } from './rate.js';
import { readViewerFrame, type Result, type SummarisedActor, type ViewerMessage, type Welcome } from './protocol.js';
import { Watches } from './watches.js';

/** So many frames that are none are answered; at the last the socket is closed. */
const mostBadFrames = 3;

/** What a viewer asks of the inspector. */
export interface ViewerHooks {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  /** Its watches are others. */
  watchesChanged(): void;
  /** There is something to be told at the next flush. */
  wake(): void;
  /** Answers what is not about watching. Never rejects. */
  answer(request: Exclude<ViewerMessage, { type: 'watch' | 'unwatch' }>, viewer: Viewer): void;
  left(viewer: Viewer, why: string): void;
}

export class Viewer {
  readonly watches = new Watches();
  readonly #socket: WebSocket;
  readonly #hooks: ViewerHooks;
  readonly #outbox: Outbox;
  readonly #rate: Rate;
  #lines: string[] = [];
  #lineBytes = 0;
  /** Actors of which a summary is due, with the events that have come to them. */
  #due = new Map<AnyActorRef, number>();
  /** Lines that it was not told since it fell behind; null: it has not. */
  #dropped: number | null = null;
  #badFrames = 0;
  #isOver = false;
  #isPaused = false;

  constructor(socket: WebSocket, hooks: ViewerHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    this.#outbox = new Outbox({ send: (text, done) => socket.send(text, done) }, hooks.clock, hooks.maxQueueBytes);
    this.#rate = new Rate(hooks.clock);
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('error', () => this.#over('it broke the protocol'));
    socket.on('close', () => this.#over('it went away'));
  }

  /** Nothing waits for it, and nothing is on its way. */
  get isIdle(): boolean {
    return this.#isOver || (this.#outbox.isEmpty && this.#lines.length === 0 && this.#due.size === 0 && this.#dropped === null);
  }

  welcome(welcome: Welcome): void {
    this.#outbox.send(JSON.stringify(welcome));
  }

  /** Something has happened in the app. */
  line({ line, text }: FeedLine): void {
    if (this.#isOver || !this.#wants(line)) return;
    const bytes = bytesOf(text);
    if (this.#dropped !== null || !this.#outbox.hasRoom(this.#lineBytes + bytes)) {
      // What it has of this flush is of no use without the rest: a keyframe will stand for all.
      this.#dropped = (this.#dropped ?? 0) + this.#lines.length + 1;
      this.#clearLines();
    } else {
      this.#lines.push(text);
      this.#lineBytes += bytes;
    }
    this.#hooks.wake();
  }

  /** Events have come to an actor. */
  touched(actor: AnyActorRef, path: string, events: number): void {
    if (this.#isOver || this.watches.detailOf(path) !== 'summary') return;
    this.#due.set(actor, (this.#due.get(actor) ?? 0) + events);
    this.#hooks.wake();
  }

  /** Tells what has come together; catches up where it had fallen behind; gives up on one who takes nothing. */
  flush(): void {
    if (this.#isOver) return;
    if (this.#outbox.stalledMs() >= this.#hooks.stallMs) {
      this.cut('it took nothing for too long');
      return;
    }
    if (this.#isPaused && this.#outbox.hasRoom(this.#hooks.maxQueueBytes / 2)) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    if (this.#dropped !== null) {
      if (!this.#outbox.hasRoom((this.#hooks.maxQueueBytes * 3) / 4)) return;
      this.#catchUp(this.#dropped);
    }
    this.#flushLines();
    if (this.#due.size > 0 && this.#outbox.hasRoom()) this.#summarise(true);
  }

  answer(result: Result): void {
    this.answerText(JSON.stringify(result));
  }

  /** @param text  a result */
  answerText(text: string): void {
    if (this.#isOver) return;
    this.#outbox.send(text);
    // It asks faster than it reads: what else it asks waits with it.
    if (this.#isPaused || this.#outbox.hasRoom()) return;
    this.#isPaused = true;
    this.#socket.pause();
    this.#hooks.wake();
  }

  refuse(id: number | null, code: Extract<Result, { ok: false }>['error']['code'], words: string): void {
    this.answer({ type: 'result', id, ok: false, error: { code, words } });
  }

  /** Lines that were asked for. */
  history(id: number, texts: readonly string[]): void {
    for (const message of packed(texts, () => [`{"type":"lines","history":${id},"lines":[`, ']}'])) this.#outbox.send(message);
  }

  /** Says why, and hangs up when that is written. */
  bye(code: number, why: string): void {
    if (this.#isOver) return;
    this.#clearLines();
    this.#outbox.clear();
    this.#outbox.send(JSON.stringify({ type: 'bye', why }));
    this.#socket.close(code, why.slice(0, 100));
    this.#over(why);
  }

  /** Hangs up without a word. */
  cut(why: string): void {
    this.#socket.terminate();
    this.#over(why);
  }

  #over(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clearLines();
    this.#due.clear();
    this.#outbox.clear();
    this.#hooks.left(this, why);
  }

  #clearLines(): void {
    this.#lines = [];
    this.#lineBytes = 0;
  }

  #wants(line: FeedLine['line']): boolean {
    switch (line.type) {
      case '@espalier.machine':
        return !this.watches.isEmpty;
      case '@xstate.actor':
      case '@espalier.exit':
        return this.watches.detailOf(line.actor) !== null;
      case '@espalier.dropped':
        return this.watches.full().length > 0;
      case '@espalier.keyframe':
        return false;
      default:
        return this.watches.detailOf(line.actor) === 'full';
    }
  }

  // ---- telling

  #flushLines(): void {
    if (this.#lines.length === 0) return;
    for (const message of packed(this.#lines, () => ['{"type":"lines","lines":[', ']}'])) this.#outbox.send(message);
    this.#clearLines();
  }

  #catchUp(count: number): void {
    const { feed } = this.#hooks;
    this.#dropped = null;
    this.#outbox.send(JSON.stringify({ type: 'dropped', seq: feed.seq(), at: feed.now(), count, why: 'it was told faster than it read' }));
    for (const branch of this.watches.outermost()) this.#keyframe(branch);
  }

  #keyframe(branch: string): void {
    const { feed } = this.#hooks;
    const isFull = (path: string): boolean => this.watches.detailOf(path) === 'full';
    const { seq, at, lines } = feed.keyframe(branch, isFull);
    const detail = this.watches.detailOf(branch) ?? 'summary';
    const about = JSON.stringify({ type: 'keyframe', branch, detail, seq, at }).slice(0, -1);
    const texts = lines.map(({ text }) => text);
    for (const message of packed(texts, (part, last) => [`${about},"part":${part},"last":${last},"lines":[`, ']}']))
      this.#outbox.send(message, false);
    const briefs = lines.map(({ line }) => line).filter((line): line is RecordedActor => line.type === '@xstate.actor' && !isFull(line.actor));
    for (const { actor } of briefs) {
      const ref = feed.actorAt(actor);
      if (ref !== undefined) this.#due.set(ref, this.#due.get(ref) ?? 0);
    }
    this.#summarise(false);
  }

  #summarise(counts: boolean): void {
    const { feed } = this.#hooks;
    const due = this.#due;
    this.#due = new Map();
    const texts: string[] = [];
    for (const [actor, events] of due) {
      const path = feed.pathOf(actor);
      if (path === undefined || this.watches.detailOf(path) !== 'summary') continue;
      const text = textOf(summaryOf(actor, path, events));
      if (text !== null) texts.push(text);
    }
    if (texts.length === 0) return;
    const about = `{"type":"summary","seq":${feed.seq()},"at":${feed.now()},"actors":[`;
    for (const message of packed(texts, () => [about, ']}'])) this.#outbox.send(message, counts);
  }

  // ---- hearing

  #take(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    if (!this.#rate.allows()) return this.#bad('too-many', 'at most a hundred frames a second');
    if (isBinary) return this.#bad('invalid-frame', 'text frames only');
    const read = readViewerFrame(new StringDecoder('utf8').end(data as Buffer));
    if (!read.ok) return this.#bad('invalid-frame', read.problem);
    const { message } = read;
    try {
      if (message.type === 'watch') this.#watch(message.id, message.branch, message.detail);
      else if (message.type === 'unwatch') this.#unwatch(message.id, message.branch);
      else this.#hooks.answer(message, this);
    } catch (error) {
      this.refuse(message.id, 'unavailable', `the inspector failed: ${String(error).slice(0, 200)}`);
    }
  }

  #bad(code: 'invalid-frame' | 'too-many', words: string): void {
    this.#badFrames++;
    if (this.#badFrames >= mostBadFrames) return this.bye(1008, `the third frame that is none: ${words}`);
    this.refuse(null, code, words);
  }

  #watch(id: number, branch: string, detail: 'summary' | 'full'): void {
    // What it was told of so far comes before the keyframe.
    this.#flushLines();
    if (!this.watches.set(branch, detail)) return this.refuse(id, 'too-many', 'no more branches can be watched');
    this.#hooks.watchesChanged();
    this.answer({ type: 'result', id, ok: true });
    this.#keyframe(branch);
    this.#hooks.wake();
  }

  #unwatch(id: number, branch: string): void {
    if (!this.watches.delete(branch)) return this.refuse(id, 'refused', 'it is not watched');
    this.#hooks.watchesChanged();
    this.answer({ type: 'result', id, ok: true });
    // It may still be in another branch, which is told otherwise.
    if (branch !== '' && this.watches.detailOf(branch) !== null) this.#keyframe(branch);
  }
}

/** How an actor is now. */
function summaryOf(actor: AnyActorRef, path: string, events: number): SummarisedActor {
  const { status = 'active', value } = (actor.getSnapshot() ?? {}) as { status?: SummarisedActor['status']; value?: unknown };
  const isMachine = typeof (logicOf(actor) as { getStateNodeById?: unknown }).getStateNodeById === 'function';
  return {
    actor: path,
    status: status === 'active' && hasStopped(actor) ? 'stopped' : status,
    ...(isMachine ? { value: value as string } : {}),
    events,
  };
}

function textOf(value: object): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
