/**
 * Replays that those who look have asked for, in the app's own process: one at a time, a few ms of its time at once, and a tenth of it at most as long as no
 * step takes longer than a slice should. Nothing of an actor is executed; its machine's guards and assigns do run, so that the app decides whether anybody may
 * ask (`replay`); and an event that is asked about is held to what one that is sent is held to.
 */
import type { AnyStateMachine } from 'xstate';

import { type ReplayRequest, replayOfActor } from '../recording/replay/actor-replay.js';
import { withoutChildren } from '../recording/replay/fold.js';
import type { Clock } from '../supervision/clock.js';
import { logicOf } from '../supervision/xstate-internals.js';
import type { RecordedActor, RecordedLine } from '../wire/recording/lines.js';
import type { ReplayOutcome } from '../wire/recording/replay-outcome.js';
import { type ControlRefusal, refusalOfEvent } from './control.js';
import type { Feed } from './feed.js';
import { calmly } from './own-promises.js';

/** How long a replay may hold up the app at once, ms: it goes on to the end of the step that it is at. */
const sliceMs = 4;
/** The same in steps, for a clock that does not run meanwhile. */
const sliceSteps = 500;
/** For so many times what a slice took, nothing is replayed. */
const restTimes = 9;
/** The shortest rest, ms. */
const leastRestMs = 1;
/** The longest rest, ms: others wait, too. */
const mostRestMs = 2_000;
/** A machine of which one step takes longer is not replayed further, ms. */
const mostStepMs = 1_000;
/** How long a replay may take in all, from its first slice on, ms. */
const deadlineMs = 10_000;

/** What is told of one that was asked for. */
export interface ReplayAnswer {
  done(outcome: ReplayOutcome): void;
  /** The event that was asked about is none that may be sent to this actor: nothing of it ran. */
  refused(refusal: ControlRefusal): void;
  /** A fault of the replay's own. */
  failed(fault: unknown): void;
}

interface Waiting extends ReplayAnswer {
  readonly request: ReplayRequest;
  run: Generator<number, ReplayOutcome> | undefined;
  /** When it began. */
  at: number;
}

const bare = new WeakMap<AnyStateMachine, AnyStateMachine>();

export class Replays {
  readonly #feed: Pick<Feed, 'past' | 'actorAt' | 'redaction' | 'schemas'>;
  readonly #clock: Clock;
  /** By who asks, in the order in which they asked: each has one. */
  readonly #waiting = new Map<object, Waiting>();
  #timer: unknown;
  /** Nothing is replayed before. */
  #restUntil = -Infinity;

  constructor(feed: Pick<Feed, 'past' | 'actorAt' | 'redaction' | 'schemas'>, clock: Clock) {
    this.#feed = feed;
    this.#clock = clock;
  }

  /** @returns whether it will be answered; not where who asks waits for another */
  ask(asker: object, request: ReplayRequest, answer: ReplayAnswer): boolean {
    if (this.#waiting.has(asker)) return false;
    const { done, refused, failed } = answer;
    this.#waiting.set(asker, { request, done, refused, failed, run: undefined, at: 0 });
    this.#later(Math.max(leastRestMs, this.#restUntil - this.#clock.now()));
    return true;
  }

  /** Who has asked has gone. */
  forget(asker: object): void {
    this.#waiting.delete(asker);
  }

  close(): void {
    this.#waiting.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(ms: number): void {
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#slice();
    }, ms);
  }

  #slice(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [asker, waiting] = first;
    const began = this.#clock.now();
    try {
      const isNew = waiting.run === undefined;
      const refusal = isNew ? this.#begin(waiting, began) : null;
      const outcome = isNew ? null : calmly(() => this.#goOn(waiting, began));
      if (refusal !== null || outcome !== null) this.#waiting.delete(asker);
      if (refusal !== null) waiting.refused(refusal);
      if (outcome !== null) waiting.done(outcome);
    } catch (fault) {
      this.#waiting.delete(asker);
      waiting.failed(fault);
    }
    // Who asks next waits as well: the rest is the app's.
    const now = this.#clock.now();
    const restMs = Math.min(mostRestMs, Math.max(leastRestMs, restTimes * (now - began)));
    this.#restUntil = now + restMs;
    // Where nobody waits, nothing is to be done: it may have been closed meanwhile.
    if (this.#waiting.size > 0) this.#later(restMs);
  }

  /** To bring the lines together is a slice of its own. @returns why the event is not asked about; null: it goes on */
  #begin(waiting: Waiting, at: number): ControlRefusal | null {
    const { request } = waiting;
    const lines = this.#feed.past();
    const refusal = request.event === undefined ? null : this.#refusalOf(request.actor, request.event, lines);
    const machineOf = (line: RecordedActor): AnyStateMachine | null => bareOf(this.#machineOf(line, lines));
    if (refusal === null) waiting.run = replayOfActor(lines, request, { machineOf, redaction: this.#feed.redaction() });
    waiting.at = at;
    return refusal;
  }

  #refusalOf(actor: string, event: { readonly type: string }, lines: readonly RecordedLine[]): ControlRefusal | null {
    const line = lines.find((one): one is RecordedActor => one.type === '@xstate.actor' && one.actor === actor && one.machine !== null);
    const machine = line === undefined ? null : this.#machineOf(line, lines);
    return machine === null ? null : refusalOfEvent(machine, event, this.#feed.schemas());
  }

  /** @returns what came of it; null where it is not at its end */
  #goOn({ run, at }: Waiting, began: number): ReplayOutcome | null {
    let before = began;
    if (run === undefined) return null;
    for (let step = 0; step < sliceSteps; step++) {
      const next = run.next();
      const now = this.#clock.now();
      const slow = now - before >= mostStepMs ? `one step took ${Math.round(now - before)} ms of the app` : null;
      if (next.done === true) return slow === null ? next.value : tooLong(next.value.steps, slow);
      const late = now - at >= deadlineMs ? `it was not at its end after ${deadlineMs / 1_000} s` : null;
      if (late !== null || slow !== null) return tooLong(next.value, late ?? slow ?? '');
      before = now;
      if (now - began >= sliceMs) return null;
    }
    return null;
  }

  /** Its own while it lives; else that of who has its seat now, or of a child of the same parent from the same source. */
  #machineOf(line: RecordedActor, lines: readonly RecordedLine[]): AnyStateMachine | null {
    const own = this.#logicAt(line.actor);
    if (own !== null) return own;
    const alike = lines.filter((one): one is RecordedActor => one.type === '@xstate.actor' && one.machine === line.machine && isKin(one, line));
    for (const one of [...alike.filter(({ id }) => id === line.id), ...alike].reverse()) {
      const logic = this.#logicAt(one.actor);
      if (logic !== null) return logic;
    }
    return null;
  }

  #logicAt(path: string): AnyStateMachine | null {
    const actor = this.#feed.actorAt(path);
    const logic = actor === undefined ? undefined : (logicOf(actor) as unknown as AnyStateMachine);
    if (logic === undefined || typeof (logic as { getStateNodeById?: unknown }).getStateNodeById !== 'function') return null;
    return logic;
  }
}

function tooLong(steps: number, words: string): ReplayOutcome {
  return { outcome: 'unknown', steps, code: 'timeout', seq: null, words };
}

/** As it is replayed. */
function bareOf(machine: AnyStateMachine | null): AnyStateMachine | null {
  if (machine === null) return null;
  const known = bare.get(machine) ?? withoutChildren(machine, true);
  bare.set(machine, known);
  return known;
}

/** From the same source, and below the same parent, whichever run of it. */
function isKin(one: RecordedActor, other: RecordedActor): boolean {
  const seat = (path: string | null): string => (path ?? '').replace(/#\d+(?=\/|$)/g, '');
  return one.src === other.src && (one.src !== null || one.id === other.id) && seat(one.parent) === seat(other.parent);
}
