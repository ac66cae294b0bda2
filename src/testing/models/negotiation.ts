/** The model of a negotiation's chart: three parties, whoever asks them, and the time that they have. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { negotiationMachine } from '../../../machines/coordination/negotiation.js';
import type { NegotiationContext, NegotiationInput, PartyStatus } from '../../../machines/coordination/negotiation-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type NegotiationRun = Run<typeof negotiationMachine>;
type Case = EventCase<typeof negotiationMachine, never>;
type Owes = NonNullable<Case['owes']>;

const input: NegotiationInput = {
  ...{ session: 's1', agents: ['ann', 'bob', 'eve'], seed: 7, subject: 'the pie' },
  ...{ maxRounds: 3, maxHistory: 2, withinMs: 400, deadlineMs: 1_000 },
};

/** Where it is, by the name of its innermost state. */
function stateOf({ value }: NegotiationRun['snapshot']): string {
  return typeof value === 'string' ? value : value.talking;
}

const isTalking = (run: NegotiationRun): boolean => ['opening', 'answering'].includes(stateOf(run.before));

/** What one party offers in a round tells both. */
const offerOf = (agent: string, round: number): string => `${agent} ${round}`;

/** What has to come of answers that are all in: a word for why not, whose offer is agreed, or whose is the next. */
function verdict({ agents, rows, table, round }: NegotiationContext): { readonly why: string } | { readonly by: string } | { readonly next: string } {
  const all = rows.map(({ status }) => status);
  if (all.includes('left')) return { why: 'left' };
  if (all.includes('crashed')) return { why: 'lost' };
  if (all.includes('late')) return { why: 'late' };
  if (all.includes('invalid')) return { why: 'invalid' };
  const by = table?.agent;
  if (by !== undefined && rows.every(({ agent, status }) => agent === by || status === 'accepted')) return { by };
  if (round === 3) return { why: 'noAgreement' };
  const from = by === undefined ? 2 : agents.indexOf(by);
  const next = [1, 2, 3]
    .map((step) => agents[(from + step) % 3] as string)
    .find((one) => one !== by && rows.some(({ agent, status }) => agent === one && status === 'offered'));
  return { next: next ?? 'nobody' };
}

/** The offers that are remembered once this round is over. */
function historyOf({ history, rows, table, round }: NegotiationContext): readonly unknown[] {
  if (table === null) return [];
  const accepted = rows.flatMap(({ agent, status }) => (status === 'accepted' ? [agent] : []));
  return [...history, { round, by: table.agent, offer: offerOf(table.agent, round - 1), accepted }].slice(-2);
}

/** It has failed, in this state, with these details. */
const fails = (run: NegotiationRun, why: string, history: readonly unknown[]): string | undefined => {
  const { round, rows } = run.before.context;
  return (
    same('state', stateOf(run.snapshot), 'failed') ??
    same('end', run.snapshot.output, { outcome: 'failed', why, details: { rounds: round, parties: rows, history } }) ??
    same('told', run.emittedNow, [{ type: 'negotiation.failed', session: 's1', rounds: round, why }])
  );
};

/** All answers are in. */
const weighs: Owes = (run) => {
  if (!isTalking(run)) return same('state', stateOf(run.snapshot), stateOf(run.before));
  const { context } = run.before;
  const { round, agents } = context;
  const [due, history] = [verdict(context), historyOf(context)];
  if ('why' in due) return fails(run, due.why, history);
  if ('by' in due) {
    const value = { offer: offerOf(due.by, round - 1), by: due.by, rounds: round, history };
    return (
      same('state', stateOf(run.snapshot), 'agreed') ??
      same('end', run.snapshot.output, { outcome: 'decided', value }) ??
      same('told', run.emittedNow, [{ type: 'negotiation.agreed', session: 's1', rounds: round, by: due.by }])
    );
  }
  const { context: now } = run.snapshot;
  const open = agents.filter((agent) => agent !== due.next);
  const rows = agents.map((agent) => ({ agent, status: agent === due.next ? 'offered' : 'late' }));
  return (
    same('state', stateOf(run.snapshot), 'answering') ??
    same('table', [now.round, now.table, now.counters], [round + 1, { agent: due.next, offer: offerOf(due.next, round) }, []]) ??
    same('parties', [now.open, now.rows, now.history], [open, rows, history]) ??
    same('told', run.emittedNow, [{ type: 'negotiation.offered', session: 's1', round: round + 1, by: due.next }])
  );
};

const untouched: Owes = (run) =>
  same('context', run.snapshot.context, run.before.context) ??
  same('state', run.snapshot.value, run.before.value) ??
  same('told', run.emittedNow, []);

/** An answer of one party: what becomes of it while it is awaited; nothing after that. */
function answers(agent: string, outcome: (round: number) => RequestOutcome, statusIn: (state: string) => PartyStatus): Case {
  return {
    payload: ((run: NegotiationRun) => {
      const { round } = run.snapshot.context;
      return { id: `round-${round}`, agent, outcome: outcome(round) };
    }) as never,
    owes: (run) => {
      const { open, rows, round, counters } = run.before.context;
      if (!isTalking(run) || !open.includes(agent)) return untouched(run);
      const [status, { context }] = [statusIn(stateOf(run.before)), run.snapshot];
      const offered = status === 'offered' ? [...counters, { agent, offer: offerOf(agent, round) }] : counters;
      return (
        same('state', run.snapshot.value, run.before.value) ??
        same(
          'rows',
          context.rows,
          rows.map((row) => (row.agent === agent ? { agent, status } : row)),
        ) ??
        same(
          'open',
          context.open,
          open.filter((one) => one !== agent),
        ) ??
        same('counters', context.counters, offered) ??
        same('told', run.emittedNow, [{ type: 'negotiation.answered', session: 's1', round, agent, status }])
      );
    },
  };
}

const says = (agent: string, said: (round: number) => unknown, statusIn: (state: string) => PartyStatus): Case =>
  answers(agent, (round) => ({ ok: true, value: said(round) }), statusIn);
const offers = (agent: string): Case =>
  says(
    agent,
    (round) => ({ say: 'offer', offer: offerOf(agent, round) }),
    () => 'offered',
  );
const accepts = (agent: string): Case =>
  says(
    agent,
    () => ({ say: 'accept' }),
    (state) => (state === 'opening' ? 'invalid' : 'accepted'),
  );

const breaks = (crash: string): Owes => {
  return (run) => same('state', run.snapshot.value, 'broken') ?? same('reason', reasonOfOutput(run.snapshot.output), { crash });
};

export const negotiationModel: Model<typeof negotiationMachine> = {
  machine: negotiationMachine,
  inputs: { 'three parties': input, 'one party': { ...input, agents: ['ann'] } },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          ...{ 'ann offers': offers('ann'), 'ann accepts': accepts('ann'), 'bob offers': offers('bob'), 'bob accepts': accepts('bob') },
          ...{ 'eve offers': offers('eve'), 'eve accepts': accepts('eve') },
          'bob leaves': says(
            'bob',
            () => ({ say: 'leave' }),
            () => 'left',
          ),
          'eve ends': answers(
            'eve',
            () => ({ ok: false, reason: 'crashed' }),
            () => 'crashed',
          ),
          'bob answers for another round': {
            weight: 0.3,
            payload: ((run: NegotiationRun) => ({
              id: `round-${run.snapshot.context.round + 1}`,
              agent: 'bob',
              outcome: { ok: true, value: { say: 'accept' } },
            })) as never,
            owes: untouched,
          },
        },
        'questions.answered': { 'all are answered': { owes: weighs } },
        'questions.lost': { 'it is taken away': { weight: 0.2, payload: { why: 'killed' }, owes: breaks('killed') } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: breaks('questionsCrashed') } },
    },
  },
  delays: {
    '500 ms pass': {
      ms: 500,
      owes: (run) => {
        if (!isTalking(run)) return untouched(run);
        return run.clock.now() < 1_000 ? untouched(run) : fails(run, 'timeUp', historyOf(run.before.context));
      },
    },
  },
  invariants: {
    'it asks exactly while it waits, and whose turn it is': (run) => {
      const { context } = run.snapshot;
      const { agents, round, table } = context;
      const state = stateOf(run.snapshot);
      const asked = run.of('questions').map((one) => one.input);
      const terms = { subject: 'the pie', maxRounds: 3 };
      if (state === 'opening') {
        const questions = [{ id: 'round-0', agent: 'ann', body: { ask: 'offer', ...terms } }];
        return same('asks', asked, [{ session: 's1', questions, withinMs: 400 }]);
      }
      if (state !== 'answering') return same('asks', asked, []);
      const body = { ask: 'answer', ...terms, round, by: table?.agent, offer: table?.offer };
      const questions = agents.filter((agent) => agent !== table?.agent).map((agent) => ({ id: `round-${round}`, agent, body, isDerived: true }));
      return same('asks', asked, [{ session: 's1', questions, withinMs: 400 }]);
    },
    'the first is asked, and nobody else is yet': ({ snapshot, emitted }) => {
      const { open, rows } = snapshot.context;
      if (stateOf(snapshot) !== 'opening' || emitted.length > 0) return undefined;
      return same('parties', [open, rows.map(({ status }) => status)], [['ann'], ['late', 'unasked', 'unasked']]);
    },
    'one alone has nobody to agree with': ({ snapshot, emitted }) => {
      if (snapshot.context.agents.length > 1) return undefined;
      const details = { rounds: 0, parties: [{ agent: 'ann', status: 'unasked' }], history: [] };
      return (
        same('end', snapshot.output, { outcome: 'failed', why: 'tooFew', details }) ??
        same('told', emitted, [{ type: 'negotiation.failed', session: 's1', rounds: 0, why: 'tooFew' }])
      );
    },
    'it has a row for each party, in their order': ({ snapshot: { context } }) =>
      same(
        'rows',
        context.rows.map(({ agent }) => agent),
        context.agents,
      ),
    'it has one end, or none': (run) => {
      const { context } = run.snapshot;
      const state = stateOf(run.snapshot);
      return same('ends', [context.end !== null, context.crash !== null], [state === 'agreed' || state === 'failed', state === 'broken']);
    },
    'there is a deadline exactly while it talks': ({ clock, isActive }) => same('deadlines', clock.pending(), isActive ? 1 : 0),
  },
  key: ({ snapshot: { context }, clock }) => [
    ...[context.round, context.table, context.counters, context.open, context.rows.map(({ status }) => status), context.history.length],
    ...[context.end?.outcome ?? null, context.crash, (clock.nextAt() ?? 0) - clock.now()],
  ],
  finish: (run) => {
    for (const fake of run.running()) run.report(fake, { type: 'questions.answered' });
  },
};
