/**
 * A log as the backend has it: the record under one key, which each change replaces whole, and a key of its own for each decision that is kept.
 *
 * A decision stands in the record until it has its own key, which whoever proposes next makes first. That key is never made with anything else, so nothing is lost
 * where it is made twice, or late.
 */
import {
  type ConsensusRecord,
  type Decision,
  emptyRecord,
  standingOf,
  withoutProposal,
  withVote,
} from '../../machines/coordination/consensus-record.js';
import type { ScribeOutcome, ScribeTask } from '../../machines/coordination/consensus-events.js';
import type { BackendEntry, Refused, SetOutcome, Unknown } from '../backend/port.js';
import { isObject } from '../option-checks.js';
import type { ConsensusPlan } from './consensus-options.js';
import { wordsOf } from './follow-keys.js';

/** The record, and the revision that a change of it names: 0 before there is one. */
export interface LogLook {
  readonly outcome: 'ok';
  readonly record: ConsensusRecord;
  readonly revision: number;
}

/** What stands there is no record, or one of other rules. */
export interface Mismatch {
  readonly outcome: 'mismatch';
  readonly revision: number;
}

/** So many old decisions lose their keys with each new one, where more were left than may be. */
const oldPage = 8;

/** What stands under the log's key, for a member. */
export function lookOf({ rules }: ConsensusPlan, entry: BackendEntry | null): LogLook | Mismatch {
  if (entry === null) return { outcome: 'ok', record: emptyRecord(rules), revision: 0 };
  const value: unknown = entry.value;
  const isOurs = isObject(value) && JSON.stringify(value['rules']) === JSON.stringify(rules);
  if (!isOurs) return { outcome: 'mismatch', revision: entry.revision };
  return { outcome: 'ok', record: value as unknown as ConsensusRecord, revision: entry.revision };
}

/** The key of a decision: in the order of their indexes. */
export function decisionKey({ keys }: ConsensusPlan, index: number): string {
  return `${keys.decisions}${String(index).padStart(16, '0')}`;
}

/** What is asked of the log by one call each. */
export class Log {
  readonly #plan: ConsensusPlan;
  readonly #signal: AbortSignal;

  constructor(plan: ConsensusPlan, signal: AbortSignal) {
    this.#plan = plan;
    this.#signal = signal;
  }

  get #call(): { readonly signal: AbortSignal; readonly withinMs: number } {
    return { signal: this.#signal, withinMs: this.#plan.callMs };
  }

  async look(): Promise<LogLook | Mismatch | Refused> {
    const { backend, keys } = this.#plan;
    const read = await backend.get(keys.log, this.#call);
    return read.outcome === 'ok' ? lookOf(this.#plan, read.entry) : read;
  }

  write(revision: number, record: ConsensusRecord): Promise<SetOutcome> {
    const { backend, keys } = this.#plan;
    return backend.compareAndSet(keys.log, revision, record, this.#call);
  }

  /** What was decided at an index that has its own key. `null`: there is none, not yet or not any more. */
  async decisionAt(index: number): Promise<{ readonly outcome: 'ok'; readonly decision: Decision | null } | Refused> {
    const read = await this.#plan.backend.get(decisionKey(this.#plan, index), this.#call);
    if (read.outcome !== 'ok') return read;
    return { outcome: 'ok', decision: (read.entry?.value ?? null) as Decision | null };
  }

  /** Gives the newest decision its own key, and takes the oldest ones theirs. What stands there already is the same. */
  async keep(decision: Decision): Promise<'ok' | Refused | Unknown> {
    const { backend, keys, window } = this.#plan;
    const kept = await backend.compareAndSet(decisionKey(this.#plan, decision.index), 0, decision, this.#call);
    if (kept.outcome === 'unknown' || kept.outcome === 'refused') return kept;
    const oldest = await backend.list(keys.decisions, { ...this.#call, limit: oldPage });
    if (oldest.outcome !== 'ok') return oldest;
    const below = decisionKey(this.#plan, Math.max(0, decision.index - window + 1));
    // Where this is not done, whoever proposes next does it.
    for (const { key, revision } of oldest.entries) if (key < below) await backend.delete(key, revision, this.#call);
    return 'ok';
  }

  /** Writes a vote, or the end of a proposal whose proposer is dead. */
  async scribe({ proposal, vote, tries }: ScribeTask): Promise<ScribeOutcome> {
    const { id } = this.#plan;
    let seen = await this.look();
    for (;;) {
      if (seen.outcome === 'mismatch') return { outcome: 'over' };
      if (seen.outcome === 'refused') return { outcome: 'unanswered', why: wordsOf(seen) };
      const { record, revision } = seen;
      const step = vote === null ? abandoned(record, proposal) : withVote(record, { id: proposal, voter: id, vote, revision });
      // What it asked for before, and heard nothing of, was done then.
      if (step.outcome === 'counted') return tries > 0 && step.vote === vote ? { outcome: 'done' } : step;
      if (step.outcome !== 'cast') return { outcome: 'over' };
      const answer = await this.write(revision, step.record);
      if (answer.outcome === 'ok') return { outcome: 'done' };
      if (answer.outcome !== 'conflict') return { outcome: 'unanswered', why: wordsOf(answer) };
      seen = lookOf(this.#plan, answer.entry);
    }
  }
}

function abandoned(
  record: ConsensusRecord,
  id: string,
): { readonly outcome: 'over' } | { readonly outcome: 'cast'; readonly record: ConsensusRecord } {
  if (standingOf(record, id)?.state !== 'open') return { outcome: 'over' };
  return { outcome: 'cast', record: withoutProposal(record, id, 'abandoned') };
}
