/** What handles of monitors have in common: how the monitor is found, listened to and closed. */
import type { AnyActorRef } from 'xstate';
import { monitorMachine } from '../../machines/health/monitor.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { sortOf } from '../option-checks.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { invalid } from './refusal.js';

/** Where a monitor is found: its reference, or a function that follows its restarts. */
export type Found = AnyActorRef | (() => AnyActorRef | undefined);

/** Does the actor run the chart of monitors, for this purpose? */
function isMonitor(ref: unknown, of: 'probes' | 'services'): ref is AnyActorRef {
  return runsMachine(ref, monitorMachine) && ((ref as AnyActorRef).getSnapshot() as { context: { of: string } }).context.of === of;
}

export class Held {
  readonly #find: () => AnyActorRef | undefined;
  readonly #of: 'probes' | 'services';
  readonly #facts: readonly string[];

  /** @throws EspalierError `health/invalid-options` for a reference to another actor */
  constructor(found: Found, of: 'probes' | 'services', facts: readonly string[]) {
    this.#of = of;
    this.#facts = facts;
    if (typeof found === 'function') this.#find = found;
    else if (isMonitor(found, of)) this.#find = () => found;
    else throw this.#other(found);
  }

  #other(got: unknown): Error {
    return invalid('ref', `an actor that runs ${this.#of === 'probes' ? 'healthMonitor()' : 'serviceMonitor()'}`, sortOf(got));
  }

  get ref(): AnyActorRef | undefined {
    const ref = this.#find();
    if (ref === undefined || isMonitor(ref, this.#of)) return ref;
    throw this.#other(ref);
  }

  on(type: string, listener: (fact: never) => void): { unsubscribe(): void } {
    if (!this.#facts.includes(type)) throw invalid('type', this.#facts.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(
      () => this.ref,
      type,
      listener,
      (ref) => isMonitor(ref, this.#of),
    );
  }

  async close(): Promise<ExitReason | 'noproc'> {
    const { ref } = this;
    return ref === undefined ? 'noproc' : ended(ref, () => ref.send({ type: 'monitor.close' }));
  }
}
