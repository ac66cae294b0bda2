/** The logic that a supervisor runs to its end before it starts anybody: OTP's init/1. */
import type { ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate';

import type { InitSpec } from '../../machines/supervision/child-spec.js';
import { childOfEvent, failureOfExit, reasonOfEvent, startOfOutput } from '../../machines/supervision/exit.js';
import type { PoolFact } from '../../machines/supervision/pool.js';
import { exitReason } from './watch.js';
import { createChild, providedActor } from './xstate-internals.js';

/** What came of an init. */
export type InitFact = Extract<PoolFact, { type: 'init.succeeded' | 'init.declined' | 'init.failed' }>;

const initId = 'init';

/** At most one run of a supervisor's init, as a child of its pool. */
export class InitRun {
  readonly #scope: ActorScope<Snapshot<unknown>, EventObject>;
  readonly #supervisor: AnyActorRef;
  readonly #report: (fact: InitFact) => void;
  #actor: AnyActorRef | undefined;
  #spec: InitSpec | undefined;

  constructor(scope: ActorScope<Snapshot<unknown>, EventObject>, supervisor: AnyActorRef, report: (fact: InitFact) => void) {
    this.#scope = scope;
    this.#supervisor = supervisor;
    this.#report = report;
  }

  /** The init that runs now. */
  get spec(): InitSpec | undefined {
    return this.#actor === undefined ? undefined : this.#spec;
  }

  run(spec: InitSpec): void {
    const { src, input } = spec;
    this.#spec = spec;
    const logic = providedActor(this.#supervisor, src);
    if (logic === undefined) {
      this.#report({ type: 'init.failed', reason: ['EXIT', `no actor named '${src}'`] });
      return;
    }
    this.#actor = createChild(logic, { parent: this.#scope.self, id: initId, src, input });
    this.#actor.start();
  }

  /** Was this the end of init? If so it has been reported. */
  ended(event: EventObject): boolean {
    const reason = reasonOfEvent(event);
    if (this.#actor === undefined || reason === undefined || childOfEvent(event) !== initId || exitReason(this.#actor) === null) return false;
    this.#actor = undefined;
    const outcome = startOfOutput((event as { output?: unknown }).output);
    if (outcome?.kind === 'declined') this.#report({ type: 'init.declined' });
    else if (outcome?.kind === 'failed') this.#report({ type: 'init.failed', reason: outcome.reason });
    else if (reason === 'normal') this.#report({ type: 'init.succeeded' });
    else this.#report({ type: 'init.failed', reason: failureOfExit(reason) });
    return true;
  }

  /** Stops an init that still runs. */
  leave(): void {
    if (this.#actor !== undefined) this.#scope.stopChild(this.#actor);
    this.#actor = undefined;
  }
}
