/** Events to actors that had ended, kept as dead letters. XState drops them without a word. */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { wordsOf } from '../../application/keeper.js';
import type { DeadLetters } from '../../events/dead-letters.js';
import { jsonOf } from '../../option-checks.js';
import { exitReason } from '../../supervision/watch.js';
import { hasStopped, parentOf } from '../../supervision/xstate-internals.js';
import { secretKeys } from '../../wire/secret-keys.js';
import { blot, hideInQueries } from '../../wire/secrets.js';

/** Letters that may wait to be stored. */
const mostWaiting = 1_000;

export class Burial {
  readonly #letters: DeadLetters;
  readonly #onLost: (lost: { readonly to: string; readonly why: string }) => void;
  readonly #waiting = new Set<Promise<unknown>>();
  /** Letters of this run that are stored. */
  buried = 0;
  /** Letters that could not be. */
  lost = 0;

  /** @param onLost  told at once of each letter that could not be stored */
  constructor(letters: DeadLetters, onLost: (lost: { readonly to: string; readonly why: string }) => void = () => {}) {
    this.#letters = letters;
    this.#onLost = onLost;
  }

  /** Looks at an event of the tree. */
  look(seen: InspectionEvent): void {
    const ref = seen.actorRef as AnyActorRef;
    // What XState itself sends to the dead, such as the end of a child, is no letter.
    if (seen.type !== '@xstate.event' || !hasStopped(ref) || seen.event.type.startsWith('xstate.')) return;
    // First: an event may be large, and a tree that floods the dead would be held up by letters that nobody keeps.
    if (this.#waiting.size >= mostWaiting) {
      this.#lose(ref, 'too many wait');
      return;
    }
    const text = jsonOf(seen.event);
    const event: unknown = text === null ? { type: seen.event.type } : JSON.parse(text, hideSecret);
    const stored = this.#bury(ref, event).finally(() => this.#waiting.delete(stored));
    this.#waiting.add(stored);
  }

  /** Never rejects. */
  async #bury(ref: AnyActorRef, event: unknown): Promise<void> {
    try {
      const outcome = await this.#letters.bury({ to: pathOf(ref), event, reason: wordsOf(exitReason(ref) ?? 'noproc') });
      if (outcome.ok) this.buried++;
      else this.#lose(ref, outcome.reason);
    } catch (error) {
      this.#lose(ref, wordsOf(error));
    }
  }

  #lose(ref: AnyActorRef, why: string): void {
    this.lost++;
    this.#onLost({ to: pathOf(ref), why });
  }

  /** Settles when all that waited is stored. */
  async all(): Promise<void> {
    await Promise.all(this.#waiting);
  }
}

/** What a recorder would not tell, a letter does not keep. */
function hideSecret(name: string, value: unknown): unknown {
  if (secretKeys.test(name)) return blot;
  return typeof value === 'string' ? hideInQueries(value) : value;
}

function pathOf(actor: AnyActorRef): string {
  const above = parentOf(actor);
  return above === undefined ? actor.id : `${pathOf(above)}/${actor.id}`;
}
