/**
 * What the handles of barrier, counter, lock and consensus have in common: each finds the actor of one part, hears its facts, and ends it; and each call of one is
 * answered by a fact that names it, or by the actor's end.
 */
import { type AnyActorRef, createActor } from 'xstate';
import type { EspalierError } from '../errors.js';
import { type OptionChecks, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended, exitReason, onExit } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';

/** Of one primitive: by what its actors are known. */
export interface PartKind {
  /** The name of its logic, and the beginning of its events' names. */
  readonly id: string;
  readonly machine: { readonly config: object };
  /** Undefined for what does not run its logic. */
  readonly planOf: (ref: AnyActorRef) => object | undefined;
  readonly facts: readonly string[];
  readonly invalid: (name: string, expected: string, got: unknown) => EspalierError;
}

function requirePart(kind: PartKind, ref: AnyActorRef): void {
  if (!runsMachine(ref, kind.machine) || kind.planOf(ref) === undefined) throw kind.invalid('ref', `an actor that runs ${kind.id}()`, sortOf(ref));
}

/**
 * How a part is found, by its reference or by a function.
 * @throws the kind's own error for a reference that runs no such part
 */
export function finder(kind: PartKind, ref: AnyActorRef | (() => AnyActorRef | undefined)): () => AnyActorRef | undefined {
  if (typeof ref === 'function') return ref;
  requirePart(kind, ref);
  return () => ref;
}

/**
 * A part that an app starts by itself, the root of a system of its own.
 * @param noun  what it is, in words
 * @throws the kind's own error for misuse; EspalierError `supervision/invalid-options` for what is no clock; what `logic` throws
 */
export function startedRoot(
  { id }: PartKind,
  noun: string,
  where: { readonly clock?: Clock },
  requireOptions: OptionChecks['requireOptions'],
  logic: () => Parameters<typeof createActor>[0],
): () => AnyActorRef {
  requireOptions(`where the ${noun} runs`, where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(logic(), { clock, id }) as AnyActorRef;
  // Heard here, a crash is no uncaught exception: the handle answers.
  root.subscribe({ error: () => {} });
  root.start();
  return () => root;
}

/** The handle of one part, but for what the part is asked. */
export class PartHandle<Ref extends AnyActorRef, Emitted extends { readonly type: string }> implements AsyncDisposable {
  readonly #kind: PartKind;
  readonly #find: () => AnyActorRef | undefined;

  constructor(kind: PartKind, find: () => AnyActorRef | undefined) {
    this.#kind = kind;
    this.#find = find;
  }

  get ref(): Ref | undefined {
    const ref = this.#find();
    if (ref !== undefined) requirePart(this.#kind, ref);
    return ref as Ref | undefined;
  }

  on<Type extends Emitted['type']>(type: Type, listener: (fact: Extract<Emitted, { type: Type }>) => void): { unsubscribe(): void } {
    const { facts, invalid, machine } = this.#kind;
    if (!facts.includes(type)) throw invalid('type', facts.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(
      () => this.ref,
      type,
      listener,
      (actor) => runsMachine(actor, machine),
    );
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended<AnyActorRef>(ref, () => ref.send({ type: `${this.#kind.id}.close` }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** One call: what its actor is sent, by the name that the call was given. */
export interface PartCall {
  readonly begin: (ref: string) => { readonly type: string };
  readonly cancel: (ref: string) => { readonly type: string };
  readonly signal: AbortSignal | undefined;
}

/** What one actor is called for. */
interface Calls<Fact> {
  count: number;
  readonly open: Map<string, (fact: Fact | null) => void>;
}

/**
 * The calls of all actors of one kind that are under way. Each actor is listened to once, however many calls it has: a listener for each call would be told what
 * has come of every other, and so a thousand calls would cost a million.
 */
export class PartCalls<Fact extends { readonly type: string; readonly ref: string }> {
  readonly #letter: string;
  readonly #answers: readonly Fact['type'][];
  readonly #byOwner = new WeakMap<AnyActorRef, Calls<Fact>>();

  /** @param letter  with which the names of calls begin @param answers  the facts by which a call is over */
  constructor(letter: string, answers: readonly Fact['type'][]) {
    this.#letter = letter;
    this.#answers = answers;
  }

  /** Calls. @param answer  told once, within the turn: the fact that names the call, and its name; null where the actor ended without one */
  open(owner: AnyActorRef, { begin, cancel, signal }: PartCall, answer: (fact: Fact | null, ref: string) => void): void {
    if (exitReason(owner) !== null) return answer(null, '');
    const calls = this.#byOwner.get(owner) ?? this.#listen(owner);
    const ref = `${this.#letter}${++calls.count}`;
    const aborted = (): void => owner.send(cancel(ref));
    calls.open.set(ref, (fact) => {
      calls.open.delete(ref);
      signal?.removeEventListener('abort', aborted);
      answer(fact, ref);
    });
    signal?.addEventListener('abort', aborted, { once: true });
    owner.send(begin(ref));
  }

  #listen(owner: AnyActorRef): Calls<Fact> {
    const calls: Calls<Fact> = { count: 0, open: new Map() };
    this.#byOwner.set(owner, calls);
    for (const type of this.#answers) owner.on(type, (fact) => calls.open.get((fact as Fact).ref)?.(fact as Fact));
    onExit(owner, () => {
      for (const settle of [...calls.open.values()]) settle(null);
    });
    return calls;
  }
}
