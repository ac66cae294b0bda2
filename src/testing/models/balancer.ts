/** The model of a balancer's chart: its desk's part, the app's and the supervisor's. */
import { longestDelayMs } from '../../../machines/backoff.js';
import { balancerMachine } from '../../../machines/agents/balancer.js';
import type { BalanceStrategy } from '../../../machines/agents/balancer-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type BalancerRun = Run<typeof balancerMachine>;
type Case = EventCase<typeof balancerMachine, never>;
type Owes = NonNullable<Case['owes']>;

const place = ({ snapshot: { status, value } }: Pick<BalancerRun, 'snapshot'>): string =>
  status === 'active' ? (value as { serving: string }).serving : (value as string);

const before = (run: BalancerRun): string => place({ snapshot: run.before });

const ends = (state: string, reason: unknown): Owes => {
  return (run) => same('state', place(run), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason);
};

/** When the drain's deadline is due; null where it has none, or does not drain. */
const due = ({ notes }: Pick<BalancerRun, 'notes'>): number | null => (notes['due'] ??= null) as number | null;

const drains = (deadlineMs: number | undefined): Case => ({
  payload: (deadlineMs === undefined ? {} : { deadlineMs }) as never,
  weight: 0.5,
  run: (run) => {
    const isNew = place(run) === 'open';
    if (isNew || deadlineMs !== undefined)
      Object.assign(run.notes, { drainMs: deadlineMs ?? null, due: deadlineMs === undefined ? null : run.clock.now() + deadlineMs });
    run.notes['tellsDrain'] = isNew || deadlineMs !== undefined;
    run.send({ type: 'balancer.drain', ...(deadlineMs === undefined ? {} : { deadlineMs }) });
  },
  owes: (run) =>
    same('state', place(run), 'draining') ?? same('told', toldNow(run), run.notes['tellsDrain'] === true ? [{ type: 'desk.drain' }] : []),
});

const chooses = (strategy: BalanceStrategy): Case => ({
  payload: { strategy } as never,
  owes: (run) => {
    const { strategy: from } = run.before.context;
    const facts = from === strategy ? [] : [{ type: 'balancer.strategyChanged', from, strategy }];
    const told = from === strategy ? [] : [{ type: 'desk.strategy', strategy }];
    return (
      same('strategy', run.snapshot.context.strategy, strategy) ??
      same('emitted', run.emittedNow, facts) ??
      same('told', toldNow(run), told) ??
      same('state', place(run), before(run))
    );
  },
});

/** Has the present desk said that it is open? */
const isOpened = (run: BalancerRun): boolean => run.notes['opened'] === run.of('desk')[0];

/** One that drains ends at its deadline; one that has none goes on, however long it takes. */
const endsInTime: Owes = (run) => {
  const isUp = before(run) === 'draining' && due(run) !== null && run.clock.now() >= Number(due(run));
  return isUp ? ends('closed', 'normal')(run) : same('state', place(run), before(run));
};

export const balancerModel: Model<typeof balancerMachine> = {
  machine: balancerMachine,
  inputs: { 'a balancer': { strategy: 'leastLoaded' } },
  events: {
    'strategy.set': { 'app: by load': chooses('leastLoaded'), 'app: in turn': chooses('roundRobin') },
    'balancer.drain': { 'app: drains': drains(undefined), 'app: drains, for 300 ms': drains(300) },
    'balancer.close': { 'app: closes': { weight: 0.1, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.1, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.1, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    desk: {
      reports: {
        'desk.opened': {
          'the desk is open': {
            when: (run) => !isOpened(run),
            run: (run) => {
              const { drainMs } = run.notes;
              if (place(run) === 'draining' && typeof drainMs === 'number') run.notes['due'] = run.clock.now() + drainMs;
              run.notes['opened'] = run.of('desk')[0];
              run.report('desk', { type: 'desk.opened' });
            },
            owes: (run) => {
              const told = { type: 'desk.strategy', strategy: run.snapshot.context.strategy };
              return (
                same('state', place(run), before(run)) ??
                same('told', toldNow(run), place(run) === 'draining' ? [told, { type: 'desk.drain' }] : [told])
              );
            },
          },
        },
        'desk.emptied': {
          'the last task has ended': {
            owes: (run) => (before(run) === 'draining' ? ends('closed', 'normal')(run) : same('state', place(run), 'open')),
          },
        },
        'desk.ended': { 'the desk is killed': { weight: 0.1, owes: ends('failed', { crash: 'deskLost' }) } },
      },
      error: { 'the desk crashes': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'deskCrashed' }) } },
    },
  },
  delays: {
    '300 ms pass': { ms: 300, owes: endsInTime },
    'as long passes as a timer takes': { ms: longestDelayMs, owes: endsInTime },
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      when: ({ isActive }) => isActive,
      run: (run) => {
        run.notes['due'] = null;
        run.restore();
      },
      owes: (run) => same('strategy', run.snapshot.context.strategy, run.before.context.strategy) ?? same('state', place(run), before(run)),
    },
  },
  key: (run) => {
    const until = due(run);
    return [run.snapshot.context.strategy, run.notes['drainMs'], until === null ? null : until - run.clock.now(), isOpened(run)];
  },
  invariants: {
    'its desk runs exactly as long as it does': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive ? ['desk'] : [],
      ),
    'it accepts exactly while it is open': (run) =>
      run.snapshot.hasTag('accepting') === (place(run) === 'open') ? undefined : `it is ${place(run)}`,
    'it has a deadline exactly while it drains, and the one that was asked for': (run) => {
      const at = run.clock.nextAt() ?? Infinity;
      // One without a deadline waits for as long as a timer takes, and then goes on.
      const next = at - run.clock.now() > 1_000 ? Infinity : at;
      const expected = place(run) === 'draining' ? (due(run) ?? Infinity) : Infinity;
      return next === expected ? undefined : `it is due at ${next}, not ${expected}`;
    },
  },
  observe: (run) => noteTold(run, 'desk'),
  finish: (run) => run.send({ type: 'balancer.close' }),
};
