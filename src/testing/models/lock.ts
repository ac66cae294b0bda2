/** The model of a lock's chart: its place in the queue, the app that wants it, and the supervisor. */
import { lockMachine } from '../../../machines/coordination/lock.js';
import type { LockRefusal } from '../../../machines/coordination/lock-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type LockRun = Run<typeof lockMachine>;
type Owes = NonNullable<EventCase<typeof lockMachine, never>['owes']>;
type Fact = Readonly<Record<string, unknown>>;
type State = 'idle' | 'joining' | 'queueing' | 'holding' | 'leaving' | 'releasing' | 'lost' | 'closed' | 'failed';

const name = 'invoices';
const withinMs = 300;

/** Where it is, by the name of its innermost state. */
function stateOf({ value }: LockRun['snapshot']): State {
  if (typeof value === 'string') return value;
  return typeof value.busy === 'string' ? value.busy : value.busy.waiting;
}

const isWaiting = (state: State): boolean => state === 'joining' || state === 'queueing';
const isGivingBack = (state: State): boolean => ['leaving', 'releasing', 'lost'].includes(state);

/** Where it leads and what is told of it, by the state that it meets; anywhere else nothing happens. */
function leads(by: (met: State, run: LockRun) => { readonly to?: State; readonly facts?: readonly Fact[] } | undefined): Owes {
  return (run) => {
    const met = stateOf(run.before);
    const { to = met, facts = [] } = by(met, run) ?? {};
    // What is told to a place: to leave, once, when it is to be given back.
    const leaves = isGivingBack(to) && !isGivingBack(met) ? [{ type: 'place.leave' }] : [];
    return same(`state after ${met}`, stateOf(run.snapshot), to) ?? same('emitted', run.emittedNow, facts) ?? same('told', toldNow(run), leaves);
  };
}

const claimOf = ({ before }: LockRun): string => before.context.claim?.ref ?? '';
const refused = (ref: string, reason: LockRefusal): Fact => ({ type: 'lock.refused', name, ref, reason });
const gaveUp = (run: LockRun, reason: LockRefusal): { readonly to: State; readonly facts: readonly Fact[] } => ({
  to: 'leaving',
  facts: [refused(claimOf(run), reason)],
});

/** The next wish has the next number; what it is called in this step. */
const wish = ({ notes }: LockRun): string => `w${Number(notes['wishes'] ?? 0)}`;

/** A final state, with its reason. */
const ends = (state: State, reason: unknown): Owes => {
  return (run) => same('state', stateOf(run.snapshot), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason);
};

/** Asked to end: at once where it has no place, and else when that is given back. */
const closes = (reason: unknown): Owes => {
  const through = leads((met, run) => {
    if (met === 'idle') return { to: 'closed' };
    if (isWaiting(met)) return gaveUp(run, 'closed');
    return met === 'holding' ? { to: 'releasing' } : undefined;
  });
  return (run) =>
    through(run) ??
    (run.snapshot.status === 'done' ? ends('closed', reason)(run) : same('ending', run.snapshot.context.isEnding, true)) ??
    same('reason', run.snapshot.context.reason, reason === 'normal' ? run.before.context.reason : reason);
};

const releases = (which: (grips: readonly string[]) => string | undefined): EventCase<typeof lockMachine, { ref: string }> => ({
  payload: ({ snapshot }) => ({ ref: which(snapshot.context.grips) ?? 'nobody' }),
  owes: (run) => {
    const { grips } = run.before.context;
    const ref = which(grips);
    const left = grips.filter((grip) => grip !== ref);
    const isLast = grips.length > 0 && left.length === 0;
    return leads(() => (isLast ? { to: 'releasing' } : undefined))(run) ?? same('grips', run.snapshot.context.grips, left);
  },
});

/** What a place tells where a place would. */
const only = (states: readonly State[]) => ({ when: ({ snapshot }: LockRun) => states.includes(stateOf(snapshot)) });

const joins = (ahead: number) => ({
  ...only(['joining']),
  payload: { ahead },
  owes: ((run) =>
    leads((met) => (met === 'joining' ? { to: 'queueing', facts: [{ type: 'lock.queued', name, ref: claimOf(run), ahead }] } : undefined))(run) ??
    same('ahead', run.snapshot.context.ahead, ahead)) as Owes,
});

const left = (isConfirmed: boolean) => ({
  ...only(['leaving', 'releasing', 'lost']),
  payload: { isConfirmed, heldMs: 40 },
  owes: ((run) => {
    const { isEnding, token, reason } = run.before.context;
    const facts = stateOf(run.before) === 'releasing' ? [{ type: 'lock.released', name, token, heldMs: 40, isConfirmed }] : [];
    return leads(() => ({ to: isEnding ? 'closed' : 'idle', facts }))(run) ?? (isEnding ? ends('closed', reason)(run) : undefined);
  }) as Owes,
});

const fails = (crash: string): Owes => {
  return (run) => (stateOf(run.before) === 'idle' ? undefined : ends('failed', { crash })(run));
};

export const lockModel: Model<typeof lockMachine> = {
  machine: lockMachine,
  inputs: { 'a lock': { name, maxGrips: 1 }, 'a lock that counts': { name, maxGrips: 2 } },
  events: {
    'lock.acquire': {
      'app: wants it': {
        payload: (run) => {
          run.notes['wishes'] = Number(run.notes['wishes'] ?? 0) + 1;
          return { ref: wish(run), withinMs };
        },
        owes: (run) => {
          const { grips, maxGrips, token } = run.before.context;
          const ref = wish(run);
          const isAgain = stateOf(run.before) === 'holding' && grips.length < maxGrips;
          const expected = leads((met) => {
            if (met === 'idle') return { to: 'joining' };
            return { facts: [isAgain ? { type: 'lock.acquired', name, ref, token, waitedMs: 0 } : refused(ref, 'busy')] };
          });
          return expected(run) ?? same('grips', run.snapshot.context.grips, isAgain ? [...grips, ref] : grips);
        },
      },
    },
    'lock.cancel': {
      'app: wants it no more': {
        payload: (run) => ({ ref: run.snapshot.context.claim?.ref ?? 'nobody' }),
        owes: leads((met, run) => (isWaiting(met) ? gaveUp(run, 'cancelled') : undefined)),
      },
      'app: somebody else wants it no more': { payload: { ref: 'other' }, owes: leads(() => undefined) },
    },
    'lock.release': {
      'app: gives the first back': releases((grips) => grips[0]),
      'app: gives the last back': releases((grips) => grips.at(-1)),
      'app: gives back what it has not': releases(() => undefined),
    },
    'lock.close': { 'app: closes': { weight: 0.3, owes: closes('normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: closes('shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: closes(['shutdown', 'late']) },
    },
  },
  outcomes: {
    place: {
      reports: {
        'place.joined': { 'it stands first': joins(0), 'it stands behind two': joins(2) },
        'place.moved': {
          'one before it has left': {
            ...only(['queueing']),
            payload: { ahead: 1 },
            owes: (run) => leads(() => undefined)(run) ?? same('ahead', run.snapshot.context.ahead, 1),
          },
        },
        'place.reached': {
          'its turn has come': {
            ...only(['queueing']),
            payload: ({ notes }) => ({ token: 10 * Number(notes['wishes']), waitedMs: 20 }),
            owes: (run) => {
              const [ref, token] = [claimOf(run), 10 * Number(run.notes['wishes'])];
              const { context } = run.snapshot;
              return (
                leads(() => ({ to: 'holding', facts: [{ type: 'lock.acquired', name, ref, token, waitedMs: 20 }] }))(run) ??
                same('context', [context.grips, context.token, context.ahead], [[ref], token, 0])
              );
            },
          },
        },
        'place.refused': {
          'the queue is full': {
            ...only(['joining', 'queueing']),
            payload: { reason: 'full' },
            owes: leads((_, run) => gaveUp(run, 'full')),
          },
        },
        'place.lost': {
          'its lease is over': {
            ...only(['joining', 'queueing', 'holding']),
            payload: { reason: 'expired' },
            owes: leads((met, run) =>
              met === 'holding'
                ? { to: 'lost', facts: [{ type: 'lock.lost', name, token: run.before.context.token, reason: 'expired' }] }
                : gaveUp(run, 'lost'),
            ),
          },
        },
        'place.left': { 'it is given back': left(true), 'it ends by itself': left(false) },
        'place.ended': { 'it is taken away': { weight: 0.2, payload: { why: 'placeLost' }, owes: fails('placeLost') } },
      },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: fails('placeCrashed') } },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: (run) => {
        const isUp = isWaiting(stateOf(run.before)) && run.clock.now() - Number(run.notes['wishedAt']) >= withinMs;
        return leads(() => (isUp ? gaveUp(run, 'late') : undefined))(run);
      },
    },
  },
  key: ({ snapshot: { context }, clock }) => [
    ...[context.maxGrips, context.grips.length, context.ahead, context.isEnding, context.reason],
    (clock.nextAt() ?? 0) - clock.now(),
  ],
  invariants: {
    'it has a place exactly while it is busy, and one': (run) =>
      same('places', run.running().length, run.isActive && stateOf(run.snapshot) !== 'idle' ? 1 : 0),
    'somebody has it exactly while it holds': ({ snapshot }) => {
      const [isHolding, { grips, maxGrips }] = [stateOf(snapshot) === 'holding', snapshot.context];
      if (snapshot.hasTag('held') !== isHolding) return 'the tag';
      if (stateOf(snapshot) === 'failed') return undefined;
      return grips.length > 0 === isHolding && grips.length <= maxGrips ? undefined : `${grips.length} grips`;
    },
    'a wish waits exactly while it does, and has a deadline': ({ snapshot, clock, isActive }) => {
      if (!isActive) return undefined;
      const waits = isWaiting(stateOf(snapshot));
      return (snapshot.context.claim !== null) === waits && clock.pending() === (waits ? 1 : 0) ? undefined : `${clock.pending()} deadlines`;
    },
    'it takes a wish exactly while it is idle': ({ snapshot }) =>
      snapshot.hasTag('accepting') === (stateOf(snapshot) === 'idle') ? undefined : stateOf(snapshot),
    'nobody is before it but in the queue': ({ snapshot, isActive }) =>
      isActive && snapshot.context.ahead > 0 && stateOf(snapshot) !== 'queueing' ? `${snapshot.context.ahead}` : undefined,
    'every wish is answered once': ({ emitted, snapshot, notes }) => {
      const answers = emitted.filter(({ type }) => type === 'lock.acquired' || type === 'lock.refused').map(({ ref }) => ref as string);
      const open = snapshot.context.claim === null ? 0 : 1;
      return new Set(answers).size === answers.length && (snapshot.value === 'failed' || answers.length + open === Number(notes['wishes'] ?? 0))
        ? undefined
        : answers.join();
    },
  },
  observe: (run) => {
    noteTold(run, 'place');
    const { notes, snapshot, before, clock } = run;
    if (isWaiting(stateOf(snapshot)) && (!isWaiting(stateOf(before)) || notes['wishedAt'] === undefined)) notes['wishedAt'] = clock.now();
  },
  finish: (run) => {
    if (isGivingBack(stateOf(run.snapshot))) run.report('place', { type: 'place.left', isConfirmed: true, heldMs: 0 });
    else run.send({ type: 'lock.close' });
  },
};
