/**
 * What a test knows of a machine: how it may start, what may happen to it, and what must hold. Everything else (paths, random walks, orders,
 * coverage) is made of it.
 *
 * Names follow statelyai/xstate#5627 where it has them: `events` with named cases and weights, `outcomes`, invariants, executed mode.
 */
import type { AnyStateMachine, EventFrom, InputFrom } from 'xstate';
import type { FakeOptions } from './fake.js';
import type { Run } from './run.js';

/** A claim about a run: undefined while it holds, else what is wrong. Accepts a claim about any machine. */
export type Claim<M extends AnyStateMachine> = { check(run: Run<M>): string | undefined }['check'];

/** All that is needed to test a machine. */
export interface Model<M extends AnyStateMachine> {
  /** As in the catalogue or the app, placeholders and all. */
  readonly machine: M;
  /** Named inputs; each is a start of its own. Default: one start named `start`, without input. */
  readonly inputs?: Readonly<Record<string, InputFrom<M>>>;
  /** What is sent to it, by event type. */
  readonly events?: EventModels<M>;
  /** By `src`: what that invoked or spawned actor may do. Every actor of the machine is listed; `{}` hangs for ever. */
  readonly outcomes?: Readonly<Record<string, ActorModel<M>>>;
  /** Named stretches of time, ms. Without any there is one step: the next timer fires. */
  readonly delays?: Readonly<Record<string, number | DelayCase<M>>>;
  /** What else can happen, by name: the process starts again, the test looks away. */
  readonly cases?: Readonly<Record<string, Move<M>>>;
  /** What must hold after every step, by name. */
  readonly invariants: Readonly<Record<string, Claim<M>>>;
  /**
   * What of the context tells two states apart for the search: finitely many values on the paths of interest. Default: the whole context, the
   * time to the next timer, the notes, and what can happen. It must be data: a Map or a Set would make one state of all.
   */
  key?(run: Run<M>): unknown;
  /** Paths given by hand, a start and then cases, into corners that lie too deep for the search; it goes on from each of their states. */
  readonly corners?: Readonly<Record<string, readonly [start: string, ...cases: string[]]>>;
  /** Keeps notes that invariants need, after every step, repeated ones included. */
  observe?(run: Run<M>): void;
  /** The next step of any running actor towards its end, where nothing may be left. Without it the actor is stopped from outside. */
  finish?(run: Run<M>): void;
  /** Whether the actor may end with an error in this run; default never. */
  mayFail?(run: Run<M>): boolean;
  /** Claims of the kit that this machine is excused from, each with its reason. */
  readonly excused?: Readonly<Record<string, string>>;
  /** Event types of the machine that the model never sends, each with its reason. */
  readonly ignored?: Readonly<Record<string, string>>;
  /** Items of the coverage that nothing can reach, by id, each with its reason. */
  readonly waivers?: Waivers;
}

/** A model of any machine, for code that takes them all. */
export type AnyModel = Model<AnyStateMachine>;

/** Waived items of a coverage, by id: why no sequence of steps can reach each of them. */
export type Waivers = Readonly<Record<string, string>>;

/** By event type: `true` (sent bare, where it has no payload), payloads, or named cases. */
export type EventModels<M extends AnyStateMachine> = {
  readonly [Type in EventFrom<M>['type']]?: EventModel<M, PayloadOf<EventFrom<M>, Type>>;
};

export type EventModel<M extends AnyStateMachine, Payload extends object> =
  | (Partial<Payload> extends Payload ? true : never)
  | readonly Payload[]
  | Readonly<Record<string, EventCase<M, Payload>>>;

type PayloadOf<Event, Type> = Event extends { type: infer Own } ? (Type extends Own ? Omit<Event, 'type'> : never) : never;

/** What every step may say of itself. */
export interface Terms<M extends AnyStateMachine> {
  /** Whether it can happen now; default always. */
  when?(run: Run<M>): boolean;
  /** What must hold right after it, wherever it happened: what the machine owes for it. `run.before` is the snapshot that it met. */
  owes?(run: Run<M>): string | undefined;
  /** How likely it is on random walks, beside the others that can happen. Default 1. */
  readonly weight?: number;
}

/** One concrete event: its payload, made when it is sent if it depends on the run. */
export interface EventCase<M extends AnyStateMachine, Payload extends object = object> extends Terms<M> {
  readonly payload?: Payload | ((run: Run<M>) => Payload);
  /** In place of plain sending. */
  run?(run: Run<M>): void;
}

/** A stretch of time, ms. */
export interface DelayCase<M extends AnyStateMachine> extends Terms<M> {
  readonly ms: number;
}

/** Anything that can happen. */
export interface Move<M extends AnyStateMachine> extends Terms<M> {
  run(run: Run<M>): void;
}

/** What an actor may do; it happens while one of that `src` runs. Of several any does it, each by a case of its own: the oldest, the newest, the 2nd … */
export interface ActorModel<M extends AnyStateMachine> extends FakeOptions {
  /** Outputs with which it may be done: a list, or named. */
  readonly done?: readonly unknown[] | Readonly<Record<string, DoneCase<M>>>;
  /** Errors with which it may fail: a list, or named. */
  readonly error?: readonly unknown[] | Readonly<Record<string, ErrorCase<M>>>;
  /** Events that it may send to the machine, by type. */
  readonly reports?: EventModels<M>;
  /** Moves of a double, by name. */
  readonly cases?: Readonly<Record<string, Move<M>>>;
  /** Event types that `cases`, `onStart` and `onEvent` send to the machine. */
  readonly sends?: readonly EventFrom<M>['type'][];
}

export interface DoneCase<M extends AnyStateMachine> extends Terms<M> {
  readonly output?: unknown;
}

export interface ErrorCase<M extends AnyStateMachine> extends Terms<M> {
  readonly error: unknown;
}
