/**
 * What a system is at a moment, folded from the lines of a recording: every actor with its state, what waits, what was counted.
 *
 * A fold and nothing else: no clock, no actor, no Node; it runs in a page. Actors are values, and are replaced when something of them changes, so that a
 * copy of a scene costs one map.
 */
import type { RecordedChart } from '../wire/recording/chart.js';
import type {
  LogicKind,
  RecordedActor,
  RecordedEvent,
  RecordedExit,
  RecordedKeyframe,
  RecordedLine,
  RecordedState,
  RecordedTimer,
  RecordedTransition,
} from '../wire/recording/lines.js';
import { applyPatch } from '../wire/recording/patch.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { isUnhandled } from '../wire/recording/unhandled.js';
import { type GaveUp, gaveUpIn } from './scene-supervision.js';
import { afterEvent, afterTransition, typeOf } from './scene-timers.js';

export { budgetOf, type GaveUp, type SceneBudget } from './scene-supervision.js';

/** What was counted of an actor since the scene first knew it. */
export interface SceneCounts {
  /** Events that were on their way to it, those to its dead self too. */
  readonly events: number;
  readonly transitions: number;
  readonly unhandled: number;
  readonly dead: number;
  /** By the id of the edge. */
  readonly edges: { readonly [edge: string]: number };
}

/** What an actor did last. */
export interface SceneStep {
  readonly seq: number;
  readonly at: number;
  readonly event: Portable;
  /** The type of the event; null where its line is not there. */
  readonly name: string | null;
  readonly taken: readonly string[];
  /** Its machine did not handle it. */
  readonly isUnhandled: boolean;
  /** The error that ended the machine in this step; left out where none did. */
  readonly crash?: Portable;
}

/** One actor at a moment. */
export interface SceneActor {
  readonly path: string;
  readonly parent: string | null;
  readonly id: string;
  readonly systemId: string | null;
  readonly logic: LogicKind;
  readonly src: string | null;
  /** The key of {@link Scene.machines}; null for an actor that is no machine. */
  readonly machine: string | null;
  /** Nobody watched it: its state is not known. */
  readonly isBrief: boolean;
  readonly run: number;
  /** Its place among its siblings, which it has from whom it replaced: the lower, the earlier the first of them started. */
  readonly seat: number;
  /** Whom it replaced, and who has replaced it. */
  readonly replaces: string | null;
  readonly replacedBy: string | null;
  /** When it started; null where it had before anybody looked. */
  readonly startedAt: number | null;
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly value: Portable | undefined;
  readonly context: Portable | undefined;
  readonly output: Portable | undefined;
  readonly error: Portable | undefined;
  /** Its end; null while it lives. */
  readonly exit: { readonly seq: number; readonly at: number; readonly reason: Portable } | null;
  /** Of a supervisor that has used up its budget: of which child, and why that one had ended; null for all others. */
  readonly gaveUp: GaveUp | null;
  /** Delayed events that it has ordered and that wait. */
  readonly timers: readonly RecordedTimer[];
  /** Events on their way to a machine that it has not finished with, by number. */
  readonly queue: readonly number[];
  readonly counts: SceneCounts;
  readonly last: SceneStep | null;
}

/** How much of the past a scene remembers. */
const mostEnded = 1_000;
const mostRemembered = 200;

const noCounts: SceneCounts = { events: 0, transitions: 0, unhandled: 0, dead: 0, edges: {} };

export class Scene {
  /** The number and the time of the last line. */
  seq = 0;
  at = 0;
  /** Lines that were left out, and why the last were. */
  dropped = 0;
  droppedWhy: string | null = null;
  #actors = new Map<string, SceneActor>();
  #children = new Map<string, ReadonlySet<string>>();
  #machines = new Map<string, RecordedChart>();
  /** Who has ended, the oldest first. */
  #ended: readonly string[] = [];
  #deadLetters: readonly RecordedEvent[] = [];
  #unhandled: readonly RecordedTransition[] = [];
  #exits: readonly RecordedExit[] = [];
  #nextSeat = 0;
  /** Types of the events in queues, by number. */
  #waiting = new Map<number, string>();
  /** Who has been told of by the keyframe that is being told. */
  #frame: { left: number; readonly seen: Set<string> } | null = null;

  /** By name, in the order of their starts; the last thousand that have ended too. */
  get actors(): ReadonlyMap<string, SceneActor> {
    return this.#actors;
  }

  get machines(): ReadonlyMap<string, RecordedChart> {
    return this.#machines;
  }

  /** The latest events that nobody read. */
  get deadLetters(): readonly RecordedEvent[] {
    return this.#deadLetters;
  }

  /** The latest transitions in which a machine did not handle its event. */
  get unhandled(): readonly RecordedTransition[] {
    return this.#unhandled;
  }

  /** The latest ends, also of actors that nobody told of. */
  get exits(): readonly RecordedExit[] {
    return this.#exits;
  }

  /** Paths of the living children of an actor, by their seats. */
  childrenOf(path: string): readonly string[] {
    const seat = (child: string): number => this.#actors.get(child)?.seat ?? 0;
    return [...(this.#children.get(path) ?? [])].sort((one, other) => seat(one) - seat(other));
  }

  /** The scene as it is, to go on from. */
  copy(): Scene {
    const copy = new Scene();
    copy.seq = this.seq;
    copy.at = this.at;
    copy.dropped = this.dropped;
    copy.droppedWhy = this.droppedWhy;
    copy.#actors = new Map(this.#actors);
    copy.#children = new Map([...this.#children].map(([path, children]) => [path, new Set(children)]));
    copy.#machines = new Map(this.#machines);
    copy.#ended = this.#ended;
    copy.#deadLetters = this.#deadLetters;
    copy.#unhandled = this.#unhandled;
    copy.#exits = this.#exits;
    copy.#nextSeat = this.#nextSeat;
    copy.#waiting = new Map(this.#waiting);
    copy.#frame = this.#frame === null ? null : { left: this.#frame.left, seen: new Set(this.#frame.seen) };
    return copy;
  }

  /** Takes the next line. @throws never: a line that does not fit what was before changes what it can */
  take(line: RecordedLine): void {
    this.seq = line.seq;
    this.at = line.at;
    switch (line.type) {
      case '@espalier.machine':
        this.#machines.set(line.machine, line.definition);
        break;
      case '@xstate.actor':
        this.#start(line);
        break;
      case '@xstate.event':
        this.#event(line);
        break;
      case '@xstate.transition':
        this.#transition(line);
        break;
      case '@espalier.exit':
        this.#exit(line);
        break;
      case '@espalier.dropped':
        this.dropped += line.count;
        this.droppedWhy = line.why;
        break;
      case '@espalier.keyframe':
        this.#frame = { left: line.lines, seen: new Set() };
        this.#endFrame(line);
        return;
    }
    if (this.#frame === null) return;
    this.#frame.left--;
    this.#endFrame(line);
  }

  /** All that there is, as lines: from them a scene comes out that is the same in all but what was counted and remembered. */
  lines(): readonly RecordedLine[] {
    const { seq, at } = this;
    const machines = [...this.#machines].map(([machine, definition]): RecordedLine => ({ type: '@espalier.machine', seq, at, machine, definition }));
    const living = [...this.#actors.values()].filter(({ exit }) => exit === null).map((actor) => joined(actor, seq, at));
    const keyframe: RecordedKeyframe = { type: '@espalier.keyframe', seq, at, lines: machines.length + living.length };
    return [keyframe, ...machines, ...living];
  }

  #start(line: RecordedActor): void {
    const { actor: path, parent, replaces, state } = line;
    this.#frame?.seen.add(path);
    const known = this.#actors.get(path);
    this.#forget(known?.queue ?? []);
    const former = replaces === null ? undefined : this.#actors.get(replaces);
    if (former !== undefined && former.replacedBy !== path) this.#actors.set(former.path, { ...former, replacedBy: path });
    this.#actors.set(path, {
      path,
      parent,
      id: line.id,
      systemId: line.systemId ?? null,
      logic: line.logic,
      src: line.src,
      machine: line.machine,
      isBrief: line.brief === true,
      run: line.run,
      seat: known?.seat ?? former?.seat ?? this.#nextSeat++,
      replaces,
      replacedBy: known?.replacedBy ?? null,
      startedAt: known?.startedAt ?? (line.from === 'joined' ? null : line.at),
      status: state?.status ?? 'active',
      value: state?.value,
      context: state?.context,
      output: state?.output,
      error: state?.error,
      exit: null,
      gaveUp: known?.gaveUp ?? null,
      timers: line.timers ?? [],
      queue: [],
      counts: known?.counts ?? noCounts,
      last: known?.last ?? null,
    });
    if (parent === null) return;
    const siblings = this.#children.get(parent);
    if (siblings === undefined) this.#children.set(parent, new Set([path]));
    else (siblings as Set<string>).add(path);
  }

  #event(line: RecordedEvent): void {
    const isDead = line.dead === true;
    if (isDead) this.#deadLetters = remembering(this.#deadLetters, line);
    const target = this.#actors.get(line.actor);
    if (target !== undefined) {
      const { counts, queue, machine, isBrief } = target;
      const waits = !isDead && machine !== null && !isBrief;
      if (waits) this.#waiting.set(line.seq, typeOf(line.event));
      this.#actors.set(target.path, {
        ...target,
        queue: waits ? [...queue, line.seq] : queue,
        counts: { ...counts, events: counts.events + 1, dead: counts.dead + (isDead ? 1 : 0) },
      });
    }
    const source = line.delay === undefined ? undefined : this.#actors.get(line.source ?? '');
    if (source !== undefined) this.#actors.set(source.path, { ...source, timers: afterEvent(source.timers, line) });
  }

  #transition(line: RecordedTransition): void {
    const actor = this.#actors.get(line.actor);
    if (actor === undefined) return;
    const { seq, at, taken, state, event } = line;
    const wasUnhandled = isUnhandled(line);
    if (wasUnhandled) this.#unhandled = remembering(this.#unhandled, line);
    const { counts } = actor;
    const name = typeof event === 'number' ? (this.#waiting.get(event) ?? null) : typeOf(event);
    const queue = typeof event === 'number' ? actor.queue.filter((waiting) => waiting > event) : actor.queue;
    this.#forget(actor.queue.slice(0, actor.queue.length - queue.length));
    this.#actors.set(actor.path, {
      ...actor,
      status: state.status,
      value: state.value,
      context: contextAfter(actor.context, state),
      output: state.output,
      error: state.error,
      timers: afterTransition(actor.timers, line),
      queue,
      gaveUp: (actor.logic === 'supervisor' ? gaveUpIn(line) : null) ?? actor.gaveUp,
      counts: {
        ...counts,
        transitions: counts.transitions + 1,
        unhandled: counts.unhandled + (wasUnhandled ? 1 : 0),
        edges: taken.length === 0 ? counts.edges : counted(counts.edges, taken),
      },
      last: { seq, at, event, name, taken, isUnhandled: wasUnhandled, ...(state.status === 'error' ? { crash: state.error ?? null } : {}) },
    });
  }

  #exit(line: RecordedExit): void {
    this.#exits = remembering(this.#exits, line);
    this.#leave(line.actor, { seq: line.seq, at: line.at, reason: line.reason });
  }

  #leave(path: string, exit: NonNullable<SceneActor['exit']>): void {
    const actor = this.#actors.get(path);
    if (actor === undefined || actor.exit !== null) return;
    // Of one that is no machine, only its end tells how it ended.
    this.#forget(actor.queue);
    const status = actor.status === 'active' ? statusOf(exit.reason) : actor.status;
    this.#actors.set(path, { ...actor, status, exit, timers: [], queue: [] });
    if (actor.parent !== null) (this.#children.get(actor.parent) as Set<string> | undefined)?.delete(path);
    this.#children.delete(path);
    this.#ended = [...this.#ended, path];
    if (this.#ended.length <= mostEnded * 2) return;
    for (const oldest of this.#ended.slice(0, mostEnded)) if (this.#actors.get(oldest)?.exit !== null) this.#actors.delete(oldest);
    this.#ended = this.#ended.slice(mostEnded);
  }

  #forget(queued: readonly number[]): void {
    for (const seq of queued) this.#waiting.delete(seq);
  }

  /** Who is not in a keyframe has ended, and nobody was told how. */
  #endFrame({ seq, at }: RecordedLine): void {
    if (this.#frame === null || this.#frame.left > 0) return;
    const { seen } = this.#frame;
    this.#frame = null;
    for (const [path, { exit }] of this.#actors) if (exit === null && !seen.has(path)) this.#leave(path, { seq, at, reason: { $cut: 'not told' } });
  }
}

/** The scene after the lines up to a number. */
export function sceneAt(lines: Iterable<RecordedLine>, seq = Infinity): Scene {
  const scene = new Scene();
  for (const line of lines) {
    if (line.seq > seq) break;
    scene.take(line);
  }
  return scene;
}

function contextAfter(before: Portable | undefined, { context, patch }: RecordedState): Portable | undefined {
  if (context !== undefined) return context;
  return patch === undefined ? before : applyPatch(before, patch);
}

function counted(edges: SceneCounts['edges'], taken: readonly string[]): SceneCounts['edges'] {
  const more: { [edge: string]: number } = { ...edges };
  for (const edge of taken) more[edge] = (more[edge] ?? 0) + 1;
  return more;
}

function remembering<Line>(lines: readonly Line[], line: Line): readonly Line[] {
  return lines.length < mostRemembered ? [...lines, line] : [...lines.slice(1), line];
}

function statusOf(reason: Portable): SceneActor['status'] {
  if (reason === 'normal') return 'done';
  return typeof reason === 'object' && reason !== null && 'crash' in reason ? 'error' : 'stopped';
}

function joined(actor: SceneActor, seq: number, at: number): RecordedActor {
  const { path, parent, id, systemId, logic, src, machine, isBrief, run, replaces, status, value, context, output, error, timers } = actor;
  const state: RecordedState = { status };
  if (value !== undefined) state.value = value;
  if (context !== undefined) state.context = context;
  if (output !== undefined) state.output = output;
  if (error !== undefined) state.error = error;
  return {
    type: '@xstate.actor',
    seq,
    at,
    actor: path,
    parent,
    id,
    ...(systemId === null ? {} : { systemId }),
    logic,
    src,
    machine,
    from: 'joined',
    ...(isBrief ? { brief: true as const } : {}),
    replaces,
    run,
    ...(machine === null || isBrief ? {} : { state }),
    ...(timers.length > 0 ? { timers: [...timers] } : {}),
  };
}
