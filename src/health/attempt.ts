/** One check, under way. Whatever it does wrong is a result, and harms nobody. */
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { Answer } from '../../machines/health/probe.js';
import { guardedSignal } from '../supervision/guarded-signal.js';
import { printFault } from '../supervision/last-resort.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { logicOf } from '../supervision/xstate-internals.js';
import { answerOf, answerOfFault, type HealthAnswer, type HealthCheck, noproc } from './answer.js';
import type { CheckScope, ProbeOptions } from './probe-options.js';

/** What has become of a check, told once. Null: it has nothing to say. */
export type Ended = (answer: Answer | null) => void;

export interface Attempt {
  /** Whom its end matters to; it may outlive the probe that began it. */
  ended: Ended;
  /** Past its deadline, or its probe: it was told to stop, and what it says counts no more. */
  isLate: boolean;
  /** Its deadline, monotonic ms. One that was told to stop before has not failed until then. */
  dueAt: number;
  /** Tells it to stop. A question ends at once; a function when it does. */
  abort(words: string, name: 'TimeoutError' | 'AbortError'): void;
}

/** A function of the app that checks. */
export class Call implements Attempt {
  isLate = false;
  dueAt = 0;
  ended: Ended;
  readonly id: string;
  // Made when it is asked for: most checks never look at it, and it costs more than they do.
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;

  constructor(id: string, ended: Ended) {
    this.id = id;
    this.ended = ended;
  }

  begin(fn: NonNullable<ProbeOptions['check']>): void {
    const signal = (): AbortSignal => this.signal;
    const scope: CheckScope = {
      id: this.id,
      get signal() {
        return signal();
      },
    };
    let answer: Answer | null;
    try {
      const said = fn(scope);
      if (typeof (said as PromiseLike<unknown> | null | undefined)?.then === 'function') {
        Promise.resolve(said).then(
          (value) => this.ended(answerOf(value)),
          (fault: unknown) => this.ended(answerOfFault(fault)),
        );
        return;
      }
      answer = answerOf(said);
    } catch (fault) {
      answer = answerOfFault(fault);
    }
    this.ended(answer);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      guardedSignal(this.#controller.signal, (error) => printFault('an abort listener of a check', error));
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(words: string, name: string): void {
    this.#reason ??= new DOMException(words, name);
    this.#controller?.abort(this.#reason);
  }
}

/**
 * Asks an actor: only one that lives, and whose present state handles the question. One that does not is not sent it, and there is no result. Where a guard of
 * it throws, that is the result: it is not sent what would end it.
 */
export class Question implements Attempt {
  isLate = false;
  dueAt = 0;
  ended: Ended;
  readonly #check: HealthCheck;
  #watch: { unsubscribe(): void } | undefined;
  #isOver = false;

  constructor(check: HealthCheck, ended: Ended) {
    this.#check = check;
    this.ended = ended;
  }

  begin(find: () => AnyActorRef | undefined): void {
    try {
      const target = find();
      // The finder is the app's, and may have taken the probe away.
      if (this.#isOver) return;
      if (target === undefined || exitReason(target) !== null) return this.#end(noproc());
      if (!takes(target, this.#check)) return this.#end(null);
      this.#watch = onExit(target, () => this.#end(noproc()));
      target.send(this.#check);
    } catch (fault) {
      this.#end(answerOfFault(fault));
    }
  }

  hear(answer: HealthAnswer): void {
    this.#end(answerOf(answer));
  }

  abort(): void {
    this.#end(null);
  }

  #end(answer: Answer | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch?.unsubscribe();
    this.ended(answer);
  }
}

/**
 * Does the actor's logic name the question itself, and would its present state take it by that name alone? A wildcard has not agreed to be asked, in whichever
 * region it stands. @throws what its guard throws
 */
function takes(actor: AnyActorRef, check: HealthCheck): boolean {
  const { events, getTransitionData } = logicOf(actor) as Partial<Pick<AnyStateMachine, 'events' | 'getTransitionData'>>;
  if (getTransitionData === undefined || events?.includes(check.type) !== true) return false;
  const edges = getTransitionData.call(logicOf(actor), actor.getSnapshot() as AnyMachineSnapshot, check);
  const isTaken = edges.some(({ target, actions }) => target !== undefined || actions.length > 0);
  return isTaken && edges.every(({ eventType }) => eventType === check.type);
}
