/**
 * A recording, replayed through today's machines: every machine actor of it is folded through `machine.transition()`, event by event, in the order of
 * the file, up to the first thing that is not as it was. No effect runs.
 */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';

import { EspalierError } from '../../errors.js';
import { changesBetween, changesOfActions, inline, type Change } from '../../recording/replay/difference.js';
import { Cast, withoutChildren, type CollectedAction, type Fold, type Step } from '../../recording/replay/fold.js';
import { impurityOf } from '../../recording/replay/impurity.js';
import type { RecordedAction, RecordedActor, RecordedState, RecordedTransition } from '../../wire/recording/lines.js';
import { applyPatch } from '../../wire/recording/patch.js';
import { lineOf, parseRecording, type ActorRecording } from '../../wire/recording/parse.js';
import { PortableWriter } from '../../recording/portable.js';
import { revive } from '../../recording/revive.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { recordedAction } from '../../recording/actions.js';
import { sequenceDiagram } from './sequence.js';

/** A part of a machine's doing that may differ. `status` and `value` may not. */
export type ReplayPart = 'context' | 'output' | 'error' | RecordedAction['kind'];

/** The machines that recorded actors are replayed through, as a list, by any name (a catalogue), or chosen for each actor. */
export type ReplayMachines =
  | readonly AnyStateMachine[]
  | Readonly<Record<string, AnyStateMachine>>
  | ((actor: RecordedActor) => AnyStateMachine | undefined);

export interface ReplayOptions {
  /** An actor is replayed through the machine that has the id of its own. */
  readonly machines: ReplayMachines;
  /** Ids of machines that are not replayed. A machine that is neither here nor among `machines` is refused. */
  readonly skip?: readonly string[];
  /** What is not compared: `['run']` when actions of the app's own may have new names. */
  readonly ignore?: readonly ReplayPart[];
}

/** What a machine had come to. */
export interface Outcome extends RecordedState {
  readonly actions: readonly RecordedAction[];
}

/** Everything was as it was. */
export interface ReplayPassed {
  readonly ok: true;
  /** Machine actors that were followed, and transitions that were compared. */
  readonly actors: number;
  readonly transitions: number;
  /** What could not be compared: the actor, and why. */
  readonly unchecked: readonly string[];
  /** Why the recording stops before the app did; null: it is whole. */
  readonly cut: string | null;
}

/** The first thing that is not as it was. */
export interface ReplayDifference {
  readonly ok: false;
  /** The line of the file. */
  readonly at: number;
  readonly actor: string;
  readonly machine: string;
  /** The event, as recorded; `xstate.init` for the start. */
  readonly event: Portable;
  /** The state in which the event came; undefined at the start. */
  readonly before: Portable | undefined;
  /** What the recording says came of it. */
  readonly expected: Outcome;
  /** What came of it today. */
  readonly got: Outcome;
  /** The places at which the two differ, at most ten. */
  readonly changes: readonly Change[];
  /** What may explain it: time or chance that the machine read, values that the recording holds by name only. */
  readonly notes: readonly string[];
  /** The conversation up to there, as Mermaid. */
  readonly sequence: string;
}

export type ReplayResult = ReplayPassed | ReplayDifference;

const init: Portable = { type: 'xstate.init' };
const parts: readonly string[] = ['context', 'output', 'error', 'emit', 'send', 'raise', 'spawn', 'stop', 'cancel', 'run'] satisfies ReplayPart[];

/**
 * Replays a recording (or its text) through today's machines, up to the first difference.
 * @throws EspalierError `testing/invalid-options`, also for a recorded machine that nobody gave; `recording/invalid-file` for a text that is none
 */
export function replay(recording: ActorRecording | string, options: ReplayOptions): ReplayResult {
  const read = typeof recording === 'string' ? parseRecording(recording) : recording;
  return new Replay(read, options).run();
}

/** One actor in the replay. */
interface Followed {
  readonly fold: Fold;
  readonly line: RecordedActor;
  /** The recorded context as it is now. */
  context: Portable | undefined;
  /** What its start ordered, until the line that tells what it ordered then. */
  begun: Step | undefined;
}

class Replay {
  readonly #recording: ActorRecording;
  readonly #ignored: ReadonlySet<string>;
  readonly #machineOf: (line: RecordedActor) => AnyStateMachine | null;
  /** The line of the file that is being replayed. */
  #at = 0;
  readonly #cast = new Cast();
  readonly #writer: PortableWriter;
  readonly #followed = new Map<string, Followed>();
  readonly #unchecked: string[] = [];
  #transitions = 0;

  constructor(recording: ActorRecording, options: ReplayOptions) {
    requireOptions(options);
    this.#recording = recording;
    this.#ignored = new Set<string>(options.ignore ?? []);
    this.#machineOf = chooser(options.machines, new Set(options.skip ?? []), idsOf(recording));
    const { secret } = recording.head;
    this.#writer = new PortableWriter(this.#cast.names, { secret: secret === null ? null : new RegExp(secret, 'i') });
    for (const line of recording.lines) if (line.type === '@xstate.actor' && line.state !== undefined) this.#machineOf(line);
  }

  run(): ReplayResult {
    for (const [index, line] of this.#recording.lines.entries()) {
      this.#at = index + 2;
      const difference = line.type === '@xstate.actor' ? this.#start(line) : line.type === '@xstate.transition' ? this.#transition(line) : null;
      if (difference !== null) return difference;
    }
    const cut = this.#recording.cut?.why ?? null;
    return { ok: true, actors: this.#followed.size, transitions: this.#transitions, unchecked: this.#unchecked, cut };
  }

  #start(line: RecordedActor): ReplayDifference | null {
    if (line.systemId !== undefined) this.#cast.register(line.systemId, line.actor);
    if (line.machine === null || line.state === undefined) return null;
    const machine = this.#machineOf(line);
    if (machine === null) return null;
    const followed: Followed = { fold: this.#cast.fold(machine, line), line, context: line.state.context, begun: undefined };
    this.#followed.set(line.actor, followed);
    return line.from === 'input' ? this.#begin(followed, line.state) : this.#resume(followed, line.state);
  }

  #begin(followed: Followed, state: RecordedState): ReplayDifference | null {
    const { fold, line } = followed;
    const partly: string[] = [];
    const input = line.input === undefined ? undefined : this.#revive(line.input, fold, partly, 'input');
    const step = fold.begin(input);
    followed.begun = step;
    const again = (): void => void fold.begin(input);
    return this.#compare(followed, init, undefined, { ...state, actions: [] }, { ...step, actions: [] }, partly, again);
  }

  /** Takes the state from the recording, where its input is not known or it was restored. */
  #resume(followed: Followed, state: RecordedState): ReplayDifference | null {
    const { fold, line } = followed;
    const why = {
      bound: 'its input was given to its logic beforehand',
      snapshot: 'it was restored',
      joined: 'it ran before the recording',
      input: '',
    };
    this.#unchecked.push(`the start of ${line.actor}: ${why[line.from]}`);
    const revived = (part: Portable | undefined, of: string): unknown => (part === undefined ? undefined : this.#revive(part, fold, [], of));
    const { status, value, context, output, error } = state;
    try {
      const parts = { value: revived(value, 'value'), context: revived(context, 'context'), output: revived(output, 'output') };
      const snapshot = fold.resume({ ...parts, status, error: revived(error, 'error') }, line);
      if (line.from !== 'joined') followed.begun = { snapshot, actions: [], touched: [] };
      return null;
    } catch (problem) {
      const got = { snapshot: { status: 'error', error: problem } as AnyMachineSnapshot, actions: [], touched: [] };
      return this.#compare(followed, init, undefined, { ...state, actions: [] }, got, [], () => undefined);
    }
  }

  #transition(line: RecordedTransition): ReplayDifference | null {
    const followed = this.#followed.get(line.actor);
    if (followed === undefined) return null;
    const { fold } = followed;
    const { patch, ...state } = line.state;
    if (state.context !== undefined) followed.context = state.context;
    else if (patch !== undefined) followed.context = applyPatch(followed.context, patch);
    const expected: Outcome = { ...state, ...(followed.context === undefined ? {} : { context: followed.context }), actions: line.actions };
    const event = typeof line.event === 'number' ? this.#eventOf(line.event) : line.event;
    this.#transitions++;
    const { begun } = followed;
    if (begun !== undefined) {
      followed.begun = undefined;
      // What a start ordered cannot be known where its input is not.
      if (followed.line.from === 'bound') return null;
      return this.#compare(followed, event, undefined, expected, begun, [], () => undefined);
    }
    const partly: string[] = [];
    const revived = this.#revive(event, fold, partly, 'event') as EventObject;
    const before = fold.snapshot as AnyMachineSnapshot;
    const step = fold.take(revived);
    const again = (): void => {
      fold.snapshot = before;
      fold.take(revived);
    };
    return this.#compare(followed, event, before, expected, step, partly, again);
  }

  #eventOf(seq: number): Portable {
    const line = lineOf(this.#recording, seq);
    return line?.type === '@xstate.event' ? line.event : null;
  }

  #revive(part: Portable, fold: Fold, partly: string[], of: string): unknown {
    const actor = (path: string): AnyActorRef => fold.ref(path);
    const tell = (where: string, what: string): void => {
      partly.push(`${where === '' ? of : `${of}.${where}`} is ${what}: the recording holds its name only`);
    };
    return revive(part, actor, tell, this.#cast.touches, of);
  }

  #compare(
    { line: { actor, machine } }: Followed,
    event: Portable,
    before: AnyMachineSnapshot | undefined,
    expected: Outcome,
    step: Step,
    partly: readonly string[],
    again: () => void,
  ): ReplayDifference | null {
    const got = this.#outcomeOf(step);
    if (got.status !== 'error' && isNameClash(expected)) {
      this.#unchecked.push(`the crash of ${actor}: a name of the system was taken, which a replay does not know`);
      return null;
    }
    const asBefore = isCutShort(expected, got, step.actions, this.#writer, this.#cast) ? cutShort(expected, got) : got;
    const changes = this.#changes(expected, asBefore);
    if (changes.length === 0) return null;
    const lookedAt = [...this.#cast.lookedAt];
    const notes = [
      ...impurityOf(again).map((source) => `the machine read ${source} in this step: time and chance must come as data, in the event or the input`),
      ...lookedAt.map((path) => `the machine looked at the state of ${path}, which a replay does not know at that moment: let it come as data`),
      ...new Set([...partly, ...step.touched.map((words) => words.replace(/ in the recording$/, ': the recording holds its name only'))]),
    ];
    const at = this.#at;
    const says = [`expected ${summary(expected)}`, `got ${summary(got)}`];
    const sequence = sequenceDiagram(this.#recording, { upTo: at, verdict: { actor, says } });
    const wasIn = before === undefined ? undefined : this.#writer.write(before.value);
    return { ok: false, at, actor, machine: machine ?? '', event, before: wasIn, expected, got, changes, notes, sequence };
  }

  #outcomeOf({ snapshot, actions }: Step): Outcome {
    const { status, value, context, output, error } = snapshot;
    const writer = this.#writer;
    return {
      status,
      ...(value === undefined ? {} : { value: writer.write(value) }),
      ...(context === undefined ? {} : { context: writer.write(context) }),
      ...(output === undefined ? {} : { output: writer.write(output) }),
      ...(status === 'error' ? { error: writer.write(error) } : {}),
      actions: actions.flatMap((action) => recordedAction(action, writer, this.#cast.names) ?? []),
    };
  }

  #changes(expected: Outcome, got: Outcome): Change[] {
    const kept = (actions: readonly RecordedAction[]): Portable[] => actions.filter(({ kind }) => !this.#ignored.has(kind)) as unknown as Portable[];
    return [
      ...(['status', 'value', 'context', 'output', 'error'] as const)
        .filter((part) => !this.#ignored.has(part))
        .flatMap((part) => changesBetween(expected[part], got[part], part)),
      ...changesOfActions(kept(expected.actions), kept(got.actions)),
    ].slice(0, 10);
  }
}

/** Was the recorded machine stopped in its step by an action of the app's own that threw? In a replay none runs, so none throws. */
function isCutShort(expected: Outcome, got: Outcome, actions: readonly CollectedAction[], writer: PortableWriter, cast: Cast): boolean {
  if (expected.status !== 'error' || got.status === 'error') return false;
  const last = expected.actions.at(-1);
  if (last?.kind !== 'run') return false;
  const thrower = actions.filter((action) => recordedAction(action, writer, cast.names) !== null)[expected.actions.length - 1];
  return typeof thrower?.exec === 'function';
}

/** The same step, stopped where the recorded one was; XState keeps the state before. */
function cutShort(expected: Outcome, got: Outcome): Outcome {
  const { status, value, context, error } = expected;
  return {
    status,
    ...(value === undefined ? {} : { value }),
    ...(context === undefined ? {} : { context }),
    ...(error === undefined ? {} : { error }),
    actions: got.actions.slice(0, expected.actions.length),
  };
}

/** Did XState refuse a `systemId` that another actor had? Who has which name is not the machine's doing. */
function isNameClash({ status, error }: Outcome): boolean {
  const { message } = (error as { $error?: { message?: unknown } } | undefined)?.$error ?? {};
  return status === 'error' && /^Actor with system ID '.*' already exists\.$/.test(String(message));
}

function summary({ status, value, error }: RecordedState): string {
  if (status === 'error') return `error ${inline(error, 60)}`;
  return status === 'active' ? inline(value, 60) : `${status} in ${inline(value, 60)}`;
}

/** The ids of machines by the names that lines have for them. */
function idsOf({ lines }: ActorRecording): ReadonlyMap<string, string> {
  return new Map(lines.flatMap((line) => (line.type === '@espalier.machine' ? [[line.machine, line.definition.id]] : [])));
}

function chooser(
  machines: ReplayMachines,
  skip: ReadonlySet<string>,
  ids: ReadonlyMap<string, string>,
): (line: RecordedActor) => AnyStateMachine | null {
  const ready = new Map<AnyStateMachine, AnyStateMachine>();
  const byId = new Map<string, AnyStateMachine>();
  for (const machine of typeof machines === 'function' ? [] : Object.values(machines)) {
    const other = byId.get(machine.id);
    if (other !== undefined && other !== machine) throw wrong('`machines` with one machine for each id; a function can tell them apart', machine.id);
    byId.set(machine.id, machine);
  }
  return (line) => {
    const id = ids.get(line.machine ?? '') ?? '';
    if (skip.has(id)) return null;
    const machine = typeof machines === 'function' ? machines(line) : byId.get(id);
    if (machine === undefined)
      throw wrong(`a machine with the id '${id}' (of ${line.actor}) among \`machines\`, or the id in \`skip\``, [...byId.keys()]);
    const bare = ready.get(machine) ?? withoutChildren(machine);
    ready.set(machine, bare);
    return bare;
  };
}

const optionKeys = ['machines', 'skip', 'ignore'];

function requireOptions(options: ReplayOptions): void {
  const isObject = typeof options === 'object' && options !== null;
  const stranger = isObject ? Object.keys(options).find((key) => !optionKeys.includes(key)) : 'nothing';
  if (stranger !== undefined) throw wrong(`options of replay() with the keys ${optionKeys.join(', ')}`, stranger);
  const { machines, ignore = [], skip = [] } = options;
  const given = typeof machines === 'object' && machines !== null ? Object.values(machines) : machines;
  const areMachines = Array.isArray(given) && given.length > 0 && given.every((one) => typeof one?.getStateNodeById === 'function');
  if (typeof given !== 'function' && !areMachines) throw wrong('`machines` to be a list or a record of state machines, or a function', machines);
  const unknown = ignore.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw wrong(`\`ignore\` to hold some of ${parts.join(', ')}`, unknown);
  if (!Array.isArray(skip)) throw wrong('`skip` to be a list of machine ids', skip);
}

function wrong(expected: string, got: unknown): EspalierError {
  return new EspalierError('testing/invalid-options', { expected, got });
}
