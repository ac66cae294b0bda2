/** The model of a participant's chart: what its backend brings, by the parts that ask it, and what its work, the app and the supervisor do. */
import type { ClaimOutcome, LeaderEvent, Leadership, Seat } from '../../../machines/coordination/leader-events.js';
import { leaderMachine } from '../../../machines/coordination/leader.js';
import type { EventCase, Model, Move } from '../model/model.js';
import {
  type Account,
  accountOf,
  chosen,
  election,
  ends,
  endsIn,
  input,
  isCandidate,
  isIn,
  look,
  lost,
  met,
  type Owes,
  part,
  pauseBefore,
  pauseOf,
  resigns,
  retrying,
  returns,
  spoils,
} from './leader-account.js';
import { noteTold, same } from './looks.js';

type Case = EventCase<typeof leaderMachine, never>;

/** How the election looks, and what of it the model notes. `isOwn`: it is its own turn. */
function seen(seat: Seat, leader: Leadership | null, isOwn: boolean): Case {
  return {
    run: (run) => {
      const account = accountOf(run);
      const first = isOwn ? account.lease : leader === null ? null : 'another';
      const isNews = (leader?.token ?? null) !== account.token;
      Object.assign(account, { seat, token: leader?.token ?? null, first, looks: 0 });
      run.notes['isNews'] = isNews;
      run.report('follower', { type: 'election.seen', seat, leader, first });
    },
    // A participant without a lease is nobody's turn.
    when: (run) => !isOwn || accountOf(run).lease !== '',
    payload: { seat, leader, first: null } as never,
    owes: (run) => {
      const change = { type: 'leader.changed', election, leader: leader?.id ?? null, term: seat.term };
      return isIn(run, { facts: run.notes['isNews'] === true ? [change] : [] });
    },
  };
}

function orders(type: 'leader.stand' | 'leader.withdraw', owes: Owes): Case {
  return {
    weight: 0.3,
    run: (run) => {
      accountOf(run).stands = type === 'leader.stand';
      run.send({ type });
    },
    owes,
  };
}

/** It is asked to end; a reason that was told stays. */
function asksForEnd(event: Extract<LeaderEvent, { type: 'leader.close' | 'supervisor.shutdown' }>): Case {
  return {
    weight: 0.1,
    run: (run) => {
      const reason = event.type === 'leader.close' ? accountOf(run).reason : (event.reason ?? 'shutdown');
      Object.assign(accountOf(run), { isEnding: true, reason });
      run.send(event);
    },
    owes: ends,
  };
}

function claims(output: ClaimOutcome, owes: Owes, note: (account: Account) => void): { output: ClaimOutcome; owes: Owes; note: typeof note } {
  return { output, owes, note };
}

/** What a claim is answered; the model's account is told first. */
const answers: Readonly<Record<string, ReturnType<typeof claims>>> = {
  'the seat is won': claims(
    { outcome: 'won', token: 9 },
    (run) => {
      const { term } = accountOf(run).claim;
      return isIn(run, { part: 'leading', facts: [{ type: 'leader.elected', election, term, token: 9 }], told: ['candidacy.watch'] });
    },
    (account) => Object.assign(account, { mine: { revision: 9, term: account.claim.term }, attempts: 0 }),
  ),
  'another had taken the seat': claims(
    { outcome: 'beaten', seat: { revision: 6, term: 4 } },
    (run) => isIn(run, { part: 'asking' }),
    (account) => Object.assign(account, { claim: { revision: 6, term: 5 } }),
  ),
  'nobody knows': claims(
    { outcome: 'unanswered', why: 'unknown, lost' },
    (run) => isIn(run, { part: 'pausing', facts: [retrying('claiming', 'unknown, lost', accountOf(run).attempts)] }),
    (account) => account.attempts++,
  ),
};

const answerCases = Object.fromEntries(
  Object.entries(answers).map(([name, { output, owes, note }]): [string, Move<typeof leaderMachine>] => [
    name,
    {
      run: (run) => {
        note(accountOf(run));
        run.resolve('claim', output);
      },
      owes,
    },
  ]),
);

const fails = (crash: string): Owes => {
  return (run) => endsIn(run, 'failed', { crash });
};

const b: Leadership = { id: 'bob', term: 2, token: 5 };

const elected = ['it has a lease', 'it is its turn', 'the seat is won'] as const;

export const leaderModel: Model<typeof leaderMachine> = {
  machine: leaderMachine,
  inputs: { 'a candidate': input, 'an observer': { ...input, stands: false } },
  events: {
    'leader.resign': {
      'app: resigns': {
        weight: 0.5,
        owes: (run) => {
          if (met(run) === 'leading') return resigns('asked')(run);
          return isIn(run, { facts: [{ type: 'leader.rejected', election, command: 'leader.resign', reason: 'notLeading' }] });
        },
      },
    },
    'leader.withdraw': {
      'app: withdraws': orders('leader.withdraw', (run) => {
        const was = met(run);
        if (was === 'leading') return resigns('withdrawn')(run);
        if (was === 'resigning' || was === 'observing') return isIn(run, {});
        return isIn(run, was === 'backingOff' ? { part: 'observing' } : { part: 'resigning', told: ['candidacy.release'] });
      }),
    },
    'leader.stand': {
      'app: stands': orders('leader.stand', (run) => isIn(run, met(run) === 'observing' ? { part: 'entering' } : {})),
    },
    'leader.close': { 'app: closes': asksForEnd({ type: 'leader.close' }) },
    'supervisor.shutdown': {
      'supervisor: shutdown': asksForEnd({ type: 'supervisor.shutdown' }),
      'supervisor: shutdown for a reason': asksForEnd({ type: 'supervisor.shutdown', reason: ['shutdown', 'late'] }),
    },
  },
  outcomes: {
    follower: {
      reports: {
        'election.seen': {
          'nobody ever led': seen({ revision: 0, term: 0 }, null, false),
          'another leads': seen({ revision: 5, term: 2 }, b, false),
          'it is its turn': seen({ revision: 5, term: 2 }, null, true),
        },
        'follower.lost': {
          'it cannot be followed': {
            payload: { why: 'gap' },
            run: (run) => {
              accountOf(run).looks++;
              run.report('follower', { type: 'follower.lost', why: 'gap' });
            },
            owes: (run) => isIn(run, { look: 'pausing', facts: [retrying('following', 'gap', accountOf(run).looks)] }),
          },
        },
      },
      error: { 'the follower crashes': { error: new Error('no more'), weight: 0.1, owes: fails('followerCrashed') } },
    },
    candidacy: {
      reports: {
        'candidacy.opened': {
          'the candidacy is new': {
            weight: 0.3,
            owes: (run) => {
              if (met(run) === 'resigning') return returns()(run);
              return isIn(run, { part: 'entering', facts: met(run) === 'leading' ? [lost(run, 'restored')] : [] });
            },
          },
        },
        'candidacy.entered': {
          'it has a lease': {
            payload: { lease: '' },
            when: (run) => part(run) === 'entering',
            run: (run) => {
              const account = accountOf(run);
              account.leases = (account.leases % 2) + 1;
              Object.assign(account, { lease: `lease-${account.leases}`, attempts: 0 });
              run.report('candidacy', { type: 'candidacy.entered', lease: account.lease });
            },
            owes: (run) => isIn(run, { part: 'waiting' }),
          },
        },
        'candidacy.lost': {
          'the lease is over': {
            payload: { why: 'expired' },
            run: (run) => {
              if (part(run) !== 'resigning') accountOf(run).attempts++;
              run.report('candidacy', { type: 'candidacy.lost', why: 'expired' });
            },
            owes: (run) => {
              if (met(run) === 'resigning') return returns()(run);
              const again = retrying('standing', 'expired', accountOf(run).attempts, pauseBefore(accountOf(run)));
              return isIn(run, { part: 'backingOff', facts: met(run) === 'leading' ? [lost(run, 'expired'), again] : [again] });
            },
          },
        },
        'candidacy.released': {
          'the lease is given back': { when: (run) => part(run) === 'resigning', owes: returns() },
        },
        'work.ended': {
          'its work is killed': {
            when: (run) => part(run) === 'leading',
            run: (run) => {
              accountOf(run).spoils++;
              run.report('candidacy', { type: 'work.ended' });
            },
            owes: spoils('ended'),
          },
        },
      },
      error: { 'the candidacy crashes': { error: new Error('no more'), weight: 0.1, owes: fails('candidacyCrashed') } },
    },
    claim: {
      cases: answerCases,
      error: { 'the claim crashes': { error: new Error('no more'), weight: 0.1, owes: fails('claimCrashed') } },
    },
    work: {
      cases: {
        'its work is done': {
          run: (run) => {
            accountOf(run).spoils++;
            run.resolve('work', 'all');
          },
          owes: spoils('finished'),
        },
        'its work crashes': {
          run: (run) => {
            accountOf(run).spoils++;
            run.reject('work', new Error('no more'));
          },
          owes: spoils('crashed'),
        },
      },
    },
  },
  delays: {
    'the next timer is due': {
      ms: 100,
      owes: (run) => {
        const { notes } = run;
        const due = run.clock.now();
        const isUp = due >= Number(notes['partDueBefore']);
        const isSeen = due >= Number(notes['lookDueBefore']);
        const now = isSeen ? { look: 'watching' } : {};
        const was = met(run);
        if (!isUp) return isIn(run, now);
        if (was === 'pausing') return isIn(run, { ...now, part: 'asking' });
        if (was === 'asking') return isIn(run, { ...now, part: 'pausing', facts: [retrying('claiming', 'late', accountOf(run).attempts)] });
        if (was === 'resigning') return returns(now)(run);
        return isIn(run, { ...now, part: was === 'backingOff' ? chosen(run) : was });
      },
    },
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      // XState sets no timer again, but a supervisor does (src/supervision/persistence.ts): these are waits that nothing else would end.
      when: (run) => run.isActive && look(run) === 'watching' && ['observing', 'entering', 'waiting', 'leading'].includes(part(run)),
      run: (run) => {
        run.restore();
        run.notes['partDue'] = 1e9;
      },
      owes: (run) => isIn(run, {}),
    },
  },
  key: (run) => {
    const { seat, token, first, lease, claim, looks, attempts, spoils: spoilt, stands, isEnding, reason } = accountOf(run);
    const { clock, notes } = run;
    const left = (due: unknown): number => Math.min(Math.max(0, Number(due) - clock.now()), 900);
    const isCampaign = ['asking', 'pausing', 'leading'].includes(part(run));
    return [
      ...[seat.revision, token, lease !== '' && first === lease, isCampaign ? claim.revision : null, stands, isEnding, reason],
      ...[Math.min(looks, 1), Math.min(attempts, 2), Math.min(spoilt, 1), left(notes['partDue']), left(notes['lookDue'])],
    ];
  },
  corners: {
    'work that lasts at last': [
      'a candidate',
      ...elected,
      ...['its work crashes', 'the lease is given back', 'the next timer is due'],
      ...elected,
      'the next timer is due',
    ],
    'one that withdraws with work that did not last': [
      'a candidate',
      ...elected,
      ...['its work crashes', 'app: withdraws', 'the lease is given back', 'app: stands'],
    ],
  },
  invariants: {
    'each part runs exactly while it is needed': (run) => {
      const place = part(run);
      const wanted = [
        ...(look(run) === 'watching' ? ['follower'] : []),
        ...(isCandidate(place) ? ['candidacy'] : []),
        ...(place === 'asking' ? ['claim'] : []),
        ...(place === 'leading' ? ['work'] : []),
      ];
      const srcs = run.running().map(({ src }) => src);
      return same('running', [...srcs].sort(), [...wanted].sort());
    },
    'it says that it leads, and follows, exactly while it does': (run) =>
      same('tags', [run.snapshot.hasTag('leading'), run.snapshot.hasTag('following')], [part(run) === 'leading', look(run) === 'watching']),
    'it asks for the seat by what it was told of it': (run) => {
      const [asked] = run.of('claim');
      if (asked === undefined) return undefined;
      const { lease, claim } = accountOf(run);
      return same('claim', asked.input, { id: 'ann', lease, claim });
    },
    'its work knows its term and its token': (run) => {
      const [work] = run.of('work');
      const { mine } = accountOf(run);
      return work === undefined ? undefined : same('work', work.input, { election, id: 'ann', term: mine?.term, token: mine?.revision });
    },
    'it knows what it leads by exactly while it leads': (run) =>
      !run.isActive ? undefined : same('mine', run.snapshot.context.mine, part(run) === 'leading' ? accountOf(run).mine : null),
    'it counts what failed, and knows whether it stands': (run) => {
      const { looks, attempts, spoils: spoilt, stands } = accountOf(run);
      const { context } = run.snapshot;
      return same('counts', [context.looks, context.attempts, context.spoils, context.stands], [looks, attempts, spoilt, stands]);
    },
    'it ends when it was asked to, and is no candidate any more': (run) =>
      !run.isActive
        ? undefined
        : same('ending', [run.snapshot.context.isEnding, part(run) === 'resigning' || !accountOf(run).isEnding], [accountOf(run).isEnding, true]),
    'it has a lease only as a candidate': (run) =>
      isCandidate(part(run)) || !run.isActive ? undefined : same('lease', run.snapshot.context.lease, null),
    'it waits no longer than it should': ({ notes, clock }) => {
      const due = Math.min(Number(notes['partDue']), Number(notes['lookDue']));
      return same('next timer', clock.nextAt() ?? 1e9, due);
    },
  },
  observe: (run) => {
    const { notes, clock } = run;
    const account = accountOf(run);
    noteTold(run, 'candidacy');
    const [now, was] = [part(run), (notes['part'] ?? '') as string];
    const wasLook = (notes['look'] ?? '') as string;
    if (was === 'leading' && now === 'leading' && clock.now() >= Number(notes['partDue'])) {
      account.spoils = 0;
      notes['partDue'] = 1e9;
    }
    if (was === 'asking' && now === 'pausing' && clock.now() >= Number(notes['partDue'])) account.attempts++;
    if (now === 'asking' && !['asking', 'pausing'].includes(was)) {
      // Asked for before the step that made it its turn could be noted.
      account.claim = { revision: account.seat.revision, term: account.seat.term + 1 };
    }
    if (!isCandidate(now)) Object.assign(account, { lease: '' });
    Object.assign(notes, { mineBefore: notes['mineNow'] ?? null });
    if (now !== 'leading') account.mine = null;
    notes['mineNow'] = account.mine;
    const claimed = run.fakes.filter(({ src }) => src === 'claim').length;
    const isNew = now !== was || (now === 'asking' && claimed !== notes['claimed']) || wasLook === '';
    const lasts: Readonly<Record<string, number>> = {
      ...{ asking: 100, pausing: pauseOf(account.attempts), resigning: 200, backingOff: pauseBefore(account), leading: 100 },
    };
    Object.assign(notes, { partDueBefore: notes['partDue'] ?? 1e9, lookDueBefore: notes['lookDue'] ?? 1e9 });
    if (isNew) notes['partDue'] = clock.now() + (lasts[now] ?? 1e9);
    if (lasts[now] === undefined) notes['partDue'] = 1e9;
    if (look(run) !== wasLook) notes['lookDue'] = look(run) === 'pausing' ? clock.now() + pauseOf(account.looks) : 1e9;
    Object.assign(notes, { part: now, look: look(run), claimed });
  },
  finish: (run) => {
    if (part(run) === 'resigning') return run.report('candidacy', { type: 'candidacy.released' });
    accountOf(run).isEnding = true;
    run.send({ type: 'leader.close' });
  },
};
