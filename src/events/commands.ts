/** What a store is told to do, one command each: carried out in a commit with others, answered after it. */
import type { CheckedEvent, CheckedWrite } from './event-checks.js';
import type { Ledger, LedgerFault, Selection } from './ledger.js';
import type { AppendOutcome, Fence, FenceOutcome, NotDone, PruneOutcome, PrunePolicy, RemoveOutcome, SaveOutcome } from './port.js';

/** Entries that one commit takes out; then others have their turn. */
const prunedAtATime = 2_000;

/** What a commit has in hand. */
export interface Turn {
  readonly ledger: Ledger;
  /** Of this commit: never before the newest event. */
  readonly wallAt: number;
  /** An id that nobody has. */
  newId(): string;
}

/** A command that waits for its commit: `run` there, then exactly one of `settle` and `refuse`. */
export interface Waiting {
  readonly weight: number;
  readonly bytes: number;
  readonly name: string;
  readonly addsEvents: boolean;
  readonly outcome: { readonly ok: boolean } | undefined;
  run(turn: Turn): boolean;
  settle(): void;
  refuse(outcome: NotDone): void;
  fail(fault: LedgerFault): void;
}

export abstract class Command<Outcome extends { readonly ok: boolean }> implements Waiting {
  /** What it adds to a commit. */
  readonly weight: number = 1;
  readonly bytes: number = 0;
  /** The stream, the key or the fence that it is about. */
  abstract readonly name: string;
  /** Does it add events to the stream of its name? */
  readonly addsEvents: boolean = false;
  readonly settled: Promise<Outcome | NotDone>;
  outcome: Outcome | NotDone | undefined;
  #resolve!: (outcome: Outcome | NotDone) => void;

  constructor() {
    this.settled = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** @returns true where it is not done, and is to run again in the next commit */
  run(turn: Turn): boolean {
    this.outcome = this.carryOut(turn);
    return this.outcome === undefined;
  }

  /** Undefined: not done yet. */
  protected abstract carryOut(turn: Turn): Outcome | NotDone | undefined;

  settle(): void {
    if (this.outcome !== undefined) this.#resolve(this.outcome);
  }

  refuse(outcome: NotDone): void {
    this.outcome = outcome;
    this.#resolve(outcome);
  }

  fail({ outcome, message }: LedgerFault): void {
    this.refuse({ ok: false, reason: outcome, error: message });
  }
}

/** Notes the token, where nobody with a higher one was there. */
function pass(ledger: Ledger, fence: Fence | undefined): NotDone | null {
  if (fence === undefined) return null;
  const { name, token } = fence;
  const highest = ledger.highestToken(name);
  if (token < highest) return { ok: false, reason: 'fenced', name, token, highest };
  if (token > highest) ledger.setToken(name, token);
  return null;
}

export class Append extends Command<AppendOutcome> {
  override readonly addsEvents = true;
  override readonly weight: number;
  override readonly bytes: number;
  readonly name: string;
  readonly #events: readonly CheckedEvent[];
  readonly #expected: number | undefined;
  readonly #fence: Fence | undefined;

  constructor(stream: string, events: readonly CheckedEvent[], bytes: number, { expected, fence }: CheckedWrite) {
    super();
    this.name = stream;
    this.weight = events.length;
    this.bytes = bytes;
    this.#events = events;
    this.#expected = expected;
    this.#fence = fence;
  }

  protected carryOut({ ledger, wallAt, newId }: Turn): AppendOutcome {
    const fenced = pass(ledger, this.#fence);
    if (fenced !== null) return fenced;
    const stream = this.name;
    for (const { id } of this.#events) {
      const there = id === null ? null : ledger.entryOf(id);
      if (there !== null)
        return { ok: false, reason: 'duplicate', id: there.id, stream: there.stream, version: there.version, position: there.position };
    }
    const actual = ledger.versionOf(stream);
    if (this.#expected !== undefined && this.#expected !== actual) return { ok: false, reason: 'conflict', expected: this.#expected, actual };
    const ids: string[] = [];
    let [version, position] = [actual, 0];
    for (const { type, data, id, correlation, causation } of this.#events) {
      const own = id ?? newId();
      ids.push(own);
      position = ledger.add({ stream, version: ++version, id: own, type, data, correlation, causation, wallAt });
    }
    ledger.setVersion(stream, version);
    return { ok: true, version, position, ids };
  }
}

export class Guard extends Command<FenceOutcome> {
  readonly name: string;
  readonly #fence: Fence;

  constructor(fence: Fence) {
    super();
    this.name = fence.name;
    this.#fence = fence;
  }

  protected carryOut({ ledger }: Turn): FenceOutcome {
    return pass(ledger, this.#fence) ?? { ok: true, highest: this.#fence.token };
  }
}

/** What is done to one document. */
abstract class Change<Outcome extends { readonly ok: boolean }> extends Command<Outcome> {
  override readonly bytes: number;
  readonly name: string;
  readonly #expected: number | undefined;
  readonly #fence: Fence | undefined;

  constructor(key: string, bytes: number, { expected, fence }: CheckedWrite) {
    super();
    this.name = key;
    this.bytes = bytes;
    this.#expected = expected;
    this.#fence = fence;
  }

  /** Why it may not be, or the revision that is there. */
  protected look(ledger: Ledger): NotDone | Conflict | number {
    const fenced = pass(ledger, this.#fence);
    if (fenced !== null) return fenced;
    const actual = ledger.documentOf(this.name)?.revision ?? 0;
    const isOther = this.#expected !== undefined && this.#expected !== actual;
    return isOther ? { ok: false, reason: 'conflict', expected: this.#expected, actual } : actual;
  }
}

type Conflict = Extract<SaveOutcome, { reason: 'conflict' }>;

/** A value put under a key. */
export class Save extends Change<SaveOutcome> {
  readonly #value: string;

  constructor(key: string, value: string, bytes: number, options: CheckedWrite) {
    super(key, bytes, options);
    this.#value = value;
  }

  protected carryOut({ ledger, wallAt }: Turn): SaveOutcome {
    const found = this.look(ledger);
    if (typeof found === 'object') return found;
    return { ok: true, revision: ledger.putDocument({ key: this.name, value: this.#value, wallAt }) };
  }
}

/** What is under a key taken away. */
export class Remove extends Change<RemoveOutcome> {
  protected carryOut({ ledger }: Turn): RemoveOutcome {
    const found = this.look(ledger);
    if (typeof found === 'object') return found;
    if (found > 0) ledger.removeDocument(this.name);
    return { ok: true, removed: found > 0 };
  }
}

/**
 * In parts, each in a commit of its own: what lies behind it is found once, at the first. Where a later part fails, or the store closes, the earlier ones are
 * gone for good; the outcome speaks of the part that was not done.
 */
export class Prune extends Command<PruneOutcome> {
  readonly name: string;
  readonly #policy: PrunePolicy;
  #below: number | undefined;
  /** The stream that the next part goes on with. */
  #from: string | undefined;
  #count = 0;
  #through = 0;

  constructor(policy: PrunePolicy) {
    super();
    this.name = policy.stream ?? policy.prefix ?? '';
    this.#policy = policy;
  }

  protected carryOut({ ledger, wallAt }: Turn): PruneOutcome | undefined {
    const { stream, prefix } = this.#policy;
    const selection: Selection = { ...(stream === undefined ? {} : { stream }), ...(prefix === undefined ? {} : { prefix }) };
    // What is stored from now on stays: else one that goes on for long would have no end.
    this.#below ??= Math.min(this.#bound(ledger, selection, wallAt), ledger.head() + 1);
    const { count, through, last } = ledger.prune(selection, this.#below, prunedAtATime, this.#from);
    this.#from = last ?? this.#from;
    this.#count += count;
    this.#through = Math.max(this.#through, through);
    return count < prunedAtATime ? { ok: true, pruned: this.#count, through: this.#through } : undefined;
  }

  #bound(ledger: Ledger, selection: Selection, wallAt: number): number {
    const { below, olderThanMs, keep } = this.#policy;
    if (below !== undefined) return below;
    if (olderThanMs !== undefined) return ledger.positionSince(wallAt - olderThanMs);
    return keep === 0 ? ledger.head() + 1 : ledger.newest(selection, keep as number);
  }
}
