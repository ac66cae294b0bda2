/** The model of an isolation pool's chart: the part of its threads, the app's and the supervisor's. */
import { isolationMachine } from '../../../machines/isolation/isolation.js';
import type { IsolationInput } from '../../../machines/isolation/isolation-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type PoolRun = Run<typeof isolationMachine>;
type Case = EventCase<typeof isolationMachine, never>;

const input: IsolationInput = {
  intensity: 1,
  periodMs: 1_000,
  backoff: { minMs: 100, maxMs: 200, factor: 2, jitter: 0, resetAfterMs: 60_000 },
  maxTrials: 1,
  drainMs: 200,
  endMs: 100,
};

/** Where it is: `serving`, `degraded`, `recovering`, `draining`, `ending`, `closed` or `failed`. */
function place({ snapshot: { value } }: Pick<PoolRun, 'snapshot'>): string {
  if (typeof value === 'string') return value;
  const { up } = value as { up: string | { running: string } };
  return typeof up === 'string' ? up : up.running;
}

const met = (run: PoolRun): string => place({ snapshot: run.before });
const isRunning = (state: string): boolean => ['serving', 'degraded', 'recovering'].includes(state);

interface Owed {
  readonly facts?: readonly object[];
  readonly orders?: readonly string[];
}

/** It is there now, with these facts and orders. */
function isIn(run: PoolRun, wanted: string, { facts = [], orders = [] }: Owed = {}): string | undefined {
  if (place(run) !== wanted) return `it was ${met(run)}, it is ${place(run)}, not ${wanted}`;
  const told = toldNow(run).map(({ type }) => type);
  return same('emitted', run.emittedNow, facts) ?? same('told', told, orders);
}

function endsIn(run: PoolRun, state: string, reason: unknown, facts: readonly object[] = []): string | undefined {
  return isIn(run, state, { facts }) ?? same('reason', [reasonOfOutput(run.snapshot.output)], [reason]);
}

/** By the last order that had one. */
const reasonAtEnd = ({ notes }: PoolRun): unknown => notes['reason'] ?? 'normal';

const closes: NonNullable<Case['owes']> = (run) => (isRunning(met(run)) ? isIn(run, 'draining', { orders: ['threads.drain'] }) : isIn(run, met(run)));

const close = (drainMs: number | undefined): Case => ({
  weight: 0.2,
  payload: (drainMs === undefined ? {} : { drainMs }) as never,
  run: (run) => {
    if (isRunning(place(run))) run.notes['drainMs'] = drainMs ?? run.snapshot.context.drainMs;
    run.send({ type: 'isolation.close', ...(drainMs === undefined ? {} : { drainMs }) });
  },
  owes: closes,
});

const shutdown = (reason: unknown): Case => ({
  weight: 0.2,
  payload: (reason === undefined ? {} : { reason }) as never,
  run: (run) => {
    run.notes['reason'] = reason ?? 'shutdown';
    if (isRunning(place(run))) run.notes['drainMs'] = run.snapshot.context.drainMs;
    run.send({ type: 'supervisor.shutdown', ...(reason === undefined ? {} : { reason: reason as 'normal' }) });
  },
  owes: closes,
});

/** When threads were lost within the last second, by the model's own account. */
function losses({ notes, clock }: Pick<PoolRun, 'notes' | 'clock'>): readonly number[] {
  return ((notes['losses'] ?? []) as readonly number[]).filter((at) => clock.now() - at <= input.periodMs);
}

const pauseOf = (pauses: number): number => (pauses > 1 ? 200 : 100);

function owesForLoss(run: PoolRun): string | undefined {
  const { intensity, maxTrials } = run.before.context;
  const earlier = Number(run.notes['earlier']);
  const pauses = Number(run.notes['pausesBefore']);
  const lost = { type: 'isolation.threadLost', cause: 'exited', losses: earlier + 1 };
  const degraded = { type: 'isolation.degraded', cause: 'exited', trial: pauses, pauseMs: pauseOf(pauses + 1) };
  const pausing = { facts: [lost, degraded], orders: ['threads.pause'] };
  switch (met(run)) {
    case 'serving':
      return earlier >= intensity ? isIn(run, 'degraded', pausing) : isIn(run, 'serving', { facts: [lost] });
    case 'recovering':
      if (run.notes['isOfJob'] === true) return isIn(run, 'recovering', { facts: [lost] });
      return pauses > maxTrials ? endsIn(run, 'failed', { crash: 'exited' }, [lost]) : isIn(run, 'degraded', pausing);
    case 'ending':
      return isIn(run, 'ending');
    default:
      return isIn(run, met(run), { facts: [lost] });
  }
}

const lost = (isOfJob: boolean): Case => ({
  payload: (({ clock }: PoolRun) => ({ cause: 'exited', at: clock.now(), isOfJob })) as never,
  run: (run) => {
    const { intensity, maxTrials } = run.snapshot.context;
    const [state, earlier, pauses] = [place(run), losses(run).length, Number(run.notes['pauses'] ?? 0)];
    const isPaused = state === 'serving' ? earlier >= intensity : state === 'recovering' && !isOfJob && pauses <= maxTrials;
    Object.assign(run.notes, { isOfJob, earlier, pausesBefore: pauses, pauses: isPaused ? pauses + 1 : pauses });
    if (place(run) !== 'ending') run.notes['losses'] = [run.clock.now(), ...losses(run)];
    run.report('threads', { type: 'thread.lost', cause: 'exited', at: run.clock.now(), isOfJob });
  },
  owes: owesForLoss,
});

/** What the threads are told anew when they have opened. */
const orderOf: Readonly<Record<string, string>> = {
  ...{ serving: 'threads.open', degraded: 'threads.pause', recovering: 'threads.try', draining: 'threads.drain', ending: 'threads.end' },
};

const threadsOf = (run: PoolRun): unknown => run.of('threads')[0];

export const isolationModel: Model<typeof isolationMachine> = {
  machine: isolationMachine,
  inputs: {
    'an isolation pool': input,
    'one that makes good no loss': { ...input, intensity: 0, maxTrials: 0 },
  },
  events: {
    'isolation.close': { 'app: closes': close(undefined), 'app: closes soon': close(100) },
    'supervisor.shutdown': {
      'supervisor: shutdown': shutdown(undefined),
      'supervisor: shutdown for a reason': shutdown(['shutdown', 'late']),
    },
  },
  outcomes: {
    threads: {
      reports: {
        'threads.opened': {
          'threads can begin': {
            when: (run) => run.notes['opened'] !== threadsOf(run),
            run: (run) => {
              run.notes['opened'] = threadsOf(run);
              run.report('threads', { type: 'threads.opened' });
            },
            owes: (run) => isIn(run, met(run), { orders: [orderOf[met(run)] ?? ''] }),
          },
        },
        'threads.refused': {
          'the package is missing': {
            weight: 0.2,
            payload: { code: 'isolation/missing-peer' },
            owes: (run) => endsIn(run, 'failed', { crash: 'isolation/missing-peer' }),
          },
        },
        'threads.ended': { 'the threads actor is killed': { weight: 0.2, owes: (run) => endsIn(run, 'failed', { crash: 'threadsLost' }) } },
        'threads.emptied': {
          'nothing is left': {
            when: (run) => ['draining', 'ending'].includes(place(run)),
            owes: (run) => endsIn(run, 'closed', reasonAtEnd(run)),
          },
        },
        'thread.lost': {
          'a thread is lost': lost(false),
          'a job loses its thread': lost(true),
        },
        'thread.served': {
          'the one that is tried serves': {
            when: (run) => place(run) === 'recovering',
            run: (run) => {
              Object.assign(run.notes, { losses: [], pauses: 0 });
              run.report('threads', { type: 'thread.served' });
            },
            owes: (run) => isIn(run, 'serving', { facts: [{ type: 'isolation.recovered' }], orders: ['threads.open'] }),
          },
        },
      },
      error: {
        'the threads actor crashes': { error: new Error('no more'), weight: 0.2, owes: (run) => endsIn(run, 'failed', { crash: 'threadsCrashed' }) },
      },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (run) => {
        const was = met(run);
        const isUp = run.clock.now() >= Number(run.notes['dueBefore']);
        if (was === 'degraded' && isUp) return isIn(run, 'recovering', { orders: ['threads.try'] });
        if (was === 'draining' && isUp) return isIn(run, 'ending', { orders: ['threads.end'] });
        if (was === 'ending' && isUp) return endsIn(run, 'failed', { crash: 'endTimeout' });
        return isIn(run, was);
      },
    },
    'a second passes': 1_001,
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      // XState sets no timer again, but a supervisor does (src/supervision/persistence.ts): these are waits that nothing else would end.
      when: (run) => run.isActive && ['serving', 'recovering'].includes(place(run)),
      run: (run) => run.restore(),
      owes: (run) => (place(run) === met(run) ? undefined : `it is ${place(run)}`),
    },
  },
  key: (run) => {
    const { clock, snapshot, notes } = run;
    const until = (clock.nextAt() ?? clock.now()) - clock.now();
    return [
      ...[
        snapshot.context.intensity,
        losses(run)
          .map((at) => clock.now() - at)
          .slice(0, 2),
        notes['pauses'],
        notes['reason'],
      ],
      ...[until, notes['opened'] === threadsOf(run)],
    ];
  },
  invariants: {
    'its threads actor runs exactly as long as it does': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive ? ['threads'] : [],
      ),
    'it accepts exactly while it runs': (run) => (run.snapshot.hasTag('accepting') === isRunning(place(run)) ? undefined : `it is ${place(run)}`),
    'it says that it is degraded exactly while it is': (run) =>
      run.snapshot.hasTag('degraded') === ['degraded', 'recovering'].includes(place(run)) ? undefined : `it is ${place(run)}`,
    'it waits no longer than it should': (run) => {
      const state = place(run);
      const { notes, clock } = run;
      const longest = { degraded: pauseOf(Number(notes['pauses'] ?? 0)), draining: Number(notes['drainMs'] ?? input.drainMs), ending: input.endMs }[
        state
      ];
      const until = (clock.nextAt() ?? clock.now()) - clock.now();
      return longest === undefined || until <= longest ? undefined : `it is ${state} for ${until} ms more, not ${longest}`;
    },
  },
  observe: (run) => {
    const { notes, clock } = run;
    noteTold(run, 'threads');
    Object.assign(notes, { dueBefore: notes['dueNow'] ?? 1e9, dueNow: clock.nextAt() ?? 1e9 });
  },
  finish: (run) => (isRunning(place(run)) ? run.send({ type: 'isolation.close' }) : run.report('threads', { type: 'threads.emptied' })),
};
