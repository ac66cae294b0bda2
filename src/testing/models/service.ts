/** The model of a service's chart: a life that begins, ends and begins again, needs that come and go, and time. */
import { type Former, type ServiceEmitted, type ServiceInput, serviceMachine } from '../../../machines/health/service.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

type ServiceRun = Run<typeof serviceMachine>;
type Seen = Pick<ServiceRun, 'snapshot'>;
type State = Former['state'];

const input: ServiceInput = { intensity: 1, periodMs: 1_000, settleMs: 100, quarantineMs: 400, former: null };
const former = (state: State, more: Partial<Former> = {}): ServiceInput => ({
  ...input,
  former: { state, deaths: [], missing: [], wasAvailable: true, ...more },
});

/** The state as others know it. */
const place = ({ snapshot: { value } }: Seen): State => {
  if (typeof value === 'string') return value as State;
  return 'serving' in value ? (value.serving as State) : 'quarantined';
};

/** What the model knows of the service by itself, never by what the chart remembers. */
interface Ledger {
  /** Monotonic ms, newest last. */
  readonly deaths: readonly number[];
  readonly wasAvailable: boolean;
  readonly missing: readonly string[];
}

/** What was told of it in this step. */
type Told = { readonly diedAt: number } | { readonly missing: readonly string[] };

const ledgerNow = ({ notes }: Pick<ServiceRun, 'notes'>): Ledger => notes['ledger'] as Ledger;
const ledgerBefore = ({ notes }: Pick<ServiceRun, 'notes'>): Ledger => notes['ledgerBefore'] as Ledger;

/** What it must be and say after a step, by the words of the guide. */
function owes(run: ServiceRun, state: State, ...facts: readonly ServiceEmitted[]): string | undefined {
  const got = JSON.stringify([place(run), run.emittedNow]);
  const wanted = JSON.stringify([state, facts]);
  return got === wanted ? undefined : `${got}, not ${wanted}`;
}

/** Where it arrives when nothing but its needs is in its way. */
function arrives(run: ServiceRun, ...before: readonly ServiceEmitted[]): string | undefined {
  const { missing, wasAvailable } = ledgerBefore(run);
  if (missing.length > 0) return owes(run, 'degraded', ...before, { type: 'service.degraded', missing });
  return owes(run, 'available', ...before, { type: wasAvailable ? 'service.recovered' : 'service.started' });
}

const recentDeaths = (run: ServiceRun): number => ledgerBefore(run).deaths.filter((at) => run.clock.now() - at <= 1_000).length;

const dies = (reason: 'killed' | 'shutdown' | 'noproc'): EventCase<typeof serviceMachine, never> => ({
  payload: ({ clock, notes }: ServiceRun) => {
    notes['told'] = reason === 'shutdown' ? undefined : { diedAt: clock.now() };
    return { at: clock.now(), reason } as never;
  },
  owes: (run) => {
    const was = place({ snapshot: run.before });
    if (was === 'absent' || was === 'down' || was === 'stopped') return owes(run, was);
    if (was === 'quarantined') return owes(run, 'quarantined') ?? (isAlive(run) ? 'it is alive' : undefined);
    const lost: ServiceEmitted = { type: 'service.lost', reason };
    const { intensity } = run.before.context;
    if (reason === 'shutdown') return owes(run, 'stopped', lost);
    if (recentDeaths(run) < intensity) return owes(run, 'down', lost);
    return owes(run, 'quarantined', lost, { type: 'service.quarantined', deaths: Math.min(recentDeaths(run), intensity) + 1 });
  },
});

const isAlive = ({ snapshot: { value } }: Seen): boolean => JSON.stringify(value).includes('alive');

const needs = (missing: readonly string[]): EventCase<typeof serviceMachine, never> => ({
  payload: ({ notes }: ServiceRun) => {
    notes['told'] = { missing };
    return { missing } as never;
  },
  owes: (run) => {
    const was = place({ snapshot: run.before });
    if (JSON.stringify(run.snapshot.context.missing) !== JSON.stringify(missing)) return 'what is missing is not what is remembered';
    if (was === 'available' && missing.length > 0) return owes(run, 'degraded', { type: 'service.degraded', missing });
    if (was === 'degraded' && missing.length === 0)
      return owes(run, 'available', { type: ledgerBefore(run).wasAvailable ? 'service.recovered' : 'service.started' });
    return owes(run, was);
  },
});

/** When it came to where it is, ms. */
const sinceOf = ({ notes }: ServiceRun): number => Number(notes['since'] ?? 0);

const waits = (ms: number) => ({
  ms,
  owes: (run: ServiceRun) => {
    const was = place({ snapshot: run.before });
    const isUp = (afterMs: number): boolean => run.clock.now() - Number(run.notes['sinceBefore']) >= afterMs;
    if (was === 'recovering' && isUp(100)) return arrives(run);
    if (was !== 'quarantined' || !isAlive({ snapshot: run.before }) || !isUp(400)) return owes(run, was);
    if (run.before.context.settleMs === 0) return arrives(run, { type: 'service.returned' });
    const left = run.clock.now() - Number(run.notes['sinceBefore']) - 400;
    return left >= 100 ? arrives(run, { type: 'service.returned' }) : owes(run, 'recovering', { type: 'service.returned' });
  },
});

export const serviceModel: Model<typeof serviceMachine> = {
  machine: serviceMachine,
  inputs: {
    'a service': input,
    'a service that settles at once, and survives no death': { ...input, settleMs: 0, intensity: 0 },
    'one that was available': former('available'),
    'one that was degraded': former('degraded', { missing: ['db'] }),
    'one that was down': former('down', { deaths: [0] }),
    'one that had ended in order': former('stopped'),
    'one that was recovering': former('recovering'),
    'one that was quarantined': former('quarantined', { deaths: [0, 0] }),
    'one that was never seen': former('absent', { wasAvailable: false }),
  },
  events: {
    'service.up': {
      'it lives': {
        owes: (run) => {
          const was = place({ snapshot: run.before });
          if (was === 'absent') return arrives(run);
          if (was !== 'down' && was !== 'stopped') return owes(run, was) ?? (was === 'quarantined' && !isAlive(run) ? 'it is dead' : undefined);
          return run.before.context.settleMs === 0
            ? arrives(run, { type: 'service.returned' })
            : owes(run, 'recovering', { type: 'service.returned' });
        },
      },
    },
    'service.down': { 'it is killed': dies('killed'), 'it ends in order': dies('shutdown'), 'it is found dead': dies('noproc') },
    'needs.changed': { 'it lacks one': needs(['db']), 'it lacks another': needs(['mail', 'db']), 'it lacks nothing': needs([]) },
  },
  corners: {
    'it dies long after it was quarantined, and again when it has recovered': [
      'one that was quarantined',
      ...['a second passes', 'it lives', 'it is killed', 'it lives', '400 ms pass', '100 ms pass', 'it is killed'],
    ],
  },
  delays: { '40 ms pass': waits(40), '100 ms pass': waits(100), '400 ms pass': waits(400), 'a second passes': waits(1_001) },
  key: (run) => {
    const { clock, snapshot } = run;
    const { settleMs } = snapshot.context;
    const { deaths, missing, wasAvailable } = ledgerNow(run);
    const next = clock.nextAt();
    const recent = deaths.map((at) => clock.now() - at).filter((ago) => ago <= 1_000);
    return [recent.slice(-2), settleMs, missing, wasAvailable, next === undefined ? null : next - clock.now()];
  },
  observe: (run) => {
    const { notes, snapshot, clock, before } = run;
    if (notes['ledger'] === undefined) {
      const { deaths = [], wasAvailable = false, missing = [], state = 'absent' } = before.context.former ?? {};
      const began = place({ snapshot: before });
      const words = run.emitted.length - (before === snapshot ? 0 : run.emittedNow.length);
      const isSo = began === state && words === 0;
      Object.assign(notes, {
        ledger: { deaths, wasAvailable, missing },
        began: isSo ? undefined : `it began ${began}, with ${words} words, not ${state}`,
      });
    }
    const was = notes['ledger'] as Ledger;
    const told = notes['told'] as Told | undefined;
    const couldDie = !['absent', 'down', 'stopped'].includes(place({ snapshot: before }));
    notes['ledgerBefore'] = was;
    notes['ledger'] = {
      deaths: told !== undefined && 'diedAt' in told && couldDie ? [...was.deaths, told.diedAt] : was.deaths,
      wasAvailable: was.wasAvailable || place(run) === 'available',
      missing: told !== undefined && 'missing' in told ? told.missing : was.missing,
    } satisfies Ledger;
    delete notes['told'];
    const value = JSON.stringify(snapshot.value);
    notes['sinceBefore'] = notes['sinceNow'] ?? 0;
    // It is there anew also where a second death in quarantine has begun the time again.
    if (value !== notes['value'])
      notes['sinceNow'] = (clock.nextAt() ?? clock.now()) - (value.includes('alive') ? 400 : value.includes('recovering') ? 100 : 0);
    Object.assign(notes, { value, since: notes['sinceNow'] });
  },
  invariants: {
    'it begins where a former incarnation was, without a word': ({ notes }) => notes['began'] as string | undefined,
    'it is available exactly while it says so': (run) =>
      run.snapshot.hasTag('available') === (place(run) === 'available') ? undefined : `it is ${place(run)}`,
    'one that is available lacks nothing': (run) => (place(run) === 'available' && ledgerNow(run).missing.length > 0 ? 'it lacks' : undefined),
    'one that is degraded lacks something': (run) =>
      place(run) === 'degraded' && ledgerNow(run).missing.length === 0 ? 'it lacks nothing' : undefined,
    'it remembers no more deaths than it must': ({ snapshot: { context } }) =>
      context.deaths.length <= Math.max(2, context.intensity + 1) ? undefined : String(context.deaths.length),
    'it waits for time exactly while it recovers, or lives in quarantine': (run) => {
      const isWaiting = place(run) === 'recovering' || isAlive(run);
      return isWaiting === (run.clock.nextAt() !== undefined) ? undefined : `next at ${run.clock.nextAt()}, in ${place(run)}, since ${sinceOf(run)}`;
    },
  },
};
