/** What a coordinator is asked for, and what it is to run, checked before anything happens. */
import type { Backoff } from '../../machines/backoff.js';
import { hash } from '../../machines/hash.js';
import type { SessionInput, SessionRetry } from '../../machines/coordination/session-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Requests } from '../comms/port.js';
import { EspalierError } from '../errors.js';
import { isObject, optionChecks, shown, sortOf } from '../option-checks.js';
import type { Protocol } from './protocol.js';

/** What follows the crash of a session's worker. */
export interface RetryOptions {
  /** How often the protocol is run at the most, the first time included: 1 is no retry. Default 3, at most 100. */
  readonly attempts?: number;
  /** The pause before each further time. Default: 100 ms, doubling up to 5 s, half of it by chance. */
  readonly backoff?: Partial<Backoff>;
}

/** Options of a coordinator. A name that is not here is refused. */
export interface CoordinatorOptions {
  /** Who asks the agents. */
  readonly requests: Requests;
  /** How many sessions run at once. Default 100, at most 100 000. */
  readonly maxSessions?: number;
  /** How many may wait for their turn beside those; a further one is refused, `full`. Default 0: none waits. At most 100 000. */
  readonly maxWaiting?: number;
  /** How long a session may take that says nothing of it, ms. Default 30 000. */
  readonly withinMs?: number;
  /** Of sessions that say nothing of it. */
  readonly retry?: RetryOptions;
  /** How many results are kept for `resultOf`. Default 1 000, at most 1 000 000. */
  readonly keepResults?: number;
  /** How long they are, ms. Default 300 000. */
  readonly keepMs?: number;
}

/** What one session is asked for. */
export interface SessionOptions {
  /** Who takes part, by name, each once, in the order that counts where nothing else does. At most 10 000. */
  readonly agents: readonly string[];
  /** By which it is known; at most 200 characters. Of no other session ever: what an agent answers is kept under it. Default: one of its own. */
  readonly id?: string;
  /** From which ties are drawn: a whole number of 32 bits. Default: made of the id. */
  readonly seed?: number;
  /** From now to its end at the latest, ms; the wait for its turn counts. Default: the coordinator's. */
  readonly withinMs?: number;
  /** Default: the coordinator's. */
  readonly retry?: RetryOptions;
  /** Cancels it. */
  readonly signal?: AbortSignal;
}

/** The options of a coordinator with their defaults filled in. */
export interface CoordinatorPlan extends Required<Omit<CoordinatorOptions, 'retry'>> {
  readonly retry: SessionRetry;
}

/** `coordination/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('coordination/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** `coordination/insufficient-agents`: so many or these do not suffice for a protocol. */
export function insufficient(expected: string, got: unknown): EspalierError {
  return new EspalierError('coordination/insufficient-agents', { expected, got });
}

export const { requireOptions, requireFunction, requireSignal, requireText, duration, count } = optionChecks(invalid);

const defaultRetry: SessionRetry = { attempts: 3, backoff: { minMs: 100, maxMs: 5_000, factor: 2, jitter: 0.5, resetAfterMs: 60_000 } };
const defaultWithinMs = 30_000;
const mostAgents = 10_000;
/** Of an id, characters: comms take keys of 200, and that of a question is the id with the question's own. */
const longestId = 160;

const coordinatorKeys = keysOf<CoordinatorOptions>({
  ...({ requests: true, maxSessions: true, maxWaiting: true, withinMs: true } as const),
  ...({ retry: true, keepResults: true, keepMs: true } as const),
});
const sessionKeys = keysOf<SessionOptions>({ agents: true, id: true, seed: true, withinMs: true, retry: true, signal: true });
const backoffKeys = keysOf<Backoff>({ minMs: true, maxMs: true, factor: true, jitter: true, resetAfterMs: true, seed: true });

/** @throws EspalierError `coordination/invalid-options` */
export function planCoordinator(options: CoordinatorOptions): CoordinatorPlan {
  requireOptions('the options of a coordinator', options, coordinatorKeys);
  const { requests, maxWaiting = 0 } = options;
  if (!isObject(requests) || typeof requests['request'] !== 'function')
    throw invalid('requests', 'somebody who asks agents: an object with request()', sortOf(requests));
  return {
    requests,
    maxSessions: count('maxSessions', options.maxSessions, 100, 100_000),
    maxWaiting: maxWaiting === 0 ? 0 : count('maxWaiting', maxWaiting, 0, 100_000),
    withinMs: duration('withinMs', options.withinMs, defaultWithinMs),
    retry: planRetry(options.retry, defaultRetry),
    keepResults: count('keepResults', options.keepResults, 1_000, 1_000_000),
    keepMs: duration('keepMs', options.keepMs, 300_000),
  };
}

/**
 * Looks at what is to be run, and who is to take part.
 * @param plan   of the coordinator; undefined where none runs: then nothing comes of it but the checks
 * @param newId  gives an id to a session that has none
 * @throws EspalierError `coordination/invalid-options`; what the protocol throws where so many or these agents will not do
 */
export function planSession(
  protocol: Protocol,
  options: SessionOptions,
  plan: Pick<CoordinatorPlan, 'withinMs' | 'retry'> | undefined,
  newId: () => string,
): SessionInput {
  requireProtocol(protocol);
  requireOptions('the options of a session', options, sessionKeys);
  const { agents, signal } = options;
  requireSignal(signal);
  requireAgents(agents);
  if (options.id !== undefined) requireText('id', options.id);
  if ((options.id?.length ?? 0) > longestId) throw invalid('id', `at most ${longestId} characters`, options.id?.length);
  if (options.seed !== undefined && !isSeed(options.seed)) throw invalid('seed', 'a whole number of 32 bits', shown(options.seed));
  const withinMs = duration('withinMs', options.withinMs, plan?.withinMs ?? defaultWithinMs);
  const retry = planRetry(options.retry, plan?.retry ?? defaultRetry);
  protocol.requireAgents(agents);
  const { id = newId() } = options;
  return { session: id, protocol: protocol.name, agents: [...agents], seed: options.seed ?? hash(id), withinMs, retry };
}

function requireProtocol(protocol: unknown): asserts protocol is Protocol {
  const { name, requireAgents, logic } = (isObject(protocol) ? protocol : {}) as Partial<Protocol>;
  const isProtocol = typeof name === 'string' && typeof requireAgents === 'function' && typeof logic === 'function';
  if (!isProtocol) throw invalid('protocol', 'a protocol, as voting() makes one', sortOf(protocol));
}

function requireAgents(agents: unknown): asserts agents is readonly string[] {
  if (!Array.isArray(agents)) throw invalid('agents', 'a list of names', sortOf(agents));
  if (agents.length > mostAgents) throw invalid('agents', `at most ${mostAgents} names`, agents.length);
  for (const [index, agent] of agents.entries()) requireText(`agents[${index}]`, agent);
  if (new Set(agents).size < agents.length) throw invalid('agents', 'each name once', 'one more than once');
}

/** A whole number of 32 bits, with a sign or without. */
function isSeed(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= -0x8000_0000 && Number(value) <= 0xffff_ffff;
}

function planRetry(retry: RetryOptions | undefined, byDefault: SessionRetry): SessionRetry {
  if (retry === undefined) return byDefault;
  requireOptions('retry', retry, ['attempts', 'backoff']);
  const { backoff = {} } = retry;
  requireOptions('retry.backoff', backoff, backoffKeys);
  const whole = { ...byDefault.backoff, ...backoff };
  if (!isBackoff(whole)) throw invalid('retry.backoff', wholeBackoff, 'another');
  return { attempts: count('retry.attempts', retry.attempts, byDefault.attempts, 100), backoff: whole };
}
