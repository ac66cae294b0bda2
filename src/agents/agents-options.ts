/** What a room of agents and an agent are asked for, checked before anything happens. */
import type { AgentChanges, AgentSpec } from '../../machines/agents/agent-events.js';
import type { Backoff } from '../../machines/backoff.js';
import { defaultIntensity, type Intensity, problemOfSpec, type RestartType, type ShutdownMs } from '../../machines/supervision/child-spec.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { optionChecks, sortOf } from '../option-checks.js';
import { type ActorMap, refuse, srcsOf } from '../supervision/supervisors.js';

/** Options of a room of agents. */
export interface AgentsOptions<Logics extends ActorMap = ActorMap> {
  /** What agents may run, by the name that they give as `src`: any XState logic. */
  readonly logics: Logics;
  /** How many may be registered; a further one is refused, `full`. Default 10 000, at most 100 000. */
  readonly maxAgents?: number;
}

/** How an agent is registered. */
export interface AgentOptions {
  /** Its name, at most 200 characters. */
  readonly id: string;
  /** The name of its logic. */
  readonly src: string;
  /** Input of its logic; JSON. */
  readonly input?: unknown;
  /** What it can do; at most 32 words. Default: nothing. */
  readonly capabilities?: readonly string[];
  /** When it is restarted. Default `permanent`. */
  readonly restart?: RestartType;
  /** Its own restarts, beyond which it stays down and has failed. Default 3 in 5 000 ms. */
  readonly budget?: Intensity;
  /** The wait before a restart. Default: none. */
  readonly backoff?: Backoff;
  /** How long it may take to end when asked. Default 5 000 ms. */
  readonly shutdownMs?: ShutdownMs;
  /** How long its start may take, ms. Default 30 000. */
  readonly startMs?: number;
}

/** What may be changed of an agent. */
export type AgentUpdate = Partial<Omit<AgentOptions, 'id'>>;

/** The same with its defaults filled in. */
export interface AgentsPlan {
  readonly srcs: readonly string[];
  readonly maxAgents: number;
}

/** How many capabilities an agent may have. */
export const mostCapabilities = 32;

/** `agents/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('agents/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireText, count, duration } = optionChecks(invalid);

const updateKeys = keysOf<AgentUpdate>({
  ...({ src: true, input: true, capabilities: true, restart: true, budget: true } as const),
  ...({ backoff: true, shutdownMs: true, startMs: true } as const),
});

/** @throws EspalierError `agents/invalid-options` */
export function planAgents(options: AgentsOptions): AgentsPlan {
  requireOptions('the options of agents', options, ['logics', 'maxAgents']);
  return { srcs: srcsOf(options.logics), maxAgents: count('maxAgents', options.maxAgents, 10_000, 100_000) };
}

/** @throws EspalierError `agents/invalid-options`; `supervision/…` for what is wrong with it as a child */
export function planAgent({ srcs }: AgentsPlan, options: AgentOptions): AgentSpec {
  requireOptions('the options of an agent', options, ['id', ...updateKeys]);
  const { id, src, restart = 'permanent', shutdownMs = 5_000, startMs = 30_000, budget = defaultIntensity, ...rest } = options;
  requireText('id', id);
  const spec = { ...{ id, src, restart, shutdownMs, startMs }, budget: { ...budget }, capabilities: capabilitiesOf(rest.capabilities) };
  return checked(srcs, { ...rest, ...spec });
}

/** What is changed, as far as it is named. @throws as {@link planAgent} */
export function planUpdate({ srcs }: AgentsPlan, before: AgentSpec, update: AgentUpdate): AgentChanges {
  requireOptions('the changes of an agent', update, updateKeys);
  const named = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined)) as AgentChanges;
  const changes = named.capabilities === undefined ? named : { ...named, capabilities: capabilitiesOf(named.capabilities) };
  checked(srcs, { ...before, ...changes });
  return changes;
}

function checked(srcs: readonly string[], spec: AgentSpec): AgentSpec {
  const { capabilities: _capabilities, ...child } = spec;
  refuse(problemOfSpec(child, 'never', srcs));
  return spec;
}

function capabilitiesOf(words: readonly string[] = []): readonly string[] {
  if (!Array.isArray(words)) throw invalid('capabilities', 'a list of words', sortOf(words));
  for (const word of words) requireText('a capability', word);
  const own = [...new Set(words as readonly string[])];
  if (own.length > mostCapabilities) throw invalid('capabilities', `at most ${mostCapabilities}`, own.length);
  return own;
}
