/**
 * Actors whose answers the test gives: each call of one waits until the test, or the world's scheduler, says how it ends.
 *
 * One `controlled` is XState logic (a child of a supervisor, invoked, spawned) and a function (`fn`, for tools and tasks) at once.
 */
import type { ActorLogic, AnyActorRef, AnyEventObject, EventObject, Snapshot } from 'xstate';

import { systemOf } from '../../supervision/xstate-internals.js';
import { EspalierError } from '../../errors.js';
import { refuse, requireKeys } from './options.js';
import type { WorldClock, WorldTimer } from './world-clock.js';

/** How a call may end when the scheduler picks it. */
export type CallOutcome<Output = unknown> = { readonly done: Output } | { readonly error: unknown };

/** Options of a controlled actor. */
export interface ControlledOptions<Output = unknown> {
  /** What the scheduler may do to a call that runs, one drawn from the seed. Default nothing: only the test ends calls. */
  readonly outcomes?: readonly CallOutcome<Output>[];
  /** Is it, as an actor, asked to end (`supervisor.shutdown`, among `received`), and not ended at once? Default false. */
  readonly trapExit?: boolean;
}

/** How far a call has come; `stopped`: whoever had called gave it up. */
export type CallStatus = 'running' | 'done' | 'failed' | 'stopped';

/** One call: one incarnation of the actor, or one run of the function. */
export class ControlledCall<Input = unknown, Output = unknown> {
  /** `weather-1`, `weather-2`, … in the order of the calls. */
  readonly id: string;
  readonly input: Input;
  /** The actor; undefined for a call of `fn`. */
  readonly ref: AnyActorRef | undefined;
  /** Every event that the actor was sent, oldest first. */
  readonly received: EventObject[] = [];
  readonly #desk: Desk;
  readonly #finish: (outcome: CallOutcome) => void;
  readonly #abort = new AbortController();
  readonly #timers = new Set<WorldTimer>();
  #status: CallStatus = 'running';
  #hangs = false;
  #isAnswered = false;

  constructor(options: { id: string; input: Input; ref?: AnyActorRef | undefined; desk: Desk; finish: (outcome: CallOutcome) => void }) {
    this.id = options.id;
    this.input = options.input;
    this.ref = options.ref;
    this.#desk = options.desk;
    this.#finish = options.finish;
  }

  get status(): CallStatus {
    return this.#status;
  }

  /** Aborted when the caller gives the call up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Has it been told how to end? An actor that hangs or is slow learns it later. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Was it told to hang? */
  get hangs(): boolean {
    return this.#hangs;
  }

  /** Ends it well. @throws EspalierError `testing/invalid-options` when it has ended, as all of these do */
  resolve(output: Output): void {
    this.#end({ done: output });
  }

  /** Ends it with an error. */
  reject(error: unknown): void {
    this.#end({ error });
  }

  /** Ends it well when `ms` of the world's time have passed, unless it has ended by then. */
  resolveAfter(ms: number, output: Output): void {
    this.#endAfter(ms, { done: output });
  }

  rejectAfter(ms: number, error: unknown): void {
    this.#endAfter(ms, { error });
  }

  /** Answers nobody from now on, not the scheduler and (as a function) not an aborted signal either. Only the test can still end it: late. */
  hang(): void {
    this.#requireRunning();
    this.#hangs = true;
    this.#clear();
  }

  /** Sends an event to the actor's parent, as a callback actor does. */
  report(event: AnyEventObject): void {
    const parent = this.ref?._parent;
    if (this.ref === undefined || parent === undefined)
      throw new EspalierError('testing/invalid-options', { expected: `the call ${this.id} to be an actor with a parent`, got: event });
    systemOf(this.ref)._relay(this.ref, parent, event);
  }

  /** The caller has given it up. */
  giveUp(reason?: unknown): void {
    if (this.#status !== 'running') return;
    if (this.ref !== undefined || !this.#hangs) this.close('stopped');
    this.#abort.abort(reason);
  }

  /** It has ended. */
  close(status: CallStatus): void {
    this.#status = status;
    this.#clear();
    this.#desk.tell(`${this.id} ${status}`);
  }

  #clear(): void {
    for (const timer of this.#timers) this.#desk.clock.clearTimeout(timer);
    this.#timers.clear();
  }

  #requireRunning(): void {
    const got = this.#status === 'running' && this.#isAnswered ? 'answered' : this.#status;
    if (got !== 'running') throw new EspalierError('testing/invalid-options', { expected: `the call ${this.id} to run`, got });
  }

  #end(outcome: CallOutcome): void {
    this.#requireRunning();
    this.#isAnswered = true;
    this.#finish(outcome);
  }

  #endAfter(ms: number, outcome: CallOutcome): void {
    this.#requireRunning();
    if (!(typeof ms === 'number' && ms >= 0)) throw new EspalierError('testing/invalid-options', { expected: 'ms of at least 0', got: ms });
    const timer = this.#desk.clock.set(
      () => {
        this.#timers.delete(timer);
        if (this.#status === 'running' && !this.#isAnswered) this.#end(outcome);
      },
      ms,
      `answer of ${this.id}`,
    );
    this.#timers.add(timer);
  }
}

const ends = ['done', 'error'];

/** @throws EspalierError `testing/invalid-options` for an outcome that is none */
export function requireOutcomes(outcomes: unknown): void {
  if (outcomes === undefined) return;
  if (!Array.isArray(outcomes)) refuse('`outcomes` to be a list', outcomes);
  for (const one of outcomes as unknown[]) {
    requireKeys(one, ends, 'an outcome of a controlled actor');
    const given = Object.keys(one);
    if (given.length !== 1) refuse('an outcome to be either { done } or { error }', one);
  }
}

/** What controlled actors need of their world. */
export interface Desk {
  readonly clock: WorldClock;
  id(kind: string): string;
  tell(what: string): void;
}

type CallSnapshot<Input, Output> = Snapshot<Output> & { readonly input: Input; readonly can?: () => boolean };

/**
 * XState logic under the test's hand. Made by `world.controlled`. A machine takes it, by `provide`, in the place of `fromPromise<Output, Input>` and, with
 * `undefined` for its output, of `fromCallback`.
 */
// XState's logic is invariant in its snapshot and its events, and a promise and a callback differ in both.
// oxlint-disable-next-line typescript/no-explicit-any -- only `any` stands for the one and for the other
export interface Controlled<Input = unknown, Output = unknown> extends ActorLogic<Snapshot<Output> & { readonly input: any }, any, Input> {
  /** Every call so far, oldest first. */
  readonly calls: readonly ControlledCall<Input, Output>[];
  /** Those that run now. */
  readonly running: readonly ControlledCall<Input, Output>[];
  readonly outcomes: readonly CallOutcome<Output>[];
  /** The next call that this method has not yet given; waits for it where there is none. */
  next(): Promise<ControlledCall<Input, Output>>;
  /**
   * The same as a function: what it is given first is the input; the first `signal` among the properties of what it is given ends it when it aborts.
   */
  readonly fn: (input: Input, ...rest: readonly unknown[]) => Promise<Output>;
}

const settleType = 'world.settle';

/** Makes a controlled actor. */
export function controlled<Input, Output>(
  name: string,
  desk: Desk,
  { outcomes = [], trapExit = false }: ControlledOptions<Output>,
): Controlled<Input, Output> {
  type Call = ControlledCall<Input, Output>;
  const calls: Call[] = [];
  const callOf = new WeakMap<AnyActorRef, Call>();
  const waiting: ((call: Call) => void)[] = [];
  let given = 0;

  const enter = (input: Input, ref: AnyActorRef | undefined, finish: (outcome: CallOutcome) => void): Call => {
    const call: Call = new ControlledCall<Input, Output>({ id: desk.id(name), input, ref, desk, finish });
    calls.push(call);
    const next = waiting.shift();
    if (next !== undefined) {
      given = calls.length;
      next(call);
    }
    return call;
  };

  const logic = {
    events: trapExit ? ['supervisor.shutdown'] : [],
    getInitialSnapshot: (_: unknown, input: Input): CallSnapshot<Input, Output> => ({
      status: 'active',
      output: undefined,
      error: undefined,
      input,
      ...(trapExit ? { can: () => true } : {}),
    }),
    start({ input }: CallSnapshot<Input, Output>, { self }: { self: AnyActorRef }) {
      const call = enter(input, self, (outcome) => systemOf(self)._relay(self, self, { type: settleType, outcome } as EventObject));
      callOf.set(self, call);
    },
    transition(snapshot: CallSnapshot<Input, Output>, event: EventObject & { outcome?: CallOutcome<Output> }, { self }: { self: AnyActorRef }) {
      const call = callOf.get(self);
      if (event.type === 'xstate.stop') {
        call?.giveUp();
        return { ...snapshot, status: 'stopped' };
      }
      if (event.type !== settleType || event.outcome === undefined) {
        call?.received.push(event);
        return snapshot;
      }
      call?.close('done' in event.outcome ? 'done' : 'failed');
      return 'done' in event.outcome
        ? { ...snapshot, status: 'done', output: event.outcome.done }
        : { ...snapshot, status: 'error', error: event.outcome.error };
    },
    getPersistedSnapshot: ({ can: _can, ...snapshot }: CallSnapshot<Input, Output>) => snapshot,
    restoreSnapshot: (snapshot: CallSnapshot<Input, Output>) => (trapExit ? { ...snapshot, can: () => true } : snapshot),
    calls,
    get running() {
      return calls.filter(({ status }) => status === 'running');
    },
    outcomes,
    next(): Promise<Call> {
      const known = calls[given];
      if (known === undefined) return new Promise((resolve) => waiting.push(resolve));
      given++;
      return Promise.resolve(known);
    },
    fn(...args: readonly unknown[]): Promise<Output> {
      return new Promise((resolve, reject) => {
        const call = enter(args[0] as Input, undefined, (outcome) => {
          call.close('done' in outcome ? 'done' : 'failed');
          if ('done' in outcome) resolve(outcome.done as Output);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an actor fails with any value; so does the function that stands for it
          else reject(outcome.error);
        });
        const signal = signalAmong(args);
        const abort = (): void => {
          call.giveUp(signal?.reason);
          if (!call.hangs) reject(signal?.reason as Error);
        };
        if (signal?.aborted === true) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      });
    },
  };
  return logic as unknown as Controlled<Input, Output>;
}

function signalAmong(args: readonly unknown[]): AbortSignal | undefined {
  for (const value of args) {
    const { signal } = (value ?? {}) as { signal?: unknown };
    if (signal instanceof AbortSignal) return signal;
  }
  return undefined;
}
