/** The recorder, as the server asks it. */
import type { AnyActorRef } from 'xstate';

import { clockOf, type Clock } from '../supervision/clock.js';
import type { RecordedActor, RecordedLine, RecordingEnd, RecordingHead } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import type { Feed, FeedKeyframe, FeedLine } from './feed.js';
import type { InspectorPlan } from './plan.js';
import { isIn } from './protocol.js';
import { Recorder, type Subscription } from './recorder.js';

/** A line whose text is made when somebody wants it, once. */
class LazyLine implements FeedLine {
  readonly line: RecordedLine;
  #text: string | undefined;

  constructor(line: RecordedLine) {
    this.line = line;
  }

  get text(): string {
    return (this.#text ??= JSON.stringify(this.line));
  }
}

interface Follower {
  readonly branch: string;
  readonly detail: 'summary' | 'full';
  readonly take: (line: FeedLine) => void;
}

/** Opens a system to be looked at: by the recorder of the plan, which somebody else owns, or by one of its own. */
export function recorderFeed(root: AnyActorRef, { redact, recorder }: InspectorPlan): Feed {
  return new RecorderFeed(root, recorder ?? new Recorder(redact === undefined ? {} : { redact }), recorder === undefined);
}

class RecorderFeed implements Feed {
  readonly root: AnyActorRef;
  readonly #recorder: Recorder;
  readonly #isOwn: boolean;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  #paths = new WeakMap<AnyActorRef, string>();
  #subscription: Subscription | undefined;

  constructor(root: AnyActorRef, recorder: Recorder, isOwn: boolean) {
    this.root = root;
    this.#recorder = recorder;
    this.#isOwn = isOwn;
    this.#clock = clockOf(root.system);
    recorder.attach(root);
  }

  head(): RecordingHead {
    return this.#recorder.head;
  }

  now(): number {
    return Math.round(this.#clock.now() * 1_000) / 1_000;
  }

  seq(): number {
    return this.#recorder.seq;
  }

  follow(branch: string, detail: 'summary' | 'full', take: (line: FeedLine) => void): () => void {
    const follower: Follower = { branch, detail, take };
    this.#followers.add(follower);
    this.#subscription ??= this.#recorder.subscribe({ lines: (lines) => this.#take(lines) });
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#subscription?.dispose();
      this.#subscription = undefined;
      this.#paths = new WeakMap();
    };
  }

  keyframe(branch: string, isFull: (actor: string) => boolean): FeedKeyframe {
    const [frame, ...lines] = this.#recorder.keyframe();
    const shown = lines.filter((line) => line.type === '@espalier.machine' || (line.type === '@xstate.actor' && isIn(branch, line.actor)));
    const machines = new Set(shown.map((line) => (line.type === '@xstate.actor' ? line.machine : null)));
    const told = shown
      .filter((line) => line.type !== '@espalier.machine' || branch === '' || machines.has(line.machine))
      .map((line) => (line.type === '@xstate.actor' && line.machine !== null && !isFull(line.actor) ? brief(line) : line));
    const { seq, at } = frame ?? { seq: this.seq(), at: this.now() };
    const first: RecordedLine[] = branch === '' ? [{ type: '@espalier.keyframe', seq, at, lines: told.length }] : [];
    return { seq, at, lines: [...first, ...told].map((line) => new LazyLine(line)) };
  }

  actorAt(path: string): AnyActorRef | undefined {
    return this.#recorder.actorOf(path);
  }

  pathOf(actor: AnyActorRef): string | undefined {
    const known = this.#paths.get(actor);
    if (known !== undefined || actor !== this.root) return known;
    // As a rule the path of a root is its id; else it is looked for.
    if (this.#recorder.actorOf(actor.id) === actor) return actor.id;
    this.#learn(this.#recorder.keyframe());
    return this.#paths.get(actor);
  }

  valueOf(path: string, pointer = ''): Portable | undefined {
    const result = this.#recorder.valueOf(path, pointer);
    return result.ok ? result.value : undefined;
  }

  history(from: number, to: number): readonly FeedLine[] {
    return this.#past()
      .filter(({ seq }) => seq >= from && seq <= to)
      .map((line) => new LazyLine(line));
  }

  recording(): string {
    const lines = this.#past();
    const end: RecordingEnd = { type: 'end', lines: lines.length, cut: null };
    return `${[this.head(), ...lines, end].map((line) => JSON.stringify(line)).join('\n')}\n`;
  }

  dispose(): void {
    this.#followers.clear();
    this.#subscription?.dispose();
    this.#subscription = undefined;
    if (this.#isOwn) void this.#recorder.dispose();
  }

  /** What the recorder still knows of the past: it tells that to who subscribes. */
  #past(): readonly RecordedLine[] {
    let past: readonly RecordedLine[] | undefined;
    this.#recorder.subscribe({ lines: (lines) => (past ??= lines) }, { history: true }).dispose();
    return past ?? [];
  }

  #take(lines: readonly RecordedLine[]): void {
    this.#learn(lines);
    // All that there is, told anew: those who look have it, or ask for it.
    if (lines[0]?.type === '@espalier.keyframe') return;
    for (const line of lines) {
      const told = new LazyLine(line);
      for (const { branch, detail, take } of this.#followers) {
        const isFact = line.type === '@espalier.machine' || line.type === '@xstate.actor' || line.type === '@espalier.exit';
        if (!isFact && detail === 'summary') continue;
        if (!('actor' in line) || isIn(branch, line.actor)) take(told);
      }
    }
  }

  #learn(lines: readonly RecordedLine[]): void {
    for (const line of lines) {
      if (line.type !== '@xstate.actor') continue;
      const ref = this.#recorder.actorOf(line.actor);
      if (ref !== undefined) this.#paths.set(ref, line.actor);
    }
  }
}

/** That an actor is there, and nothing of how it is. */
function brief({ input: _input, state: _state, children: _children, history: _history, timers: _timers, ...line }: RecordedActor): RecordedActor {
  return { ...line, brief: true };
}
