/**
 * The pool of a supervisor: custom actor logic that creates, asks, kills and watches the children as the chart orders, and reports with the time.
 *
 * Its snapshot holds no children; it persists as the list of them, each with its own persisted snapshot and pending timers.
 */
import type { ActorLogic, ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate';

import { childOfEvent, reasonOfEvent } from '../../machines/supervision/exit.js';
import type { PoolCommand, PoolFact, PoolInput } from '../../machines/supervision/pool.js';
import { Children, type PooledChild } from './children.js';
import { contain } from './contain.js';
import { InitRun } from './init-run.js';
import { indexTimers } from './scheduler.js';
import { handles, orderOf } from './watch.js';
import { systemOf } from './xstate-internals.js';

/** Said by watch.ts: this child has been ended by an exit signal. */
export interface PoolEnded {
  readonly type: 'pool.ended';
  readonly id: string;
  readonly actor: AnyActorRef;
}

export type PoolEvent = PoolCommand | PoolEnded;
export type PoolSnapshot = Snapshot<undefined> & { readonly pool: Pool };
type PoolScope = ActorScope<PoolSnapshot, PoolEvent>;

/** One pool at work. */
export class Pool {
  readonly children: Children;
  readonly #self: AnyActorRef;
  readonly #supervisor: AnyActorRef;
  readonly #init: InitRun;

  constructor(scope: PoolScope, supervisor: AnyActorRef) {
    this.#self = scope.self as AnyActorRef;
    this.#supervisor = supervisor;
    this.#init = new InitRun(scope as unknown as ActorScope<Snapshot<unknown>, EventObject>, supervisor, (fact) => {
      this.#report(fact);
    });
    this.children = new Children(scope as unknown as ActorScope<Snapshot<unknown>, EventObject>, supervisor, {
      started: ({ id, run }, info) => {
        this.#report({ type: 'child.started', id, run, at: this.children.now(), ...(info === undefined ? {} : { info }) });
      },
      declined: ({ id, run }) => {
        this.#report({ type: 'child.declined', id, run, at: this.children.now() });
      },
      startFailed: ({ id, run }, reason) => {
        this.#report({ type: 'child.startFailed', id, run, at: this.children.now(), reason });
      },
      exited: (_child, exit) => {
        this.#report(exit);
      },
    });
  }

  get(id: string): PooledChild | undefined {
    return this.children.get(id);
  }

  keyOf(actor: AnyActorRef): string | undefined {
    return this.children.get(actor.id)?.ref === actor ? actor.id : undefined;
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
        if (reasonOfEvent(event) !== undefined && !this.#init.ended(event)) this.children.ended(childOfEvent(event));
    }
  }

  /** Applies an order to the incarnation that it was meant for. */
  #with({ id, run }: { id: string; run: number }, act: (child: PooledChild) => void): void {
    const child = this.children.get(id);
    if (child?.run === run) act(child);
  }

  #drain(): void {
    const request = { type: 'supervisor.drain' };
    const able = [...this.children.all()].filter((child) => handles(child.ref, request));
    this.#report({ type: 'pool.draining', ids: able.map((child) => child.id) });
    for (const child of able.reverse()) child.ref.send(request);
  }

  /** The chart is gone: so is everybody. */
  leave(): void {
    this.#init.leave();
    this.children.leave(orderOf(this.#supervisor));
  }
}

/** The pool, as the actor that supervisor machines are provided with. */
export const poolLogic: ActorLogic<PoolSnapshot, PoolEvent, PoolInput> & { readonly events: readonly string[] } = {
  events: ['pool.ended'],
  getInitialSnapshot(scope, input) {
    return { status: 'active', output: undefined, error: undefined, pool: new Pool(scope, input.supervisor) };
  },
  start(_snapshot, scope) {
    contain(scope.self);
    indexTimers(scope.self);
  },
  transition(snapshot, event): PoolSnapshot {
    if ((event.type as string) === 'xstate.stop') {
      snapshot.pool.leave();
      return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
    }
    snapshot.pool.handle(event);
    return snapshot;
  },
  getPersistedSnapshot: (snapshot) => snapshot,
};
