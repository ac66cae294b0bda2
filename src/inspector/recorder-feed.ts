/** The recorder, as the server asks it. */
import type { AnyActorRef } from 'xstate';

import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { clockOf, type Clock } from '../supervision/clock.js';
import type { Redaction } from '../recording/portable.js';
import type { RecordedLine, RecordingEnd, RecordingHead } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import type { Feed, FeedKeyframe, FeedLine } from './feed.js';
import { isOfGuest, type Guest } from './guest.js';
import { isFact } from './history.js';
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
export function recorderFeed(root: AnyActorRef, { redact, schemas, recorder }: InspectorPlan): Feed {
  const options = { ...(redact === undefined ? {} : { redact }), ...(schemas === undefined ? {} : { schemas }) };
  return new RecorderFeed(root, recorder ?? new Recorder(options), recorder === undefined);
}

class RecorderFeed implements Feed {
  readonly root: AnyActorRef;
  readonly #recorder: Recorder;
  readonly #isOwn: boolean;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  #subscription: (Subscription & { readonly details: boolean }) | undefined;

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
    this.#attend();
    return () => {
      this.#followers.delete(follower);
      this.#attend();
    };
  }

  keyframe(branch: string, isFull: (actor: string) => boolean): FeedKeyframe {
    const [frame, ...shown] = this.#recorder.keyframe({ under: branch, isFull });
    const { seq, at } = frame ?? { seq: this.seq(), at: this.now() };
    const lines = branch === '' && frame !== undefined ? [frame, ...shown] : shown;
    return { seq, at, lines: lines.map((line) => new LazyLine(line)) };
  }

  actorAt(path: string): AnyActorRef | undefined {
    return this.#recorder.actorOf(path);
  }

  pathOf(actor: AnyActorRef): string | undefined {
    return this.#recorder.pathOf(actor);
  }

  valueOf(path: string, pointer = ''): Portable | undefined {
    const result = this.#recorder.valueOf(path, pointer);
    return result.ok ? result.value : undefined;
  }

  history(from: number, to: number): readonly FeedLine[] {
    return this.#recorder
      .past()
      .filter(({ seq }) => seq >= from && seq <= to)
      .map((line) => new LazyLine(line));
  }

  redaction(): Redaction {
    return this.#recorder.redaction;
  }

  past(): readonly RecordedLine[] {
    return this.#recorder.past();
  }

  schemas(): SchemasOfMachines {
    return this.#recorder.schemas;
  }

  takeIn(): Guest {
    return this.#recorder.takeIn();
  }

  recording(): string {
    const lines = this.#recorder.recorded();
    const end: RecordingEnd = { type: 'end', lines: lines.length, cut: null };
    return `${[this.head(), ...lines, end].map((line) => JSON.stringify(line)).join('\n')}\n`;
  }

  dispose(): void {
    this.#followers.clear();
    this.#subscription?.dispose();
    this.#subscription = undefined;
    if (this.#isOwn) void this.#recorder.dispose();
  }

  /** Asks of the recorder what somebody follows, and no more. */
  #attend(): void {
    const former = this.#subscription;
    const details = [...this.#followers].some(({ detail }) => detail === 'full');
    if (this.#followers.size > 0 && former?.details === details) return;
    // The new before the old: in between nobody is to think that nobody watches.
    this.#subscription = this.#followers.size === 0 ? undefined : this.#subscribe(details);
    former?.dispose();
  }

  #subscribe(details: boolean): Subscription & { readonly details: boolean } {
    const { dispose } = this.#recorder.subscribe({ lines: (lines) => this.#take(lines) }, { details });
    return { details, dispose };
  }

  #take(lines: readonly RecordedLine[]): void {
    // All that there is, told anew: those who look have it, or ask for it.
    if (lines[0]?.type === '@espalier.keyframe') return;
    for (const line of lines) {
      const told = new LazyLine(line);
      const isTold = isFact(line) || ('actor' in line && isOfGuest(line.actor));
      // Nobody could sum up what a guest's actors are in.
      for (const { branch, detail, take } of this.#followers)
        if ((detail === 'full' || isTold) && (!('actor' in line) || isIn(branch, line.actor))) take(told);
    }
  }
}
