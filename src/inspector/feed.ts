/** What the server asks of the recorder, which alone reads the app. */
import type { AnyActorRef } from 'xstate';

import type { SchemasOfMachines } from '../charts/event-schemas.js';
import type { Redaction } from '../recording/portable.js';
import type { RecordedLine, RecordingHead } from '../wire/recording/lines.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import type { Guest } from './guest.js';

/** A line, and its text: written once, however many read it. */
export interface FeedLine {
  readonly line: RecordedLine;
  readonly text: string;
}

/** How things are after a line. */
export interface FeedKeyframe {
  readonly seq: number;
  readonly at: number;
  /** Of the whole: an `@espalier.keyframe` line first. Then machines, then actors that joined, parents before children. */
  readonly lines: readonly FeedLine[];
}

export interface Feed {
  /** The actor that everything is below. */
  readonly root: AnyActorRef;
  /** The first line of a recording from here on, with `wallAt`. */
  head(): RecordingHead;
  /** Monotonic ms, on the clock of the app. */
  now(): number;
  /** The number of the latest line. */
  seq(): number;
  /**
   * Tells the lines of a branch as they come, each once, in order and before anything else happens.
   * @param detail  `summary`: machines, starts and ends; `full`: everything
   * @returns what ends it
   */
  follow(branch: string, detail: 'summary' | 'full', take: (line: FeedLine) => void): () => void;
  /** @param isFull  whose state is told; others are `brief` */
  keyframe(branch: string, isFull: (actor: string) => boolean): FeedKeyframe;
  /** The actor that lives and has this path; undefined for others. */
  actorAt(path: string): AnyActorRef | undefined;
  /** The path of an actor that is told of; undefined for others. */
  pathOf(actor: AnyActorRef): string | undefined;
  /**
   * The whole context of an actor, redacted; undefined where there is none.
   * @param pointer  a part of it, by RFC 6901
   */
  valueOf(path: string, pointer?: string): Portable | undefined;
  /** The lines with these numbers, as far as they are kept, oldest first. */
  history(from: number, to: number): readonly FeedLine[];
  /** What is not to be told, by which all that it tells was redacted. */
  redaction(): Redaction;
  /** All lines that are kept, oldest first; made at once, and not to be changed. */
  past(): readonly RecordedLine[];
  /** By which events are judged that somebody sends. */
  schemas(): SchemasOfMachines;
  /** Takes in an app of another process. Its actors are always told of in full, and have no {@link Feed.actorAt}. */
  takeIn(): Guest;
  /** All that is kept, as a recording. */
  recording(): string;
  /** Lets go of the app. */
  dispose(): void;
}
