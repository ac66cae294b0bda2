/** Facts of an actor, and of each that comes after it, told to an app. */
import type { AnyActorRef } from 'xstate';
import { EspalierError } from '../errors.js';
import { printFault } from './last-resort.js';
import { onNewcomer, watchingNewcomers, watchSeat } from './seats.js';
import { hasStopped } from './xstate-internals.js';

/** Listeners that may wait for somebody to listen to. */
const mostWaiting = 1_000;

/**
 * Calls the listener with each fact of that type, until it is unsubscribed, of the actor that is found now, and of each that its supervisor starts in its seat
 * after it: from before its start, so that nothing is missed; between two there is nobody to hear. It is let go with the supervisor at the top of the tree, or
 * when the seat is given up. Where nobody is found, it waits for the first one who is started and found, until it is unsubscribed. What it throws is printed and
 * goes no further: XState makes an uncaught exception of it.
 * @param find  who is to be heard; it may throw for one who cannot be meant
 * @param isMeant  may the actor be one that `find` finds?
 * @throws EspalierError `supervision/invalid-options` where 1 000 wait for somebody to come; what `find` throws now
 */
export function onFact(
  find: () => AnyActorRef | undefined,
  type: string,
  listener: (fact: never) => void,
  isMeant: (actor: AnyActorRef) => boolean = () => true,
): { unsubscribe(): void } {
  const found = find();
  if (found === undefined && watchingNewcomers() >= mostWaiting)
    throw new EspalierError('supervision/invalid-options', { expected: `at most ${mostWaiting} listeners that wait for an actor`, got: 'one more' });
  const tell = (fact: unknown): void => {
    try {
      listener(fact as never);
    } catch (error) {
      printFault(`a listener of '${type}'`, error);
    }
  };
  const following = new Following(type, tell);
  if (found === undefined) following.await(find, isMeant);
  else following.follow(found);
  return following;
}

class Following {
  readonly #type: string;
  readonly #tell: (fact: unknown) => void;
  #heard: { unsubscribe(): void } | undefined;
  #leave: (() => void) | null = null;

  constructor(type: string, tell: (fact: unknown) => void) {
    this.#type = type;
    this.#tell = tell;
  }

  follow(actor: AnyActorRef): void {
    this.#listen(actor);
    this.#leave = watchSeat(actor, (successor) => this.#listen(successor));
  }

  #listen(actor: AnyActorRef): void {
    this.#heard?.unsubscribe();
    this.#heard = hasStopped(actor) ? undefined : actor.on(this.#type, this.#tell);
  }

  /** An app may be able to find an actor only after that was started, and before it has something to say: so those who may be meant are listened to. */
  await(find: () => AnyActorRef | undefined, isMeant: (actor: AnyActorRef) => boolean): void {
    const candidates = new Map<AnyActorRef, { unsubscribe(): void }>();
    const isFound = (actor: AnyActorRef): boolean => {
      try {
        return find() === actor;
      } catch {
        return false;
      }
    };
    const leave = (): void => {
      ends();
      for (const candidate of candidates.values()) candidate.unsubscribe();
      candidates.clear();
    };
    const ends = onNewcomer((actor) => {
      if (!isMeant(actor)) return;
      if (isFound(actor)) {
        leave();
        return this.follow(actor);
      }
      for (const former of candidates.keys()) if (hasStopped(former)) candidates.delete(former);
      const candidate = actor.on(this.#type, (fact) => {
        if (!isFound(actor)) return;
        leave();
        this.follow(actor);
        this.#tell(fact);
      });
      candidates.set(actor, candidate);
    });
    this.#leave = leave;
  }

  unsubscribe(): void {
    this.#leave?.();
    this.#leave = null;
    this.#heard?.unsubscribe();
  }
}
