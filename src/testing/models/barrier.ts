/** The model of a barrier's chart: its place among those who wait, the app that waits, and the supervisor. */
import { barrierMachine } from '../../../machines/coordination/barrier.js';
import type { BarrierRefusal } from '../../../machines/coordination/barrier-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type BarrierRun = Run<typeof barrierMachine>;
type Owes = NonNullable<EventCase<typeof barrierMachine, never>['owes']>;
type Fact = Readonly<Record<string, unknown>>;
type State = 'idle' | 'joining' | 'gathered' | 'withdrawing' | 'closed' | 'failed';

const name = 'step';
const parties = 3;
const withinMs = 300;

/** Where it is, by the name of its innermost state. */
function stateOf({ value }: BarrierRun['snapshot']): State {
  if (typeof value === 'string') return value;
  return typeof value.busy === 'string' ? value.busy : value.busy.waiting;
}

const isWaiting = (state: State): boolean => state === 'joining' || state === 'gathered';

/** Where it leads and what is told of it, by the state that it meets; anywhere else nothing happens. */
function leads(by: (met: State, run: BarrierRun) => { readonly to?: State; readonly facts?: readonly Fact[] } | undefined): Owes {
  return (run) => {
    const met = stateOf(run.before);
    const { to = met, facts = [] } = by(met, run) ?? {};
    // What is told to a place: to take its arrival back, once.
    const withdraws = to === 'withdrawing' && met !== 'withdrawing' ? [{ type: 'place.withdraw' }] : [];
    return same(`state after ${met}`, stateOf(run.snapshot), to) ?? same('emitted', run.emittedNow, facts) ?? same('told', toldNow(run), withdraws);
  };
}

const claimOf = ({ before }: BarrierRun): string => before.context.claim?.ref ?? '';
const refused = (ref: string, reason: BarrierRefusal): Fact => ({ type: 'barrier.refused', name, ref, reason });

/** Whoever waits takes its arrival back, for that reason, and is not answered yet. */
const givesUp = (reason: BarrierRefusal): Owes => {
  const through = leads((met) => (isWaiting(met) ? { to: 'withdrawing' } : undefined));
  return (run) => through(run) ?? (isWaiting(stateOf(run.before)) ? same('why', run.snapshot.context.refusal, reason) : undefined);
};

/** The next arrival has the next number; what it is called in this step. */
const arrival = ({ notes }: BarrierRun): string => `a${Number(notes['arrivals'] ?? 0)}`;

/** A final state, with its reason. */
const ends = (state: State, reason: unknown): Owes => {
  return (run) => same('state', stateOf(run.snapshot), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason);
};

/** Asked to end: at once where it does not wait, and else when that is over. */
const closes = (reason: unknown): Owes => {
  const through = leads((met) => {
    if (met === 'idle') return { to: 'closed' };
    return isWaiting(met) ? { to: 'withdrawing' } : undefined;
  });
  return (run) =>
    through(run) ??
    (isWaiting(stateOf(run.before)) ? same('why', run.snapshot.context.refusal, 'closed') : undefined) ??
    (run.snapshot.status === 'done' ? ends('closed', reason)(run) : same('ending', run.snapshot.context.isEnding, true)) ??
    same('reason', run.snapshot.context.reason, reason === 'normal' ? run.before.context.reason : reason);
};

/** What a place tells where a place would. */
const only = (states: readonly State[]) => ({ when: ({ snapshot }: BarrierRun) => states.includes(stateOf(snapshot)) });

/** It is over for this arrival: with one answer, and nothing left of it. */
const over = (fact: (run: BarrierRun) => Fact): Owes => {
  const through = leads((_, run) => ({ to: run.before.context.isEnding ? 'closed' : 'idle', facts: [fact(run)] }));
  return (run) => {
    const { claim, arrived, refusal } = run.snapshot.context;
    const { isEnding, reason } = run.before.context;
    return through(run) ?? same('left', [claim, arrived, refusal], [null, 0, null]) ?? (isEnding ? ends('closed', reason)(run) : undefined);
  };
};

const arrives = (arrived: number) => ({
  ...only(['joining']),
  payload: { arrived },
  owes: ((run) =>
    leads((met) => (met === 'joining' ? { to: 'gathered', facts: [{ type: 'barrier.arrived', name, ref: claimOf(run), arrived }] } : undefined))(
      run,
    ) ?? same('arrived', run.snapshot.context.arrived, arrived)) as Owes,
});

const left = (isCertain: boolean) => ({
  ...only(['withdrawing']),
  payload: { isCertain },
  owes: over((run) => refused(claimOf(run), isCertain ? (run.before.context.refusal ?? 'unknown') : 'unknown')),
});

const fails = (crash: string): Owes => {
  return (run) => (stateOf(run.before) === 'idle' ? undefined : ends('failed', { crash })(run));
};

export const barrierModel: Model<typeof barrierMachine> = {
  machine: barrierMachine,
  inputs: { 'a barrier': { name, parties } },
  events: {
    'barrier.arrive': {
      'app: arrives': {
        payload: (run) => {
          run.notes['arrivals'] = Number(run.notes['arrivals'] ?? 0) + 1;
          return { ref: arrival(run), withinMs };
        },
        owes: (run) => leads((met) => (met === 'idle' ? { to: 'joining' } : { facts: [refused(arrival(run), 'busy')] }))(run),
      },
    },
    'barrier.cancel': {
      'app: waits no more': { payload: (run) => ({ ref: run.snapshot.context.claim?.ref ?? 'nobody' }), owes: givesUp('cancelled') },
      'app: somebody else waits no more': { payload: { ref: 'other' }, owes: leads(() => undefined) },
    },
    'barrier.close': { 'app: closes': { weight: 0.3, owes: closes('normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: closes('shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: closes(['shutdown', 'late']) },
    },
  },
  outcomes: {
    place: {
      reports: {
        'place.arrived': { 'it is the first': arrives(1), 'it is the third': arrives(3) },
        'place.moved': {
          'another has come': {
            ...only(['gathered']),
            payload: { arrived: 2 },
            owes: (run) => leads(() => undefined)(run) ?? same('arrived', run.snapshot.context.arrived, 2),
          },
        },
        'place.opened': {
          'a generation opens with it': {
            ...only(['gathered', 'joining', 'withdrawing']),
            payload: ({ notes }) => ({ generation: Number(notes['arrivals']), token: 10 * Number(notes['arrivals']), waitedMs: 20 }),
            owes: (run) => {
              const count = Number(run.notes['arrivals']);
              const fact = { type: 'barrier.opened', name, ref: claimOf(run), generation: count, token: 10 * count, waitedMs: 20 };
              return over(() => fact)(run) ?? same('generation', run.snapshot.context.generation, count);
            },
          },
        },
        'place.refused': {
          'others count other parties': { ...only(['joining', 'gathered']), payload: { reason: 'mismatch' }, owes: givesUp('mismatch') },
        },
        'place.lost': { 'its lease is over': { ...only(['joining', 'gathered']), payload: { reason: 'expired' }, owes: givesUp('lost') } },
        'place.left': { 'nobody counts it': left(true), 'nobody knows': left(false) },
        'place.ended': { 'it is taken away': { weight: 0.2, payload: { why: 'placeLost' }, owes: fails('placeLost') } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: fails('placeCrashed') } },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (run) => {
        const isUp = isWaiting(stateOf(run.before)) && run.clock.now() - Number(run.notes['arrivedAt']) >= withinMs;
        return isUp ? givesUp('late')(run) : leads(() => undefined)(run);
      },
    },
  },
  key: ({ snapshot: { context }, clock }) => [
    ...[context.arrived, context.generation > 0, context.refusal, context.isEnding, context.reason],
    (clock.nextAt() ?? 0) - clock.now(),
  ],
  invariants: {
    'it has a place exactly while it is busy, and one': (run) =>
      same('places', run.running().length, run.isActive && stateOf(run.snapshot) !== 'idle' ? 1 : 0),
    'somebody waits exactly while it is busy, and has a deadline until it gives up': ({ snapshot, clock, isActive }) => {
      if (!isActive) return undefined;
      const state = stateOf(snapshot);
      const isHeld = (snapshot.context.claim !== null) === (state !== 'idle');
      return isHeld && clock.pending() === (isWaiting(state) ? 1 : 0) ? undefined : `${clock.pending()} deadlines`;
    },
    'it gives up exactly for a reason': ({ snapshot, isActive }) =>
      !isActive || (snapshot.context.refusal !== null) === (stateOf(snapshot) === 'withdrawing') ? undefined : String(snapshot.context.refusal),
    'it takes an arrival exactly while it is idle': ({ snapshot }) =>
      snapshot.hasTag('accepting') === (stateOf(snapshot) === 'idle') ? undefined : stateOf(snapshot),
    'every arrival is answered once': ({ emitted, snapshot, notes }) => {
      const answers = emitted.filter(({ type }) => type === 'barrier.opened' || type === 'barrier.refused').map(({ ref }) => ref as string);
      const open = snapshot.context.claim === null ? 0 : 1;
      return new Set(answers).size === answers.length && answers.length + open === Number(notes['arrivals'] ?? 0) ? undefined : answers.join();
    },
  },
  observe: (run) => {
    noteTold(run, 'place');
    const { notes, snapshot, before, clock } = run;
    if (isWaiting(stateOf(snapshot)) && (!isWaiting(stateOf(before)) || notes['arrivedAt'] === undefined)) notes['arrivedAt'] = clock.now();
  },
  finish: (run) => {
    if (stateOf(run.snapshot) === 'withdrawing') run.report('place', { type: 'place.left', isCertain: true });
    else run.send({ type: 'barrier.close' });
  },
};
