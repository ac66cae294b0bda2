/** The model of a delegation's chart: a cluster with one below it, whoever asks their agents, and whoever combines. It keeps account of both by hand. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { delegationMachine } from '../../../machines/coordination/delegation.js';
import type { ClusterStatus, DelegationInput, DelegationQuestion, LeadStatus, WorkStatus } from '../../../machines/coordination/delegation-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type DelegationRun = Run<typeof delegationMachine>;
type Case = EventCase<typeof delegationMachine, never>;
type Owes = NonNullable<Case['owes']>;
type Name = 'hq' | 'lab';

const agents = ['ann', 'bob', 'eve', 'joe'];
const ofCluster: Readonly<Record<Name, readonly string[]>> = { hq: ['ann', 'bob'], lab: ['eve', 'joe'] };
const clusterOf = (agent: string): Name => (ofCluster.hq.includes(agent) ? 'hq' : 'lab');
const input: DelegationInput = {
  ...{ session: 's1', agents, seed: 7, task: 'look', workMs: 500, succession: 'order' },
  clusters: [
    { name: 'hq', above: null, level: 1, agents: ['ann', 'bob'], clusters: ['lab'] },
    { name: 'lab', above: 'hq', level: 2, agents: ['eve', 'joe'], clusters: [] },
  ],
  levels: [
    { rule: 'list', required: 'all', replacements: 1, withinMs: 1 },
    { rule: 'sum', required: 'any', replacements: 1, withinMs: 300 },
    { rule: 'representative', required: 'all', replacements: 1, withinMs: 400 },
  ],
};

type Phase = 'hqDown' | 'labDown' | 'work' | 'labJoin' | 'labUp' | 'hqJoin' | 'hqUp' | 'topJoin' | 'over';

interface Cluster {
  status: ClusterStatus;
  by: string | null;
  replaced: { agent: string; reason: string }[];
  value: unknown;
  task: unknown;
  parts: string[];
  combined: unknown;
}

/** What the model knows. */
interface Account {
  phase: Phase;
  /** Whose answer is to come. */
  open: string[];
  clusters: Record<Name, Cluster>;
  rows: Record<string, { lead: LeadStatus | null; work: WorkStatus | null; result: unknown }>;
  /** How the end is told: why not, or the value. */
  end: { readonly why: string } | { readonly value: unknown } | null;
  /** What is told in this step. */
  facts: object[];
}

const cluster = (status: ClusterStatus, task: unknown): Cluster => ({
  ...{ status, by: null, replaced: [], value: null, task, parts: [], combined: null },
});

function firstAccount(): Account {
  const rows = Object.fromEntries(agents.map((agent) => [agent, { lead: null, work: null, result: null }]));
  const clusters = { hq: cluster('tasked', 'look'), lab: cluster('unasked', null) };
  return { phase: 'hqDown', open: ['ann'], clusters, rows, end: null, facts: [] };
}

const accountOf = ({ notes }: DelegationRun): Account => (notes['account'] ??= firstAccount()) as Account;

function leaderOf({ clusters, rows }: Account, name: Name): string | null {
  if (clusters[name].replaced.length > 1) return null;
  const isOut = (agent: string): boolean =>
    clusters[name].replaced.some((one) => one.agent === agent) || ['crashed', 'late', 'invalid'].includes(rows[agent]?.work ?? '');
  return ofCluster[name].find((agent) => !isOut(agent)) ?? null;
}

const phaseOfUp = (phase: Phase): boolean => phase === 'labUp' || phase === 'hqUp';
const nameOf = (phase: Phase): Name => (phase.startsWith('lab') ? 'lab' : 'hq');

/** Which parts a representative may hand out. */
function offered({ clusters }: Account, name: Name, leader: string): string[] {
  const out = clusters[name].replaced.map(({ agent }) => agent);
  const others = ofCluster[name].filter((agent) => agent !== leader && !out.includes(agent));
  const parts = name === 'hq' ? [...others, 'lab'] : others;
  return parts.length > 0 ? parts : [leader];
}

/** What the parts of a cluster have delivered, and which have not. */
function deliveries({ clusters, rows }: Account, parts: readonly string[]): { readonly results: object[]; readonly missing: object[] } {
  const all = parts.map((part) => {
    const own = part === 'hq' || part === 'lab' ? clusters[part] : undefined;
    const row = rows[part];
    if (own !== undefined) return own.status === 'delivered' ? { part, value: own.value } : { part, why: own.status };
    return row?.work === 'delivered' ? { part, value: row.result } : { part, why: row?.work };
  });
  return { results: all.filter((one) => 'value' in one), missing: all.filter((one) => 'why' in one) };
}

/** What the agents that are open are asked. */
function bodyFor(account: Account, agent: string): DelegationQuestion {
  const name = account.phase === 'work' ? clusterOf(agent) : nameOf(account.phase);
  const { task, parts, combined } = account.clusters[name];
  if (account.phase === 'work') return { ask: 'work', cluster: name, task };
  if (!phaseOfUp(account.phase)) {
    const all = offered(account, name, agent).map((part) => ({ name: part, sort: part === 'lab' ? ('cluster' as const) : ('agent' as const) }));
    return { ask: 'delegate', cluster: name, task, parts: all };
  }
  const common = { cluster: name, task, ...(deliveries(account, parts) as { results: never[]; missing: never[] }) };
  return name === 'lab' ? { ask: 'combine', ...common } : { ask: 'approve', ...common, combined };
}

/** What an agent says, whatever it is asked. */
type Said = 'does it' | 'hands out below' | 'says seven' | 'says nonsense' | 'declines' | 'dies' | 'is silent';

function outcomeOf(said: Said, ask: DelegationQuestion['ask']): RequestOutcome {
  if (said === 'dies') return { ok: false, reason: 'crashed' };
  if (said === 'declines') return { ok: true, value: { decline: true } };
  if (said === 'says seven') return { ok: true, value: { result: 'seven' } };
  if (said === 'hands out below') return { ok: true, value: { tasks: { lab: 'look' } } };
  if (said === 'says nonsense') return { ok: true, value: 'what?' };
  const does = { delegate: { accept: true }, work: { result: 2 }, approve: { approve: true }, combine: { result: 7 } };
  return { ok: true, value: does[ask] };
}

/** What becomes of it. */
function hears(account: Account, agent: string, said: Said): void {
  const { ask } = bodyFor(account, agent);
  const { clusters, phase, rows, facts } = account;
  const name = clusterOf(agent);
  const [own, row] = [clusters[name], rows[agent]];
  if (row === undefined) return;
  account.open = account.open.filter((one) => one !== agent);
  const told = (status: string): void => void facts.push({ type: 'delegation.answered', session: 's1', ask, cluster: name, agent, status });
  const failure = said === 'dies' ? 'crashed' : said === 'is silent' ? 'late' : 'invalid';
  if (ask === 'work') {
    const result = said === 'does it' ? 2 : said === 'says seven' && name === 'lab' ? 'seven' : null;
    Object.assign(row, { work: result === null ? (said === 'declines' ? 'refused' : failure) : 'delivered', result });
    return told(row.work ?? '');
  }
  const isGood = said === 'does it' || (said === 'says seven' && ask === 'combine') || (said === 'hands out below' && phase === 'hqDown');
  row.lead = isGood ? 'led' : said === 'declines' ? 'refused' : failure;
  told(row.lead);
  if (isGood && ask === 'delegate') {
    const parts = said === 'does it' ? offered(account, name, agent) : ['lab'];
    Object.assign(own, { status: 'split', by: agent, parts });
    if (name === 'hq') Object.assign(clusters.lab, { status: 'tasked', task: 'look' });
  } else if (isGood) {
    const value = ask === 'approve' ? own.combined : said === 'does it' ? 7 : null;
    Object.assign(own, value === null ? { status: 'invalid', by: agent } : { status: 'delivered', by: agent, value });
  } else if (said === 'declines') Object.assign(own, { status: 'refused', by: agent });
  else {
    own.by = null;
    own.replaced.push({ agent, reason: failure });
    const by = leaderOf(account, name);
    if (by === null) own.status = 'leaderless';
    facts.push({ type: 'delegation.replaced', session: 's1', cluster: name, agent, reason: failure, by });
  }
}

function asks(account: Account, phase: Phase, open: string[]): void {
  Object.assign(account, { phase, open });
  const [first = ''] = open;
  account.facts.push({ type: 'delegation.asked', session: 's1', ask: bodyFor(account, first).ask, agents: open.length });
}

/** Goes on to what is next. */
function proceeds(account: Account): void {
  const { clusters, rows } = account;
  const { hq, lab } = clusters;
  const again = (name: Name): string[] => [leaderOf(account, name) ?? ''];
  if (hq.status === 'tasked') return asks(account, 'hqDown', again('hq'));
  if (lab.status === 'tasked') return asks(account, 'labDown', again('lab'));
  const at = [...(lab.status === 'split' ? lab.parts : []), ...(hq.status === 'split' ? hq.parts : [])];
  const open = agents.filter((agent) => at.includes(agent) && rows[agent]?.work === null);
  if (open.length > 0) return asks(account, 'work', open);
  if (lab.status === 'split') {
    if (deliveries(account, lab.parts).missing.length === 0) return void Object.assign(account, { phase: 'labJoin' });
    lab.status = 'tooFew';
  }
  if (lab.status === 'weighed') return asks(account, 'labUp', again('lab'));
  if (hq.status === 'split') {
    if (deliveries(account, hq.parts).results.length > 0) return void Object.assign(account, { phase: 'hqJoin' });
    hq.status = 'tooFew';
  }
  if (hq.status === 'weighed') return asks(account, 'hqUp', again('hq'));
  if (hq.status === 'delivered') return void Object.assign(account, { phase: 'topJoin' });
  ends(account, { why: 'tooFew' });
}

function ends(account: Account, end: { readonly why: string } | { readonly value: unknown }): void {
  const { clusters, facts, rows } = account;
  Object.assign(account, { phase: 'over', open: [], end });
  if ('why' in end) return void facts.push({ type: 'delegation.failed', session: 's1', why: end.why });
  const delivered = [clusters.hq, clusters.lab].filter(({ status }) => status === 'delivered').length;
  const worked = agents.filter((agent) => rows[agent]?.work === 'delivered').length;
  facts.push({ type: 'delegation.decided', session: 's1', clusters: delivered, agents: worked });
}

/** Does something with a copy of the account, and then the same with the chart. */
function step(run: DelegationRun, account: (own: Account) => void, chart: () => void): void {
  const own = structuredClone(accountOf(run));
  own.facts = [];
  account(own);
  run.notes['account'] = own;
  chart();
}

const states: Readonly<Record<Phase, unknown>> = {
  ...{ hqDown: { asking: 'delegating' }, labDown: { asking: 'delegating' }, work: { asking: 'working' } },
  ...{ labUp: { asking: 'reporting' }, hqUp: { asking: 'reporting' }, labJoin: 'combining', hqJoin: 'combining', topJoin: 'combining' },
  over: '',
};

/** All that can be seen of it is as the account has it. */
const asAccounted: Owes = (run) => {
  const { clusters, end, facts, phase, rows } = accountOf(run);
  const told = same('told', run.emittedNow, facts);
  if (end === null) return told ?? same('state', run.snapshot.value, states[phase]);
  const all = {
    clusters: (['hq', 'lab'] as const).map((name) => {
      const { status, by, replaced, value } = clusters[name];
      return { cluster: name, above: name === 'hq' ? null : 'hq', status, by, replaced, value };
    }),
    agents: agents.map((agent) => {
      const { lead, work, result } = rows[agent] ?? { lead: null, work: null, result: null };
      return { agent, cluster: clusterOf(agent), lead, work, result };
    }),
  };
  const output = 'why' in end ? { outcome: 'failed', why: end.why, details: all } : { outcome: 'decided', value: { value: end.value, ...all } };
  return told ?? same('state', run.snapshot.value, 'why' in end ? 'failed' : 'decided') ?? same('output', run.snapshot.output, output);
};

/** Where it is more than nonsense. */
const placesOf: Partial<Record<Said, readonly Phase[]>> = { 'hands out below': ['hqDown'], 'says seven': ['work', 'labUp'] };

/** One that is open says something: the first, or the last. */
function says(said: Said, which: 'first' | 'last' = 'first'): Case {
  const agentOf = (run: DelegationRun): string | undefined => accountOf(run).open.at(which === 'first' ? 0 : -1);
  return {
    when: (run) => {
      const { open, phase } = accountOf(run);
      return open.length > (which === 'first' ? 0 : 1) && (placesOf[said] ?? [phase]).includes(phase);
    },
    run: (run) => {
      const agent = agentOf(run) ?? '';
      const body = bodyFor(accountOf(run), agent);
      step(
        run,
        (own) => hears(own, agent, said),
        () => run.report('questions', { type: 'question.answered', id: body.ask, agent, outcome: outcomeOf(said, body.ask) }),
      );
    },
    owes: asAccounted,
  };
}

/** An answer that is none to what is open. */
function strays(agent: string | null, id: string | null): Case {
  return {
    weight: 0.2,
    when: (run) => accountOf(run).open.length > 0,
    run: (run) => {
      const [first = ''] = accountOf(run).open;
      const answer = { agent: agent ?? first, id: id ?? bodyFor(accountOf(run), first).ask };
      const put = (): void => run.report('questions', { type: 'question.answered', ...answer, outcome: { ok: true, value: { decline: true } } });
      step(run, () => {}, put);
    },
    owes: (run) => same('context', run.snapshot.context, run.before.context) ?? asAccounted(run),
  };
}

/** Who has not been heard of was late. */
const allAnswered: Case = {
  run: (run) =>
    step(
      run,
      (own) => {
        for (const agent of own.open) hears(own, agent, 'is silent');
        proceeds(own);
      },
      () => run.report('questions', { type: 'questions.answered' }),
    ),
  owes: asAccounted,
};

/** What is combined is told, or that the rule has failed; nothing told of it is that, too. */
function combines(how: 'well' | 'badly' | 'not at all'): Case {
  return {
    run: (run) => {
      const { phase } = accountOf(run);
      const of = phase === 'topJoin' ? null : nameOf(phase);
      const value = { labJoin: null, hqJoin: 10, topJoin: 'all' }[phase as 'labJoin'];
      const values = {
        well: [{ cluster: of, ok: true, value } as const],
        badly: [{ cluster: of, ok: false, why: 'ruleFailed', error: 'oh' } as const],
        'not at all': [],
      }[how];
      step(
        run,
        (own) => {
          if (how === 'badly') own.facts.push({ type: 'delegation.ruleFailed', session: 's1', cluster: of, why: 'oh' });
          if (of === null) return ends(own, how === 'well' ? { value } : { why: 'ruleFailed' });
          Object.assign(own.clusters[of], how === 'well' ? { status: 'weighed', combined: value } : { status: 'ruleFailed' });
          proceeds(own);
        },
        () => run.report('combiner', { type: 'level.combined', values }),
      );
    },
    owes: asAccounted,
  };
}

const unsaid = combines('not at all');

const breaks =
  (crash: string): Owes =>
  (run) =>
    same('state', run.snapshot.value, 'broken') ?? same('reason', reasonOfOutput(run.snapshot.output), { crash });

export const delegationModel: Model<typeof delegationMachine> = {
  machine: delegationMachine,
  inputs: { 'a delegation': input },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          ...{ 'the first does it': says('does it'), 'the first dies': says('dies'), 'the first declines': says('declines') },
          ...{ 'the first says nonsense': says('says nonsense'), 'the first says seven': says('says seven') },
          ...{ 'the first hands out below': says('hands out below'), 'the last does it': says('does it', 'last') },
          ...{ 'a stranger declines': strays('zoe', null), 'it declines something else': strays(null, 'vote') },
        },
        'questions.answered': { 'all are answered': allAnswered },
        'questions.lost': { 'they are taken away': { weight: 0.2, payload: { why: 'killed' }, owes: breaks('killed') } },
      },
      error: { 'they crash': { error: new Error('no more'), weight: 0.2, owes: breaks('questionsCrashed') } },
    },
    combiner: {
      reports: {
        'level.combined': {
          ...{ 'all is combined': combines('well'), 'the rule fails': combines('badly'), 'nothing is said of it': unsaid },
        },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: breaks('combinerCrashed') } },
    },
  },
  invariants: {
    'it asks exactly those whose turn it is, what their turn is, and how long they have': (run) => {
      const { open, phase } = accountOf(run);
      const [asked, ...others] = run.of('questions');
      if (!run.isActive || open.length === 0 || asked === undefined) return run.isActive || asked === undefined ? undefined : 'it asks';
      const { questions, withinMs, ...rest } = asked.input as { questions: { agent: string }[]; withinMs: number };
      const mine = questions.filter(({ agent }) => open.includes(agent));
      const due = open.map((agent) => {
        const body = bodyFor(accountOf(run), agent);
        return { id: body.ask, agent, body, isDerived: true };
      });
      const inTurn = (list: readonly { readonly agent: string }[]): unknown => [...list].sort((a, b) => (a.agent < b.agent ? -1 : 1));
      const time = phase === 'work' ? 500 : nameOf(phase) === 'hq' ? 300 : 400;
      return others.length > 0
        ? 'it asks twice'
        : (same('asks', inTurn(mine), inTurn(due)) ?? same('asks so', [rest, withinMs], [{ session: 's1' }, time]));
    },
    'it has combined exactly what has been delivered': (run) => {
      const { phase, clusters } = accountOf(run);
      const [made, ...others] = run.of('combiner');
      const isDue = run.isActive && phase.endsWith('Join');
      if (!isDue || made === undefined) return isDue === (made !== undefined) && others.length === 0 ? undefined : 'it combines';
      const of = phase === 'topJoin' ? null : nameOf(phase);
      const offer = {
        cluster: of,
        task: of === null ? 'look' : clusters[of].task,
        ...deliveries(accountOf(run), of === null ? ['hq'] : clusters[of].parts),
      };
      const level = of === null ? 0 : of === 'hq' ? 1 : 2;
      return same('combines', made.input, { level, rule: input.levels[level]?.rule, seed: 7, offers: [offer] });
    },
    'it has no time of its own': ({ clock }) => (clock.pending() === 0 ? undefined : `${clock.pending()} timers`),
  },
  key: (run) => [run.snapshot.value, { ...accountOf(run), facts: [] }],
  finish: (run) => {
    if (run.of('combiner').length > 0) unsaid.run?.(run);
    else run.report('questions', { type: 'questions.lost', why: 'over' });
  },
};
