/**
 * What an app holds of a member of a log: it proposes, hears of each decision in order, and asks what was decided.
 *
 * Nothing throws nor rejects but for misuse; a call on a member that has ended is answered, where XState would drop the event.
 */
import type { AnyActorRef } from 'xstate';
import { consensusMachine } from '../../machines/coordination/consensus.js';
import type { ConsensusEmitted, ConsensusEvent, ProposalRefusal } from '../../machines/coordination/consensus-events.js';
import type { Decision } from '../../machines/coordination/consensus-record.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Backend, CallOptions, Refused } from '../backend/port.js';
import type { Clock } from '../supervision/clock.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { type ConsensusRef, consensus as consensusLogic, planOf } from './consensus.js';
import { Log } from './consensus-log.js';
import { type ConsensusOptions, count, duration, invalid, keptValue, requireOptions, requireSignal } from './consensus-options.js';
import { finder, PartCalls, PartHandle, type PartKind, startedRoot } from './part-handle.js';

type Fact<Type extends ConsensusEmitted['type']> = Extract<ConsensusEmitted, { type: Type }>;

/** How a value is proposed. */
export interface ProposeOptions {
  /** Only at this index: where that has another value it is `beaten`. Default: at the next that is to be had. */
  readonly index?: number;
  /** Has it aborted, unless it is decided. */
  readonly signal?: AbortSignal;
  /** How long it waits for its turn and for the votes, ms; then it is aborted. Default: the member's `withinMs`. */
  readonly withinMs?: number;
}

/** What has become of a proposal. But for `unknown`, what is not `ok` is not decided, nor ever will be. */
export type ProposeOutcome =
  | ({ readonly ok: true } & Pick<Decision, 'index' | 'value' | 'token'>)
  /** `winner`: what was decided at that index; null: it is kept no more. */
  | { readonly ok: false; readonly reason: 'beaten'; readonly winner: Decision | null }
  | { readonly ok: false; readonly reason: Exclude<ProposalRefusal, 'beaten'> };

/** What was decided at an index. `undecided`: nothing yet; `truncated`: it is kept no more; `mismatch`: the log is of others. */
export type DecidedOutcome =
  | { readonly ok: true; readonly decision: Decision }
  | { readonly ok: false; readonly reason: 'undecided' | 'truncated' | 'mismatch' | Refused['reason'] };

/** How a member stands. */
export interface ConsensusStatus {
  /** What it does for a value of its own. */
  readonly state: 'idle' | 'queueing' | 'open' | 'withdrawing' | 'ended';
  /** The index that is decided next, as it was seen last. It may be over: nothing is decided on it. */
  readonly next: number;
  /** Does it see the log just now? */
  readonly isFollowing: boolean;
}

/** One member, as an app holds it. Disposing of it closes it. */
export interface Consensus extends AsyncDisposable {
  /** The member's actor; undefined while none runs. */
  readonly ref: ConsensusRef | undefined;
  /**
   * Has a value decided, or aborted: one at a time.
   * @param value  JSON
   * @returns rejects for misuse only
   * @throws EspalierError `consensus/invalid-options`, as rejection
   */
  propose(value: unknown, options?: ProposeOptions): Promise<ProposeOutcome>;
  /** Asks what was decided at an index, at least 1. @throws EspalierError `consensus/invalid-options`, as rejection */
  decided(index: number, call?: CallOptions): Promise<DecidedOutcome>;
  status(): ConsensusStatus;
  /** Facts of the member, and of each that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `consensus/invalid-options` */
  on<Type extends ConsensusEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Has what it proposed aborted, unless it is decided, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a member that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `consensus/invalid-options` for a reference that runs none; from each call, for a function that finds one
 */
export function consensusHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Consensus {
  return new Handle(kind, finder(kind, ref));
}

/**
 * A member that an app starts by itself, the root of a system of its own. In an app with a tree, {@link consensusLogic} is a child of that.
 * @throws EspalierError `consensus/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createConsensus(backend: Backend, options: ConsensusOptions, where: { readonly clock?: Clock } = {}): Consensus {
  return new Handle(
    kind,
    startedRoot(kind, 'member', where, requireOptions, () => consensusLogic(backend, options)),
  );
}

const facts = keysOf<Record<ConsensusEmitted['type'], true>>({
  ...{ 'consensus.decided': true, 'consensus.missed': true, 'consensus.proposed': true, 'consensus.won': true, 'consensus.refused': true },
  ...{ 'consensus.voted': true, 'consensus.ignored': true, 'consensus.abandoned': true, 'consensus.mismatched': true, 'consensus.retrying': true },
});
const kind: PartKind = { id: 'consensus', machine: consensusMachine, planOf, facts, invalid };
const wishes = new PartCalls<Fact<'consensus.won' | 'consensus.refused'>>('w', ['consensus.won', 'consensus.refused']);

class Handle extends PartHandle<ConsensusRef, ConsensusEmitted> implements Consensus {
  async propose(value: unknown, options: ProposeOptions = {}): Promise<ProposeOutcome> {
    requireOptions('the options of a proposal', options, ['index', 'signal', 'withinMs']);
    const { signal } = options;
    requireSignal(signal);
    const { ref } = this;
    const plan = ref === undefined ? undefined : planOf(ref);
    const index = options.index === undefined ? null : count('index', options.index, 1);
    const withinMs = duration('withinMs', options.withinMs, plan?.withinMs ?? 1);
    const kept = keptValue(value);
    if (ref === undefined || plan === undefined || hasStopped(ref)) return { ok: false, reason: 'closed' };
    if (kept.bytes > plan.maxValueBytes) return { ok: false, reason: 'tooLarge' };
    if (signal?.aborted === true) return { ok: false, reason: 'cancelled' };
    return new Promise((resolve) => wish(ref, { value: kept.value, index, withinMs }, signal, resolve));
  }

  async decided(index: number, call: CallOptions = {}): Promise<DecidedOutcome> {
    requireOptions('the options of a call', call, ['signal', 'withinMs']);
    requireSignal(call.signal);
    const { ref } = this;
    const plan = ref === undefined ? undefined : planOf(ref);
    const withinMs = duration('withinMs', call.withinMs, plan?.callMs ?? 1);
    const wanted = count('index', index, 1);
    if (ref === undefined || plan === undefined || hasStopped(ref)) return { ok: false, reason: 'closed' };
    const { signal = new AbortController().signal } = call;
    return decisionIn(new Log({ ...plan, callMs: withinMs }, signal), wanted);
  }

  status(): ConsensusStatus {
    const { ref } = this;
    if (ref === undefined || hasStopped(ref)) return { state: 'ended', next: 1, isFollowing: false };
    const snapshot = ref.getSnapshot();
    const { value, context } = snapshot;
    const isFollowing = snapshot.hasTag('following');
    if (typeof value === 'string') return { state: 'ended', next: context.next, isFollowing };
    const { proposing } = value.running;
    const state = typeof proposing === 'string' ? 'idle' : typeof proposing.busy === 'string' ? 'withdrawing' : proposing.busy.waiting;
    return { state, next: context.next, isFollowing };
  }
}

/** A decision has its own key, or is the newest; what was neither, the first time, may have got a key meanwhile. */
async function decisionIn(log: Log, index: number): Promise<DecidedOutcome> {
  const first = await log.decisionAt(index);
  if (first.outcome !== 'ok') return { ok: false, reason: first.reason };
  if (first.decision !== null) return { ok: true, decision: first.decision };
  const look = await log.look();
  if (look.outcome !== 'ok') return { ok: false, reason: look.outcome === 'mismatch' ? 'mismatch' : look.reason };
  const { last, next } = look.record;
  if (last?.index === index) return { ok: true, decision: last };
  if (index >= next) return { ok: false, reason: 'undecided' };
  const second = await log.decisionAt(index);
  if (second.outcome !== 'ok') return { ok: false, reason: second.reason };
  return second.decision === null ? { ok: false, reason: 'truncated' } : { ok: true, decision: second.decision };
}

/** One wish, until it is answered: by the chart, or by its end. */
function wish(
  owner: ConsensusRef,
  asked: Pick<Extract<ConsensusEvent, { type: 'consensus.propose' }>, 'value' | 'index' | 'withinMs'>,
  signal: AbortSignal | undefined,
  answer: (outcome: ProposeOutcome) => void,
): void {
  const begin = (ref: string): ConsensusEvent => ({ type: 'consensus.propose', ref, ...asked });
  const cancel = (ref: string): ConsensusEvent => ({ type: 'consensus.cancel', ref });
  wishes.open(owner, { begin, cancel, signal }, (fact) => {
    // It has ended in the midst of it: what it had open is seen off by others, or decided before.
    if (fact === null) return answer({ ok: false, reason: 'unknown' });
    if (fact.type === 'consensus.refused') {
      const { reason, winner } = fact;
      return answer(reason === 'beaten' ? { ok: false, reason, winner } : { ok: false, reason });
    }
    const { index, value, token } = fact.decision;
    answer({ ok: true, index, value, token });
  });
}
