/** The model of an auction's chart: two bidders and whoever asks them, in an auction of each way in which the price may go. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { auctionMachine } from '../../../machines/coordination/auction.js';
import type { AuctionContext, AuctionInput, BidderRow, BidderStatus } from '../../../machines/coordination/auction-events.js';
import { drawnOrder } from '../../../machines/coordination/tie.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type AuctionRun = Run<typeof auctionMachine>;
type Case = EventCase<typeof auctionMachine, never>;
type Owes = NonNullable<Case['owes']>;
type Name = 'ann' | 'bob';

const sealed: AuctionInput = {
  ...{ session: 's1', agents: ['ann', 'bob'], seed: 7, kind: 'vickrey', lot: 'a clock', reserve: 25, startPrice: 0, step: 1 },
  ...{ ties: 'fail', whenLeaderDies: 'next', maxRounds: 1, withinMs: 400 },
};
const dutch: AuctionInput = { ...sealed, kind: 'dutch', startPrice: 20, reserve: 10, step: 10, maxRounds: 2 };
const english: AuctionInput = { ...sealed, kind: 'english', startPrice: 10, reserve: 12, step: 5, maxRounds: 3, ties: 'draw' };

/** Sealed, ann bids 30 and bob 20; else whoever bids bids what is asked for. */
const sealedBids = { ann: 30, bob: 20 };

/** What the present round asks for at least, by its number and who leads. */
function leastIn({ kind, round, leader }: Pick<AuctionContext, 'kind' | 'round' | 'leader'>): number {
  if (kind === 'dutch') return round === 1 ? 20 : 10;
  if (kind === 'english') return leader === null ? 10 : leader.bid + 5;
  return 0;
}

/** Who bids highest, and of two the one that the seed draws. */
function best({ rows, seed }: AuctionContext): { readonly agent: string; readonly bid: number; readonly isTied: boolean } | null {
  const [ann, bob] = rows.map(({ bid }) => bid ?? -1) as [number, number];
  const bid = Math.max(ann, bob);
  if (bid < 0) return null;
  const isTied = ann === bob;
  return { agent: isTied ? (drawnOrder(seed, `price ${bid}`, ['ann', 'bob'])[0] as string) : ann > bob ? 'ann' : 'bob', bid, isTied };
}

/** What has to come of a round whose answers these are: a winner and a price, a word, or another round. */
function verdict(context: AuctionContext): readonly [winner: string, price: number, isCut: boolean] | string | null {
  const { kind, rows, round, leader, agents } = context;
  const first = agents.length === 0 ? null : best(context);
  if (kind === 'vickrey') {
    if (first === null) return 'noBids';
    return first.agent === 'bob' ? 'reserveNotMet' : ['ann', 25, false];
  }
  if (kind === 'dutch') {
    if (first !== null) return first.isTied ? 'tie' : [first.agent, first.bid, false];
    if (round === 1) return null;
    return rows.some(({ status }) => status === 'passed') ? 'reserveNotMet' : 'noBids';
  }
  if (first === null) return leader === null ? 'noBids' : 'leaderDied';
  const isRaised = leader === null || first.bid > leader.bid;
  if (isRaised && round < 3) return null;
  return first.bid < 12 ? 'reserveNotMet' : [first.agent, first.bid, isRaised];
}

/** All answers are in. */
const weighs: Owes = (run) => {
  const { before, snapshot } = run;
  if (before.value !== 'asking') return same('state', snapshot.value, before.value);
  const [due, { context }] = [verdict(before.context), snapshot];
  const { session, round, kind, rows } = before.context;
  if (due === null) {
    const first = kind === 'english' ? best(before.context) : null;
    const leader = first === null ? null : { agent: first.agent, bid: first.bid };
    const next = { kind, round: round + 1, leader };
    return (
      same('state', snapshot.value, 'asking') ??
      same('the round', { kind, round: context.round, leader: context.leader }, next) ??
      same('rows', context.rows, silent(rows)) ??
      same('told', run.emittedNow, [{ type: 'auction.asked', session, round: round + 1, least: leastIn(next) }])
    );
  }
  if (typeof due === 'string') {
    const tied = due === 'tie' ? ['ann', 'bob'] : [];
    return (
      same('state', snapshot.value, 'unsold') ??
      same('end', snapshot.output, { outcome: 'failed', why: due, details: { rounds: round, tied, bidders: rows } }) ??
      same('told', run.emittedNow, [{ type: 'auction.unsold', session, rounds: round, why: due }])
    );
  }
  const [winner, price, isCut] = due;
  const tied = best(before.context)?.isTied === true ? ['ann', 'bob'] : [];
  return (
    same('state', snapshot.value, 'sold') ??
    same('end', snapshot.output, { outcome: 'decided', value: { kind, winner, price, rounds: round, tied, isCut, bidders: rows } }) ??
    same('told', run.emittedNow, [{ type: 'auction.sold', session, rounds: round, winner, price }])
  );
};

const silent = (rows: readonly BidderRow[]): BidderRow[] => rows.map(({ agent, bid }) => ({ agent, status: 'late', bid }));

const bidOf = ({ snapshot: { context } }: AuctionRun, agent: Name): number => (context.kind === 'vickrey' ? sealedBids[agent] : leastIn(context));

/** An answer of one bidder: what becomes of its row, while it is awaited; nothing after that. */
function answers(agent: Name, outcome: (run: AuctionRun) => RequestOutcome, row: (run: AuctionRun, bid: number | null) => Partial<BidderRow>): Case {
  return {
    payload: ((run: AuctionRun) => ({ id: `round-${run.snapshot.context.round}`, agent, outcome: outcome(run) })) as never,
    owes: (run) => {
      const { before, snapshot } = run;
      const { open, rows, session, round, leader } = before.context;
      const isAwaited = before.value === 'asking' && open.includes(agent);
      const own = rows.find((one) => one.agent === agent);
      const said = own === undefined ? {} : row(run, own.bid);
      // Whoever leads and was heard leads still.
      const now = leader?.agent === agent && outcome(run).ok ? { status: 'bid' as const } : said;
      const expected = isAwaited ? rows.map((one) => (one.agent === agent ? { ...one, ...now } : one)) : rows;
      const status = now.status as BidderStatus;
      return (
        same('state', snapshot.value, before.value) ??
        same('rows', snapshot.context.rows, expected) ??
        same('open', snapshot.context.open, isAwaited ? open.filter((one) => one !== agent) : open) ??
        same('told', run.emittedNow, isAwaited ? [{ type: 'auction.answered', session, round, agent, status }] : [])
      );
    },
  };
}

const bids = (agent: Name): Case =>
  answers(
    agent,
    (run) => ({ ok: true, value: { bid: bidOf(run, agent) } }),
    ({ before: { context } }) => ({ status: 'bid', bid: context.kind === 'vickrey' ? sealedBids[agent] : leastIn(context) }),
  );
const passes = (agent: Name): Case =>
  answers(
    agent,
    () => ({ ok: true, value: { bid: null } }),
    (_, bid) => ({ status: 'passed', bid }),
  );
const ends = (agent: Name): Case =>
  answers(
    agent,
    () => ({ ok: false, reason: 'crashed' }),
    () => ({ status: 'crashed', bid: null }),
  );

const untouched: Owes = (run) =>
  same('context', run.snapshot.context, run.before.context) ??
  same('state', run.snapshot.value, run.before.value) ??
  same('told', run.emittedNow, []);

const breaks = (crash: string): Owes => {
  return (run) => same('state', run.snapshot.value, 'broken') ?? same('reason', reasonOfOutput(run.snapshot.output), { crash });
};

const early = (agent: string, round: (run: AuctionRun) => number): Case => ({
  weight: 0.3,
  payload: ((run: AuctionRun) => ({ id: `round-${round(run)}`, agent, outcome: { ok: true, value: { bid: 40 } } })) as never,
  owes: untouched,
});

export const auctionModel: Model<typeof auctionMachine> = {
  machine: auctionMachine,
  inputs: {
    'a sealed auction': sealed,
    'a Dutch auction': dutch,
    'an English auction': english,
    'an auction without bidders': { ...dutch, agents: [] },
  },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          ...{ 'ann bids': bids('ann'), 'ann passes': passes('ann'), 'ann ends': ends('ann') },
          ...{ 'bob bids': bids('bob'), 'bob passes': passes('bob'), 'bob ends': ends('bob') },
          'ann answers for another round': early('ann', ({ snapshot }) => snapshot.context.round + 1),
          'a stranger answers': early('eve', ({ snapshot }) => snapshot.context.round),
        },
        'questions.answered': { 'all are answered': { owes: weighs } },
        'questions.lost': { 'it is taken away': { weight: 0.2, payload: { why: 'killed' }, owes: breaks('killed') } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: breaks('questionsCrashed') } },
    },
  },
  invariants: {
    'it asks exactly while it waits, and everybody': (run) => {
      const asking = run.of('questions');
      const { context, value } = run.snapshot;
      const { agents, kind, lot, round, leader } = context;
      if (value !== 'asking') return same('asks', asking.length, 0);
      const [least, highest] = [leastIn(context), leader?.bid ?? null];
      const questions = agents.map((agent) => ({
        ...{ id: `round-${round}`, agent },
        body: { ask: 'bid', auction: kind, lot, round, least, highest, isLeading: leader?.agent === agent },
        isDerived: kind === 'english' && round > 1,
      }));
      return same(
        'asks',
        asking.map(({ input }) => input),
        [{ session: 's1', questions, withinMs: 400 }],
      );
    },
    'it has a row for each bidder, in their order': ({ snapshot: { context } }) =>
      same(
        'rows',
        context.rows.map(({ agent }) => agent),
        context.agents,
      ),
    'each is awaited or heard, once a round': ({ snapshot, emitted }) => {
      const { open, agents, round } = snapshot.context;
      const heard = emitted.filter((fact) => fact.type === 'auction.answered' && fact['round'] === round).length;
      return snapshot.value === 'asking' ? same('heard', heard + open.length, agents.length) : undefined;
    },
    'nobody has won below the reserve': ({ snapshot: { context } }) =>
      context.end?.outcome === 'decided' && context.end.value.price < context.reserve ? `${context.end.value.price}` : undefined,
    'whoever can be asked is': ({ snapshot: { context } }) => (context.round === 0 && context.agents.length > 0 ? 'no round' : undefined),
    'who asks nobody says so at once': (run) => {
      const { context, output } = run.snapshot;
      if (context.agents.length > 0) return undefined;
      return (
        same('end', output, { outcome: 'failed', why: 'noBids', details: { rounds: 0, tied: [], bidders: [] } }) ??
        same('told', run.emitted, [{ type: 'auction.unsold', session: 's1', rounds: 0, why: 'noBids' }])
      );
    },
    'it has one end, or none': ({ snapshot: { context, value } }) =>
      same('ends', [context.end !== null, context.crash !== null], [value === 'sold' || value === 'unsold', value === 'broken']),
  },
  finish: (run) => run.report('questions', { type: 'questions.answered' }),
};
