/** The actor `engine` of the chart: it opens the store, has it, prunes it by policy, and closes it, however it ends. */
import { type AnyActorRef, fromCallback } from 'xstate';
import type { EngineCommand, EventStoreEvent } from '../../machines/events/event-store-events.js';
import { EspalierError } from '../errors.js';
import type { LedgerStore } from '../events/ledger-store.js';
import type { PrunePolicy } from '../events/port.js';
import { clockOf } from '../supervision/clock.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { Desk } from './desk.js';
import type { EventStorePlan } from './options.js';

type Report = Extract<EventStoreEvent, { type: `engine.${string}` }>;

export function engine(plan: EventStorePlan): ReturnType<typeof fromCallback<EngineCommand>> {
  return fromCallback<EngineCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const work = new Engine(plan, Desk.of(owner, plan), sendBack, () => clockOf(owner.system).now());
    receive((command) => work.obey(command));
    void work.open();
    onLoss(self, owner, () => owner.send({ type: 'engine.ended', at: clockOf(owner.system).now() }));
    return () => work.end();
  });
}

class Engine {
  readonly #policies: readonly PrunePolicy[];
  readonly #desk: Desk;
  readonly #report: (report: Report) => void;
  readonly #now: () => number;
  #store: LedgerStore | null = null;
  #isOver = false;
  /** Was it told to close before it was open? */
  #isUnwanted = false;
  #isPruning = false;

  constructor(plan: EventStorePlan, desk: Desk, report: (report: Report) => void, now: () => number) {
    this.#policies = plan.policies;
    this.#desk = desk;
    this.#report = report;
    this.#now = now;
  }

  /** Never rejects. */
  async open(): Promise<void> {
    let store: LedgerStore;
    try {
      store = await this.#desk.open();
    } catch (error) {
      if (!this.#isOver) this.#report(this.#wordOf(error));
      return;
    }
    const status = await store.status();
    if (this.#isOver) {
      await store.close();
      return;
    }
    this.#store = store;
    store.listen({
      faulted: ({ error, isBroken }) => {
        if (isBroken) this.#report({ type: 'engine.faulted', error, at: this.#now() });
      },
    });
    // First whoever counts on the chart: who waits may ask for something at once, and hears of it.
    this.#report({ type: 'engine.opened', head: status.ok ? status.head : 0, isDurable: store.isDurable });
    if (!this.#hasEnded()) {
      this.#desk.serve(store);
      await this.#prune();
    }
  }

  obey(command: EngineCommand): void {
    if (command.type === 'engine.prune') void this.#prune();
    else if (this.#store !== null) {
      this.end();
      this.#report({ type: 'engine.closed' });
    } else this.#isUnwanted = true;
  }

  /** Commits what waits, answers whoever did, and lets go. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const store = this.#store;
    if (store === null) return;
    // What it does, it does within the call.
    void store.close();
    this.#desk.withdraw(store);
  }

  /** What was open once may be again: its folder comes back, another process lets go of it. */
  #wordOf(error: unknown): Report {
    const code = error instanceof EspalierError ? error.code : 'engineFailed';
    return this.#desk.hasServed && !this.#isUnwanted ? { type: 'engine.faulted', error: code, at: this.#now() } : { type: 'engine.refused', code };
  }

  #hasEnded(): boolean {
    return this.#isOver;
  }

  /** Never rejects: a policy that cannot be carried out is one of the store's faults, and its turn comes again. */
  async #prune(): Promise<void> {
    if (this.#isPruning || this.#store === null) return;
    this.#isPruning = true;
    let [count, through] = [0, 0];
    for (const policy of this.#policies) {
      const outcome = await this.#store.prune(policy);
      if (!outcome.ok) continue;
      count += outcome.pruned;
      through = Math.max(through, outcome.through);
    }
    this.#isPruning = false;
    if (count > 0 && !this.#isOver) this.#report({ type: 'engine.pruned', count, through });
  }
}
