/** The keys of a gate that are in use, and the levels of all. */
import type { GateEvent, PermitsCommand } from '../../machines/gate/gate-events.js';
import type { DeadlineQueue } from '../supervision/deadlines.js';
import { Lane } from './lane.js';
import { Levels } from './levels.js';
import type { GatePlan } from './options.js';
import type { PermitTable } from './permits.js';

type Word = Exclude<PermitsCommand, { type: 'permits.drain' }>;
type News = Extract<GateEvent, { type: 'keys.forgotten' }>;

export class Lanes {
  readonly #table: PermitTable;
  readonly #plan: GatePlan;
  readonly #waits: DeadlineQueue;
  readonly #report: (news: News) => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #levels: Levels;
  /** The one that was asked for last: mostly it is the next, too. */
  #latest: Lane | undefined;
  /** Where somebody began to wait in this turn. */
  readonly #fresh: Lane[] = [];

  constructor(table: PermitTable, plan: GatePlan, waits: DeadlineQueue, report: (news: News) => void) {
    this.#table = table;
    this.#plan = plan;
    this.#waits = waits;
    this.#report = report;
    this.#levels = new Levels(plan.maxKeys);
  }

  /** One that is in use. */
  get(key: string): Lane | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.key === key) return latest;
    const lane = this.#lanes.get(key);
    if (lane !== undefined) this.#latest = lane;
    return lane;
  }

  /** All that are in use. */
  all(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  /** May the app set the limit of this key? There is room for as many as there may be keys. */
  canLimit(key: string): boolean {
    return this.#levels.canLimit(key);
  }

  /** One that comes into use; null where too many are. */
  open(key: string, now: () => number): Lane | null {
    if (this.#lanes.size >= this.#plan.maxKeys) {
      this.#forgetIdle(now());
      if (this.#lanes.size >= this.#plan.maxKeys) return null;
    }
    const policy = this.#plan.policy(key);
    const lane = new Lane(this.#table, key, policy, this.#levels.of(key, policy.permits), this.#waits);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Keys that nobody uses make room; what they have learnt of their level goes with them, what the app has set does not. */
  #forgetIdle(now: number): void {
    const learnt: string[] = [];
    for (const lane of this.#lanes.values()) {
      if (!lane.isIdle(now)) continue;
      this.#lanes.delete(lane.key);
      if (lane === this.#latest) this.#latest = undefined;
      if (this.#levels.forget(lane.key)) learnt.push(lane.key);
    }
    if (learnt.length > 0) this.#report({ type: 'keys.forgotten', keys: learnt });
  }

  /** The chart's word on levels. @returns the keys in use that have theirs from it */
  hear(word: Word): readonly Lane[] {
    if (word.type === 'permits.level') this.#levels.note(word.key, word.level, word.isSet);
    const keys = word.type === 'permits.resume' ? this.#levels.resume(word) : [word.key];
    const lanes = keys.flatMap((key) => this.#lanes.get(key) ?? []);
    for (const lane of lanes) {
      lane.level = this.#levels.of(lane.key, lane.policy.permits);
      lane.successes = 0;
    }
    return lanes;
  }

  /** Somebody waits in it who is not among the deadlines before {@link watch} is called. */
  watchLater(lane: Lane): void {
    this.#fresh.push(lane);
  }

  /** The turn is over: looks after those who began to wait in it. */
  watch(): void {
    for (const lane of this.#fresh) lane.watch();
    this.#fresh.length = 0;
  }

  clear(): void {
    this.#fresh.length = 0;
    this.#latest = undefined;
    this.#lanes.clear();
  }
}
