/**
 * One actor of a recording that goes on, replayed for whoever looks at it: from the oldest moment at which all of it is known, event by event, through
 * `machine.transition()` alone, up to a line. Nothing is executed: no action, no child, no timer. Guards, assigns and what computes an action do run.
 *
 * It goes in pieces: a generator that yields after each step, so that who drives it decides how long it may take at a time. What a recorder has left out
 * of a value (`$redacted`, `$cut`) is not compared, and where it may have decided, or an instance or a function that the recording does not hold was asked,
 * the outcome is `unknown` and not `differs`.
 */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

import type { RecordedActor, RecordedLine, RecordedState, RecordedTransition } from '../../wire/recording/lines.js';
import { applyPatch } from '../../wire/recording/patch.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import type { ReplayedState, ReplayObstacle, ReplayOutcome } from '../../wire/recording/replay-outcome.js';
import { recordedAction } from '../actions.js';
import { ContextTrack, type ContextNews } from '../context-track.js';
import { streamBytes, streamLimits } from '../limits.js';
import { PortableWriter, type Redaction } from '../portable.js';
import { revive } from '../revive.js';
import { changesBetween, type Change } from './difference.js';
import { Cast, type Fold, type Step } from './fold.js';
import { impurityOf } from './impurity.js';
import { copyOf, SharedContext, sharedBy } from './own-context.js';
import { knownChanges, shownChange } from './known-changes.js';

/** Most events of one replay. */
export const mostSteps = 20_000;
/** After so many lines that are of others, who drives it is asked again. */
const linesBetween = 500;
const mostNotes = 5;
const mostActions = 20;
/** What may explain a difference. */
const begunElsewhere = 'it begins with its input alone here: what its context is made of beside it may have changed since, or stand outside';
const ofSession = 'it keeps a session id, which is another in each run';

export interface ReplayRequest {
  /** Its path: of this run of it. */
  readonly actor: string;
  /** The number of the last line. Default: as far as there are lines. */
  readonly to?: number;
  /** What if this came then? */
  readonly event?: { readonly type: string };
}

export interface ReplayMakings {
  /** The machine that an actor ran, with actors that do nothing; null where it is not to be had. */
  readonly machineOf: (line: RecordedActor) => AnyStateMachine | null;
  /** What is not to be told of what comes out: as the recorder has it. */
  readonly redaction: Redaction;
}

/** The oldest line from which on all is known up to the wanted one; or why there is none. */
type Beginning = { readonly index: number; readonly line: RecordedActor } | { readonly code: ReplayObstacle; readonly words: string };

/**
 * Replays an actor.
 * @param lines  in their order; gaps, keyframes and what others do among them
 * @returns a generator of what came of it, which yields how many steps are done. It throws nothing that a machine throws
 */
export function* replayOfActor(lines: readonly RecordedLine[], request: ReplayRequest, makings: ReplayMakings): Generator<number, ReplayOutcome> {
  const begun = yield* beginningOf(lines, request);
  if ('code' in begun) return unknown(0, begun.code, null, begun.words);
  const machine = makings.machineOf(begun.line);
  if (machine === null) return unknown(0, 'noMachine', begun.line.seq, 'its machine does not run in this app any more, or runs elsewhere');
  const shared = begun.line.from === 'input' ? sharedBy(machine) : null;
  if (shared !== null) return unknown(0, 'shared', begun.line.seq, sharing(shared));
  yield 0;
  return yield* new ActorReplay(lines, begun, machine, request, makings.redaction).run();
}

function* beginningOf(lines: readonly RecordedLine[], { actor, to = Infinity }: ReplayRequest): Generator<number, Beginning> {
  let found: Beginning | undefined;
  let [isKnown, wasLost] = [false, false];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as RecordedLine;
    if (line.seq > to) break;
    if (index % linesBetween === 0) yield 0;
    if (line.type === '@espalier.dropped') {
      wasLost ||= found !== undefined;
      found = undefined;
    } else if (line.type === '@xstate.actor' && line.actor === actor) {
      isKnown = true;
      if (line.machine === null) return { code: 'noMachine', words: 'it runs no machine' };
      if (line.state !== undefined) found ??= { index, line };
    }
  }
  if (found !== undefined) return found;
  if (wasLost) return { code: 'lost', words: 'lines were lost between what it was in and this moment' };
  const words = isKnown ? 'what it was in then was not recorded: nobody watched it in full' : 'the app has no lines of it from before this moment';
  return { code: 'notRecorded', words };
}

function sharing(shared: string): string {
  return `its machine begins with ${shared}, which a replay would share with the actors that live`;
}

function holding(shared: string): string {
  return `its context has ${shared}, which a replay would share with the actors that live`;
}

function unknown(steps: number, code: ReplayObstacle, seq: number | null, words: string): ReplayOutcome {
  return { outcome: 'unknown', steps, code, seq, words };
}

class ActorReplay {
  readonly #lines: readonly RecordedLine[];
  readonly #from: number;
  readonly #start: RecordedActor;
  readonly #request: ReplayRequest;
  readonly #cast = new Cast();
  readonly #fold: Fold;
  readonly #writer: PortableWriter;
  /** The replayed context, followed as the recorder has followed the recorded one: so each step costs what has changed in it. */
  readonly #track: ContextTrack;
  readonly #notes: string[] = [];
  /** Events that are on their way to it. */
  readonly #events = new Map<number, Portable>();
  /** The recorded context as it is now. */
  #context: Portable | undefined;
  /** The line that tells what its start ordered is still to come. */
  #isStarting: boolean;
  #steps = 0;
  #to: number;

  constructor(
    lines: readonly RecordedLine[],
    { index, line }: Extract<Beginning, { index: number }>,
    machine: AnyStateMachine,
    request: ReplayRequest,
    redaction: Redaction,
  ) {
    this.#lines = lines;
    this.#from = index;
    this.#start = line;
    this.#request = request;
    this.#writer = new PortableWriter(this.#cast.names, redaction);
    this.#track = new ContextTrack(this.#writer);
    for (let place = 0; place <= index; place++) {
      const one = lines[place] as RecordedLine;
      if (one.type === '@xstate.actor' && one.systemId !== undefined) this.#cast.register(one.systemId, one.actor);
    }
    this.#fold = this.#cast.fold(machine, line);
    this.#context = line.state?.context;
    this.#isStarting = line.from !== 'joined';
    this.#to = line.seq;
  }

  *run(): Generator<number, ReplayOutcome> {
    const { to = Infinity, actor } = this.#request;
    const first = yield* this.#begin(this.#start.state as RecordedState);
    if (first !== null) return first;
    for (let index = this.#from + 1; index < this.#lines.length; index++) {
      const line = this.#lines[index] as RecordedLine;
      if (line.seq > to) break;
      if (index % linesBetween === 0) yield this.#steps;
      if (line.type === '@xstate.actor' && line.systemId !== undefined) this.#cast.register(line.systemId, line.actor);
      if (!('actor' in line) || line.actor !== actor) continue;
      if (line.type === '@xstate.event') this.#events.set(line.seq, line.event);
      if (line.type !== '@xstate.transition') continue;
      if (this.#steps >= mostSteps) return unknown(this.#steps, 'tooLong', line.seq, `a replay is of at most ${mostSteps} events`);
      const ended = yield* this.#transition(line);
      if (ended !== null) return ended;
      this.#to = line.seq;
      yield this.#steps;
    }
    // A step of its own: who drives it measures it by itself, and may rest before it.
    if (this.#request.event !== undefined) yield this.#steps;
    const next = this.#suppose();
    if (next instanceof SharedContext) return unknown(this.#steps, 'shared', null, holding(next.message));
    return { outcome: 'same', steps: this.#steps, from: this.#start.seq, to: this.#to, notes: this.#notes, ...(next === undefined ? {} : { next }) };
  }

  *#begin(state: RecordedState): Generator<number, ReplayOutcome | null> {
    const line = this.#start;
    if (line.from === 'input') {
      const partly: string[] = [];
      const input = line.input === undefined ? undefined : this.#revived(line.input, 'input', partly);
      const step = this.#fold.begin(input);
      const { error } = step.snapshot as { readonly error?: unknown };
      if (error instanceof SharedContext) return unknown(0, 'shared', line.seq, sharing(error.message));
      this.#track.begin(step.snapshot.context);
      return yield* this.#compare(line.seq, 'xstate.init', state, step, partly, () => void this.#fold.begin(input));
    }
    const partly: string[] = [];
    const revived = (part: Portable | undefined, of: string): unknown => (part === undefined ? undefined : this.#revived(part, of, partly));
    const { status, value, context, output, error } = state;
    const parts = { value: revived(value, 'value'), context: revived(context, 'context'), output: revived(output, 'output') };
    try {
      this.#fold.resume({ ...parts, status, error: revived(error, 'error') }, line);
    } catch (problem) {
      const snapshot = { status: 'error', error: problem } as AnyMachineSnapshot;
      const step = { snapshot, actions: [], touched: [] };
      return yield* this.#compare(line.seq, 'xstate.init', state, step, [], () => undefined);
    }
    this.#track.begin(this.#fold.snapshot?.context);
    for (const words of partly) this.#note(words);
    return null;
  }

  *#transition(line: RecordedTransition): Generator<number, ReplayOutcome | null> {
    const { patch, ...state } = line.state;
    const told = patch === undefined ? (state.context === undefined ? undefined : { context: state.context }) : { patch };
    if (state.context !== undefined) this.#context = state.context;
    else if (patch !== undefined) this.#context = applyPatch(this.#context, patch);
    if (this.#isStarting) {
      this.#isStarting = false;
      return null;
    }
    const event = typeof line.event === 'number' ? this.#events.get(line.event) : line.event;
    if (typeof line.event === 'number') this.#events.delete(line.event);
    const type = event === undefined ? 'xstate.unknown' : typeOf(event);
    if (event === undefined || type === 'xstate.unknown')
      return unknown(this.#steps, 'lost', line.seq, 'the event of this step is not in the recording: it was sent before it began');
    const { status, value, error } = state;
    const expected: RecordedState = { ...stateOf({ status, value, error }), ...(this.#context === undefined ? {} : { context: this.#context }) };
    const partly: string[] = [];
    const revived = this.#revived(event, 'event', partly) as EventObject;
    const before = this.#fold.snapshot as AnyMachineSnapshot;
    const step = this.#fold.take(revived);
    const { error: thrown } = step.snapshot as { readonly error?: unknown };
    if (thrown instanceof SharedContext) return unknown(this.#steps, 'shared', line.seq, holding(thrown.message));
    if (expected.status === 'error' && step.snapshot.status !== 'error' && line.actions.at(-1)?.kind === 'run') {
      this.#steps++;
      this.#note('it crashed in an action, and a replay runs none');
      return null;
    }
    const again = (): void => {
      this.#fold.snapshot = before;
      this.#fold.take(revived);
    };
    const isNewsSame = step.snapshot.status !== 'error' && isSameNews(told, this.#track.next(step.snapshot.context));
    const ended = yield* this.#compare(line.seq, type, expected, step, partly, again, isNewsSame);
    if (ended === null) this.#steps++;
    return ended;
  }

  /** Null where it is as it was, or what differs is the time's or chance's doing. */
  *#compare(
    seq: number,
    event: string,
    expected: RecordedState,
    step: Step,
    partly: readonly string[],
    again: () => void,
    isNewsSame = false,
  ): Generator<number, ReplayOutcome | null> {
    const { snapshot, touched } = step;
    const hasThrown = snapshot.status === 'error' && expected.status !== 'error';
    const changes = this.#changes(expected, snapshot, isNewsSame);
    if (changes.length === 0) return null;
    const hidden = [...new Set([...touched, ...partly.filter((words) => isHidden(words))])];
    if (hidden.length > 0 || (hasThrown && this.#notes.some(isHidden)))
      return unknown(this.#steps, 'redacted', seq, notRecorded([...hidden, ...this.#notes.filter((words) => !hidden.includes(words))]));
    const lookedAt = [...this.#cast.lookedAt];
    // The step is made once more, and that may take as long: who drives it may rest before it.
    yield this.#steps;
    const impurity = impurityOf(again);
    this.#fold.snapshot = snapshot;
    if (impurity.length > 0 && changes.every(({ path }) => path.startsWith('context'))) {
      this.#note(`its machine reads ${impurity.join(', ')}: what it made of that is taken from the recording`);
      const context = this.#revived(expected.context ?? null, 'context', []) as object;
      this.#fold.snapshot = { ...snapshot, context } as AnyMachineSnapshot;
      return null;
    }
    const notes = [
      ...impurity.map((source) => `it reads ${source} in this step`),
      ...lookedAt.map((path) => `it looks at the state of ${path}, which a replay does not know`),
      ...(event === 'xstate.init' ? [begunElsewhere] : []),
      ...(changes.some(({ expected: one, got }) => isSession(one) || isSession(got)) ? [ofSession] : []),
      ...partly,
      ...this.#notes,
    ];
    return {
      ...{ outcome: 'differs', steps: this.#steps, from: this.#start.seq, seq, event },
      expected: stateOf({ value: undefined, error: undefined, ...expected }),
      replayed: this.#stateOf(snapshot),
      changes: changes.map(shownChange),
      notes: notes.slice(0, mostNotes),
    };
  }

  /** @param isNewsSame  the context has changed as it was recorded to change: it was the same before, and so it is now */
  #changes(expected: RecordedState, { status, value }: AnyMachineSnapshot, isNewsSame: boolean): Change[] {
    return [
      ...knownChanges(expected.status, status, 'status'),
      ...(value === undefined && expected.value === undefined ? [] : knownChanges(expected.value, this.#writer.write(value), 'value')),
      // The context of what has thrown is that of before, which was compared.
      ...(isNewsSame || status === 'error' || expected.context === undefined ? [] : knownChanges(expected.context, this.#track.written, 'context')),
    ].slice(0, 10);
  }

  #stateOf({ status, value, error }: AnyMachineSnapshot): ReplayedState {
    return stateOf({
      status,
      value: value === undefined ? undefined : this.#writer.write(value),
      error: status === 'error' ? this.#writer.writeWithin(error, streamBytes.other, streamLimits) : undefined,
    });
  }

  /** What the event would bring that was asked about. */
  #suppose(): Extract<ReplayOutcome, { outcome: 'same' }>['next'] | SharedContext {
    const { event } = this.#request;
    const before = this.#fold.snapshot;
    if (event === undefined || before === undefined) return undefined;
    this.#track.next(before.context);
    const context = this.#track.written;
    // What is changed in place, and not anew, is seen by that the machine has another one than was compared.
    const { copy, shared, held } = copyOf(before.context as unknown);
    if (held !== null) return new SharedContext(held);
    const given = { ...before, context: copy } as AnyMachineSnapshot;
    if (shared !== null) this.#note(`its context holds ${shared}: what changes in that is not known`);
    this.#fold.snapshot = given;
    const { snapshot, actions, isHandled, touched } = this.#fold.take(event);
    if (snapshot.error instanceof SharedContext) return snapshot.error;
    if (touched.length > 0) this.#note(notRecorded(touched));
    this.#track.next(snapshot.context);
    const changed = knownChanges(context, this.#track.written, '');
    const names = actions.flatMap((action) => {
      const recorded = recordedAction(action, this.#writer, this.#cast.names);
      if (recorded === null) return [];
      return recorded.kind === 'run' ? [recorded.name] : [`${recorded.kind}${'event' in recorded ? ` ${typeOf(recorded.event)}` : ''}`];
    });
    return {
      type: event.type,
      state: this.#stateOf(snapshot),
      handled: isHandled,
      changed: [...new Set(changed.map(({ path }) => path))],
      actions: names.slice(0, mostActions),
    };
  }

  #revived(part: Portable, of: string, partly: string[]): unknown {
    const actor = (path: string): AnyActorRef => this.#fold.ref(path);
    const tell = (where: string, what: string): void => {
      if (!what.startsWith('snapshot') && partly.length < mostNotes)
        partly.push(`${where === '' ? of : `${of}.${where}`} is ${what.replace(' (true)', '')} in the recording`);
    };
    return revive(part, actor, tell, this.#cast.touches, of);
  }

  #note(words: string): void {
    if (this.#notes.length < mostNotes && !this.#notes.includes(words)) this.#notes.push(words);
  }
}

/** Does it look like a session id that XState gives? */
function isSession(value: Portable | undefined): boolean {
  return typeof value === 'string' && value.startsWith('x:');
}

/** Is a context told to change in the same way? */
function isSameNews(told: ContextNews, replayed: ContextNews): boolean {
  if (told === undefined || replayed === undefined) return told === replayed;
  return 'patch' in told && 'patch' in replayed && changesBetween(told.patch, replayed.patch, '').length === 0;
}

function notRecorded(words: readonly string[]): string {
  return `what decided here is not in the recording: ${words.slice(0, mostNotes).join('; ')}`;
}

/** Does it say that the recorder has left something out? */
function isHidden(words: string): boolean {
  return / is (?:redacted|cut)\b/.test(words);
}

function stateOf({
  status,
  value,
  error,
}: Pick<RecordedState, 'status'> & { value: Portable | undefined; error: Portable | undefined }): ReplayedState {
  return { status, ...(value === undefined ? {} : { value }), ...(error === undefined ? {} : { error }) };
}

function typeOf(event: Portable): string {
  const { type } = (typeof event === 'object' && event !== null ? event : {}) as { readonly type?: Portable };
  return typeof type === 'string' ? type : 'xstate.unknown';
}
