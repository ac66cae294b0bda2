/** The model of a coordination session's chart: its turn, its worker, whoever wants it no more, and the supervisor. */
import { backoffMs } from '../../../machines/backoff.js';
import { coordinationSessionMachine } from '../../../machines/coordination/session.js';
import type { SessionInput, SessionResult } from '../../../machines/coordination/session-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type SessionRun = Run<typeof coordinationSessionMachine>;
type Owes = NonNullable<EventCase<typeof coordinationSessionMachine, never>['owes']>;
type State = 'queued' | 'working' | 'pausing' | SessionResult['outcome'];
type Fact = Readonly<Record<string, unknown>>;

const withinMs = 500;
const backoff = { minMs: 200, maxMs: 1_000, factor: 2, jitter: 0, resetAfterMs: 60_000 };
const names = { session: 's1', protocol: 'voting' };
const input: SessionInput = { ...names, agents: ['ann', 'bob'], seed: 7, withinMs, retry: { attempts: 2, backoff } };

function stateOf({ value }: SessionRun['snapshot']): State {
  return typeof value === 'string' ? value : value.open;
}

const isOpen = (state: State): boolean => ['queued', 'working', 'pausing'].includes(state);

interface Step {
  readonly to: State;
  readonly facts?: readonly Fact[];
  readonly result?: SessionResult;
  readonly reason?: unknown;
}

/** Where it leads and how it has ended then, by the state that it meets; anywhere else nothing happens. */
function leads(by: (met: State, run: SessionRun) => Step | undefined): Owes {
  return (run) => {
    const met = stateOf(run.before);
    const { to, facts = [], result, reason = 'normal' } = by(met, run) ?? { to: met };
    const { snapshot } = run;
    return (
      same(`state after ${met}`, stateOf(snapshot), to) ??
      same('emitted', run.emittedNow, facts) ??
      (isOpen(met) ? same('result', snapshot.context.result, result ?? null) : undefined) ??
      (snapshot.status === 'done' && isOpen(met) ? endsWith(run, result, reason) : undefined)
    );
  };
}

function endsWith({ snapshot }: SessionRun, result: unknown, reason: unknown): string | undefined {
  const { output } = snapshot as { readonly output?: { readonly result?: unknown } };
  return same('output', output?.result, result) ?? same('reason', reasonOfOutput(output), reason);
}

const attemptsOf = ({ before }: SessionRun): number => before.context.attempts;

/** Ends it, with the fact that says so. */
function ending(run: SessionRun, result: Fact & { readonly outcome: SessionResult['outcome'] }, more: Fact = {}, reason: unknown = 'normal'): Step {
  const attempts = attemptsOf(run);
  const fact = { type: `coordination.${result.outcome}`, ...names, attempts, ...more };
  return { to: result.outcome, facts: [fact], result: { ...result, attempts } as unknown as SessionResult, reason };
}

const fails = (run: SessionRun, why: string, details?: unknown, reason?: unknown): Step =>
  ending(run, { outcome: 'failed', why, ...(details === undefined ? {} : { details }) }, { why }, reason);

const loses = (reason: unknown): Owes => leads((met, run) => (isOpen(met) ? fails(run, 'coordinatorLost', undefined, reason) : undefined));

/** A crash is followed by a pause, or by the end. */
const crashes = (why: string): Owes =>
  leads((met, run) => {
    if (met !== 'working') return undefined;
    const attempt = attemptsOf(run);
    if (attempt >= run.before.context.retry.attempts) return fails(run, 'crashed', why);
    const pauseMs = backoffMs(backoff, attempt, 's1');
    return { to: 'pausing', facts: [{ type: 'coordination.retrying', ...names, why, attempt: attempt + 1, pauseMs }] };
  });

const orphan = { weight: 0.3, owes: loses('normal') };

export const coordinationSessionModel: Model<typeof coordinationSessionMachine> = {
  machine: coordinationSessionMachine,
  inputs: { 'a session': input, 'a session that is not tried again': { ...input, retry: { attempts: 1, backoff } } },
  events: {
    'session.cancel': {
      'app: cancels': { weight: 0.5, owes: leads((met, run) => (isOpen(met) ? ending(run, { outcome: 'cancelled' }) : undefined)) },
    },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: loses('shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: loses(['shutdown', 'late']) },
    },
  },
  outcomes: {
    turn: {
      reports: {
        'turn.came': {
          'it may begin': {
            owes: leads((met) => (met === 'queued' ? { to: 'working', facts: [{ type: 'coordination.started', ...names, agents: 2 }] } : undefined)),
          },
        },
        'turn.lost': { 'it is taken away': { owes: leads((met, run) => (met === 'queued' ? fails(run, 'crashed') : undefined)) } },
        'session.orphaned': { 'its turn finds nobody who knows it': orphan },
      },
      error: {
        'its turn crashes': { error: new Error('no more'), owes: leads((met, run) => (met === 'queued' ? fails(run, 'crashed') : undefined)) },
      },
    },
    worker: {
      reports: {
        'worker.ended': {
          'it has decided': {
            payload: { end: { outcome: 'decided', value: 'yes' } },
            owes: leads((met, run) => (met === 'working' ? ending(run, { outcome: 'decided', value: 'yes' }) : undefined)),
          },
          'it has no decision': {
            payload: { end: { outcome: 'failed', why: 'noQuorum', details: [1] } },
            owes: leads((met, run) => (met === 'working' ? fails(run, 'noQuorum', [1]) : undefined)),
          },
          'it has no decision, and nothing to say of it': {
            payload: { end: { outcome: 'failed', why: 'tie' } },
            owes: leads((met, run) => (met === 'working' ? fails(run, 'tie') : undefined)),
          },
        },
        'worker.crashed': { 'it was killed': { payload: { why: 'killed' }, owes: crashes('killed') } },
        'session.orphaned': { 'its worker finds nobody who knows it': orphan },
      },
      error: { 'it crashes': { error: new Error('no more'), owes: crashes('Error: no more') } },
    },
  },
  delays: {
    '100 ms pass': {
      ms: 100,
      owes: leads((met, run) => {
        const now = run.clock.now();
        if (isOpen(met) && now >= withinMs) return ending(run, { outcome: 'expired' });
        return met === 'pausing' && now - Number(run.notes['pausedAt']) >= backoffMs(backoff, attemptsOf(run), 's1') ? { to: 'working' } : undefined;
      }),
    },
  },
  key: ({ snapshot, clock, notes }) => [
    ...[stateOf(snapshot), snapshot.context.attempts, snapshot.context.retry.attempts, snapshot.context.result],
    ...[clock.now(), stateOf(snapshot) === 'pausing' ? notes['pausedAt'] : null],
  ],
  invariants: {
    'it waits for its turn or has a worker, as it is, and no more than one': (run) => {
      const state = stateOf(run.snapshot);
      const wanted = run.isActive ? { queued: ['turn'], working: ['worker'] }[state as string] : [];
      return same(
        'actors',
        run.running().map(({ src }) => src),
        wanted ?? [],
      );
    },
    'its worker is given what it asks about, the same each time': (run) => {
      const given = run.fakes.filter(({ src }) => src === 'worker').map((fake) => JSON.stringify(fake.input));
      return given.every((one) => one === JSON.stringify({ session: 's1', agents: ['ann', 'bob'], seed: 7 })) ? undefined : given.join();
    },
    'it has a deadline exactly while it is open, and a pause while it pauses': ({ snapshot, clock, isActive }) => {
      const wanted = isActive ? (stateOf(snapshot) === 'pausing' ? 2 : 1) : 0;
      return clock.pending() === wanted ? undefined : `${clock.pending()} timers`;
    },
    'its attempts are how often it had a worker, and no more than may be': ({ fakes, snapshot }) => {
      const begun = fakes.filter(({ src }) => src === 'worker').length;
      const { attempts, retry } = snapshot.context;
      return attempts === begun && attempts <= retry.attempts ? undefined : `${attempts} of ${begun}`;
    },
    'it tells one end, and then nothing': ({ emitted, isActive }) => {
      const told = emitted.filter(({ type }) => ['decided', 'failed', 'cancelled', 'expired'].includes(type.slice('coordination.'.length)));
      return told.length === (isActive ? 0 : 1) && (isActive || emitted.at(-1) === told[0]) ? undefined : told.map(({ type }) => type).join();
    },
  },
  observe: ({ notes, snapshot, before, clock }) => {
    if (stateOf(snapshot) === 'pausing' && stateOf(before) !== 'pausing') notes['pausedAt'] = clock.now();
  },
  finish: (run) => run.send({ type: 'session.cancel' }),
};
