/**
 * The pool of a dynamic supervisor: any number of children under keys of its own, each remembered with what its next restart needs.
 *
 * A key is the spec's id, with a number behind it while another child has that id; it is the actor's XState id too.
 */
import type { ActorLogic, ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate';

import type { ResolvedSpec } from '../../machines/supervision/child-spec.js';
import { childOfEvent, reasonOfEvent } from '../../machines/supervision/exit.js';
import type { ChildExited, DynamicPoolCommand, DynamicPoolFact, EndedChild, PooledEntry, PoolInput } from '../../machines/supervision/pool.js';
import { Children, type PooledChild } from './children.js';
import { clockOf, type Clock } from './clock.js';
import { contain } from './contain.js';
import { InitRun } from './init-run.js';
import type { PoolEnded } from './pool.js';
import { indexTimers } from './scheduler.js';
import { handles, orderOf } from './watch.js';
import { systemOf } from './xstate-internals.js';

export type DynamicPoolEvent = DynamicPoolCommand | PoolEnded;
export type DynamicPoolSnapshot = Snapshot<undefined> & { readonly pool: DynamicPool };
type PoolScope = ActorScope<DynamicPoolSnapshot, DynamicPoolEvent>;

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
  #deadlines: unknown[] = [];
  #suffix = 1;

  constructor(scope: PoolScope, supervisor: AnyActorRef) {
    this.#self = scope.self as AnyActorRef;
    this.#supervisor = supervisor;
    this.#clock = clockOf(supervisor.system);
    this.#init = new InitRun(scope as unknown as ActorScope<Snapshot<unknown>, EventObject>, supervisor, (fact) => {
      this.#report(fact);
    });
    this.children = new Children(scope as unknown as ActorScope<Snapshot<unknown>, EventObject>, supervisor, {
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

  /** The living incarnation under a key. */
  get(key: string): PooledChild | undefined {
    return this.children.get(key);
  }

  /** The key of an actor, also of one that died and is to be restarted. */
  keyOf(actor: AnyActorRef): string | undefined {
    return this.#entries.get(actor.id)?.ref === actor ? actor.id : undefined;
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
        this.#start(this.#entries.get(event.id));
        return;
      case 'pool.hold':
        Object.assign(this.#entries.get(event.id) ?? {}, { attempt: event.attempt, restarts: event.restarts });
        return;
      case 'pool.forget':
        this.#entries.delete(event.id);
        return;
      case 'pool.find':
        this.#find(event.id);
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
        for (const { ref } of [...this.children.all()]) if (handles(ref, { type: 'supervisor.drain' })) ref.send({ type: 'supervisor.drain' });
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
        if (reasonOfEvent(event) !== undefined && !this.#init.ended(event)) this.children.ended(childOfEvent(event));
    }
  }

  #with(key: string, act: (child: PooledChild) => void): void {
    const child = this.children.get(key);
    if (child !== undefined) act(child);
  }

  #add(spec: ResolvedSpec): void {
    let key = spec.id;
    while (this.#entries.has(key)) key = `${spec.id}.${++this.#suffix}`;
    const entry: Entry = { key, spec, run: 0, attempt: 0, startedAt: 0, restarts: [], ref: undefined };
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
    if (entry !== undefined) Object.assign(entry, { startedAt: at, ref });
    this.#report({ type: 'child.started', id, run, at, ...(info === undefined ? {} : { info }) });
  }

  #exited({ id, spec }: PooledChild, exit: ChildExited): void {
    if (this.#ended !== undefined) {
      const { reason, tookMs, killed, children } = exit;
      this.#ended.push({ id, reason, tookMs, killed, spec, ...(children === undefined ? {} : { children }) });
      this.#entries.delete(id);
      this.#checkEmptied();
      return;
    }
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const { attempt, startedAt, restarts } = entry;
    this.#report({ ...exit, memory: { spec, attempt, startedAt, restarts } });
  }

  #find(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#report({ type: 'child.missing', id: key });
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
    const late = new Map<number, PooledChild[]>();
    for (const child of [...this.children.all()]) {
      const { shutdownMs } = child.spec;
      if (shutdownMs === 'brutalKill') {
        this.children.kill(child);
        continue;
      }
      this.children.ask(child, 'shutdown');
      if (shutdownMs === 'infinity' || this.children.get(child.id) !== child) continue;
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
    this.#checkEmptied();
  }

  #checkEmptied(): void {
    if (this.#ended === undefined || this.children.size > 0) return;
    this.#clearDeadlines();
    this.#report({ type: 'pool.emptied', ended: this.#ended });
  }

  #clearDeadlines(): void {
    for (const timer of this.#deadlines) this.#clock.clearTimeout(timer);
    this.#deadlines = [];
  }

  /** The chart is gone: so is everybody. */
  leave(): void {
    this.#clearDeadlines();
    this.#init.leave();
    this.children.leave(orderOf(this.#supervisor));
  }
}

/** The dynamic pool, as the actor that the dynamic supervisor machine is provided with. */
export const dynamicPoolLogic: ActorLogic<DynamicPoolSnapshot, DynamicPoolEvent, PoolInput> & { readonly events: readonly string[] } = {
  events: ['pool.ended'],
  getInitialSnapshot(scope, input) {
    return { status: 'active', output: undefined, error: undefined, pool: new DynamicPool(scope, input.supervisor) };
  },
  start(_snapshot, scope) {
    contain(scope.self);
    indexTimers(scope.self);
  },
  transition(snapshot, event): DynamicPoolSnapshot {
    if ((event.type as string) === 'xstate.stop') {
      snapshot.pool.leave();
      return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
    }
    snapshot.pool.handle(event);
    return snapshot;
  },
  getPersistedSnapshot: (snapshot) => snapshot,
};
