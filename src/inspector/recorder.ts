/**
 * The live recorder: attached to running systems, it tells whoever watches what happens in them, as the lines of a recording.
 *
 * Synchronous and in order; bounded; redacted before anything is kept. It reads and never acts, and never throws into the app: what goes wrong in it is
 * told to `onFault`. While nobody watches, it hears of births and deaths only, and an event costs nothing.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';

import { listen, type Listening, type SystemListener } from '../recording/hooks.js';
import { streamLimits, wholeLimits } from '../recording/limits.js';
import { Reader } from '../recording/reader.js';
import { rounded } from '../recording/watched.js';
import { clockOf, systemClock, type Clock } from '../supervision/clock.js';
import type { Inspector } from '../supervision/orchestrator.js';
import { actorsBelow } from '../supervision/pool-actor.js';
import { hasStopped, isUnstarted, rootOf } from '../supervision/xstate-internals.js';
import { recordingVersion, type RecordedLine, type RecordingHead } from '../wire/recording/lines.js';
import { partAt } from '../wire/recording/patch.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { linesUnder } from './branch.js';
import { fileSink, type FileOptions, type FileSink } from './file-sink.js';
import { History } from './history.js';
import { requireKeys, resolveOptions, wrong, type RecorderOptions, type ResolvedOptions } from './options.js';

/** Who watches. Told at once, in the midst of what happens; one that throws is told nothing more. */
export interface LineSink {
  lines(lines: readonly RecordedLine[]): void;
}

export interface SubscribeOptions {
  /** The path of an actor: only what concerns it and those below it. Default: all. */
  readonly under?: string;
  /** Begin with what is still known of the past, as far back as the history goes. Default false: with all that there is now. */
  readonly history?: boolean;
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
  readonly #sinks = new Map<LineSink, string | null>();
  readonly #files = new Set<FileSink>();
  #watchers = 0;
  #isDetailed = false;
  #isDisposed = false;
  #clock: Clock = systemClock;
  readonly #listener: SystemListener;

  constructor(options: RecorderOptions = {}) {
    this.#options = resolveOptions(options);
    const { secret, secrets, history } = this.#options;
    const tell = (line: RecordedLine, bytes: number): void => this.#tell(line, bytes);
    this.#reader = new Reader({ contexts: 'patches', machines: null, secret, secrets, tell }, false);
    this.#history = new History(history, () => this.#reader.keyframe(this.#now()));
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
      if (!isUnstarted(root)) this.#adopt(root);
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
    requireKeys(options, ['under', 'history'], 'the options of subscribe()');
    if (typeof sink?.lines !== 'function') throw wrong('a sink with the method `lines`', sink);
    const { under = null, history = false } = options;
    if (under !== null && typeof under !== 'string') throw wrong('`under` to be the path of an actor', under);
    if (this.#isDisposed) return { dispose: () => undefined };
    // One that watches twice watches twice.
    const own: LineSink = { lines: (lines) => sink.lines(lines) };
    this.#watch();
    this.#safely(() => {
      const lines = history ? this.#history.lines() : this.#reader.keyframe(this.#now()).lines;
      this.#sinks.set(own, under);
      this.#deliver(own, under, lines);
    });
    let isOver = false;
    return {
      dispose: () => {
        if (isOver) return;
        isOver = true;
        this.#sinks.delete(own);
        this.#unwatch();
      },
    };
  }

  /** All that there is now, as lines. While nobody watches, without states. */
  keyframe(): readonly RecordedLine[] {
    return this.#reader.keyframe(this.#now()).lines;
  }

  /**
   * Writes what happens to a file, from now on, until it is stopped or full. A file that cannot be written is told by {@link FileSink.ended}, not thrown.
   * @throws EspalierError `inspector/invalid-options`
   */
  toFile(path: string, options: FileOptions = {}): FileSink {
    const sink = fileSink(this, path, options);
    this.#files.add(sink);
    void sink.ended.then((outcome) => {
      this.#files.delete(sink);
      if (!outcome.ok) this.#fault(outcome.reason);
    });
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
    const { written } = this.#reader.values.whole.writeWithin(whole, mostOfValue, [wholeLimits, ...streamLimits]);
    const value = partAt(written, pointer);
    return value === undefined ? { ok: false, reason: 'notFound' } : { ok: true, value, at: this.#now(), seq: this.seq };
  }

  /** The living actor of a path. */
  actorOf(path: string): AnyActorRef | undefined {
    return this.#reader.living.get(path)?.actor;
  }

  /** What it holds of the past. */
  get held(): { readonly lines: number; readonly bytes: number } {
    return { lines: this.#history.lineCount, bytes: this.#history.bytes };
  }

  /** Takes it off every system, and ends every file. Settles when these are written. Never rejects. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const files = [...this.#files];
    for (const root of [...this.#systems.keys()]) this.#detach(root);
    await Promise.all(files.map((file) => file.stop()));
    this.#sinks.clear();
    this.#isDetailed = false;
    this.#history.close();
    this.#reader.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #now(): number {
    return rounded(this.#clock.now());
  }

  #adopt(actor: AnyActorRef): void {
    // No recursion: a tree is as deep as it is.
    const todo = [actor];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      this.#reader.adopt(next);
      for (const below of [...actorsBelow(next)].reverse()) if (!isUnstarted(below)) todo.push(below);
    }
  }

  #detach(root: AnyActorRef): void {
    const listening = this.#systems.get(root);
    if (listening === undefined) return;
    listening.stop();
    this.#systems.delete(root);
    this.#safely(() => {
      if (this.#reader.living.release(root)) this.#tellAnew();
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

  #watch(): void {
    this.#watchers++;
    if (this.#isDetailed) return;
    this.#isDetailed = true;
    this.#safely(() => {
      this.#reader.turn(true);
      for (const listening of this.#systems.values()) listening.details(true);
      this.#history.open();
    });
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
    if (this.#sinks.size > 0) this.#deliverAll([line]);
  }

  /** Somebody has come or gone whom no line tells of: everybody is told all that there is. */
  #tellAnew(): void {
    if (!this.#isDetailed) return;
    this.#history.open();
    this.#deliverAll(this.#reader.keyframe(this.#now()).lines);
  }

  #deliverAll(lines: readonly RecordedLine[]): void {
    for (const [sink, under] of this.#sinks) this.#deliver(sink, under, lines);
  }

  #deliver(sink: LineSink, under: string | null, lines: readonly RecordedLine[]): void {
    try {
      const own = under === null ? lines : linesUnder(lines, under);
      if (own.length > 0) sink.lines(own);
    } catch (fault) {
      // It is told nothing more; whoever holds its subscription still ends that.
      this.#sinks.delete(sink);
      this.#fault(fault);
    }
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
