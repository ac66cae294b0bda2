/**
 * One shard of a counter, as one owner writes it: those who wait for it go into one write together, and each write names the revision that it has seen. Where
 * nobody knows whether a write was done, what stands there tells: it has the keys, or another revision without them, or it is asked for again.
 */
import type { CounterDoubt, CounterRefusal } from '../../machines/coordination/counter-events.js';
import type { BackendClock, BackendEntry } from '../backend/port.js';
import type { CounterPlan } from './counter-options.js';
import { batchOf, counted, type Increment, mostInShard, type ShardRecord, shardRecord, verdictOf } from './counter-record.js';
import { pause } from './pause.js';

/** An increment that waits for its shard. */
export interface Wish extends Increment {
  /** The first write of it of which it is not known whether it was done: the revision that it named, and how many were counted then; null: there is none. */
  doubt: { readonly revision: number; readonly count: number } | null;
  /** Was a write of it ever of which nobody knew? Then its key may stand there by this call. */
  mayStand: boolean;
  counted(isRepeat: boolean): void;
  doubted(reason: CounterDoubt): void;
  refused(reason: CounterRefusal): void;
}

/** What came of looking whether the counter is of the same shape: `again`: it could not be asked. */
export type ShapeAnswer = 'ok' | 'again' | Extract<CounterRefusal, 'mismatch' | 'full' | 'closed'>;

export class Shard {
  readonly #plan: CounterPlan;
  readonly #clock: BackendClock;
  readonly #key: string;
  /** Aborts when its owner ends. */
  readonly #end: AbortSignal;
  readonly #askShape: () => Promise<ShapeAnswer>;
  readonly #wishes = new Set<Wish>();
  /** As it was seen last; null: it is to be asked. */
  #seen: { readonly revision: number; readonly record: ShardRecord } | null = null;
  #isDraining = false;
  #isServing = false;

  constructor(plan: CounterPlan, clock: BackendClock, index: number, end: AbortSignal, askShape: () => Promise<ShapeAnswer>) {
    this.#plan = plan;
    this.#clock = clock;
    this.#key = `${plan.keys.shard}${index}`;
    this.#end = end;
    this.#askShape = askShape;
  }

  /** Nothing new is written from now on. */
  drain(): void {
    this.#isDraining = true;
    for (const wish of this.#wishes) if (wish.doubt === null) wish.refused('closed');
  }

  /** It waits no more. */
  drop(wish: Wish): void {
    this.#wishes.delete(wish);
  }

  /** Takes one more, and serves all until none waits. Rejects for a fault of the backend only, of which the first who waits hears. */
  async serve(wish: Wish): Promise<void> {
    this.#wishes.add(wish);
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#wishes.size > 0 && !this.#end.aborted) {
        if (!(await this.#round())) await pause(this.#clock, this.#plan.retryMs, this.#end);
      }
    } finally {
      this.#isServing = false;
    }
  }

  /** @returns false: it could not be asked, and is asked again later */
  async #round(): Promise<boolean> {
    const shape = await this.#askShape();
    if (shape === 'again') return false;
    if (shape !== 'ok') return this.#refuse(shape);
    let seen = this.#seen ?? (await this.#look());
    // It may hold less by now than when it was seen.
    if (seen !== null && this.#overflowing(seen.record).length > 0) seen = await this.#look();
    if (seen === null || this.#end.aborted) return false;
    this.#seen = seen;
    this.#judge(seen);
    return this.#write(seen);
  }

  async #look(): Promise<{ readonly revision: number; readonly record: ShardRecord } | null> {
    const { backend, callMs } = this.#plan;
    const there = await backend.get(this.#key, { signal: this.#end, withinMs: callMs });
    if (there.outcome === 'ok') return this.#read(there.entry);
    if (there.reason === 'closed') this.#refuse('closed');
    return null;
  }

  #read(entry: BackendEntry | null): { readonly revision: number; readonly record: ShardRecord } | null {
    const record = shardRecord(entry);
    if (record === null) this.#refuse('mismatch');
    return record === null ? null : { revision: entry?.revision ?? 0, record };
  }

  /** What the shard says of all who wait. */
  #judge({ revision, record }: { readonly revision: number; readonly record: ShardRecord }): void {
    for (const wish of this.#wishes) {
      const { doubt } = wish;
      const verdict = verdictOf(record, wish, doubt?.count ?? null);
      if (verdict === 'counted') wish.counted(!wish.mayStand);
      else if (verdict === 'reused') wish.refused('reused');
      else if (verdict === 'forgotten') wish.doubted('forgotten');
      else if (doubt !== null && doubt.revision !== revision) {
        // Another write was done in the place of that one.
        wish.doubt = null;
        if (this.#isDraining) wish.refused('closed');
      }
    }
  }

  #overflowing({ sum }: ShardRecord): readonly Wish[] {
    const most = mostInShard(this.#plan.shape.shards);
    return [...this.#wishes].filter(({ by, doubt }) => doubt === null && Math.abs(sum + by) > most);
  }

  async #write({ revision, record }: { readonly revision: number; readonly record: ShardRecord }): Promise<boolean> {
    const { backend, callMs, shape } = this.#plan;
    for (const wish of this.#overflowing(record)) wish.refused('overflow');
    const batch = batchOf(record, this.#wishes, shape);
    if (batch.length === 0) return true;
    const before = new Map(batch.map((wish) => [wish, wish.doubt]));
    for (const wish of batch) wish.doubt ??= { revision, count: record.count };
    const next = counted(record, batch, shape);
    const written = await backend.compareAndSet(this.#key, revision, next, { signal: this.#end, withinMs: callMs });
    if (this.#end.aborted) return false;
    if (written.outcome === 'ok') {
      this.#seen = { revision: written.revision, record: next };
      for (const wish of batch) if (this.#wishes.has(wish)) wish.counted(false);
      return true;
    }
    this.#seen = null;
    if (written.outcome === 'unknown' || written.outcome === 'gone') {
      for (const wish of batch) wish.mayStand = true;
      return false;
    }
    // This write was not done; one before it may be yet.
    for (const [wish, doubt] of before) wish.doubt = doubt;
    if (written.outcome === 'conflict') {
      this.#seen = this.#read(written.entry);
      return true;
    }
    const { reason } = written;
    if (reason === 'closed') return this.#refuse('closed');
    if (reason === 'full' || reason === 'tooLarge') for (const wish of batch) if (wish.doubt === null) wish.refused('full');
    return false;
  }

  /** All who wait: it is said for good. */
  #refuse(reason: Extract<CounterRefusal, 'mismatch' | 'full' | 'closed'>): true {
    for (const wish of this.#wishes) {
      if (wish.doubt === null) wish.refused(reason);
      else wish.doubted('closed');
    }
    return true;
  }
}
