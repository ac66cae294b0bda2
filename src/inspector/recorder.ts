/**
 * The live recorder: attached to running systems, it tells whoever watches what happens in them, as the lines of a recording.
 *
 * Synchronous and in order; bounded; redacted before anything is kept. It reads and never acts, and never throws into the app: what goes wrong in it is
 * told to `onFault`. While nobody watches, it hears of births and deaths only, and an event costs nothing.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { listen, type Listening, type SystemListener } from '../recording/hooks.js';
import { streamLimits, wholeLimits } from '../recording/limits.js';
import type { KeyframeOptions } from '../recording/keyframe.js';
import type { Redaction } from '../recording/portable.js';
import { Reader } from '../recording/reader.js';
import { rounded } from '../recording/watched.js';
import { clockOf, systemClock, type Clock } from '../supervision/clock.js';
import type { Inspector } from '../supervision/orchestrator.js';
import { hasStopped, isUnstarted, rootOf } from '../supervision/xstate-internals.js';
import { bytesOf } from '../wire/recording/bytes.js';
import { isIn } from '../wire/recording/branch.js';
import { recordingVersion, type RecordedLine, type RecordingHead } from '../wire/recording/lines.js';
import { partAt } from '../wire/recording/patch.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { Audience, type LineSink, type Subscriber } from './audience.js';
import { fileSink, type FileOptions, type FileSink } from './file-sink.js';
import { Guest } from './guest.js';
import { History, type Frame } from './history.js';
import { presentActors } from '../recording/present-actors.js';
import { rawPart } from './raw-part.js';
import { requireKeys, resolveOptions, wrong, type RecorderOptions, type ResolvedOptions } from './options.js';

export type { LineSink };

export interface SubscribeOptions {
  /** The path of an actor: only what concerns it and those below it. Default: all. */
  readonly under?: string;
  /**
   * Begin with what is still known of the past, as far back as the history goes. Default false: with all that there is now. A recording begins with the
   * first keyframe: births and deaths before it are for people, and have gaps.
   */
  readonly history?: boolean;
  /**
   * False: births and deaths only, which cost events nothing. It does not count as somebody who watches; while nobody else does, `history` holds no more
   * than that either. Default true.
   */
  readonly details?: boolean;
}

export interface Subscription {
  /** Ends it. Idempotent. */
  dispose(): void;
}

/** A whole value that somebody asked for, as it is now. */
export type ValueResult =
  | { readonly ok: true; readonly value: Portable; readonly at: number; readonly seq: number }
  /** `noproc`: no such actor lives. `notFound`: it has no such part. */
  | { readonly ok: false; readonly reason: 'noproc' | 'notFound' };

/** How much of a value is told when somebody asks, bytes of JSON. */
const mostOfValue = 4 * 1024 * 1024;

/** A recorder at work. Made by {@link recorder}. */
export class Recorder implements Inspector {
  readonly #options: ResolvedOptions;
  readonly #reader: Reader;
  readonly #history: History;
  readonly #systems = new Map<AnyActorRef, Listening>();
  readonly #audience = new Audience((fault) => this.#fault(fault));
  readonly #files = new Set<FileSink>();
  readonly #guests = new Set<Guest>();
  #guestCount = 0;
  #watchers = 0;
  #isDetailed = false;
  #isDisposed = false;
  #clock: Clock = systemClock;
  readonly #listener: SystemListener;

  constructor(options: RecorderOptions = {}) {
    this.#options = resolveOptions(options);
    const { secret, secrets, history, schemas } = this.#options;
    const tell = (line: RecordedLine, bytes: number): void => this.#tell(line, bytes);
    this.#reader = new Reader({ contexts: 'patches', machines: null, secret, secrets, schemas, tell }, false);
    this.#history = new History(history, () => this.#frame());
    this.#listener = {
      born: (actor) => this.#safely(() => this.#reader.born(actor)),
      died: (actor) => this.#safely(() => this.#ended(actor)),
      happened: (event) => this.#happened(event),
    };
    if (this.#options.details === 'always') this.#watch();
  }

  /** The head of a recording of what this recorder tells. */
  get head(): RecordingHead {
    const { secret } = this.#options;
    const wallAt = rounded(Date.now() - this.#clock.now());
    return { type: 'recording', v: recordingVersion, secret: secret?.source ?? null, wallAt, contexts: 'patches' };
  }

  /** The number of the last line. */
  get seq(): number {
    return this.#reader.seq;
  }

  /** The schemas of events that it was given. */
  get schemas(): SchemasOfMachines {
    return this.#options.schemas;
  }

  /** What it does not tell. */
  get redaction(): Redaction {
    const { secret, secrets } = this.#options;
    return { secret, secrets };
  }

  /** Does somebody watch? */
  get isWatched(): boolean {
    return this.#isDetailed;
  }

  /**
   * Attaches the recorder to the system of an actor, which may run already. Once per system.
   * @returns what takes it off again
   * @throws EspalierError `inspector/invalid-options` for what is no actor
   */
  attach(actor: AnyActorRef): { detach(): void } {
    if (typeof actor?.getSnapshot !== 'function' || typeof actor.system !== 'object') throw wrong('an actor to attach the recorder to', actor);
    const root = rootOf(actor);
    if (this.#isDisposed || this.#systems.has(root) || hasStopped(root)) return { detach: () => this.#detach(root) };
    if (this.#systems.size === 0) this.#clock = clockOf(root.system);
    const listening = listen(root, this.#listener);
    this.#systems.set(root, listening);
    this.#safely(() => {
      const before = this.#reader.living.size;
      if (!isUnstarted(root)) for (const actor of presentActors(root)) this.#reader.adopt(actor);
      if (!this.#isDetailed) return;
      listening.details(true);
      if (this.#reader.living.size > before) this.#tellAnew();
    });
    return { detach: () => this.#detach(root) };
  }

  /**
   * Watches: the sink is told all that there is, then every line as it comes.
   * @throws EspalierError `inspector/invalid-options`
   */
  subscribe(sink: LineSink, options: SubscribeOptions = {}): Subscription {
    requireKeys(options, ['under', 'history', 'details'], 'the options of subscribe()');
    if (typeof sink?.lines !== 'function') throw wrong('a sink with the method `lines`', sink);
    const { under = null, history = false, details = true } = options;
    if (under !== null && typeof under !== 'string') throw wrong('`under` to be the path of an actor', under);
    if (typeof details !== 'boolean') throw wrong('`details` to be true or false', details);
    if (this.#isDisposed) return { dispose: () => undefined };
    // One that watches twice watches twice.
    const subscriber: Subscriber = { sink, under, details };
    const whole = details ? this.#watch() : undefined;
    this.#safely(() => {
      const part: KeyframeOptions = { ...(under === null ? {} : { under }), ...(details ? {} : { isFull: () => false }) };
      const lines = history ? this.#history.lines() : (whole ?? this.#frame(part)).lines;
      this.#audience.add(subscriber, lines);
    });
    let isOver = false;
    return {
      dispose: () => {
        if (isOver) return;
        isOver = true;
        this.#audience.remove(subscriber);
        if (details) this.#unwatch();
      },
    };
  }

  /** All that there is now, as lines, or what is of it in one branch. While nobody watches, without states. */
  keyframe(options: KeyframeOptions = {}): readonly RecordedLine[] {
    return this.#frame(options).lines;
  }

  /** What is still known of the past, up to now. */
  past(): readonly RecordedLine[] {
    return this.#history.lines();
  }

  /** What is still known as the lines of a recording, from a keyframe on, up to how all actors are now. */
  recorded(): readonly RecordedLine[] {
    this.#watch();
    const lines = this.#history.whole();
    this.#unwatch();
    return lines;
  }

  /**
   * Writes what happens to a file, from now on, until it is stopped or full. A file that cannot be written is told by {@link FileSink.ended}, not thrown.
   * That of a recorder that was disposed of is ended at once.
   * @throws EspalierError `inspector/invalid-options`
   */
  toFile(path: string, options: FileOptions = {}): FileSink {
    const sink = fileSink(this, path, options);
    this.#files.add(sink);
    void sink.ended.then((outcome) => {
      this.#files.delete(sink);
      if (!outcome.ok) this.#fault(outcome.reason);
    });
    // Nothing more will be told, and nobody else would end it.
    if (this.#isDisposed) void sink.stop();
    return sink;
  }

  /**
   * The context of a living machine, whole but for what is redacted; of other actors their snapshot.
   * @param pointer  only the part that this JSON pointer names
   */
  valueOf(path: string, pointer = ''): ValueResult {
    const watched = this.#reader.living.get(path);
    if (watched === undefined) return { ok: false, reason: 'noproc' };
    const snapshot = watched.actor.getSnapshot() as { context?: unknown } | undefined;
    const whole = watched.machine === null ? snapshot : snapshot?.context;
    const raw = rawPart(whole, pointer, this.#options.secret);
    const written = this.#reader.values.whole.writeWithin(raw === undefined ? whole : raw.part, mostOfValue, [wholeLimits, ...streamLimits]);
    const value = raw === undefined ? partAt(written, pointer) : written;
    return value === undefined ? { ok: false, reason: 'notFound' } : { ok: true, value, at: this.#now(), seq: this.seq };
  }

  /** Takes in the app of another process, to be told of beside those of this one, until it leaves. */
  takeIn(): Guest {
    const { secret, secrets } = this.#options;
    const guest = new Guest(++this.#guestCount, {
      ...{ secret, secrets },
      isDetailed: () => this.#isDetailed || this.#audience.size > 0,
      number: () => this.#reader.number(),
      now: () => this.#now(),
      tell: (line) => this.#safely(() => this.#tell(line, bytesOf(JSON.stringify(line)))),
      left: () => this.#guests.delete(guest),
    });
    this.#guests.add(guest);
    return guest;
  }

  /** The living actor of a path. */
  actorOf(path: string): AnyActorRef | undefined {
    return this.#reader.living.get(path)?.actor;
  }

  /** The path of an actor that has been told of, also after its end; undefined for others. */
  pathOf(actor: AnyActorRef): string | undefined {
    return this.#reader.pathOf(actor);
  }

  /** What it holds of the past. */
  get held(): { readonly lines: number; readonly bytes: number } {
    return { lines: this.#history.lineCount, bytes: this.#history.bytes };
  }

  /** Takes it off every system, and ends every file. Settles when these are written. Never rejects. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    // First, so that what is taken off is not told to them as having ended.
    const written = [...this.#files].map((file) => file.stop());
    for (const root of [...this.#systems.keys()]) this.#detach(root);
    await Promise.all(written);
    this.#audience.clear();
    this.#isDetailed = false;
    this.#history.close();
    this.#reader.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** All that there is now: ours, then guests, who are always told in full. */
  #frame(options: KeyframeOptions = {}): Frame {
    const own = this.#reader.keyframe(this.#now(), options);
    const [keyframe, ...lines] = own.lines;
    if (this.#guests.size === 0 || keyframe?.type !== '@espalier.keyframe') return own;
    const isAsked = (line: RecordedLine): boolean => !('actor' in line) || isIn(options.under ?? '', line.actor);
    const theirs = [...this.#guests].flatMap((guest) => guest.frame(keyframe.seq, keyframe.at)).filter(isAsked);
    const bytes = theirs.reduce((sum, line) => sum + bytesOf(JSON.stringify(line)), own.bytes);
    return { lines: [{ ...keyframe, lines: keyframe.lines + theirs.length }, ...lines, ...theirs], bytes };
  }

  #now(): number {
    return rounded(this.#clock.now());
  }

  #detach(root: AnyActorRef): void {
    const listening = this.#systems.get(root);
    if (listening === undefined) return;
    listening.stop();
    this.#systems.delete(root);
    this.#safely(() => {
      if (this.#reader.release(root)) this.#tellAnew();
    });
  }

  #ended(actor: AnyActorRef): void {
    this.#reader.died(actor);
    const root = rootOf(actor);
    if (!hasStopped(root) || this.#reader.living.isAny(root)) return;
    // While somebody watches, he is still told what is sent to the dead; the hooks go with the system.
    if (!this.#isDetailed) this.#systems.get(root)?.stop();
    this.#systems.delete(root);
  }

  #happened(event: InspectionEvent): void {
    if (!this.#isDetailed) return;
    try {
      this.#reader.take(event);
    } catch (fault) {
      this.#fault(fault);
    }
  }

  /** @returns all that there is now, for the first who watches */
  #watch(): Frame | undefined {
    this.#watchers++;
    if (this.#isDetailed) return undefined;
    this.#isDetailed = true;
    let frame: Frame | undefined;
    this.#safely(() => {
      this.#reader.turn(true);
      for (const listening of this.#systems.values()) listening.details(true);
      frame = this.#history.open();
    });
    return frame;
  }

  #unwatch(): void {
    this.#watchers--;
    if (this.#watchers > 0 || this.#isDisposed) return;
    this.#isDetailed = false;
    this.#safely(() => {
      this.#reader.turn(false);
      for (const listening of this.#systems.values()) listening.details(false);
      this.#history.close();
    });
  }

  #tell(line: RecordedLine, bytes: number): void {
    this.#history.add(line, bytes);
    if (this.#audience.size > 0) this.#audience.tell([line]);
  }

  /** Somebody has come or gone whom no line tells of: everybody is told all that there is. */
  #tellAnew(): void {
    if (this.#audience.size === 0 && !this.#isDetailed) return;
    const frame = this.#frame();
    if (this.#isDetailed) this.#history.retell(frame);
    this.#audience.tell(frame.lines);
  }

  #safely(act: () => void): void {
    try {
      act();
    } catch (fault) {
      this.#fault(fault);
    }
  }

  #fault(fault: unknown): void {
    try {
      this.#options.onFault(fault);
    } catch {
      // Told once, and badly received: there is nobody else to tell.
    }
  }
}

/**
 * A recorder, to be given to `orchestrator(…).start({ inspect })` or attached to any actor. It is its maker's: to be disposed of.
 * @throws EspalierError `inspector/invalid-options`
 */
export function recorder(options: RecorderOptions = {}): Recorder {
  return new Recorder(options);
}
