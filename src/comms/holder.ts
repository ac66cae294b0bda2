/** Who goes, or went, by an agent's name, and what that one has of the channel: no other has it after him, nor answers for it. */
import type { AnyActorRef } from 'xstate';
import type { ExitWatch } from '../supervision/watch.js';
import type { Message } from './message.js';

/** One actor that goes, or went, by the agent's name. */
export interface Holder {
  readonly ref: AnyActorRef;
  /** Stands in all that he is sent by that name, and in the credit that comes of it: so that is his, whoever goes by the name by then. */
  readonly id: string;
  /** Requests that it has not answered. */
  readonly out: Set<Message>;
  /** Those, and what lies before it while it is in the midst of something. */
  busy: number;
  /** Credit that it has given or taken by itself. */
  given: number;
  watch: ExitWatch;
}

const unwatched: ExitWatch = { unsubscribe: () => false };

/** The holders of all names, by which one is known again. */
export class Holders {
  readonly #ids = new WeakMap<AnyActorRef, Map<string, string>>();
  #count = 0;

  /** One who has the name now, and nothing of the channel yet. Whose channel was ended since nobody used it is who he was: he may have kept what he was sent. */
  make(agent: string, ref: AnyActorRef): Holder {
    const known = this.#ids.get(ref) ?? new Map<string, string>();
    const id = known.get(agent) ?? `${++this.#count}`;
    this.#ids.set(ref, known.set(agent, id));
    return { ref, id, out: new Set(), busy: 0, given: 0, watch: unwatched };
  }

  /** What he had is forgotten. Should he have the name again, what comes of then is nobody's: half of it would be credit that he never had. */
  forget(agent: string, { ref, id }: Holder): void {
    const known = this.#ids.get(ref);
    if (known?.get(agent) === id) known.delete(agent);
  }
}
