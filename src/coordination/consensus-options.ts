/** What a member of a log is asked for, checked before anything happens. */
import type { Ballot } from '../../machines/coordination/consensus-events.js';
import type { ConsensusRules, ConsensusVote, JsonValue } from '../../machines/coordination/consensus-record.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { LeaseBackend } from '../backend/hold.js';
import type { Backend } from '../backend/port.js';
import { EspalierError } from '../errors.js';
import { isKeepable, isObject, jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';

/** What a voter's app is told beside the value. */
export interface BallotInfo extends Pick<Ballot, 'index' | 'by'> {
  /** Aborts when its vote is not wanted any more. */
  readonly signal: AbortSignal;
}

/** An app's own judgement of a value. What it throws, and a time beyond `voteMs`, is an abstention. */
export type Voter = (value: JsonValue, info: BallotInfo) => ConsensusVote | PromiseLike<ConsensusVote>;

/** Options of a member. A name that is not here is refused. */
export interface ConsensusOptions {
  /** All who name the same log on the same backend agree. At most 200 characters, no slash. */
  readonly name: string;
  /** Of this member, as others are told; as a voter it has one vote, however many run under its id. At most 200 characters, no slash. */
  readonly id: string;
  /** Who votes, by id, or how many, whoever they are: 1 to 100. The same for all members. */
  readonly voters: readonly string[] | number;
  /** How this member votes. Default: it does not, and proposes and follows only. */
  readonly vote?: Voter;
  /** Accepts that decide. More than half of the voters, at most all. Default: the least of that. The same for all members. */
  readonly quorum?: number;
  /** Votes of any kind without which nothing is decided, abstentions included. Default: none beside the quorum. The same for all members. */
  readonly participation?: number;
  /** So many of the newest decisions are kept, for those who come late. Default 100, at most 10 000. */
  readonly window?: number;
  /** The first index that it tells of. Default 1. */
  readonly from?: number;
  /** Bytes of one value's JSON. Default 16 KiB, at most 128 KiB; the backend's `maxValueBytes` must hold two of them, and the votes. */
  readonly maxValueBytes?: number;
  /** How long a proposal waits that says nothing of it, ms. Default 30 000. */
  readonly withinMs?: number;
  /** How long `vote` may take, ms; then it abstains. Default 5 000. */
  readonly voteMs?: number;
  /** Its lease while it proposes: so long after it has vanished its proposal is aborted. Ms; default 10 000. */
  readonly ttlMs?: number;
  /** The pause between two renewals, ms. Default: a third of `ttlMs`. */
  readonly renewEveryMs?: number;
  /** So much before the lease's end it counts as lost, ms. Default: a tenth of `ttlMs`. */
  readonly marginMs?: number;
  /** The pause before the backend is asked again that could not answer, ms. Default: a twentieth of `ttlMs`, at least 1. */
  readonly retryMs?: number;
}

/** The same with its defaults filled in. */
export interface ConsensusPlan extends Required<Omit<ConsensusOptions, 'vote' | 'voters' | 'quorum' | 'participation'>> {
  readonly backend: Backend;
  readonly vote: Voter | null;
  readonly rules: ConsensusRules;
  /** How long one call of the backend may take, ms: a few fit into a lease. */
  readonly callMs: number;
  readonly keys: ConsensusKeys;
}

/** Where a log is, among the keys of its backend. */
export interface ConsensusKeys {
  /** Of all of them. */
  readonly prefix: string;
  /** The record. It is never deleted: so no index begins anew. */
  readonly log: string;
  /** Before the lease of whoever proposes; bound to that. */
  readonly proposers: string;
  /** Before the index of each decision that is kept. */
  readonly decisions: string;
}

/** What the backend is to a log. */
export type ConsensusBackend = LeaseBackend & Pick<Backend, 'get' | 'compareAndSet' | 'delete' | 'list' | 'watch'>;

/** `consensus/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('consensus/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, duration, count } = optionChecks(invalid);

const keys = keysOf<ConsensusOptions>({
  ...({ name: true, id: true, voters: true, vote: true, quorum: true, participation: true, window: true, from: true } as const),
  ...({ maxValueBytes: true, withinMs: true, voteMs: true, ttlMs: true, renewEveryMs: true, marginMs: true, retryMs: true } as const),
});

/** What a log asks of its backend. */
const methods = ['get', 'grant', 'renew', 'revoke', 'compareAndSet', 'delete', 'list', 'watch'] as const;

/** The most voters: each of their writes may have to be made again for each of the others. */
const mostVoters = 100;

/** @throws EspalierError `consensus/invalid-options` */
export function planConsensus(backend: Backend, options: ConsensusOptions): ConsensusPlan {
  if (!isObject(backend) || methods.some((method) => typeof backend[method] !== 'function')) throw invalid('backend', 'a backend', sortOf(backend));
  requireOptions('the options of a consensus', options, keys);
  const { name, id, vote } = options;
  requireName('name', name);
  requireName('id', id);
  requireFunction('vote', vote);
  const rules = rulesOf(options);
  if (vote !== undefined && typeof rules.voters !== 'number' && !rules.voters.includes(id))
    throw invalid('vote', 'nothing, where the id is none of the voters', sortOf(vote));
  const ttlMs = duration('ttlMs', options.ttlMs, 10_000);
  const renewEveryMs = duration('renewEveryMs', options.renewEveryMs, Math.max(1, ttlMs / 3));
  const { marginMs = ttlMs / 10 } = options;
  if (typeof marginMs !== 'number' || !(marginMs >= 0 && marginMs < ttlMs))
    throw invalid('marginMs', 'ms, at least 0 and less than ttlMs', shown(marginMs));
  if (!(renewEveryMs < ttlMs - marginMs)) throw invalid('renewEveryMs', 'ms, less than is left of ttlMs without marginMs', shown(renewEveryMs));
  const prefix = `consensus/${name}/`;
  return {
    ...{ backend, name, id, rules, ttlMs, renewEveryMs, marginMs, vote: vote ?? null },
    window: count('window', options.window, 100, 10_000),
    from: count('from', options.from, 1),
    maxValueBytes: count('maxValueBytes', options.maxValueBytes, 16_384, 131_072),
    withinMs: duration('withinMs', options.withinMs, 30_000),
    voteMs: duration('voteMs', options.voteMs, 5_000),
    retryMs: duration('retryMs', options.retryMs, Math.max(1, ttlMs / 20)),
    callMs: Math.max(1, ttlMs / 4),
    keys: { prefix, log: `${prefix}log`, proposers: `${prefix}by/`, decisions: `${prefix}at/` },
  };
}

function rulesOf({ voters, quorum, participation }: ConsensusOptions): ConsensusRules {
  const most = typeof voters === 'number' ? count('voters', voters, 1, mostVoters) : listOf(voters).length;
  const least = Math.floor(most / 2) + 1;
  const decides = count('quorum', quorum, least, most);
  if (decides < least) throw invalid('quorum', `more than half of ${most} voters, at least ${least}`, decides);
  return {
    voters: typeof voters === 'number' ? voters : listOf(voters),
    quorum: decides,
    participation: count('participation', participation, decides, most),
  };
}

/** Sorted, so that it does not matter in which order they are named. */
function listOf(voters: unknown): readonly string[] {
  if (!Array.isArray(voters)) throw invalid('voters', `their ids, or how many they are, 1 to ${mostVoters}`, sortOf(voters));
  for (const each of voters as readonly unknown[]) requireName('voters', each);
  if (voters.length < 1 || voters.length > mostVoters || new Set(voters).size < voters.length)
    throw invalid('voters', `1 to ${mostVoters} ids, each once`, voters.length);
  return (voters as readonly string[]).toSorted();
}

/** A part of a key: what is no text that a backend takes, or would be in another log, is none. */
function requireName(what: string, value: unknown): void {
  if (typeof value === 'string' && value.length >= 1 && value.length <= 200 && !value.includes('/') && isKeepable(value)) return;
  const expected = 'a text of 1 to 200 characters without / and control characters';
  throw invalid(what, expected, typeof value === 'string' ? `a text of ${value.length}` : sortOf(value));
}

/** A value as it is kept, and its size in bytes. @throws EspalierError `consensus/invalid-options` */
export function keptValue(value: unknown): { readonly value: JsonValue; readonly bytes: number } {
  const text = jsonOf(value);
  if (text === null) throw invalid('value', 'JSON', sortOf(value));
  return { value: JSON.parse(text) as JsonValue, bytes: new TextEncoder().encode(text).length };
}
