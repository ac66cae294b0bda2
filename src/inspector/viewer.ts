/**
 * One who looks: what it watches, what it is told, what it asks.
 *
 * What it says is checked and counted; what it is told is bounded. Nothing of it throws into the app.
 */
import type { AnyActorRef } from 'xstate';
import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../supervision/clock.js';
import { bytesOf } from '../wire/recording/bytes.js';
import type { RecordedActor } from '../wire/recording/lines.js';
import { Connection } from './connection.js';
import type { Feed, FeedLine } from './feed.js';
import { isOfGuest } from './guest.js';
import { Outbox, packed } from './outbox.js';
import { Rate } from './rate.js';
import type { SharedTurns } from './respite.js';
import { summaryText } from './summary.js';
import { type Detail, readViewerFrame, type Result, type ViewerMessage, type Welcome } from './protocol.js';
import { mostWatches, Watches } from './watches.js';

/** What is asked of a branch while it may not be told: the latest, and the requests that it answers. Their number is bounded by the rate of frames. */
interface Asked {
  /** Null: it is to be watched no longer. */
  detail: Detail | null;
  readonly ids: number[];
}

/** What a viewer asks of the inspector. */
export interface ViewerHooks {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly maxQueueBytes: number;
  readonly stallMs: number;
  readonly turns: SharedTurns;
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
  readonly #connection: Connection;
  readonly #hooks: ViewerHooks;
  readonly #outbox: Outbox;
  readonly #rate: Rate;
  #lines: string[] = [];
  #lineBytes = 0;
  /** Actors of which a summary is due, with the events that have come to them. */
  #due = new Map<AnyActorRef, number>();
  /** Lines that it was not told since it fell behind; null: it has not. */
  #dropped: number | null = null;
  /** Machines that it has been told of. */
  readonly #machines = new Set<string>();
  /** It is not listened to: it asks faster than it reads, or more than may be spent on it. */
  #isPaused = false;
  /** What had come all the same: no more than the socket had read at once. */
  #heard: ViewerMessage[] = [];
  /** It was told a branch since the last flush: however little that costs, it is told the next with what comes together. */
  #isFlushDue = false;
  /** What waits for its turn, by branch. */
  readonly #asked = new Map<string, Asked>();

  constructor(socket: WebSocket, hooks: ViewerHooks) {
    this.#hooks = hooks;
    this.#outbox = new Outbox({ send: (text, done) => socket.send(text, done) }, hooks.clock, hooks.maxQueueBytes);
    this.#rate = new Rate(hooks.clock);
    this.#connection = new Connection(socket, hooks.clock, {
      hear: (data, isBinary) => this.#take(data, isBinary),
      ended: (why) => this.#ended(why),
    });
  }

  /** Nothing waits for it, and nothing is on its way. */
  get isIdle(): boolean {
    if (this.#connection.isOver) return true;
    const isNothingDue = this.#lines.length === 0 && this.#due.size === 0 && this.#asked.size === 0 && this.#dropped === null;
    return isNothingDue && this.#outbox.isEmpty && !this.#isPaused;
  }

  welcome(welcome: Welcome): void {
    this.#outbox.send(JSON.stringify(welcome));
  }

  /** Something has happened in the app. */
  line({ line, text }: FeedLine): void {
    if (this.#connection.isOver || !this.#wants(line)) return;
    const bytes = bytesOf(text);
    if (this.#dropped !== null || !this.#outbox.hasRoom(this.#lineBytes + bytes)) {
      // What it has of this flush is of no use without the rest: a keyframe will stand for all.
      this.#dropped = (this.#dropped ?? 0) + this.#lines.length + 1;
      this.#machines.clear();
      this.#clearLines();
    } else {
      this.#lines.push(text);
      this.#lineBytes += bytes;
      this.#isNews(line);
    }
    this.#hooks.wake();
  }

  /** Events have come to an actor. */
  touched(actor: AnyActorRef, path: string, events: number): void {
    if (this.#connection.isOver || this.watches.detailOf(path) !== 'summary') return;
    this.#due.set(actor, (this.#due.get(actor) ?? 0) + events);
    this.#hooks.wake();
  }

  /** Tells what has come together; catches up where it had fallen behind; gives up on one who takes nothing. */
  flush(): void {
    if (this.#connection.isOver) return;
    if (this.#outbox.stalledMs() >= this.#hooks.stallMs) {
      this.cut('it took nothing for too long');
      return;
    }
    this.#isFlushDue = false;
    const { work, keyframes } = this.#hooks.turns;
    if (this.#isPaused && this.#hasRead(2)) this.#listen();
    // Nobody waits for one that does not read.
    if (!this.#hasRead(2)) work.forget(this);
    if (this.#dropped !== null) {
      if (!this.#hasRead(4)) return keyframes.forget(this);
      if (!this.#isToBeTold()) return;
      const count = this.#dropped;
      this.#tell(() => this.#catchUp(count));
    }
    this.#flushLines();
    if (!this.#isPaused || this.#hasRead(2)) this.#tellAsked();
    else keyframes.forget(this);
    if (this.#due.size > 0 && this.#outbox.hasRoom()) this.#summarise(true);
  }

  answer(result: Result): void {
    this.answerText(JSON.stringify(result));
  }

  /** @param text  a result */
  answerText(text: string): void {
    if (this.#connection.isOver) return;
    this.#outbox.send(text);
    this.#pauseWhereFull();
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
    if (this.#connection.isOver) return;
    this.#clearLines();
    this.#outbox.clear();
    this.#outbox.send(JSON.stringify({ type: 'bye', why }));
    this.#connection.bye(code, why);
  }

  /** Hangs up without a word. */
  cut(why: string): void {
    this.#connection.cut(why);
  }

  #ended(why: string): void {
    this.#clearLines();
    this.#due.clear();
    this.#heard = [];
    this.#asked.clear();
    this.#outbox.clear();
    this.#hooks.turns.work.forget(this);
    this.#hooks.turns.keyframes.forget(this);
    this.#hooks.left(this, why);
  }

  /** Is what waits for it less than that part of the bound? */
  #hasRead(part: number): boolean {
    return this.#outbox.heldBytes <= this.#hooks.maxQueueBytes / part;
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
        return this.watches.detailOf(line.actor) === 'full' || (isOfGuest(line.actor) && this.watches.detailOf(line.actor) !== null);
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
    const { seq, at, lines: all } = feed.keyframe(branch, isFull);
    // The lines of the whole are counted in its first.
    const lines = all.filter(({ line }) => this.#isNews(line) || branch === '');
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

  /** False for a machine that it has been told of. */
  #isNews(line: FeedLine['line']): boolean {
    if (line.type !== '@espalier.machine') return true;
    const { size } = this.#machines;
    return this.#machines.add(line.machine).size > size;
  }

  #summarise(counts: boolean): void {
    const { feed } = this.#hooks;
    const due = this.#due;
    this.#due = new Map();
    const texts: string[] = [];
    for (const [actor, events] of due) {
      const path = feed.pathOf(actor);
      if (path === undefined || this.watches.detailOf(path) !== 'summary') continue;
      const text = summaryText(actor, path, events, feed.redaction().secrets);
      if (text !== null) texts.push(text);
    }
    if (texts.length === 0) return;
    const about = `{"type":"summary","seq":${feed.seq()},"at":${feed.now()},"actors":[`;
    for (const message of packed(texts, () => [about, ']}'])) this.#outbox.send(message, counts);
  }

  // ---- hearing

  #take(data: RawData, isBinary: boolean): void {
    if (!this.#rate.allows()) return this.#bad('too-many', 'at most a hundred frames a second');
    if (isBinary) return this.#bad('invalid-frame', 'text frames only');
    const read = readViewerFrame((data as Buffer).toString('utf8'));
    if (!read.ok) return this.#bad('invalid-frame', read.problem);
    if (!this.#isPaused && !this.#mayHear(read.message)) this.#pause();
    if (this.#isPaused) this.#heard.push(read.message);
    else this.#hear(read.message);
  }

  /** What costs waits for its turn; what is watched, and what is to be done with an actor, for nobody else. */
  #mayHear({ type }: ViewerMessage): boolean {
    return type === 'watch' || type === 'unwatch' || type === 'control' || this.#hooks.turns.work.isOf(this);
  }

  #hear(message: ViewerMessage): void {
    try {
      if (message.type === 'watch') this.#ask(message.id, message.branch, message.detail);
      else if (message.type === 'unwatch') this.#ask(message.id, message.branch, null);
      else if (message.type === 'control') this.#hooks.answer(message, this);
      else this.#hooks.turns.work.spend(this, () => this.#hooks.answer(message, this));
    } catch (error) {
      this.refuse(message.id, 'unavailable', `the inspector failed: ${String(error).slice(0, 200)}`);
    }
    this.#pauseWhereFull();
  }

  #pauseWhereFull(): void {
    if (this.#isPaused || this.#connection.isOver || this.#outbox.heldBytes <= this.#hooks.maxQueueBytes) return;
    this.#pause();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#connection.pause();
    this.#hooks.wake();
  }

  #listen(): void {
    this.#isPaused = false;
    for (let next = this.#heard[0]; next !== undefined && !this.#isPaused; next = this.#heard[0]) {
      if (!this.#mayHear(next)) return this.#pause();
      this.#heard.shift();
      this.#hear(next);
    }
    if (!this.#isPaused) this.#connection.resume();
  }

  #bad(code: 'invalid-frame' | 'too-many', words: string): void {
    if (this.#connection.isOneTooMany()) return this.bye(1008, `the third frame that is none: ${words}`);
    this.refuse(null, code, words);
  }

  // ---- what is watched

  /** At once, or with what else is asked of the branch when it may be told again: the latest counts, and each is answered. */
  #ask(id: number, branch: string, detail: Detail | null): void {
    const asked = this.#asked.get(branch);
    const isWatched = asked === undefined ? this.watches.has(branch) : asked.detail !== null;
    if (detail === null && !isWatched) return this.refuse(id, 'refused', 'it is not watched');
    if (asked === undefined && this.#asked.size >= mostWatches) return this.refuse(id, 'too-many', 'no more branches can be watched');
    if (asked === undefined) this.#asked.set(branch, { detail, ids: [id] });
    else {
      asked.detail = detail;
      asked.ids.push(id);
    }
    this.#tellAsked();
    this.#hooks.wake();
  }

  /** May it be told a branch? */
  #isToBeTold(): boolean {
    return !this.#isFlushDue && this.#hooks.turns.keyframes.isOf(this);
  }

  #tell(todo: () => void): void {
    this.#isFlushDue = true;
    this.#hooks.turns.keyframes.spend(this, todo);
  }

  /** One branch, of those that wait the first. */
  #tellAsked(): void {
    const [first] = this.#asked;
    if (first === undefined || !this.#isToBeTold()) return;
    const [branch, { detail, ids }] = first;
    this.#asked.delete(branch);
    this.#tell(() => {
      try {
        if (detail === null) this.#unwatch(ids, branch);
        else this.#watch(ids, branch, detail);
      } catch (error) {
        for (const id of ids) this.refuse(id, 'unavailable', `the inspector failed: ${String(error).slice(0, 200)}`);
      }
    });
    this.#pauseWhereFull();
  }

  #watch(ids: readonly number[], branch: string, detail: Detail): void {
    // What it was told of so far comes before the keyframe.
    this.#flushLines();
    if (!this.watches.set(branch, detail)) {
      for (const id of ids) this.refuse(id, 'too-many', 'no more branches can be watched');
      return;
    }
    this.#hooks.watchesChanged();
    for (const id of ids) this.answer({ type: 'result', id, ok: true });
    this.#keyframe(branch);
  }

  #unwatch(ids: readonly number[], branch: string): void {
    if (this.watches.delete(branch)) this.#hooks.watchesChanged();
    for (const id of ids) this.answer({ type: 'result', id, ok: true });
    // It may still be in another branch, which is told otherwise.
    if (branch !== '' && this.watches.detailOf(branch) !== null) this.#keyframe(branch);
  }
}
