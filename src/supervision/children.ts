/**
 * The actors that a pool carries: created by `createActor(logic, { parent })`, so that none of them sits in a machine's `children` map, whose copying
 * costs O(siblings) per start and stop.
 *
 * Knows how an actor starts (at once, slowly, not at all), whether it traps exits, how it is asked and how it is killed. Decides nothing.
 */
import type { ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate';

import type { ResolvedSpec } from '../../machines/supervision/child-spec.js';
import { failureOfExit, startOfOutput, type ExitReason, type StartOutcome } from '../../machines/supervision/exit.js';
import type { ChildExited, EndedChild } from '../../machines/supervision/pool.js';
import { EspalierError } from '../errors.js';
import { clockOf, type Clock } from './clock.js';
import { kindOf } from './kind.js';
import { adopt } from './orphans.js';
import { restoreTimers, timersBelow, type PersistedTimer } from './persistence.js';
import { seated } from './seats.js';
import { inTurn } from './turns.js';
import { exitReason, handles, noteOrder, onExit } from './watch.js';
import { childrenOf, createChild, hasStopped, providedActor } from './xstate-internals.js';

/** What a pool is told of its children, at once and in order. */
export interface ChildListener {
  started(child: PooledChild, info: unknown): void;
  declined(child: PooledChild): void;
  startFailed(child: PooledChild, reason: unknown): void;
  /** A child that had started has ended. */
  exited(child: PooledChild, exit: ChildExited): void;
}

/** One incarnation of one child. */
export interface PooledChild {
  readonly id: string;
  readonly run: number;
  readonly spec: ResolvedSpec;
  readonly ref: AnyActorRef;
  phase: 'starting' | 'running';
  /** Monotonic ms at which it was asked to end; null when it was not. */
  askedAt: number | null;
  killed: boolean;
  /** The pool of one that is a supervisor. */
  below?: PoolBelow;
}

/** What is asked of the pool of a child that is a supervisor, once it has ended. */
interface PoolBelow {
  /** Who ended without their chart's hearing of it. */
  readonly left: readonly EndedChild[];
}

/** By what a pool knows an actor: which child, which incarnation of it. */
export interface ChildName {
  readonly id: string;
  readonly run: number;
}

/** One child, saved. */
export interface PersistedChild extends Omit<PooledChild, 'ref' | 'below'> {
  readonly snapshot: unknown;
  readonly timers: readonly PersistedTimer[];
}

type AnyScope = ActorScope<Snapshot<unknown>, EventObject>;
type ChildSnapshot = Snapshot<unknown> & { hasTag?: (tag: string) => boolean };

/** The children of one pool, by id. */
export class Children {
  readonly #scope: AnyScope;
  readonly #supervisor: AnyActorRef;
  readonly #listener: ChildListener;
  readonly #clock: Clock;
  /**
   * An id that is used again keeps its place, empty meanwhile: a Map of V8 in which one key is deleted and set over and over is searched through all
   * its former places (20 µs among ten thousand others).
   */
  readonly #places = new Map<string, PooledChild | undefined>();
  #size = 0;
  /** Who ended with the pool itself, so that nobody was told: for the exit report of whoever killed it. */
  readonly left: EndedChild[] = [];

  /**
   * @param scope       of the pool's own actor, which is every child's parent
   * @param supervisor  whose provided actors are the logics
   */
  constructor(scope: AnyScope, supervisor: AnyActorRef, listener: ChildListener) {
    this.#scope = scope;
    this.#supervisor = supervisor;
    this.#listener = listener;
    this.#clock = clockOf(supervisor.system);
  }

  get size(): number {
    return this.#size;
  }

  get(id: string): PooledChild | undefined {
    return this.#places.get(id);
  }

  /** In the order in which their ids were first used. */
  all(): PooledChild[] {
    return [...this.#places.values()].filter((child) => child !== undefined);
  }

  /** This id will not be used again. */
  forget(id: string): void {
    this.#places.delete(id);
  }

  #enter(child: PooledChild): void {
    this.#places.set(child.id, child);
    this.#size++;
  }

  #remove(child: PooledChild): void {
    this.#places.set(child.id, undefined);
    this.#size--;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Starts an incarnation; its listener learns what came of it, at once or once it has left the tag `starting`. */
  start(id: string, run: number, spec: ResolvedSpec, saved?: PersistedChild): void {
    const logic = providedActor(this.#supervisor, spec.src);
    if (logic === undefined) {
      this.#missing({ id, run, spec, ref: this.#supervisor, phase: saved?.phase ?? 'starting', askedAt: null, killed: false });
      return;
    }
    let info: unknown;
    const restored = saved === undefined ? {} : { snapshot: saved.snapshot };
    const ref = createChild(logic, { parent: this.#scope.self, id, src: spec.src, input: spec.input, ...restored });
    const ready = ref.on('supervisor.ready', (event: { info?: unknown }) => {
      info = event.info;
    });
    const child: PooledChild = { id, run, spec, ref, phase: 'starting', askedAt: null, killed: false };
    this.#enter(child);
    seated(this.#supervisor, ref);
    ref.start();
    const below = poolBelow(ref);
    if (below !== undefined) child.below = below;
    if (saved !== undefined) {
      restoreTimers(ref, saved.timers);
      if (saved.phase === 'running') {
        ready.unsubscribe();
        this.#resume(child, saved);
        return;
      }
    }
    const first = ref.getSnapshot() as ChildSnapshot;
    if (first.status === 'error') {
      this.#fail(child, failureOfExit(exitReason(ref) ?? 'normal'));
    } else if (first.status === 'done' && isAboutStart(first)) {
      this.#endStart(child, first);
    } else if (first.status === 'active' && first.hasTag?.('starting') === true) {
      const subscription = ref.subscribe({
        next: (next: ChildSnapshot) => {
          if (next.status !== 'active' || next.hasTag?.('starting') === true) return;
          subscription.unsubscribe();
          ready.unsubscribe();
          this.#begin(child, info);
        },
        error: () => {},
      });
    } else {
      ready.unsubscribe();
      this.#begin(child, info);
    }
  }

  /** There is no such logic: a start that failed or, where a tree is restored, a child that is no more. */
  #missing(child: PooledChild): void {
    const { id, run, spec, phase } = child;
    const expected = `an actor named '${spec.src}' among the supervisor's actors`;
    const fault = new EspalierError('supervision/unknown-src', { expected, got: spec.src });
    if (phase === 'starting') this.#listener.startFailed(child, ['EXIT', fault]);
    else this.#listener.exited(child, { type: 'child.exited', id, run, at: this.now(), reason: { crash: fault }, tookMs: 0, killed: false });
  }

  /** Restored as it was: nobody is told that it started, but an end that it was saved with is told now. */
  #resume(child: PooledChild, { askedAt, killed }: PersistedChild): void {
    Object.assign(child, { phase: 'running', askedAt, killed });
    this.ended(child.id);
  }

  /** A child as JSON. @param savedAt  monotonic ms */
  persist(child: PooledChild, savedAt: number): PersistedChild {
    const { id, run, spec, phase, askedAt, killed, ref } = child;
    return { id, run, spec, phase, askedAt, killed, snapshot: ref.getPersistedSnapshot(), timers: timersBelow(ref, savedAt) };
  }

  #begin(child: PooledChild, info: unknown): void {
    child.phase = 'running';
    this.#listener.started(child, info);
  }

  #fail(child: PooledChild, reason: unknown): void {
    this.#remove(child);
    this.#listener.startFailed(child, reason);
  }

  /** It ended before it had started: its output says whether it declined or failed; any other output is OTP's nonsense value. */
  #endStart(child: PooledChild, { output }: { output?: unknown }): void {
    const outcome: StartOutcome = startOfOutput(output) ?? { kind: 'failed', reason: output };
    if (outcome.kind === 'failed') {
      this.#fail(child, outcome.reason);
    } else {
      this.#remove(child);
      this.#listener.declined(child);
    }
  }

  /** News of an actor's end; ignored when it is not the living incarnation's. */
  ended(id: string, actor?: AnyActorRef): void {
    const child = this.#places.get(id);
    if (child === undefined || (actor !== undefined && child.ref !== actor)) return;
    const reason = exitReason(child.ref);
    if (reason === null) return;
    const snapshot = child.ref.getSnapshot() as ChildSnapshot;
    if (child.phase === 'running') this.#exit(child, reason, snapshot.output);
    else if (snapshot.status === 'done' && kindOf(child.ref) !== undefined && !isAboutStart(snapshot)) {
      // A supervisor that had started, and gave up before anybody could see it running.
      this.#begin(child, undefined);
      this.#exit(child, reason, snapshot.output);
    } else if (snapshot.status === 'done') this.#endStart(child, snapshot);
    else this.#fail(child, failureOfExit(reason));
  }

  #exit(child: PooledChild, reason: ExitReason, output: unknown): void {
    this.#remove(child);
    const at = this.#clock.now();
    const { id, run, askedAt, killed } = child;
    const children = endedBelow(child, output);
    const inner = children === undefined ? {} : { children };
    this.#listener.exited(child, { type: 'child.exited', id, run, at, reason, tookMs: askedAt === null ? 0 : at - askedAt, killed, ...inner });
  }

  /** Asks it to end. One that does not trap exits ends at once, with the request's reason. */
  ask(child: PooledChild, reason: ExitReason): void {
    child.askedAt ??= this.#clock.now();
    inTurn(() => {
      if (this.#places.get(child.id) !== child) return;
      const request = { type: 'supervisor.shutdown', reason };
      if (handles(child.ref, request)) child.ref.send(request);
      else this.#stop(child, reason);
    });
  }

  /** Ends it at once. */
  kill(child: PooledChild): void {
    child.askedAt ??= this.#clock.now();
    child.killed = true;
    this.#stop(child, 'killed');
  }

  /** A start that takes too long is over, and has failed. */
  abandon(child: PooledChild): void {
    this.#remove(child);
    noteOrder(child.ref, 'killed');
    this.#scope.stopChild(child.ref);
    this.#listener.startFailed(child, 'timeout');
  }

  /** An actor whose own event is being processed ends only after it; its exit is told then, not before. */
  #stop(child: PooledChild, reason: ExitReason): void {
    noteOrder(child.ref, reason);
    this.#scope.stopChild(child.ref);
    if (hasStopped(child.ref)) this.#stopped(child, reason);
    else onExit(child.ref, () => this.#stopped(child, reason));
  }

  #stopped(child: PooledChild, reason: ExitReason): void {
    inTurn(() => {
      if (this.#places.get(child.id) !== child) return;
      const told = exitReason(child.ref) ?? reason;
      if (child.phase === 'running') this.#exit(child, told, undefined);
      else this.#fail(child, told);
    });
  }

  /** The pool itself is stopped: nobody is waited for, nobody is told. After a kill those that trap exits are asked, and adopted. */
  leave(order: ExitReason | undefined): void {
    for (const child of this.all().reverse()) {
      const { id, ref, spec, askedAt } = child;
      const request = { type: 'supervisor.shutdown', reason: 'killed' };
      const traps = handles(ref, request);
      if (order === 'killed' && (traps || askedAt !== null)) {
        adopt(ref, spec.shutdownMs);
        if (traps) ref.send(request);
      } else {
        noteOrder(ref, order ?? 'shutdown');
        this.#scope.stopChild(ref);
        const children = endedBelow(child, undefined);
        const tookMs = askedAt === null ? 0 : this.#clock.now() - askedAt;
        this.left.push({ id, reason: order ?? 'shutdown', tookMs, killed: order === 'killed', ...(children === undefined ? {} : { children }) });
      }
    }
    this.#places.clear();
    this.#size = 0;
  }
}

/** Does a final snapshot speak of the start, rather than of a life that is over? */
function isAboutStart(snapshot: ChildSnapshot): boolean {
  return startOfOutput(snapshot.output) !== undefined || snapshot.hasTag?.('starting') === true;
}

/** Who had ended below a supervisor that has ended, as far as it had come: one that was killed left no output. */
function endedBelow({ ref, below }: PooledChild, output: unknown): readonly EndedChild[] | undefined {
  if (kindOf(ref) === undefined) return undefined;
  const { context } = ref.getSnapshot() as { context?: { ended?: readonly EndedChild[] } };
  const told = (output as { children?: readonly EndedChild[] } | undefined)?.children ?? context?.ended ?? [];
  return [...told, ...(below?.left ?? [])];
}

/** To be had only while the supervisor lives: one that is stopped has no children any more. */
function poolBelow(ref: AnyActorRef): PoolBelow | undefined {
  if (kindOf(ref) === undefined) return undefined;
  const pool = childrenOf(ref).find((child) => child.id === 'pool');
  return (pool?.getSnapshot() as { pool?: PoolBelow } | undefined)?.pool;
}
