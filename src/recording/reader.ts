/**
 * The one reader of actor systems: XState's raw inspection comes in, the lines of a recording go out, in order and at once.
 *
 * It reads and never acts. What XState's inspection does not say is found here: who was never started (no line), who replaces whom, which event is
 * processed when another is sent, who ordered what comes late, what nobody reads any more, which edges were taken, how each actor ended. Everything
 * that hangs on the shape of raw inspection is in this file; test/recording/reader.test.ts holds XState to it.
 *
 * In detail it is told everything. In brief, while nobody watches, it is told of births and deaths only (hooks.ts).
 */
import type { AnyActorRef, AnyTransitionDefinition, InspectionEvent } from 'xstate';

import { hasStopped, isUnstarted, parentOf } from '../supervision/xstate-internals.js';
import type { RecordedActor, RecordedEvent, RecordedLine, RecordedTransition } from '../wire/recording/lines.js';
import { delayedBy, type OrderedAction } from './actions.js';
import { actorLine } from './actor-line.js';
import { AtWork } from './at-work.js';
import { keyframeOf, type Keyframe, type KeyframeOptions } from './keyframe.js';
import { lineBytes } from './limits.js';
import { LineValues, mostTaken, type ContextMode } from './line-values.js';
import { logicKindOf } from './logic-kind.js';
import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { MachineBook, namesOfTaken } from './machine-book.js';
import { ActorNames } from './names.js';
import type { Redaction } from './portable.js';
import { noteAction, noteOrdered } from './under-way.js';
import { takePlace } from './lineage.js';
import { Living } from './living.js';
import { States } from './states.js';
import { SystemTime } from './system-time.js';
import { atWorkOn, endOf, hasCrashed, hasOwnStart, isAtWork, isRestored, none, saysItEnded, statusOf, watch, type Watched } from './watched.js';

/** Who is told of lines. `bytes`: how long one is in JSON, roughly; in whole mode 0. */
export type LineListener = (line: RecordedLine, bytes: number) => void;

export interface ReaderOptions extends Redaction {
  readonly contexts: ContextMode;
  /** Ids of the machines to record in detail; null: all. */
  readonly machines: ReadonlySet<string> | null;
  readonly tell: LineListener;
  /** Of the events of machines, beside those that they have themselves. */
  readonly schemas?: SchemasOfMachines | undefined;
}

/** Most actors that are kept apart at a time. */
const mostActors = 100_000;

export class Reader {
  readonly names: ActorNames;
  readonly values: LineValues;
  readonly #mode: ContextMode;
  readonly #machines: ReadonlySet<string> | null;
  readonly #tell: LineListener;
  readonly #book: MachineBook;
  readonly #states: States;
  #watched = new WeakMap<AnyActorRef, Watched>();
  /** Who has started and not ended. */
  readonly living = new Living();
  readonly #atWork = new AtWork();
  #seq = 0;
  #latest: Watched | undefined;
  readonly #time = new SystemTime();
  #isDetailed: boolean;

  constructor({ contexts, machines, tell, schemas, ...redaction }: ReaderOptions, isDetailed = true) {
    this.#mode = contexts;
    this.#book = new MachineBook(schemas, redaction.secrets);
    this.#machines = machines;
    this.#tell = tell;
    this.#isDetailed = isDetailed;
    this.names = new ActorNames((text) => this.values.whole.text(text));
    const naming = { pathOf: (actor: AnyActorRef) => this.names.pathOf(actor), textOf: (text: string) => this.names.textOf(text) };
    this.values = new LineValues(contexts, naming, redaction);
    this.#states = new States(this.values);
  }

  /** The number of the last line. */
  get seq(): number {
    return this.#seq;
  }

  /** Takes one of XState's inspection events. @throws only by a fault of its own: whoever calls it keeps that from the app */
  take(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    switch (event.type) {
      case '@xstate.actor':
        this.#watch(actor);
        return;
      case '@xstate.microstep':
        this.#stepped(actor, event.event, event._transitions);
        return;
      case '@xstate.event':
        this.#relayed(actor, event.sourceRef as AnyActorRef | undefined, event.event);
        return;
      case '@xstate.action':
        this.#acted(actor, event.action);
        return;
      case '@xstate.snapshot': {
        const watched = this.#known(actor);
        if (watched === undefined) this.#join(actor);
        else if (watched.phase !== 'ended' && watched.phase !== 'created') this.#processed(watched, event.event);
        return;
      }
      default:
    }
  }

  /** An actor starts; told by the hooks while nobody watches. */
  born(actor: AnyActorRef): void {
    const watched = this.#watched.get(actor) ?? this.#watch(actor);
    if (watched.phase !== 'created' || this.#isDetailed) return;
    watched.phase = 'running';
    this.#open(watched, isRestored(actor) ? 'snapshot' : 'input');
  }

  /** An actor has ended; told by the hooks. */
  died(actor: AnyActorRef): void {
    const watched = this.#watched.get(actor);
    if (watched !== undefined && watched.phase !== 'created' && watched.phase !== 'ended') this.#finish(watched);
  }

  /** An actor that runs already, and of which nobody has told. */
  adopt(actor: AnyActorRef): void {
    if (this.#watched.has(actor) || hasStopped(actor)) return;
    const watched = this.#watch(actor);
    this.#placeOf(watched);
    watched.phase = 'running';
    // The keyframe that tells of the actor tells of its machine.
    if (watched.machine !== null) this.#book.isNews(watched.machine);
    this.living.add(this.#pathOf(watched), watched);
  }

  /** Follows nobody of a system any more; they can be adopted again. @returns whether anybody was followed */
  release(root: AnyActorRef): boolean {
    this.#latest = undefined;
    return this.living.release(root).filter(({ actor }) => this.#watched.delete(actor)).length > 0;
  }

  /** From here on everything is told, or births and deaths only. What is under way is left as it is. */
  turn(isDetailed: boolean): void {
    this.#isDetailed = isDetailed;
    this.#atWork.clear();
    for (const watched of this.living.all()) {
      watched.pending.length = 0;
      this.#clear(watched);
      // Anew, when it is next told: nobody has looked meanwhile.
      watched.context = null;
      watched.state = undefined;
      if (watched.phase === 'starting') watched.phase = 'running';
    }
  }

  /** All that there is, or what is of it in one branch. */
  keyframe(at: number, options: KeyframeOptions = {}): Keyframe {
    const { living, names, values } = this;
    return keyframeOf({ living, book: this.#book, states: this.#states, names, values, isDetailed: this.#isDetailed, seq: this.#seq, at }, options);
  }

  /** The path of an actor that has been told of, also after its end; undefined for others. */
  pathOf(actor: AnyActorRef): string | undefined {
    return this.#watched.get(actor)?.path || undefined;
  }

  /** Tells the crashes of roots, which XState tells to nobody: they are found by looking. */
  findCrashes(): void {
    for (const watched of [...this.living.all()]) if (hasCrashed(watched.actor)) this.#finish(watched);
  }

  /** Lets go of everything. */
  forget(): void {
    this.names.forget();
    this.living.clear();
    this.#latest = undefined;
    this.#time.forget();
    this.#atWork.clear();
    this.#watched = new WeakMap();
  }

  /** The number of a line that comes from elsewhere, and is told next. */
  number(): number {
    return this.#next();
  }

  #next(): number {
    return ++this.#seq;
  }

  /** As a rule the one that was asked for before: an event, its steps and its end come in a row. */
  #known(actor: AnyActorRef): Watched | undefined {
    if (this.#latest?.actor === actor) return this.#latest;
    const watched = this.#watched.get(actor);
    // Who has ended is not held for it.
    if (watched !== undefined && watched.phase !== 'ended') this.#latest = watched;
    return watched;
  }

  #pathOf(watched: Watched): string {
    if (watched.path === '') watched.path = this.names.pathOf(watched.actor);
    return watched.path;
  }

  #watch(actor: AnyActorRef): Watched {
    if (this.#mode === 'whole' && this.names.size >= mostActors) throw new Error(`more than ${mostActors} actors`);
    this.names.note(actor);
    const booked = this.#book.of(actor);
    const machine = booked !== null && this.#machines?.has(booked.logic.id) !== false ? booked : null;
    const watched = watch(actor, logicKindOf(actor), machine);
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

  #stepped(actor: AnyActorRef, event: { readonly type: string }, selected: readonly AnyTransitionDefinition[]): void {
    const watched = this.#known(actor);
    if (watched === undefined || watched.phase === 'ended') return;
    // The input as the machine sees it, where a wrapper has laid its own beneath.
    if (watched.phase === 'created' && event.type === 'xstate.init') watched.init = event as { input?: unknown };
    if (watched.machine === null || selected.length === 0) return;
    if (watched.taken === none) watched.taken = namesOfTaken(selected);
    else if (watched.taken.length >= mostTaken[this.#mode]) watched.takenLeft += selected.length;
    else if (watched.taken.length < 2) watched.taken = [...watched.taken, ...namesOfTaken(selected)];
    else watched.taken.push(...namesOfTaken(selected));
  }

  #acted(actor: AnyActorRef, action: OrderedAction): void {
    const watched = this.#known(actor);
    if (watched === undefined || watched.machine === null || (watched.phase !== 'starting' && watched.phase !== 'running')) return;
    const delayed = delayedBy(action);
    if (delayed !== undefined) {
      const target = delayed.to === undefined ? watched : this.#watched.get(delayed.to);
      if (target !== undefined) noteOrdered(target, delayed, this.#atWork.cause() ?? null, this.values);
    }
    noteAction(watched, action, this.values, this.names);
  }

  #relayed(target: AnyActorRef, source: AnyActorRef | undefined, event: { readonly type: string }): void {
    const from = source === undefined ? undefined : this.#watched.get(source);
    let cause: number | undefined;
    if (from !== undefined && hasStopped(from.actor) && saysItEnded(event, from.actor)) {
      if (from.phase !== 'ended') this.#finish(from);
      cause = from.endedBy;
    }
    // One that was made before anybody looked, and starts now, is not one that ran.
    const watched = this.#known(target) ?? (event.type === 'xstate.init' ? this.#watch(target) : this.#join(target));
    if (event.type === 'xstate.init' && watched.phase === 'created') {
      this.#started(watched);
      return;
    }
    if (watched.phase === 'running' && hasCrashed(target)) this.#finish(watched);
    cause ??= this.#atWork.cause();
    const isDead = hasStopped(target);
    const ordered = watched.ordered?.get(event);
    if (ordered !== undefined) watched.ordered?.delete(event);
    const written = this.values.eventOnItsWay(event);
    const line: RecordedEvent = {
      type: '@xstate.event',
      seq: this.#next(),
      at: this.#time.at(target),
      actor: this.#pathOf(watched),
      source: source === undefined ? null : from === undefined ? this.names.pathOf(source) : this.#pathOf(from),
      event: written,
    };
    if (cause !== undefined) line.cause = cause;
    if (ordered !== undefined) line.delay = ordered;
    if (isDead) line.dead = true;
    this.#tell(line, lineBytes + this.values.takeBytes());
    if (isDead) return;
    if (watched.phase === 'running' && !isAtWork(watched)) this.#atWork.push(watched);
    watched.pending.push({ event, seq: line.seq });
  }

  #started(watched: Watched): void {
    const { actor } = watched;
    const isBound = watched.machine !== null && watched.init === undefined && hasOwnStart(actor);
    watched.init ??= { input: (actor as unknown as { options: { input?: unknown } }).options.input };
    this.#open(watched, isRestored(actor) ? 'snapshot' : isBound ? 'bound' : 'input');
    watched.init = undefined;
    if (statusOf(actor) === 'error') {
      // It will never start: XState says so to its parent, and to nobody of a root.
      this.#exit(watched);
      return;
    }
    watched.phase = 'starting';
    this.#atWork.push(watched);
  }

  #placeOf(watched: Watched): void {
    const parent = parentOf(watched.actor);
    let above = parent === undefined ? undefined : this.#watched.get(parent);
    // A parent that ran before anybody looked, and that nothing has led to yet.
    if (parent !== undefined && above === undefined && !isUnstarted(parent) && !hasStopped(parent)) above = this.#join(parent);
    const former = above === undefined ? undefined : takePlace(watched, above);
    const path = this.#pathOf(watched);
    if (watched.place !== undefined) watched.place.path = path;
    if (former === undefined) return;
    watched.replaces = former.path;
    // XState starts the next before it says what became of the last.
    const { holder } = former;
    if (holder !== null && holder.phase !== 'ended' && hasStopped(holder.actor)) this.#finish(holder);
  }

  #open(watched: Watched, from: RecordedActor['from']): void {
    this.#placeOf(watched);
    const cause = this.#atWork.cause();
    this.values.takeBytes();
    const { machine } = watched;
    if (machine !== null && this.#book.isNews(machine)) {
      const { machine: key, definition, bytes } = machine.told;
      this.#tell({ type: '@espalier.machine', seq: this.#next(), at: this.#time.at(watched.actor), machine: key, definition }, bytes + lineBytes);
    }
    const state = this.#isDetailed ? this.#states.whole(watched) : undefined;
    const line = actorLine(watched, from, !this.#isDetailed, state, this.names, this.values);
    line.seq = this.#next();
    line.at = this.#time.at(watched.actor);
    if (cause !== undefined) line.cause = cause;
    watched.started = line.seq;
    this.living.add(this.#pathOf(watched), watched);
    this.#tell(line, lineBytes + this.values.takeBytes());
  }

  /** An actor has finished with an event. */
  #processed(watched: Watched, event: { readonly type: string }): void {
    const { pending } = watched;
    const isInit = watched.phase === 'starting';
    const isStop = event.type === 'xstate.stop';
    const at = isInit || isStop ? -1 : pending[0]?.event === event ? 0 : pending.findIndex((one) => one.event === event);
    const seq = at < 0 ? undefined : pending[at]?.seq;
    const hasEnded = isStop || hasStopped(watched.actor);
    if (watched.machine !== null) this.#transition(watched, seq ?? (isInit ? { type: 'xstate.init' } : event));
    if (at === 0 && pending.length === 1) pending.pop();
    else if (at === 0) pending.shift();
    else if (at > 0) pending.splice(0, at + 1);
    if (hasEnded) this.#exit(watched);
    else watched.phase = 'running';
  }

  /** An actor has ended by itself, and XState says so before it says what came of the event. */
  #finish(watched: Watched): void {
    watched.endedBy = atWorkOn(watched);
    if (watched.machine !== null && this.#isDetailed && watched.context !== null)
      this.#transition(watched, watched.phase === 'starting' ? { type: 'xstate.init' } : (watched.pending[0]?.seq ?? { type: 'xstate.unknown' }));
    this.#exit(watched);
  }

  #exit(watched: Watched): void {
    const { actor } = watched;
    watched.phase = 'ended';
    if (this.#latest === watched) this.#latest = undefined;
    watched.pending.length = 0;
    watched.context = null;
    watched.places = undefined;
    if (watched.place !== undefined) watched.place.holder = null;
    this.living.remove(this.#pathOf(watched));
    const reason = this.values.write(endOf(actor));
    this.#tell(
      { type: '@espalier.exit', seq: this.#next(), at: this.#time.at(actor), actor: this.#pathOf(watched), reason },
      lineBytes + this.values.takeBytes(),
    );
    this.names.ended(actor);
  }

  #transition(watched: Watched, event: number | { readonly type: string }): void {
    const { actor, actions, taken, actionBytes } = watched;
    const state = this.#states.news(watched);
    const written = typeof event === 'number' ? event : this.values.eventOnItsWay(event);
    const line: RecordedTransition = {
      type: '@xstate.transition',
      seq: this.#next(),
      at: this.#time.at(actor),
      actor: this.#pathOf(watched),
      event: written,
      taken,
      state,
      actions,
    };
    const { takenLeft, actionsLeft } = watched;
    if (takenLeft > 0 || actionsLeft > 0)
      line.left = { ...(takenLeft > 0 ? { taken: takenLeft } : {}), ...(actionsLeft > 0 ? { actions: actionsLeft } : {}) };
    this.#clear(watched);
    this.#tell(line, lineBytes + taken.length * 60 + actionBytes + this.values.takeBytes());
  }

  #clear(watched: Watched): void {
    watched.actions = none;
    watched.taken = none;
    watched.actionBytes = 0;
    watched.takenLeft = 0;
    watched.actionsLeft = 0;
  }
}
