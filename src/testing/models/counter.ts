/** The model of a counter's chart: its ledger, the app that calls, and the supervisor. */
import { counterMachine } from '../../../machines/coordination/counter.js';
import type { CounterFact, CounterRefusal } from '../../../machines/coordination/counter-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type CounterRun = Run<typeof counterMachine>;
type Owes = NonNullable<EventCase<typeof counterMachine, never>['owes']>;
type Fact = Readonly<Record<string, unknown>>;
type State = 'idle' | 'counting' | 'draining' | 'closed' | 'failed';

const name = 'jobs';
const maxPending = 2;

const stateOf = ({ value }: CounterRun['snapshot']): State => (typeof value === 'string' ? value : value.running);

/** Where it leads, what is told to the app and to the ledger, and how many calls are under way then, by the state that it meets; anywhere else nothing happens. */
function leads(
  by: (
    met: State,
    run: CounterRun,
  ) => { readonly to?: State; readonly facts?: readonly Fact[]; readonly told?: readonly Fact[]; readonly more?: number } | undefined,
): Owes {
  return (run) => {
    const met = stateOf(run.before);
    const { to = met, facts = [], told = [], more = 0 } = by(met, run) ?? {};
    return (
      same(`state after ${met}`, stateOf(run.snapshot), to) ??
      same('emitted', run.emittedNow, facts) ??
      same('told', toldNow(run), told) ??
      same('pending', run.snapshot.context.pending, run.before.context.pending + more)
    );
  };
}

/** Calls of this run that are not answered yet, oldest first. */
const openOf = ({ notes }: Pick<CounterRun, 'notes'>): readonly string[] => (notes['open'] ?? []) as readonly string[];
const oldest = (run: CounterRun): string => openOf(run)[0] ?? 'nobody';

/** The next call has the next number; what it is called in this step. */
const callOf = ({ notes }: CounterRun): string => `c${Number(notes['calls'] ?? 0)}`;
const count = (run: CounterRun): string => {
  run.notes['calls'] = Number(run.notes['calls'] ?? 0) + 1;
  return callOf(run);
};

const refused = (run: CounterRun, reason: CounterRefusal): { readonly facts: readonly Fact[] } => ({
  facts: [{ type: 'counter.refused', name, ref: callOf(run), reason }],
});

/** A call, which is handed on as that, or refused. */
const calls = (told: (ref: string) => Fact): Owes =>
  leads((met, run) => {
    if (met === 'draining') return refused(run, 'closed');
    if (run.before.context.pending >= maxPending) return refused(run, 'full');
    return { to: 'counting', told: [told(callOf(run))], more: 1 };
  });

/** A final state, with its reason. */
const ends = (state: State, reason: unknown): Owes => {
  return (run) => same('state', stateOf(run.snapshot), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason);
};

/** Asked to end: at once where no call is under way, and else when all are answered. */
const closes = (reason: unknown): Owes => {
  const through = leads((met) => {
    if (met === 'idle') return { to: 'closed' };
    return met === 'counting' ? { to: 'draining', told: [{ type: 'ledger.drain' }] } : undefined;
  });
  return (run) =>
    through(run) ??
    (run.snapshot.status === 'done' ? ends('closed', reason)(run) : undefined) ??
    same('reason', run.snapshot.context.reason, reason === 'normal' ? run.before.context.reason : reason);
};

/** The ledger settles the oldest call. */
const settles = (factOf: (ref: string) => CounterFact): EventCase<typeof counterMachine, { fact: CounterFact }> => ({
  when: (run) => openOf(run).length > 0,
  payload: (run) => {
    run.notes['settled'] = oldest(run);
    return { fact: factOf(oldest(run)) };
  },
  owes: (run) => {
    const { type, ...rest } = factOf(run.notes['settled'] as string);
    const through = leads((met) => {
      const isLast = run.before.context.pending === 1;
      const to = isLast ? (met === 'draining' ? 'closed' : 'idle') : met;
      return { to, facts: [{ type, ...rest, name }], more: -1 };
    });
    return through(run) ?? (run.snapshot.status === 'done' ? ends('closed', run.before.context.reason)(run) : undefined);
  },
});

export const counterModel: Model<typeof counterMachine> = {
  machine: counterMachine,
  inputs: { 'a counter': { name, maxPending } },
  events: {
    'counter.increment': {
      'app: adds': {
        payload: (run) => ({ ref: count(run), by: -2, key: 'k', withinMs: 300 }),
        owes: calls((ref) => ({ type: 'ledger.count', ref, by: -2, key: 'k', withinMs: 300 })),
      },
    },
    'counter.sum': {
      'app: reads': { payload: (run) => ({ ref: count(run), withinMs: 200 }), owes: calls((ref) => ({ type: 'ledger.sum', ref, withinMs: 200 })) },
    },
    'counter.cancel': {
      'app: wants it no more': {
        payload: (run) => ({ ref: oldest(run) }),
        owes: leads((met, run) => (met === 'idle' ? undefined : { told: [{ type: 'ledger.cancel', ref: oldest(run) }] })),
      },
    },
    'counter.close': { 'app: closes': { weight: 0.3, owes: closes('normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: closes('shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: closes(['shutdown', 'late']) },
    },
  },
  outcomes: {
    ledger: {
      reports: {
        'ledger.settled': {
          'it is counted': settles((ref) => ({ type: 'counter.counted', ref, by: -2, isRepeat: false })),
          'nobody knows': settles((ref) => ({ type: 'counter.doubted', ref, reason: 'late' })),
          'it is refused': settles((ref) => ({ type: 'counter.refused', ref, reason: 'overflow' })),
          'it is read': settles((ref) => ({ type: 'counter.summed', ref, value: 7, revision: 9 })),
        },
        'ledger.opened': {
          'it begins again, and knows of no call': {
            owes: (run) => {
              const met = stateOf(run.before);
              const to = met === 'counting' ? 'idle' : met === 'draining' ? 'closed' : met;
              const { pending } = run.snapshot.context;
              return (
                same('state', stateOf(run.snapshot), to) ??
                same('emitted', run.emittedNow, []) ??
                (to === 'idle' ? same('pending', pending, 0) : undefined)
              );
            },
          },
        },
        'ledger.ended': { 'it is taken away': { weight: 0.2, payload: { why: 'ledgerLost' }, owes: ends('failed', { crash: 'ledgerLost' }) } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: ends('failed', { crash: 'ledgerCrashed' }) } },
    },
  },
  key: ({ snapshot: { context } }) => [context.pending, context.reason],
  invariants: {
    'it has a ledger exactly while it runs, and one': (run) => same('ledgers', run.running().length, run.isActive ? 1 : 0),
    'no more calls are under way than may be, and some exactly while it counts': ({ snapshot, isActive }) => {
      const { pending } = snapshot.context;
      if (pending < 0 || pending > maxPending) return `${pending}`;
      return !isActive || pending > 0 === (stateOf(snapshot) !== 'idle') ? undefined : `${pending} in ${stateOf(snapshot)}`;
    },
    'it takes a call exactly while it does not end': ({ snapshot }) =>
      snapshot.hasTag('accepting') === ['idle', 'counting'].includes(stateOf(snapshot)) ? undefined : stateOf(snapshot),
    'no call is answered twice': ({ emitted }) => {
      const answers = emitted.map(({ ref }) => ref as string);
      return new Set(answers).size === answers.length ? undefined : answers.join();
    },
  },
  observe: (run) => {
    noteTold(run, 'ledger');
    const { notes, emitted, snapshot } = run;
    const answered = new Set(emitted.map(({ ref }) => ref as string));
    const made = Array.from({ length: Number(notes['calls'] ?? 0) }, (_, index) => `c${index + 1}`);
    // Those of another process are nobody's here.
    if (snapshot.context.pending === 0) notes['gone'] = made;
    const gone = new Set((notes['gone'] ?? []) as readonly string[]);
    notes['open'] = made.filter((ref) => !answered.has(ref) && !gone.has(ref));
  },
  finish: (run) => {
    if (stateOf(run.snapshot) !== 'draining') run.send({ type: 'counter.close' });
    else run.report('ledger', { type: 'ledger.settled', fact: { type: 'counter.refused', ref: oldest(run), reason: 'closed' } });
  },
};
