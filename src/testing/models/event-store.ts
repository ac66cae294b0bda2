/** The model of an event store's chart: its engine's part, the app's and the supervisor's. */
import { eventStoreMachine } from '../../../machines/events/event-store.js';
import type { EventStoreInput } from '../../../machines/events/event-store-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type StoreRun = Run<typeof eventStoreMachine>;
type Case = EventCase<typeof eventStoreMachine, never>;

const input: EventStoreInput = {
  openMs: 400,
  closeMs: 100,
  pruneEveryMs: 200,
  backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 60_000 },
  intensity: 1,
  periodMs: 1_000,
};

/** Where it is: `opening`, `serving`, `closing`, `backingOff`, `closed` or `failed`. */
function place({ snapshot: { value } }: Pick<StoreRun, 'snapshot'>): string {
  return typeof value === 'string' ? value : (value as { running: string }).running;
}

const met = (run: StoreRun): string => place({ snapshot: run.before });

interface Owed {
  readonly facts?: readonly object[];
  readonly orders?: readonly object[];
}

/** It is there now, with these facts and orders. */
function isIn(run: StoreRun, wanted: string, { facts = [], orders = [] }: Owed = {}): string | undefined {
  if (place(run) !== wanted) return `it was ${met(run)}, it is ${place(run)}, not ${wanted}`;
  return same('emitted', run.emittedNow, facts) ?? same('told', toldNow(run), orders);
}

function endsIn(run: StoreRun, state: string, reason: unknown): string | undefined {
  return isIn(run, state) ?? same('reason', [reasonOfOutput(run.snapshot.output)], [reason]);
}

/** By the last order that had one. */
const reasonAtEnd = ({ notes }: StoreRun): unknown => notes['reason'] ?? 'normal';

const closes: NonNullable<Case['owes']> = (run) => {
  if (met(run) === 'backingOff') return endsIn(run, 'closed', reasonAtEnd(run));
  return isIn(run, 'closing', { orders: met(run) === 'closing' ? [] : [{ type: 'engine.close' }] });
};

const shutdown = (reason: unknown): Case => ({
  weight: 0.2,
  payload: (reason === undefined ? {} : { reason }) as never,
  run: (run) => {
    run.notes['reason'] = reason ?? 'shutdown';
    run.send({ type: 'supervisor.shutdown', ...(reason === undefined ? {} : { reason: reason as 'normal' }) });
  },
  owes: closes,
});

/** When its engine was lost within the last second, by the model's own account. */
function losses({ notes, clock }: Pick<StoreRun, 'notes' | 'clock'>): readonly number[] {
  return ((notes['losses'] ?? []) as readonly number[]).filter((at) => clock.now() - at <= input.periodMs);
}

/** A loss of the engine: it is opened again, or that was once too often. */
function loss(type: 'engine.faulted' | 'engine.ended', error: string): Case {
  const report = { type, ...(type === 'engine.faulted' ? { error } : {}) };
  return {
    weight: 0.5,
    payload: (({ clock }: StoreRun) => ({ ...report, at: clock.now() })) as never,
    run: (run) => {
      run.notes['earlier'] = losses(run).length;
      run.notes['losses'] = [run.clock.now(), ...losses(run)];
      run.report('engine', { ...report, at: run.clock.now() } as never);
    },
    owes: (run) => {
      const earlier = Number(run.notes['earlier']);
      if (met(run) === 'closing') return type === 'engine.ended' ? endsIn(run, 'closed', reasonAtEnd(run)) : endsIn(run, 'failed', { crash: error });
      if (earlier >= run.before.context.intensity) return endsIn(run, 'failed', { crash: error });
      return isIn(run, 'backingOff', { facts: [{ type: 'eventStore.lost', error, attempt: earlier + 1 }] });
    },
  };
}

/** The engine of now: another one after each loss. */
const engineOf = (run: StoreRun): unknown => run.of('engine')[0];

export const eventStoreModel: Model<typeof eventStoreMachine> = {
  machine: eventStoreMachine,
  inputs: {
    'an event store': input,
    'one that survives no loss': { ...input, intensity: 0 },
    'one that prunes nothing by itself': { ...input, pruneEveryMs: null },
  },
  events: {
    'store.close': { 'app: closes': { weight: 0.2, owes: closes } },
    'supervisor.shutdown': {
      'supervisor: shutdown': shutdown(undefined),
      'supervisor: shutdown for a reason': shutdown(['shutdown', 'late']),
    },
  },
  outcomes: {
    engine: {
      reports: {
        'engine.opened': {
          'the file is open': {
            when: (run) => run.notes['opened'] !== engineOf(run),
            payload: { head: 7, isDurable: true },
            run: (run) => {
              run.notes['opened'] = engineOf(run);
              run.report('engine', { type: 'engine.opened', head: 7, isDurable: true });
            },
            owes: (run) => {
              if (met(run) === 'closing') return isIn(run, 'closing', { orders: [{ type: 'engine.close' }] });
              return isIn(run, 'serving', { facts: [{ type: 'eventStore.opened', head: 7, isDurable: true }] });
            },
          },
        },
        'engine.refused': {
          'the file is no store': {
            weight: 0.2,
            payload: { code: 'events/invalid-file' },
            owes: (run) =>
              met(run) === 'closing' ? endsIn(run, 'closed', reasonAtEnd(run)) : endsIn(run, 'failed', { crash: 'events/invalid-file' }),
          },
        },
        'engine.faulted': { 'a commit broke': loss('engine.faulted', 'SQLITE_IOERR') },
        'engine.ended': { 'the engine is killed': loss('engine.ended', 'engineLost') },
        'engine.pruned': {
          'old events are gone': {
            payload: { count: 3, through: 5 },
            owes: (run) => isIn(run, met(run), { facts: met(run) === 'serving' ? [{ type: 'eventStore.pruned', count: 3, through: 5 }] : [] }),
          },
        },
        'engine.closed': {
          'what waited is committed': {
            when: (run) => place(run) === 'closing',
            owes: (run) => endsIn(run, 'closed', reasonAtEnd(run)),
          },
        },
      },
      error: { 'the engine crashes': { error: new Error('no more'), weight: 0.2, owes: (run) => endsIn(run, 'failed', { crash: 'engineCrashed' }) } },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (run) => {
        const was = met(run);
        const isUp = run.clock.now() >= Number(run.notes['dueBefore']);
        if (was === 'backingOff') return isIn(run, 'opening');
        if (was === 'closing' && isUp) return endsIn(run, 'failed', { crash: 'closeTimeout' });
        if (was === 'opening' && isUp) return endsIn(run, 'failed', { crash: 'openTimeout' });
        return isIn(run, was, { orders: was === 'serving' && isUp ? [{ type: 'engine.prune' }] : [] });
      },
    },
    'a second passes': 1_001,
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      // XState sets no timer again, but a supervisor does (src/supervision/persistence.ts): the pause is one that nothing else would end.
      when: (run) => run.isActive && place(run) !== 'backingOff',
      run: (run) => run.restore(),
      owes: (run) => (place(run) === met(run) ? undefined : `it is ${place(run)}`),
    },
  },
  key: (run) => {
    const { clock, snapshot } = run;
    const until = (clock.nextAt() ?? clock.now()) - clock.now();
    return [
      snapshot.context.intensity,
      snapshot.context.pruneEveryMs,
      losses(run).map((at) => clock.now() - at),
      run.notes['reason'],
      until,
      run.notes['opened'] === engineOf(run),
    ];
  },
  invariants: {
    'its engine runs exactly as long as it is wanted': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive && place(run) !== 'backingOff' ? ['engine'] : [],
      ),
    'it accepts exactly while it serves': (run) =>
      run.snapshot.hasTag('accepting') === (place(run) === 'serving') ? undefined : `it is ${place(run)}`,
    'it remembers the losses of its period, and no more': (run) => {
      const { losses: known, periodMs } = run.snapshot.context;
      const [newest = 0] = known;
      return known.every((at) => newest - at <= periodMs) ? undefined : JSON.stringify(known);
    },
  },
  observe: (run) => {
    const { notes, clock } = run;
    noteTold(run, 'engine');
    Object.assign(notes, { dueBefore: notes['dueNow'] ?? 1e9, dueNow: clock.nextAt() ?? 1e9 });
  },
  finish: (run) => (place(run) === 'closing' ? run.report('engine', { type: 'engine.closed' }) : run.send({ type: 'store.close' })),
};
