/** What a delegation is asked for, checked before anything happens: its terms, and its tree of clusters. */
import { textOf } from '../../machines/coordination/agreement.js';
import type {
  ClusterTerms,
  DelegationRule,
  DelegationTerms,
  LevelTerms,
  MissingPart,
  PartResult,
  Required,
} from '../../machines/coordination/delegation-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError, type ErrorCode } from '../errors.js';
import { isObject, jsonOf, optionChecks, shown, sortOf } from '../option-checks.js';
import { insufficient } from './coordinator-options.js';

/** Of what an app's own rule makes one. All of it is a copy. */
export interface CombineInfo {
  /** Whose results they are; null: the coordinator's. */
  readonly cluster: string | null;
  /** From 0, the coordinator's. */
  readonly level: number;
  readonly task: unknown;
  /** Which parts have not delivered, and why. */
  readonly missing: readonly MissingPart[];
  /** Of the session, for whoever draws. */
  readonly seed: number;
}

/** Makes one value, JSON, of results: of its arguments alone. It is called twice, and must say the same. */
export type Combine = (results: readonly PartResult[], info: CombineInfo) => unknown;

/** A cluster of agents. */
export interface ClusterOptions {
  /** A name that no other cluster and no agent of the delegation has. */
  readonly name: string;
  /** By name: the first represents it, then the next. At least one. */
  readonly agents: readonly string[];
  /** To which it delegates. Default none. */
  readonly clusters?: readonly ClusterOptions[];
}

/** What holds on one level only, in place of what holds on all. */
export interface DelegationLevelOptions {
  readonly combine?: Exclude<DelegationRule, 'function'> | Combine;
  readonly required?: Required;
  /** Not of the level 0, on which nobody is asked. */
  readonly replacements?: number;
  /** How long a representative has for each of its two answers, ms. Not of the level 0. Default: an equal share of `deadlineMs`. */
  readonly withinMs?: number;
}

/** Options of a delegation. A name that is not here is refused. */
export interface DelegationOptions {
  /** The clusters to which the coordinator delegates: at least one. */
  readonly clusters: readonly ClusterOptions[];
  /** What is to be done: JSON. Default null. */
  readonly task?: unknown;
  /** How results become one: a rule by its name, or a function. Default `list`. */
  readonly combine?: Exclude<DelegationRule, 'function'> | Combine;
  /** How many of the parts that were handed out have to deliver. Default `all`. */
  readonly required?: Required;
  /** So many representatives of one cluster are replaced at most: 0 to 1 000. Default 1. */
  readonly replacements?: number;
  /** What is otherwise on single levels: first the coordinator's own, then that of the clusters in `clusters`, and so on. */
  readonly levels?: readonly DelegationLevelOptions[];
  /** Who represents a cluster first, and who next: as `agents` names them, or as the session's seed draws. Default `order`. */
  readonly succession?: 'order' | 'drawn';
  /** How many levels of clusters there may be. Default 5, at most 16. */
  readonly maxDepth?: number;
  /** How many agents and clusters one cluster, or the coordinator, may have beneath it. Default 100, at most 1 000. */
  readonly maxWidth?: number;
  /** The length of an answer at most: bytes of JSON in UTF-8. A longer one is none. Default 16 384. */
  readonly maxBytes?: number;
  /** It has ended so many ms after its beginning, whoever answers or does not. Default 20 000. */
  readonly deadlineMs?: number;
  /** How long an agent has for its part, ms. Default: an equal share of `deadlineMs`. */
  readonly workMs?: number;
}

/** The options with their defaults filled in. */
export interface DelegationPlan {
  readonly terms: DelegationTerms;
  /** By level: where the rule is a function. */
  readonly functions: ReadonlyMap<number, Combine>;
  readonly maxBytes: number;
  /** How long it takes at most, ms: at most `deadlineMs`. */
  readonly longestMs: number;
}

const keys = keysOf<DelegationOptions>({
  ...({ clusters: true, task: true, combine: true, required: true, replacements: true, levels: true, succession: true } as const),
  ...({ maxDepth: true, maxWidth: true, maxBytes: true, deadlineMs: true, workMs: true } as const),
});
const clusterKeys = keysOf<ClusterOptions>({ name: true, agents: true, clusters: true });
const levelKeys = keysOf<DelegationLevelOptions>({ combine: true, required: true, replacements: true, withinMs: true });
const rules: readonly DelegationRule[] = ['list', 'sum', 'majority', 'representative'];
/** In all: each answer is looked for among them. */
const mostNames = 1_000;
const mostBytes = 1_048_576;

/** What was expected to be what, and what came. */
function invalid(name: string, expected: string, got: unknown): EspalierError {
  return refused('delegation/invalid-options', name, expected, got);
}

function refused(code: ErrorCode, name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError(code, { expected: `\`${name}\`: ${expected}`, got });
}

const { requireOptions, requireText, duration, count } = optionChecks(invalid);

/** @throws EspalierError `delegation/invalid-options`, `delegation/circular`, `delegation/named-twice`, `delegation/too-large` */
export function planDelegation(options: DelegationOptions): DelegationPlan {
  requireOptions('the options of a delegation', options, keys);
  const { succession = 'order' } = options;
  const task = jsonOf(options.task ?? null);
  if (task === null || textOf(JSON.parse(task)) === null) throw invalid('task', 'JSON, at most 100 deep', sortOf(options.task));
  if (!['order', 'drawn'].includes(succession)) throw invalid('succession', 'order or drawn', sortOf(succession));
  const bounds = { maxDepth: count('maxDepth', options.maxDepth, 5, 16), maxWidth: count('maxWidth', options.maxWidth, 100, 1_000) };
  const clusters = planClusters(options.clusters, bounds);
  const { levels, functions, workMs, longestMs } = planLevels(options, clusters);
  return {
    terms: { task: JSON.parse(task) as unknown, clusters, levels, workMs, succession },
    ...{ functions, longestMs, maxBytes: count('maxBytes', options.maxBytes, 16_384, mostBytes) },
  };
}

interface Bounds {
  readonly maxDepth: number;
  readonly maxWidth: number;
}

/** A cluster that is looked at: those above it, and where it stands in the options. */
interface Place {
  readonly path: string;
  readonly above: readonly { readonly given: unknown; readonly name: string; readonly path: string }[];
}

/** The tree as a list, each before those below it. */
function planClusters(given: unknown, bounds: Bounds): ClusterTerms[] {
  const all: ClusterTerms[] = [];
  const names = new Map<string, string>();
  requireList('clusters', given);
  if (given.length === 0) throw invalid('clusters', 'at least one', 0);
  requireWidth('clusters', given.length, bounds);
  for (const [index, cluster] of given.entries()) walk(cluster, { path: `clusters[${index}]`, above: [] });
  return all;

  function walk(cluster: unknown, { path, above }: Place): void {
    const self = above.find((one) => one.given === cluster);
    if (self !== undefined) throw refused('delegation/circular', path, 'a cluster that is none of those above it', `${self.path} again`);
    if (above.length >= bounds.maxDepth)
      throw refused('delegation/too-large', path, `at most ${bounds.maxDepth} levels of clusters`, `one on level ${above.length + 1}`);
    requireOptions(path, cluster, clusterKeys);
    const { name, agents, clusters = [] } = cluster as ClusterOptions;
    requireText(`${path}.name`, name);
    const namesake = above.find((one) => one.name === name);
    if (namesake !== undefined)
      throw refused('delegation/circular', `${path}.name`, 'a name that no cluster above it has', `that of ${namesake.path}`);
    take(name, `${path}.name`);
    requireList(`${path}.agents`, agents);
    requireList(`${path}.clusters`, clusters);
    if (agents.length === 0) throw invalid(`${path}.agents`, 'at least one, to represent it', 0);
    requireWidth(path, agents.length + clusters.length, bounds);
    for (const [index, agent] of agents.entries()) {
      requireText(`${path}.agents[${index}]`, agent);
      take(agent, `${path}.agents[${index}]`);
    }
    const here = above.at(-1)?.name ?? null;
    const below = clusters.map((one: unknown) => (isObject(one) ? (one['name'] as string) : ''));
    all.push({ name, above: here, level: above.length + 1, agents: [...agents], clusters: below });
    const next = [...above, { given: cluster, name, path }];
    for (const [index, one] of clusters.entries()) walk(one, { path: `${path}.clusters[${index}]`, above: next });
  }

  function take(name: string, path: string): void {
    const former = names.get(name);
    if (former !== undefined) throw refused('delegation/named-twice', path, 'a name that nothing else in the delegation has', `that of ${former}`);
    names.set(name, path);
    if (names.size > mostNames)
      throw refused('delegation/too-large', path, `at most ${mostNames} agents and clusters in all`, `${names.size} of them`);
  }
}

function requireList(name: string, given: unknown): asserts given is readonly unknown[] {
  if (!Array.isArray(given)) throw invalid(name, 'a list', sortOf(given));
}

function requireWidth(name: string, width: number, { maxWidth }: Bounds): void {
  if (width > maxWidth) throw refused('delegation/too-large', name, `at most ${maxWidth} agents and clusters beneath it`, width);
}

/** Each level with what holds there, and its share of the time: no level has more than is left for it, so that the uppermost answers in time. */
function planLevels(
  options: DelegationOptions,
  clusters: readonly ClusterTerms[],
): { readonly levels: LevelTerms[]; readonly functions: Map<number, Combine>; readonly workMs: number; readonly longestMs: number } {
  const depth = Math.max(...clusters.map(({ level }) => level));
  const { levels: given = [] } = options;
  requireList('levels', given);
  if (given.length > depth + 1) throw invalid('levels', `one for each, of which there are ${depth + 1} with the coordinator's own`, given.length);
  const functions = new Map<number, Combine>();
  const plans = Array.from({ length: depth + 1 }, (_, level) => {
    const own = given[level] ?? {};
    const name = `levels[${level}]`;
    requireOptions(name, own, levelKeys);
    const widest = Math.max(0, ...clusters.filter((one) => one.level === level).map(({ agents }) => agents.length));
    return planLevel({ name, level, widest, functions }, options, own);
  });
  const deadlineMs = duration('deadlineMs', options.deadlineMs, 20_000);
  const ownWorkMs = options.workMs === undefined ? null : duration('workMs', options.workMs, 1);
  // Each level is asked on the way down and on the way up, each time as often as somebody may be replaced.
  const stretches = [...plans.slice(1).map(({ rounds, withinMs }) => ({ count: 2 * rounds, ms: withinMs })), { count: 1, ms: ownWorkMs }];
  const taken = stretches.reduce((sum, { count: times, ms }) => sum + (ms === null ? 0 : times * ms), 0);
  const open = stretches.reduce((sum, { count: times, ms }) => sum + (ms === null ? times : 0), 0);
  const share = open === 0 ? 0 : Math.floor((deadlineMs - taken) / open);
  if (taken > deadlineMs || (open > 0 && share < 1))
    throw invalid('deadlineMs', `at least ${Math.ceil(taken + open)} ms, which is what all levels may take`, deadlineMs);
  const levels = plans.map(({ rule, required, replacements, withinMs }) => ({ rule, required, replacements, withinMs: withinMs ?? share }));
  return { levels, functions, workMs: ownWorkMs ?? share, longestMs: taken + open * share };
}

interface Level {
  readonly name: string;
  readonly level: number;
  /** The agents of the largest cluster on it. */
  readonly widest: number;
  readonly functions: Map<number, Combine>;
}

function planLevel(
  { name, level, widest, functions }: Level,
  all: DelegationOptions,
  own: DelegationLevelOptions,
): Omit<LevelTerms, 'withinMs'> & { readonly withinMs: number | null; readonly rounds: number } {
  const combine = own.combine ?? all.combine ?? 'list';
  if (typeof combine === 'function') functions.set(level, combine);
  else if (!rules.includes(combine))
    throw invalid(own.combine === undefined ? 'combine' : `${name}.combine`, `${rules.join(', ')}, or a function`, sortOf(combine));
  else if (combine === 'representative' && level === 0)
    throw invalid('levels[0].combine', 'a rule of the coordinator itself, whom nobody represents', sortOf(combine));
  const required = own.required ?? all.required ?? 'all';
  requireRequired(own.required === undefined ? 'required' : `${name}.required`, required);
  const replacements = own.replacements ?? all.replacements ?? 1;
  const rounds = replacements === 0 ? 1 : 1 + Math.min(count(`${name}.replacements`, replacements, 1, 1_000), Math.max(0, widest - 1));
  if (level === 0 && (own.replacements !== undefined || own.withinMs !== undefined))
    throw invalid('levels[0]', 'neither replacements nor withinMs: nobody is asked there', 'one of them');
  return {
    ...{ required: required === 'all' || required === 'any' ? required : { quorum: required.quorum }, replacements, rounds },
    rule: typeof combine === 'function' ? 'function' : combine,
    withinMs: own.withinMs === undefined ? null : duration(`${name}.withinMs`, own.withinMs, 1),
  };
}

function requireRequired(name: string, required: unknown): void {
  if (required === 'all' || required === 'any') return;
  const expected = 'all, any, or { quorum }, a share, 0 to 1';
  if (!isObject(required)) throw invalid(name, expected, sortOf(required));
  requireOptions(name, required, ['quorum']);
  const { quorum } = required;
  if (typeof quorum !== 'number' || !(quorum >= 0 && quorum <= 1)) throw invalid(name, expected, shown(quorum));
}

/** @throws EspalierError `coordination/insufficient-agents` for any but those of its clusters */
export function requireMembers(agents: readonly string[], { clusters }: DelegationTerms): void {
  const own = new Set(clusters.flatMap((cluster) => cluster.agents));
  const others = agents.filter((agent) => !own.has(agent)).length;
  const missing = own.size - (agents.length - others);
  if (others === 0 && missing === 0) return;
  throw insufficient(`the ${own.size} agents of its clusters, and no others`, `${missing} of them missing, ${others} others`);
}
