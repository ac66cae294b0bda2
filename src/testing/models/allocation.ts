/** The model of an allocation's chart: two agents who want of ten units, and whoever asks them. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { allocationMachine } from '../../../machines/coordination/allocation.js';
import type { AllocationInput, ClaimantRow } from '../../../machines/coordination/allocation-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type AllocationRun = Run<typeof allocationMachine>;
type Case = EventCase<typeof allocationMachine, never>;
type Owes = NonNullable<Case['owes']>;
type Said = 'wants 8' | 'needs 7 of 8' | 'passes' | 'is late' | 'says something else';

const agents = ['ann', 'bob'];
const input: AllocationInput = {
  ...{ session: 's1', agents, seed: 7, resources: { gpu: 10 }, rule: 'maxMin' as const, priorities: {}, about: 'tonight', withinMs: 300 },
};

const answers: Readonly<Record<Said, RequestOutcome>> = {
  'wants 8': { ok: true, value: { demand: { gpu: 8 } } },
  'needs 7 of 8': { ok: true, value: { demand: { gpu: 8 }, least: { gpu: 7 } } },
  passes: { ok: true, value: { demand: {} } },
  'is late': { ok: false, reason: 'late' },
  'says something else': { ok: true, value: 'everything' },
};
const statuses: Readonly<Record<Said, 'heard' | 'passed' | 'late' | 'invalid'>> = {
  ...{ 'wants 8': 'heard', 'needs 7 of 8': 'heard', passes: 'passed', 'is late': 'late', 'says something else': 'invalid' },
};

const wordsOf = ({ notes }: AllocationRun): Record<string, Said> => (notes['words'] ??= {}) as Record<string, Said>;

/** What each has, by hand: by rule and by what both have said. */
function sharesOf(run: AllocationRun): readonly (number | null)[] {
  const { rule } = run.snapshot.context;
  const [ann, bob] = agents.map((agent) => wordsOf(run)[agent] ?? 'is late') as [Said, Said];
  const wants = (said: Said): boolean => said === 'wants 8' || said === 'needs 7 of 8';
  if (!wants(ann) || !wants(bob)) return [wants(ann) ? 8 : 0, wants(bob) ? 8 : 0];
  const needs = (said: Said): boolean => said === 'needs 7 of 8';
  if (rule === 'priority') return [needs(ann) ? null : 2, 8];
  if (needs(ann) && needs(bob)) return run.snapshot.output?.outcome === 'decided' && grantedTo(run, 0) > 0 ? [8, null] : [null, 8];
  if (needs(ann)) return [7, 3];
  if (needs(bob)) return [3, 7];
  return [5, 5];
}

function grantedTo(run: AllocationRun, nth: number): number {
  const { end } = run.snapshot.context;
  return end?.outcome === 'decided' ? ((end.value.claimants[nth] as ClaimantRow).granted['gpu'] ?? 0) : 0;
}

const allAnswered: Owes = (run) => {
  const shares = sharesOf(run);
  const rows = agents.map((agent, nth): ClaimantRow => {
    const said = wordsOf(run)[agent] ?? 'is late';
    const status = statuses[said];
    if (status !== 'heard') return { agent, status, demand: null, least: null, granted: { gpu: 0 } };
    const share = shares[nth];
    const least = { gpu: said === 'needs 7 of 8' ? 7 : 0 };
    return { agent, status: share === null ? 'leastNotMet' : 'granted', demand: { gpu: 8 }, least, granted: { gpu: share ?? 0 } };
  });
  const served = rows.filter(({ status }) => status === 'granted').length;
  const { value, output } = run.snapshot;
  if (served === 0)
    return (
      same('state', value, 'failed') ??
      same('output', output, { outcome: 'failed', why: 'noDemands', details: { claimants: rows } }) ??
      same('told', run.emittedNow, [{ type: 'allocation.failed', session: 's1', why: 'noDemands' }])
    );
  const left = { gpu: 10 - rows.reduce((sum, { granted }) => sum + (granted['gpu'] ?? 0), 0) };
  return (
    same('state', value, 'granted') ??
    same('output', output, { outcome: 'decided', value: { rule: run.snapshot.context.rule, claimants: rows, left } }) ??
    same('told', run.emittedNow, [{ type: 'allocation.decided', session: 's1', served }])
  );
};

/** The first word of an agent counts, and a stranger's never. */
function says(agent: string, said: Said): Case {
  const isNew = (run: Pick<AllocationRun, 'before'>): boolean =>
    agents.includes(agent) && !run.before.context.heard.some((one) => one.agent === agent);
  return {
    run: (run) => {
      if (agents.includes(agent)) wordsOf(run)[agent] ??= said;
      run.report('questions', { type: 'question.answered', id: 'demand', agent, outcome: answers[said] });
    },
    owes: (run) =>
      isNew(run)
        ? same('told', run.emittedNow, [{ type: 'allocation.answered', session: 's1', agent, status: statuses[said] }])
        : (same('told', run.emittedNow, []) ?? same('context', run.snapshot.context, run.before.context)),
  };
}

const breaks =
  (crash: string): Owes =>
  (run) =>
    same('state', run.snapshot.value, 'broken') ?? same('reason', reasonOfOutput(run.snapshot.output), { crash });

export const allocationModel: Model<typeof allocationMachine> = {
  machine: allocationMachine,
  inputs: {
    'a fair allocation': input,
    'one where bob is before ann': { ...input, rule: 'priority', priorities: { bob: 1 } },
  },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          ...{ 'ann wants 8': says('ann', 'wants 8'), 'ann needs 7 of 8': says('ann', 'needs 7 of 8'), 'ann passes': says('ann', 'passes') },
          ...{ 'bob wants 8': says('bob', 'wants 8'), 'bob needs 7 of 8': says('bob', 'needs 7 of 8'), 'bob is late': says('bob', 'is late') },
          ...{ 'bob says something else': says('bob', 'says something else'), 'a stranger wants 8': says('eve', 'wants 8') },
        },
        'questions.answered': { 'all are answered': { owes: allAnswered } },
        'questions.lost': { 'it is taken away': { weight: 0.2, payload: { why: 'killed' }, owes: breaks('killed') } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: breaks('questionsCrashed') } },
    },
  },
  key: (run) => [run.snapshot.value, run.snapshot.context.rule, wordsOf(run)],
  invariants: {
    'it asks exactly while it waits, and everybody': (run) => {
      const asking = run.of('questions');
      if (run.snapshot.value !== 'asking') return same('asks', asking.length, 0);
      const body = { ask: 'demand', about: 'tonight', resources: { gpu: 10 } };
      return same(
        'asks',
        asking.map(({ input: asked }) => asked),
        [{ session: 's1', questions: agents.map((agent) => ({ id: 'demand', agent, body })), withinMs: 300 }],
      );
    },
    'no more is given than there is': (run) => {
      const given = grantedTo(run, 0) + grantedTo(run, 1);
      return given <= 10 ? undefined : `${given}`;
    },
    'it has one end, or none': ({ snapshot: { context, value } }) =>
      same('ends', [context.end !== null, context.crash !== null], [value === 'granted' || value === 'failed', value === 'broken']),
  },
  finish: (run) => run.report('questions', { type: 'questions.answered' }),
};
