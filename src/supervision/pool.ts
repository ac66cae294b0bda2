/**
 * The pool of a supervisor: custom actor logic that creates, asks, kills and watches the children as the chart orders, and reports with the time.
 *
 * Its snapshot holds no children; it persists as the list of them, each with its own persisted snapshot and pending timers.
 */
import type { AnyActorRef } from 'xstate';

import type { InitSpec } from '../../machines/supervision/child-spec.js';
import { childOfEvent, reasonOfEvent } from '../../machines/supervision/exit.js';
import type { EndedChild, PoolCommand, PoolFact, PoolInput } from '../../machines/supervision/pool.js';
import { Children, type ChildName, type PersistedChild, type PooledChild } from './children.js';
import { InitRun } from './init-run.js';
import { restoreTimers, timersOf, type PersistedTimer } from './persistence.js';
import { poolActor, type AnyPoolScope, type PoolEnded, type PoolLogic } from './pool-actor.js';
import { inTurn } from './turns.js';
import { handles, orderOf } from './watch.js';
import { systemOf } from './xstate-internals.js';

export type PoolEvent = PoolCommand | PoolEnded;

/** One pool at work. */
export class Pool {
  readonly children: Children;
  readonly #self: AnyActorRef;
  readonly #supervisor: AnyActorRef;
  readonly #init: InitRun;

  constructor(scope: AnyPoolScope, supervisor: AnyActorRef) {
    this.#self = scope.self as AnyActorRef;
    this.#supervisor = supervisor;
    this.#init = new InitRun(scope, supervisor, (fact) => {
      this.#report(fact);
    });
    this.children = new Children(scope, supervisor, {
      started: ({ id, run }, info) => {
        this.#report({ type: 'child.started', id, run, at: this.children.now(), ...(info === undefined ? {} : { info }) });
      },
      declined: ({ id, run }) => {
        this.children.forget(id);
        this.#report({ type: 'child.declined', id, run, at: this.children.now() });
      },
      startFailed: ({ id, run }, reason) => {
        this.children.forget(id);
        this.#report({ type: 'child.startFailed', id, run, at: this.children.now(), reason });
      },
      exited: ({ id }, exit) => {
        this.children.forget(id);
        this.#report(exit);
      },
    });
  }

  /** Who ended with the pool itself. */
  get left(): readonly EndedChild[] {
    return this.children.left;
  }

  get(id: string): PooledChild | undefined {
    return this.children.get(id);
  }

  /** What an actor is here, while it lives. */
  nameOf(actor: AnyActorRef): ChildName | undefined {
    const child = this.children.get(actor.id);
    return child?.ref === actor ? { id: actor.id, run: child.run } : undefined;
  }

  actors(): readonly AnyActorRef[] {
    return this.children.all().map(({ ref }) => ref);
  }

  #report(fact: PoolFact): void {
    systemOf(this.#self)._relay(this.#self, this.#supervisor, fact);
  }

  handle(event: PoolEvent): void {
    switch (event.type) {
      case 'pool.start':
        this.children.start(event.id, event.run, event.spec);
        return;
      case 'pool.ask':
        this.#with(event, (child) => {
          this.children.ask(child, event.reason);
        });
        return;
      case 'pool.kill':
        this.#with(event, (child) => {
          this.children.kill(child);
        });
        return;
      case 'pool.abandon':
        this.#with(event, (child) => {
          this.children.abandon(child);
        });
        return;
      case 'pool.drain':
        this.#drain();
        return;
      case 'pool.init':
        this.#init.run(event.init);
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

  /** Applies an order to the incarnation that it was meant for. */
  #with({ id, run }: { id: string; run: number }, act: (child: PooledChild) => void): void {
    const child = this.children.get(id);
    if (child?.run === run) act(child);
  }

  #drain(): void {
    const request = { type: 'supervisor.drain' };
    const able = this.children.all().filter((child) => handles(child.ref, request));
    this.#report({ type: 'pool.draining', ids: able.map((child) => child.id) });
    for (const child of able.reverse()) child.ref.send(request);
  }

  /** The pool as JSON: every child with its state and its timers, and the timers of the chart itself. */
  persist(): PersistedPool {
    const at = this.children.now();
    return {
      status: 'active',
      at,
      init: this.#init.spec ?? null,
      children: this.children.all().map((child) => this.children.persist(child, at)),
      timers: timersOf(this.#supervisor, at),
    };
  }

  /** Goes on where a saved pool was. */
  resume({ at, init, children, timers }: PersistedPool): void {
    const offsetMs = this.children.now() - at;
    this.#report({ type: 'clock.rebased', offsetMs });
    for (const saved of children) {
      const askedAt = saved.askedAt === null ? null : saved.askedAt + offsetMs;
      this.children.start(saved.id, saved.run, saved.spec, { ...saved, askedAt });
    }
    restoreTimers(this.#supervisor, timers, offsetMs);
    if (init !== null) this.#init.run(init);
  }

  /** The chart is gone: so is everybody. */
  leave(): void {
    this.#init.leave();
    this.children.leave(orderOf(this.#supervisor));
  }
}

/** A pool, saved. */
export interface PersistedPool {
  readonly status: 'active';
  /** Monotonic ms, on the clock of the tree that was saved. */
  readonly at: number;
  /** An init that was still running: it runs again. */
  readonly init: InitSpec | null;
  readonly children: readonly PersistedChild[];
  readonly timers: readonly PersistedTimer[];
}

/** The pool, as the actor that supervisor machines are provided with. */
export const poolLogic: PoolLogic<Pool, PoolEvent, PoolInput> = poolActor<Pool, PoolEvent, PoolInput, PersistedPool>({
  create: (scope, input) => new Pool(scope, input.supervisor),
  resume: (scope, supervisor) => new Pool(scope, supervisor),
});
