/** The rules of delegations: who is asked what next, what is an answer, and what becomes of a cluster. Nothing here depends on the order in which answers come. */
import type { RequestOutcome } from '../comms/request.js';
import { isRecord } from '../supervision/option-keys.js';
import { backingsOf, textOf } from './agreement.js';
import type {
  AgentRow,
  ClusterStand,
  ClusterTerms,
  Combined,
  CombinerInput,
  DelegationContext,
  DelegationEmitted,
  DelegationEnd,
  DelegationInput,
  DelegationQuestion,
  DelegationRows,
  DelegationRule,
  Inquiry,
  LeadStatus,
  LevelTerms,
  MissingPart,
  NoDelegation,
  Offer,
  PartResult,
  Required,
  WorkStatus,
} from './delegation-events.js';
import type { QuestionsInput } from './protocol-events.js';
import { drawnOrder } from './tie.js';

/** What the coordinator's own level is where none is given: nobody is asked there. */
const noLevel: LevelTerms = { rule: 'list', required: 'all', replacements: 0, withinMs: 1 };

const levelOf = ({ levels }: Pick<DelegationInput, 'levels'>, level: number): LevelTerms => levels[level] ?? noLevel;

/** How it stands as it begins: the first clusters have the task. */
export function begun({ agents, clusters, task }: DelegationInput): Pick<DelegationContext, 'stands' | 'rows'> {
  const stands = clusters.map(({ name: cluster, above }): ClusterStand => {
    const status = above === null ? 'tasked' : 'unasked';
    return { cluster, above, status, by: null, replaced: [], value: null, task: above === null ? task : null, parts: [], combined: null };
  });
  const rows = clusters.flatMap(({ name: cluster, agents: own }) =>
    own.map((agent): AgentRow => ({ agent, cluster, lead: null, work: null, result: null })),
  );
  // Nobody is asked who is not of the session.
  return { stands, rows: rows.filter(({ agent }) => agents.includes(agent)) };
}

const termsOf = ({ clusters }: DelegationContext, cluster: string): ClusterTerms | undefined => clusters.find(({ name }) => name === cluster);
const standOf = ({ stands }: DelegationContext, cluster: string): ClusterStand | undefined => stands.find((one) => one.cluster === cluster);
const rowOf = ({ rows }: DelegationContext, agent: string): AgentRow | undefined => rows.find((one) => one.agent === agent);

/** Those of a level that are in such a state, with their terms. */
function those(context: DelegationContext, level: number, status: ClusterStand['status']): { terms: ClusterTerms; stand: ClusterStand }[] {
  return context.clusters.flatMap((terms) => {
    const stand = terms.level === level ? standOf(context, terms.name) : undefined;
    return stand?.status === status ? [{ terms, stand }] : [];
  });
}

/** Could it not be heard, or made no sense? Who only refused could. */
const hasFailed = (work: WorkStatus | null): boolean => work !== null && work !== 'delivered' && work !== 'refused';

/** Who represents a cluster: the first who has not failed; null where none is left, or too many have. */
export function leaderOf(context: DelegationContext, { cluster, replaced }: ClusterStand): string | null {
  const { rows, seed, succession } = context;
  if (replaced.length > levelOf(context, termsOf(context, cluster)?.level ?? 0).replacements) return null;
  const own = rows.filter((row) => row.cluster === cluster);
  const names = own.map(({ agent }) => agent);
  const inTurn = succession === 'drawn' ? drawnOrder(seed, `lead ${cluster}`, names) : names;
  const isOut = (agent: string): boolean => replaced.some((one) => one.agent === agent) || hasFailed(rowOf(context, agent)?.work ?? null);
  return inTurn.find((agent) => !isOut(agent)) ?? null;
}

/** What a representative can hand out, and to whom: to all others who have not been replaced, to the clusters below; to itself where there is nobody else. */
function partsFor(
  context: DelegationContext,
  { name, clusters }: ClusterTerms,
  leader: string,
): Extract<DelegationQuestion, { ask: 'delegate' }>['parts'] {
  const out = standOf(context, name)?.replaced ?? [];
  const agents = context.rows.filter((row) => row.cluster === name && !out.some(({ agent }) => agent === row.agent)).map(({ agent }) => agent);
  const others = agents.filter((agent) => agent !== leader).map((agent) => ({ name: agent, sort: 'agent' as const }));
  const parts = [...others, ...clusters.map((cluster) => ({ name: cluster, sort: 'cluster' as const }))];
  return parts.length > 0 ? parts : [{ name: leader, sort: 'agent' }];
}

/** What the rule of a level can do something with. */
function takes(rule: DelegationRule, value: unknown): boolean {
  if (rule === 'sum') return Number.isFinite(value);
  return rule !== 'majority' || textOf(value) !== null;
}

/** What a part has delivered, or why it has not. */
function partOf(context: DelegationContext, part: string): PartResult | MissingPart {
  const row = rowOf(context, part);
  if (row !== undefined) return row.work === 'delivered' ? { part, value: row.result } : { part, why: row.work ?? 'late' };
  const stand = standOf(context, part);
  return stand?.status === 'delivered' ? { part, value: stand.value } : { part, why: stand?.status ?? 'unasked' };
}

/** What a cluster has of its parts; null: the coordinator. */
function offerOf(context: DelegationContext, stand: ClusterStand | null): Offer {
  const names = stand === null ? context.clusters.filter(({ above }) => above === null).map(({ name }) => name) : stand.parts.map(({ name }) => name);
  const all = names.map((name) => partOf(context, name));
  const results = all.flatMap((one) => ('value' in one ? [one] : []));
  const missing = all.flatMap((one) => ('value' in one ? [] : [one]));
  return { cluster: stand?.cluster ?? null, task: stand === null ? context.task : stand.task, results, missing };
}

/** Have as many delivered as have to? A share that is meant to be whole is not made more by the way in which numbers are kept. */
export function isEnough(required: Required, { results, missing }: Pick<Offer, 'results' | 'missing'>): boolean {
  const share = required === 'all' ? 1 : required === 'any' ? 0 : required.quorum;
  return results.length >= Math.max(1, Math.ceil((results.length + missing.length) * share - 1e-9));
}

const inquiry = (agent: string, body: DelegationQuestion): Inquiry => ({ id: body.ask, agent, cluster: body.cluster, body });

/** What is done next: who is asked what, or what is combined. */
type Next = Pick<DelegationContext, 'step' | 'level' | 'open' | 'offers' | 'stands' | 'end'>;

/** Down, level by level, until all tasks are handed out; then all work; then up again, level by level. */
export function nextStep(context: DelegationContext): Next {
  const { clusters, end, stands } = context;
  const idle: Next = { step: 'end', level: 0, open: [], offers: [], stands, end };
  if (end !== null) return idle;
  const deepest = Math.max(0, ...clusters.map(({ level }) => level));
  for (let level = 1; level <= deepest; level++) {
    const open = those(context, level, 'tasked').flatMap(({ terms, stand }) => handedOut(context, terms, stand));
    if (open.length > 0) return { ...idle, step: 'delegate', level, open };
  }
  const open = stands.flatMap((stand) => (stand.status === 'split' ? workOf(context, stand) : []));
  if (open.length > 0) return { ...idle, step: 'work', level: deepest, open };
  return upward(context, deepest, idle);
}

function handedOut(context: DelegationContext, terms: ClusterTerms, stand: ClusterStand): Inquiry[] {
  const leader = leaderOf(context, stand);
  if (leader === null) return [];
  return [inquiry(leader, { ask: 'delegate', cluster: stand.cluster, task: stand.task, parts: partsFor(context, terms, leader) })];
}

function workOf(context: DelegationContext, { cluster, parts }: ClusterStand): Inquiry[] {
  return parts.flatMap(({ name, task }) => (rowOf(context, name)?.work === null ? [inquiry(name, { ask: 'work', cluster, task })] : []));
}

function upward(context: DelegationContext, level: number, idle: Next): Next {
  const terms = levelOf(context, level);
  if (level === 0) {
    const offer = offerOf(context, null);
    if (!isEnough(terms.required, offer)) return { ...idle, end: failure(context, 'tooFew') };
    return { ...idle, step: 'combine', offers: [offer] };
  }
  const all = those(context, level, 'split').map(({ stand }) => offerOf(context, stand));
  const offers = all.filter((offer) => isEnough(terms.required, offer));
  const few = all.filter((offer) => !offers.includes(offer)).map(({ cluster }) => cluster);
  const stands = context.stands.map((stand) => (few.includes(stand.cluster) ? { ...stand, status: 'tooFew' as const } : stand));
  if (offers.length > 0) return { ...idle, step: 'combine', level, offers, stands };
  const open = those(context, level, 'weighed').flatMap(({ stand }) => reported(context, stand, terms.rule));
  if (open.length > 0) return { ...idle, step: 'report', level, open, stands };
  return upward({ ...context, stands }, level - 1, { ...idle, stands });
}

function reported(context: DelegationContext, stand: ClusterStand, rule: DelegationRule): Inquiry[] {
  const leader = leaderOf(context, stand);
  if (leader === null) return [];
  const { cluster, task, combined } = stand;
  const { results, missing } = offerOf(context, stand);
  const common = { cluster, task, results, missing };
  return [inquiry(leader, rule === 'representative' ? { ask: 'combine', ...common } : { ask: 'approve', ...common, combined })];
}

/** What `questions` is to ask in this step. */
export function questionsOf(context: DelegationContext): QuestionsInput {
  const { level, open, session, step, workMs } = context;
  // Who is to do what, and what has come of it, is of others' making: an old answer is none to another question.
  const questions = open.map(({ id, agent, body }) => ({ id, agent, body, isDerived: true }));
  return { session, questions, withinMs: step === 'work' ? workMs : levelOf(context, level).withinMs };
}

/** What `combiner` is to make one. */
export function combinerInputOf(context: DelegationContext): CombinerInput {
  const { level, offers, seed } = context;
  return { level, rule: levelOf(context, level).rule, seed, offers };
}

/** What came of asking one agent. */
type Word = { readonly row: LeadStatus | WorkStatus } & (
  | { readonly says: 'parts'; readonly parts: ClusterStand['parts'] }
  | { readonly says: 'value'; readonly value: unknown }
  | { readonly says: 'approved' | 'declined' | 'nothing' }
);

const nonsense: Word = { row: 'invalid', says: 'nothing' };

/** What an answer is: of one shape only, and nothing else. */
function wordOf(context: DelegationContext, { body }: Inquiry, outcome: RequestOutcome): Word {
  if (!outcome.ok) return { row: outcome.reason, says: 'nothing' };
  const { value } = outcome;
  if (!isRecord(value) || Object.keys(value).length !== 1) return nonsense;
  const { tasks, accept, result, approve, decline } = value as Partial<Record<'tasks' | 'accept' | 'result' | 'approve' | 'decline', unknown>>;
  if (decline === true) return { row: 'refused', says: 'declined' };
  if (body.ask === 'delegate') {
    if (accept === true) return { row: 'led', says: 'parts', parts: body.parts.map(({ name }) => ({ name, task: body.task })) };
    return handOut(body.parts, tasks);
  }
  if (body.ask === 'approve') return approve === true ? { row: 'led', says: 'approved' } : nonsense;
  if (!('result' in value) || textOf(result) === null) return nonsense;
  if (body.ask === 'combine') return { row: 'led', says: 'value', value: result };
  const { rule } = levelOf(context, termsOf(context, body.cluster)?.level ?? 0);
  return takes(rule, result) ? { row: 'delivered', says: 'value', value: result } : nonsense;
}

/** Tasks by part: for at least one that there is, and for none that there is not. */
function handOut(parts: readonly { readonly name: string }[], tasks: unknown): Word {
  if (!isRecord(tasks)) return nonsense;
  const given = new Map(Object.entries(tasks) as [string, unknown][]);
  const known = parts.filter(({ name }) => given.has(name));
  if (known.length === 0 || known.length < given.size || [...given.values()].some((task) => textOf(task) === null)) return nonsense;
  return { row: 'led', says: 'parts', parts: known.map(({ name }) => ({ name, task: given.get(name) })) };
}

/** How it stands once an agent was heard, and what is to be told of it. */
export function heard(
  context: DelegationContext,
  question: Inquiry,
  outcome: RequestOutcome,
): { next: DelegationContext; facts: DelegationEmitted[] } {
  const { agent, body, cluster } = question;
  const { session, stands } = context;
  const word = wordOf(context, question, outcome);
  const answered: DelegationEmitted = { type: 'delegation.answered', session, ask: body.ask, cluster, agent, status: word.row };
  const isWork = body.ask === 'work';
  const said = isWork ? { work: word.row as WorkStatus, result: word.says === 'value' ? word.value : null } : { lead: word.row as LeadStatus };
  const rows = context.rows.map((row) => (row.agent === agent ? { ...row, ...said } : row));
  const next: DelegationContext = { ...context, open: context.open.filter((one) => one !== question), rows };
  if (isWork) return { next, facts: [answered] };
  const after: DelegationContext = {
    ...next,
    stands: stands.map((stand) => {
      if (stand.cluster === cluster) return spokenFor(next, stand, agent, word);
      const part = word.says === 'parts' && stand.above === cluster ? word.parts.find(({ name }) => name === stand.cluster) : undefined;
      return part === undefined ? stand : { ...stand, status: 'tasked', task: part.task };
    }),
  };
  const spoken = standOf(after, cluster);
  const last = spoken?.replaced.at(-1);
  if (spoken === undefined || last?.agent !== agent) return { next: after, facts: [answered] };
  const by = leaderOf(after, spoken);
  return { next: after, facts: [answered, { type: 'delegation.replaced', session, cluster, agent, reason: last.reason, by }] };
}

/** A cluster whose representative was heard, or could not be. */
function spokenFor(context: DelegationContext, stand: ClusterStand, by: string, word: Word): ClusterStand {
  if (word.says === 'parts') return { ...stand, status: 'split', by, parts: word.parts };
  if (word.says === 'declined') return { ...stand, status: 'refused', by };
  if (word.says === 'nothing') {
    const tried: ClusterStand = { ...stand, by: null, replaced: [...stand.replaced, { agent: by, reason: word.row as 'invalid' }] };
    return leaderOf(context, tried) === null ? { ...tried, status: 'leaderless' } : tried;
  }
  const value = word.says === 'value' ? word.value : stand.combined;
  const level = (termsOf(context, stand.cluster)?.level ?? 1) - 1;
  return takes(levelOf(context, level).rule, value) ? { ...stand, status: 'delivered', by, value } : { ...stand, status: 'invalid', by };
}

/** What a rule of the house makes of results; of `representative` nothing, since that is another's to do, and of the app's own nothing that it knows. */
export function combinedBy(rule: DelegationRule, { cluster, results }: Offer): Combined {
  if (rule === 'list') return { cluster, ok: true, value: results };
  if (rule === 'representative') return { cluster, ok: true, value: null };
  if (rule === 'function') return { cluster, ok: false, why: 'ruleFailed', error: 'there is no such function' };
  if (rule === 'sum') {
    const sum = results.reduce((former, { value }) => former + Number(value), 0);
    return Number.isFinite(sum) ? { cluster, ok: true, value: sum } : { cluster, ok: false, why: 'noResult' };
  }
  const [first] = backingsOf(results.map(({ part, value }) => ({ agent: part, value })));
  const isMost = first !== undefined && first.count * 2 > results.length;
  return isMost ? { cluster, ok: true, value: first.value } : { cluster, ok: false, why: 'noResult' };
}

/** How it stands once a level is combined: of whom nothing was said, its rule has failed. */
export function combinedWith(context: DelegationContext, values: readonly Combined[]): Pick<DelegationContext, 'stands' | 'end'> {
  const { offers, stands } = context;
  const told = ({ cluster }: Pick<Offer, 'cluster'>): Combined =>
    values.find((one) => one.cluster === cluster) ?? { cluster, ok: false, why: 'ruleFailed', error: 'it was not applied' };
  const [own] = offers;
  if (own?.cluster === null) {
    const said = told(own);
    const end: DelegationEnd = said.ok ? { outcome: 'decided', value: { value: said.value, ...rowsOf(context) } } : failure(context, said.why);
    return { stands, end };
  }
  const all = stands.map((stand): ClusterStand => {
    if (!offers.some(({ cluster }) => cluster === stand.cluster)) return stand;
    const said = told(stand);
    return said.ok ? { ...stand, status: 'weighed', combined: said.value } : { ...stand, status: said.why };
  });
  return { stands: all, end: null };
}

const failure = (context: DelegationContext, why: NoDelegation): DelegationEnd => ({ outcome: 'failed', why, details: rowsOf(context) });

/** Everybody, as it stands. */
export function rowsOf({ rows, stands }: DelegationContext): DelegationRows {
  const clusters = stands.map(({ cluster, above, status, by, replaced, value }) => ({ cluster, above, status, by, replaced, value }));
  return { clusters, agents: rows };
}
