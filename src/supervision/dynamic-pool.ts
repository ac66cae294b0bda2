/**
 * The pool of a dynamic supervisor: any number of children under keys of its own, each remembered with what its next restart needs.
 *
 * A key is the spec's id, with a number behind it while another child has that id; it is the actor's XState id too.
 */
import type { AnyActorRef } from 'xstate';

import type { InitSpec, ResolvedSpec } from '../../machines/supervision/child-spec.js';
import { childOfEvent, reasonOfEvent } from '../../machines/supervision/exit.js';
import type { ChildExited, DynamicPoolCommand, DynamicPoolFact, EndedChild, PooledEntry, PoolInput } from '../../machines/supervision/pool.js';
import { Children, type ChildName, type PersistedChild, type PooledChild } from './children.js';
import { clockOf, type Clock } from './clock.js';
import { InitRun } from './init-run.js';
import { restoreTimers, timersOf, type PersistedTimer } from './persistence.js';
import { poolActor, type AnyPoolScope, type PoolEnded, type PoolLogic } from './pool-actor.js';
import { unseated } from './seats.js';
import { inTurn, takeTurns } from './turns.js';
import { handles, orderOf } from './watch.js';
import { systemOf } from './xstate-internals.js';

export type DynamicPoolEvent = DynamicPoolCommand | PoolEnded;

/** One child, over all its incarnations. */
interface Entry {
  readonly key: string;
  readonly spec: ResolvedSpec;
  run: number;
  attempt: number;
  startedAt: number;
  restarts: readonly number[];
  /** The latest incarnation; between two attempts, the one that died. */
  ref: AnyActorRef | undefined;
  /** Which run that is. */
  liveRun: number;
}

/** One dynamic pool at work. */
export class DynamicPool {
  readonly children: Children;
  readonly #self: AnyActorRef;
  readonly #supervisor: AnyActorRef;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #init: InitRun;
  #adding: string | undefined;
  /** Present while everybody is being stopped. */
  #ended: (EndedChild & { readonly spec: ResolvedSpec })[] | undefined;
  #emptied = false;
  #deadlines: unknown[] = [];
  #suffix = 1;

  constructor(scope: AnyPoolScope, supervisor: AnyActorRef) {
    this.#self = scope.self as AnyActorRef;
    this.#supervisor = supervisor;
    this.#clock = clockOf(supervisor.system);
    this.#init = new InitRun(scope, supervisor, (fact) => {
      this.#report(fact);
    });
    this.children = new Children(scope, supervisor, {
      started: (child, info) => {
        this.#started(child, info);
      },
      declined: ({ id, run }) => {
        this.#report({ type: 'child.declined', id, run, at: this.#clock.now() });
      },
      startFailed: ({ id, run }, reason) => {
        this.#report({ type: 'child.startFailed', id, run, at: this.#clock.now(), reason });
      },
      exited: (child, exit) => {
        this.#exited(child, exit);
      },
    });
  }

  /** Who ended with the pool itself, or while it was stopping. */
  get left(): readonly EndedChild[] {
    return [...(this.#emptied ? [] : (this.#ended ?? [])).map(({ spec: _spec, ...ended }) => ended), ...this.children.left];
  }

  /** The living incarnation under a key. */
  get(key: string): PooledChild | undefined {
    return this.children.get(key);
  }

  /** What an actor is here, also one that died and is to be restarted. */
  nameOf(actor: AnyActorRef): ChildName | undefined {
    const entry = this.#entries.get(actor.id);
    return entry?.ref === actor ? { id: actor.id, run: entry.liveRun } : undefined;
  }

  actors(): readonly AnyActorRef[] {
    return this.children.all().map(({ ref }) => ref);
  }

  #report(fact: DynamicPoolFact): void {
    systemOf(this.#self)._relay(this.#self, this.#supervisor, fact);
  }

  handle(event: DynamicPoolEvent): void {
    switch (event.type) {
      case 'pool.init':
        this.#init.run(event.init);
        return;
      case 'pool.add':
        this.#add(event.spec);
        return;
      case 'pool.restart':
        this.#remember(event);
        this.#start(this.#entries.get(event.id));
        return;
      case 'pool.hold':
        this.#remember(event);
        return;
      case 'pool.forget':
        this.#forget(event.id);
        return;
      case 'pool.find':
        this.#find(event);
        return;
      case 'pool.ask':
        this.#with(event.id, (child) => {
          this.children.ask(child, 'shutdown');
        });
        return;
      case 'pool.kill':
        this.#with(event.id, (child) => {
          this.children.kill(child);
        });
        return;
      case 'pool.abandon':
        this.#with(this.#adding ?? '', (child) => {
          this.children.abandon(child);
        });
        return;
      case 'pool.drain':
        for (const { ref } of this.children.all()) if (handles(ref, { type: 'supervisor.drain' })) ref.send({ type: 'supervisor.drain' });
        return;
      case 'pool.stopAll':
        this.#stopAll();
        return;
      case 'pool.list':
        this.#report({ type: 'pool.listed', call: event.call, question: event.question, which: this.#list() });
        return;
      case 'pool.ended':
        this.children.ended(event.id, event.actor);
        return;
      default:
        // In turn: everybody else who watches the child is told before its supervisor acts.
        if (reasonOfEvent(event) !== undefined && !this.#init.ended(event)) {
          inTurn(() => {
            this.children.ended(childOfEvent(event));
          });
        }
    }
  }

  #remember({ id, attempt, restarts }: { id: string; attempt?: number; restarts?: readonly number[] }): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.attempt = attempt ?? entry.attempt;
    entry.restarts = restarts ?? entry.restarts;
  }

  #forget(key: string): void {
    this.#entries.delete(key);
    this.children.forget(key);
    unseated(this.#supervisor, key);
  }

  #with(key: string, act: (child: PooledChild) => void): void {
    const child = this.children.get(key);
    if (child !== undefined) act(child);
  }

  #add(spec: ResolvedSpec): void {
    let key = spec.id;
    while (this.#entries.has(key)) key = `${spec.id}.${++this.#suffix}`;
    const entry: Entry = { key, spec, run: 0, attempt: 0, startedAt: 0, restarts: [], ref: undefined, liveRun: 0 };
    this.#entries.set(key, entry);
    this.#start(entry);
  }

  #start(entry: Entry | undefined): void {
    if (entry === undefined) return;
    entry.run++;
    this.#adding = entry.key;
    this.children.start(entry.key, entry.run, entry.spec);
  }

  #started({ id, run, ref }: PooledChild, info: unknown): void {
    const entry = this.#entries.get(id);
    const at = this.#clock.now();
    if (entry !== undefined) Object.assign(entry, { startedAt: at, ref, liveRun: run });
    this.#report({ type: 'child.started', id, run, at, ...(info === undefined ? {} : { info }) });
  }

  #exited({ id, spec }: PooledChild, exit: ChildExited): void {
    if (this.#ended !== undefined) {
      const { reason, tookMs, killed, children } = exit;
      this.#ended.push({ id, reason, tookMs, killed, spec, ...(children === undefined ? {} : { children }) });
      this.#forget(id);
      this.#checkEmptied();
      return;
    }
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const { attempt, startedAt, restarts } = entry;
    this.#report({ ...exit, memory: { spec, attempt, startedAt, restarts } });
  }

  #find({ id: key, run }: { id: string; run?: number }): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || (run !== undefined && run !== entry.liveRun)) this.#report({ type: 'child.missing', id: key });
    else this.#report({ type: 'child.found', id: key, status: this.#statusOf(entry), spec: entry.spec });
  }

  #statusOf({ key }: Entry): 'running' | 'restarting' {
    return this.children.get(key) === undefined ? 'restarting' : 'running';
  }

  #list(): PooledEntry[] {
    return [...this.#entries.values()].map((entry) => ({ key: entry.key, status: this.#statusOf(entry), type: entry.spec.type }));
  }

  /** Asks all at once; one timer for each distinct deadline. */
  #stopAll(): void {
    this.#ended = [];
    takeTurns(() => {
      this.#askAll();
    });
    this.#checkEmptied();
  }

  #askAll(): void {
    const late = new Map<number, PooledChild[]>();
    for (const child of this.children.all()) {
      const { shutdownMs } = child.spec;
      if (shutdownMs === 'brutalKill') {
        this.children.kill(child);
        continue;
      }
      if (child.askedAt === null) this.children.ask(child, 'shutdown');
      if (shutdownMs === 'infinity') continue;
      const together = late.get(shutdownMs) ?? [];
      late.set(shutdownMs, together);
      together.push(child);
    }
    for (const [deadlineMs, together] of late) {
      const kill = (): void => {
        for (const child of together) if (this.children.get(child.id) === child) this.children.kill(child);
      };
      this.#deadlines.push(this.#clock.setTimeout(kill, deadlineMs));
    }
  }

  #checkEmptied(): void {
    if (this.#ended === undefined || this.#emptied || this.children.size > 0) return;
    this.#emptied = true;
    this.#clearDeadlines();
    this.#report({ type: 'pool.emptied', ended: this.#ended });
  }

  #clearDeadlines(): void {
    for (const timer of this.#deadlines) this.#clock.clearTimeout(timer);
    this.#deadlines = [];
  }

  /** The pool as JSON: every child with its state, its timers and its restart budget, and the timers of the chart itself. */
  persist(): PersistedDynamicPool {
    const at = this.#clock.now();
    const entries = [...this.#entries.values()].map(({ ref: _ref, ...entry }) => {
      const child = this.children.get(entry.key);
      return { ...entry, child: child === undefined ? null : this.children.persist(child, at) };
    });
    return {
      status: 'active',
      at,
      init: this.#init.spec ?? null,
      stopping: this.#ended !== undefined,
      entries,
      timers: timersOf(this.#supervisor, at),
    };
  }

  /** Goes on where a saved pool was. */
  resume({ at, init, stopping, entries, timers }: PersistedDynamicPool): void {
    const offsetMs = this.#clock.now() - at;
    this.#report({ type: 'clock.rebased', offsetMs });
    for (const { child, ...saved } of entries) {
      const entry: Entry = {
        ...saved,
        ref: undefined,
        startedAt: saved.startedAt + offsetMs,
        restarts: saved.restarts.map((then) => then + offsetMs),
      };
      this.#entries.set(entry.key, entry);
      if (child === null) continue;
      this.children.start(entry.key, entry.run, entry.spec, { ...child, askedAt: child.askedAt === null ? null : child.askedAt + offsetMs });
      entry.ref = this.children.get(entry.key)?.ref;
    }
    restoreTimers(this.#supervisor, timers, offsetMs);
    if (init !== null) this.#init.run(init);
    if (stopping) this.#stopAll();
  }

  /** The chart is gone: so is everybody. */
  leave(): void {
    this.#clearDeadlines();
    this.#init.leave();
    this.children.leave(orderOf(this.#supervisor));
  }
}

/** A dynamic pool, saved. */
export interface PersistedDynamicPool {
  readonly status: 'active';
  /** Monotonic ms, on the clock of the tree that was saved. */
  readonly at: number;
  readonly init: InitSpec | null;
  readonly stopping: boolean;
  /** `child` is null between two attempts. */
  readonly entries: readonly (Omit<Entry, 'ref'> & { readonly child: PersistedChild | null })[];
  readonly timers: readonly PersistedTimer[];
}

/** The dynamic pool, as the actor that the dynamic supervisor machine is provided with. */
export const dynamicPoolLogic: PoolLogic<DynamicPool, DynamicPoolEvent, PoolInput> = poolActor<
  DynamicPool,
  DynamicPoolEvent,
  PoolInput,
  PersistedDynamicPool
>({
  create: (scope, input) => new DynamicPool(scope, input.supervisor),
  resume: (scope, supervisor) => new DynamicPool(scope, supervisor),
});
