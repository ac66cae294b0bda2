/** The calls of one owner of a counter, each with its deadline: increments go to their shards, and sums are listed. */
import type { CounterDoubt, CounterFact, CounterRefusal, LedgerCommand } from '../../machines/coordination/counter-events.js';
import type { BackendClock } from '../backend/port.js';
import type { CounterPlan } from './counter-options.js';
import { isShape, shardOf, sumOf } from './counter-record.js';
import { Shard, type ShapeAnswer, type Wish } from './counter-shard.js';
import { pause } from './pause.js';

type Count = Extract<LedgerCommand, { type: 'ledger.count' }>;
type Sum = Extract<LedgerCommand, { type: 'ledger.sum' }>;

/** A call that is under way: how it is given up. */
interface Open {
  giveUp(why: CounterDoubt & CounterRefusal): void;
}

/** For its name alone: it is let go at once. */
const nameTtlMs = 1_000;

export class Ledger {
  readonly #plan: CounterPlan;
  readonly #clock: BackendClock;
  readonly #tell: (fact: CounterFact) => void;
  readonly #crash: (error: unknown) => void;
  readonly #over = new AbortController();
  readonly #open = new Map<string, Open>();
  readonly #shards = new Map<number, Shard>();
  /** Calls that have a shard, which knows what came of them. */
  readonly #sharded = new Set<string>();
  #shape: Promise<ShapeAnswer> | null = null;
  #name: Promise<string | null> | null = null;
  #named = 0;

  /** @param crash  told of a fault of the backend */
  constructor(plan: CounterPlan, clock: BackendClock, tell: (fact: CounterFact) => void, crash: (error: unknown) => void) {
    this.#plan = plan;
    this.#clock = clock;
    this.#tell = tell;
    this.#crash = crash;
  }

  take(command: LedgerCommand): void {
    if (command.type === 'ledger.count') void this.#count(command).catch(this.#crash);
    else if (command.type === 'ledger.sum') void this.#sum(command).catch(this.#crash);
    else if (command.type === 'ledger.cancel') this.#open.get(command.ref)?.giveUp('cancelled');
    else this.#drain();
  }

  /** Its actor ends: nothing is asked any more, and nobody hears of it. */
  end(): void {
    this.#over.abort();
    for (const { giveUp } of this.#open.values()) giveUp('closed');
  }

  #drain(): void {
    for (const shard of this.#shards.values()) shard.drain();
    for (const [ref, { giveUp }] of this.#open) if (!this.#sharded.has(ref)) giveUp('closed');
  }

  async #count({ ref, by, key, withinMs }: Count): Promise<void> {
    const settle = this.#begin(ref, withinMs, (why) => (wish.doubt === null ? wish.refused(why) : wish.doubted(why)));
    let shard: Shard | null = null;
    const done = (fact: CounterFact): void => {
      shard?.drop(wish);
      this.#sharded.delete(ref);
      settle(fact);
    };
    const wish: Wish & { key: string } = {
      ...{ key: `=${key}`, by, doubt: null, mayStand: false },
      counted: (isRepeat) => done({ type: 'counter.counted', ref, by, isRepeat }),
      doubted: (reason) => done({ type: 'counter.doubted', ref, reason }),
      refused: (reason) => done({ type: 'counter.refused', ref, reason }),
    };
    if (key === null) {
      const own = await this.#ownKey();
      if (!this.#open.has(ref)) return;
      if (own === null) return wish.refused('closed');
      wish.key = own;
    }
    shard = this.#shardOf(wish.key);
    this.#sharded.add(ref);
    await shard.serve(wish);
  }

  async #sum({ ref, withinMs }: Sum): Promise<void> {
    const over = new AbortController();
    const settle = this.#begin(ref, withinMs, (why) => {
      over.abort();
      settle({ type: 'counter.refused', ref, reason: why });
    });
    const { backend, keys, shape, callMs, retryMs } = this.#plan;
    while (!over.signal.aborted) {
      const sum = await sumOf(backend, keys, shape, { signal: over.signal, withinMs: callMs });
      if (over.signal.aborted) return;
      if (sum.outcome === 'ok') return settle({ type: 'counter.summed', ref, value: sum.value, revision: sum.revision });
      const reason = sum.outcome === 'mismatch' ? 'mismatch' : sum.reason;
      if (reason === 'mismatch' || reason === 'closed') return settle({ type: 'counter.refused', ref, reason });
      await pause(this.#clock, retryMs, over.signal);
    }
  }

  /** A call, until it is settled: once, by whoever is first. */
  #begin(ref: string, withinMs: number, giveUp: Open['giveUp']): (fact: CounterFact) => void {
    const timer = this.#clock.setTimeout(() => giveUp('late'), withinMs);
    this.#open.set(ref, { giveUp });
    return (fact) => {
      if (!this.#open.delete(ref)) return;
      this.#clock.clearTimeout(timer);
      this.#tell(fact);
    };
  }

  #shardOf(key: string): Shard {
    const index = shardOf(key, this.#plan.shape.shards);
    const shard = this.#shards.get(index) ?? new Shard(this.#plan, this.#clock, index, this.#over.signal, () => this.#askShape());
    this.#shards.set(index, shard);
    return shard;
  }

  /** Of which shape the counter is, which never changes: asked until it is known. */
  async #askShape(): Promise<ShapeAnswer> {
    this.#shape ??= this.#writeShape();
    const answer = await this.#shape;
    if (answer === 'again' || answer === 'full') this.#shape = null;
    return answer;
  }

  async #writeShape(): Promise<ShapeAnswer> {
    const { backend, keys, shape, callMs } = this.#plan;
    const written = await backend.compareAndSet(keys.shape, 0, shape, { signal: this.#over.signal, withinMs: callMs });
    if (written.outcome === 'ok') return 'ok';
    if (written.outcome === 'conflict') return isShape(written.entry, shape) ? 'ok' : 'mismatch';
    if (written.outcome !== 'refused') return 'again';
    const { reason } = written;
    if (reason === 'closed') return 'closed';
    return reason === 'full' || reason === 'tooLarge' ? 'full' : 'again';
  }

  /** A key that no other increment has: the name of a lease, of which the backend gives none twice, and a number. */
  async #ownKey(): Promise<string | null> {
    this.#name ??= this.#askName();
    const name = await this.#name;
    return name === null ? null : `${name}#${++this.#named}`;
  }

  /** Null: the backend is closed, or its owner ends. */
  async #askName(): Promise<string | null> {
    const { backend, callMs, retryMs } = this.#plan;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const granted = await backend.grant(nameTtlMs, { signal, withinMs: callMs });
      if (granted.outcome === 'ok') return granted.lease;
      if (granted.outcome === 'refused' && granted.reason === 'closed') return null;
      await pause(this.#clock, retryMs, signal);
    }
    return null;
  }
}
