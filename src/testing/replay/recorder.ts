/**
 * Records what actors do, to be replayed as a test: give {@link Recorder.inspect} to any actor system, take {@link Recorder.recording} when it is over.
 *
 * It reads and never acts: whatever a value does when it is read, the app is not harmed. What it keeps is bounded; when the bound is reached the
 * recording stops there and says so. Lines are written at once, as text, so what the app changes later changes nothing here.
 */
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate';

import { childOfEvent, reasonOfEvent } from '../../../machines/supervision/exit.js';
import { EspalierError } from '../../errors.js';
import { clockOf } from '../../supervision/clock.js';
import { hasStopped, logicOf, parentOf } from '../../supervision/xstate-internals.js';
import { ActorNames } from './actor-names.js';
import { recordingVersion, type RecordedAction, type RecordedLine, type RecordedState, type RecordingEnd, type RecordingHead } from './lines.js';
import { PortableWriter } from './portable.js';
import { recordedAction } from './recorded-action.js';

/** What {@link record} can be told. */
export interface RecordOptions {
  /** Ids of the machines to record in detail; others are participants only. Default: every machine. */
  readonly machines?: readonly string[];
  /** Most bytes of text. Default 16 MiB. What comes after is counted, not kept. */
  readonly maxBytes?: number;
  /**
   * Keys whose values are not recorded, wherever they stand. Default: keys that look like a password, an API key, a token of access. `false`: none;
   * then what the app holds is in the file.
   */
  readonly redact?: RegExp | false;
}

/** A recording in the making. */
export interface Recorder {
  /** For `createActor(logic, { inspect })`, `orchestrator(…).start({ inspect })` or `actor.system.inspect(…)`. Never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** The recording so far, as NDJSON; may be asked again. */
  recording(): string;
}

/** Most bytes that a recorder keeps unless told otherwise. */
export const defaultMaxBytes = 16 * 1024 * 1024;
/** Most actors that a recorder keeps apart. */
const maxActors = 100_000;
const secretKeys = /^(?:.*password|.*secret|api[-_]?key|authorization|(?:(?:access|auth|bearer|refresh|id)[-_]?)?token|credentials?)$/i;

/** One actor under the recorder's eye. */
interface Watched {
  readonly actor: AnyActorRef;
  readonly machine: string | null;
  phase: 'created' | 'starting' | 'running' | 'ended';
  /** Its input, as the machine was given it. */
  init: { readonly input?: unknown } | undefined;
  /** Events that it has not finished with, oldest first. */
  readonly pending: { readonly event: object; readonly seq: number }[];
  actions: RecordedAction[];
  context: unknown;
}

type Unnumbered<Line> = Line extends unknown ? Omit<Line, 'seq' | 'at'> : never;

/**
 * Begins a recording.
 * @throws EspalierError `testing/invalid-options`
 */
export function record(options: RecordOptions = {}): Recorder {
  requireOptions(options);
  const recorder = new ActorRecorder(options);
  return { inspect: (event) => recorder.inspect(event), recording: () => recorder.recording() };
}

class ActorRecorder {
  readonly #machines: ReadonlySet<string> | null;
  readonly #maxBytes: number;
  readonly #names = new ActorNames();
  readonly #writer: PortableWriter;
  readonly #lines: string[];
  #bytes: number;
  #cut: { readonly why: string; dropped: number } | null = null;
  #watched = new WeakMap<AnyActorRef, Watched>();
  /** Machines that run: the crash of a root is told to nobody, and found by looking. */
  readonly #running = new Set<Watched>();

  constructor({ machines, maxBytes = defaultMaxBytes, redact = secretKeys }: RecordOptions) {
    this.#machines = machines === undefined ? null : new Set(machines);
    this.#maxBytes = maxBytes;
    const secret = redact === false ? null : new RegExp(redact.source, 'i');
    this.#writer = new PortableWriter(this.#names, secret);
    const head: RecordingHead = { type: 'recording', v: recordingVersion, secret: secret?.source ?? null };
    this.#lines = [JSON.stringify(head)];
    this.#bytes = Buffer.byteLength(this.#lines[0] ?? '');
  }

  inspect(event: InspectionEvent): void {
    if (this.#cut !== null) {
      this.#cut.dropped++;
      return;
    }
    try {
      this.#take(event);
    } catch (error) {
      this.#stop(`the recorder failed: ${String(error)}`);
    }
  }

  recording(): string {
    for (const watched of [...this.#running]) if (hasCrashed(watched.actor)) this.#attempt(() => this.#finish(watched));
    const end: RecordingEnd = { type: 'end', lines: this.#lines.length - 1, cut: this.#cut };
    return `${this.#lines.join('\n')}\n${JSON.stringify(end)}\n`;
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#stop(`the recorder failed: ${String(error)}`);
    }
  }

  #stop(why: string): void {
    this.#cut ??= { why, dropped: 0 };
    this.#names.forget();
    this.#running.clear();
    this.#watched = new WeakMap();
  }

  #write(actor: AnyActorRef, line: Unnumbered<RecordedLine>): number {
    const seq = this.#lines.length;
    if (this.#cut !== null) {
      this.#cut.dropped++;
      return seq;
    }
    const { type, ...rest } = line;
    const text = JSON.stringify({ type, seq, at: Math.round(clockOf(actor.system).now() * 1000) / 1000, ...rest });
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#bytes + bytes > this.#maxBytes) {
      this.#stop(`maxBytes (${this.#maxBytes}) is reached`);
      return this.#write(actor, line);
    }
    this.#bytes += bytes;
    this.#lines.push(text);
    return seq;
  }

  #take(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    switch (event.type) {
      case '@xstate.actor':
        this.#watch(actor);
        return;
      case '@xstate.microstep': {
        const watched = this.#watched.get(actor);
        // The input as the machine sees it, where a wrapper has laid its own beneath.
        if (watched?.phase === 'created' && event.event.type === 'xstate.init') watched.init = event.event as { input?: unknown };
        return;
      }
      case '@xstate.event':
        this.#relayed(actor, event.sourceRef as AnyActorRef | undefined, event.event);
        return;
      case '@xstate.action': {
        const watched = this.#watched.get(actor);
        if (watched === undefined || watched.machine === null || (watched.phase !== 'starting' && watched.phase !== 'running')) return;
        const written = recordedAction(event.action, this.#writer, this.#names);
        if (written !== null) watched.actions.push(written);
        return;
      }
      case '@xstate.snapshot': {
        const watched = this.#watched.get(actor);
        if (watched === undefined) this.#join(actor);
        else if (watched.phase !== 'ended') this.#processed(watched, event.event);
        return;
      }
      default:
    }
  }

  #watch(actor: AnyActorRef): Watched {
    if (this.#names.size >= maxActors) throw new Error(`more than ${maxActors} actors`);
    this.#names.note(actor);
    const id = machineIdOf(actor);
    const machine = id !== null && this.#machines?.has(id) !== false ? id : null;
    const watched: Watched = { actor, machine, phase: 'created', init: undefined, pending: [], actions: [], context: undefined };
    this.#watched.set(actor, watched);
    return watched;
  }

  /** An actor that ran before anybody looked: from here on it is followed. */
  #join(actor: AnyActorRef): Watched {
    const watched = this.#watch(actor);
    watched.phase = hasStopped(actor) ? 'ended' : 'running';
    if (watched.phase === 'running') this.#open(watched, 'joined');
    return watched;
  }

  #relayed(target: AnyActorRef, source: AnyActorRef | undefined, event: { readonly type: string }): void {
    const from = source === undefined ? undefined : this.#watched.get(source);
    if (from !== undefined && from.phase !== 'ended' && hasStopped(from.actor) && saysItEnded(event, from.actor)) this.#finish(from);
    const watched = this.#watched.get(target) ?? this.#join(target);
    if (event.type === 'xstate.init' && watched.phase === 'created') {
      this.#started(watched);
      return;
    }
    if (watched.phase === 'running' && hasCrashed(target)) this.#finish(watched);
    const isDead = hasStopped(target);
    const seq = this.#write(target, {
      type: '@xstate.event',
      actor: this.#names.pathOf(target),
      source: source === undefined ? null : this.#names.pathOf(source),
      event: this.#writer.writeEvent(event),
      ...(isDead ? { dead: true as const } : {}),
    });
    if (watched.machine !== null && !isDead) watched.pending.push({ event, seq });
  }

  #started(watched: Watched): void {
    const { options } = watched.actor as unknown as { options: { snapshot?: unknown; state?: unknown; input?: unknown } };
    const isRestored = (options.snapshot ?? options.state) !== undefined;
    const isBound = watched.machine !== null && watched.init === undefined && hasOwnStart(watched.actor);
    watched.init ??= { input: options.input };
    this.#open(watched, isRestored ? 'snapshot' : isBound ? 'bound' : 'input');
    watched.phase = (watched.actor.getSnapshot() as { status?: string } | undefined)?.status === 'error' ? 'ended' : 'starting';
    watched.init = undefined;
    if (watched.machine !== null && watched.phase === 'starting') this.#running.add(watched);
  }

  #open(watched: Watched, from: 'input' | 'bound' | 'snapshot' | 'joined'): void {
    const { actor, machine, init } = watched;
    const parent = parentOf(actor);
    const { systemId } = actor as unknown as { systemId?: string };
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    this.#write(actor, {
      type: '@xstate.actor',
      actor: this.#names.pathOf(actor),
      parent: parent === undefined ? null : this.#names.pathOf(parent),
      id: this.#names.textOf(actor.id),
      ...(systemId === undefined ? {} : { systemId }),
      machine,
      from,
      ...(machine === null || init?.input === undefined || from === 'joined' ? {} : { input: this.#writer.write(init.input) }),
      ...(machine === null ? {} : { state: this.#state(watched, snapshot) }),
      ...(machine === null || from === 'input' ? {} : { children: this.#childrenOf(snapshot), history: historyOf(snapshot) }),
    });
  }

  /** A machine has finished with an event. */
  #processed(watched: Watched, event: { readonly type: string }): void {
    if (watched.machine === null) return;
    const { pending } = watched;
    const at = pending.findIndex((one) => one.event === event);
    const isInit = watched.phase === 'starting';
    const isStop = event.type === 'xstate.stop';
    const seq = isInit || at < 0 ? undefined : pending[at]?.seq;
    if (isStop) pending.length = 0;
    else pending.splice(0, isInit ? 0 : at + 1);
    watched.phase = isStop || hasStopped(watched.actor) ? 'ended' : 'running';
    this.#transition(watched, seq ?? (isInit ? { type: 'xstate.init' } : event));
  }

  /** A machine has ended by itself, and XState says so before it says what came of the event. */
  #finish(watched: Watched): void {
    const { phase, pending } = watched;
    watched.phase = 'ended';
    if (watched.machine === null) return;
    this.#transition(watched, phase === 'starting' ? { type: 'xstate.init' } : (pending[0]?.seq ?? { type: 'xstate.unknown' }));
    pending.length = 0;
  }

  #transition(watched: Watched, event: number | { readonly type: string }): void {
    const { actor, actions } = watched;
    watched.actions = [];
    this.#write(actor, {
      type: '@xstate.transition',
      actor: this.#names.pathOf(actor),
      event: typeof event === 'number' ? event : this.#writer.writeEvent(event),
      state: this.#state(watched, actor.getSnapshot() as AnyMachineSnapshot),
      actions,
    });
    if (watched.phase === 'ended') this.#running.delete(watched);
  }

  #state(watched: Watched, { status, value, context, output, error }: AnyMachineSnapshot): RecordedState {
    const isNew = context !== watched.context;
    watched.context = context;
    return {
      status,
      ...(value === undefined ? {} : { value: this.#writer.write(value) }),
      ...(isNew ? { context: this.#writer.write(context) } : {}),
      ...(output === undefined ? {} : { output: this.#writer.write(output) }),
      ...(status === 'error' ? { error: this.#writer.write(error) } : {}),
    };
  }

  #childrenOf(snapshot: AnyMachineSnapshot): Record<string, string> {
    const children = Object.entries(snapshot.children as Record<string, AnyActorRef | undefined>);
    return Object.fromEntries(
      children.flatMap(([id, child]) => (child === undefined ? [] : [[this.#names.textOf(id), this.#names.pathOf(child)] as const])),
    );
  }
}

function historyOf({ historyValue }: AnyMachineSnapshot): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries((historyValue ?? {}) as Record<string, readonly { readonly id: string }[]>).map(([id, nodes]) => [
      id,
      nodes.map((node) => node.id),
    ]),
  );
}

/** The id of the machine that an actor runs; null for other logic. */
function machineIdOf(actor: AnyActorRef): string | null {
  const logic = logicOf(actor) as unknown as { readonly getStateNodeById?: unknown; readonly id?: unknown };
  return typeof logic.getStateNodeById === 'function' ? String(logic.id) : null;
}

/** Has the machine's way to its first snapshot been replaced? XState's own is a bound function. */
function hasOwnStart(actor: AnyActorRef): boolean {
  return !logicOf(actor).getInitialSnapshot.name.startsWith('bound ');
}

function hasCrashed(actor: AnyActorRef): boolean {
  return hasStopped(actor) && (actor.getSnapshot() as { status?: string } | undefined)?.status === 'error';
}

function saysItEnded(event: { readonly type: string }, actor: AnyActorRef): boolean {
  return reasonOfEvent(event) !== undefined && childOfEvent(event) === actor.id;
}

const optionKeys = ['machines', 'maxBytes', 'redact'];

function requireOptions(options: RecordOptions): void {
  const wrong = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected, got });
  };
  if (typeof options !== 'object' || options === null) wrong('the options of record() to be an object', options);
  const stranger = Object.keys(options).find((key) => !optionKeys.includes(key));
  if (stranger !== undefined) wrong(`options of record() with the keys ${optionKeys.join(', ')}`, stranger);
  const { machines = [], maxBytes = defaultMaxBytes, redact = false } = options;
  if (!Array.isArray(machines) || machines.some((id) => typeof id !== 'string')) wrong('`machines` to be a list of machine ids', machines);
  if (!Number.isInteger(maxBytes) || maxBytes < 1024) wrong('`maxBytes` to be a whole number of at least 1024', maxBytes);
  if (redact !== false && !(redact instanceof RegExp)) wrong('`redact` to be a regular expression or false', redact);
}
