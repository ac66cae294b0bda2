/** The model of a gate's chart: its permits' part, its watchers', the app's and the supervisor's. */
import { longestDelayMs } from '../../../machines/backoff.js';
import { gateMachine } from '../../../machines/gate/gate.js';
import { type GateInput, levelOf } from '../../../machines/gate/gate-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

type GateRun = Run<typeof gateMachine>;
type Case = EventCase<typeof gateMachine, never>;

const input: GateInput = {
  permits: 2,
  adaptive: null,
  keys: { moves: { permits: 2, adaptive: { floor: 1, ceiling: 3, factor: 0.5 } }, open: { permits: null, adaptive: null } },
  intensity: 1,
  periodMs: 1_000,
};

const keys = ['moves', 'still'] as const;

const place = ({ snapshot: { status, value } }: Pick<GateRun, 'snapshot'>): string =>
  status === 'active' ? (value as { serving: { admission: string } }).serving.admission : (value as string);

const levelsOf = ({ snapshot: { context } }: Pick<GateRun, 'snapshot'>): readonly (number | null)[] => keys.map((key) => levelOf(context, key));

/** The level that a key should have after an event, by the words of the guide. */
const wanted = {
  'key.rateLimited': (level: number | null) => (level === null ? null : Math.min(level, Math.max(1, Math.floor(level / 2)))),
  'key.succeeded': (level: number | null) => (level === null || level === 0 || level >= 3 ? level : level + 1),
};

function levels(key: string, because: string, after: (level: number | null) => number | null): NonNullable<Case['owes']> {
  return (gate) => {
    const before = levelOf(gate.before.context, key);
    const expected = after(before);
    const now = levelOf(gate.snapshot.context, key);
    if (now !== expected) return `from ${before} it went to ${now}, not ${expected}`;
    const facts = expected === before ? [] : [{ type: 'gate.levelChanged', key, from: before, level: now, because }];
    const isSet = because === 'set';
    const orders = expected === before && !isSet ? [] : [{ type: 'permits.level', key, level: now, isSet }];
    // What the app has set stays, also where the level had come there by itself.
    const { limits, levels: moved } = gate.snapshot.context;
    if (isSet && (limits[key] !== expected || Object.hasOwn(moved, key))) return `the limit ${expected} is not what is remembered`;
    return same('emitted', gate.emittedNow, facts) ?? same('told', toldNow(gate), orders);
  };
}

const moves = (type: 'key.rateLimited' | 'key.succeeded', because: string) => ({
  [`${type}, of the key that adapts`]: { payload: { key: 'moves' }, owes: levels('moves', because, wanted[type]) },
  [`${type}, of a key that does not`]: { payload: { key: 'still' }, owes: levels('still', because, (level) => level) },
});

const sets = (key: string, permits: number | null): Case => ({
  payload: { key, permits } as never,
  owes: levels(key, 'set', () => permits),
  weight: 0.5,
});

const ends = (state: string, reason: unknown): NonNullable<Case['owes']> => {
  return (gate) => {
    if (place(gate) !== state) return `it is ${place(gate)}, not ${state}`;
    return same('reason', [[reasonOfOutput(gate.snapshot.output)]], [[reason]]);
  };
};

/** When the drain's deadline is due, by what was asked; null where it has none, or does not drain. */
function due({ notes }: Pick<GateRun, 'notes'>): number | null {
  return (notes['due'] ??= null) as number | null;
}

const drains = (deadlineMs: number | undefined): Case => ({
  payload: (deadlineMs === undefined ? {} : { deadlineMs }) as never,
  weight: 0.5,
  run: (gate) => {
    const isNew = place(gate) === 'open';
    if (isNew || deadlineMs !== undefined)
      Object.assign(gate.notes, { drainMs: deadlineMs ?? null, due: deadlineMs === undefined ? null : gate.clock.now() + deadlineMs });
    gate.send({ type: 'gate.drain', ...(deadlineMs === undefined ? {} : { deadlineMs }) });
  },
  owes: (gate) => (place(gate) === 'draining' ? undefined : `it is ${place(gate)}`),
});

/** Have the present permits said that they are open? */
const isOpened = (gate: GateRun): boolean => gate.notes['opened'] === gate.of('permits')[0];

/** When its watchers were lost within the last second, newest first. */
function losses({ notes, clock }: Pick<GateRun, 'notes' | 'clock'>): readonly number[] {
  return ((notes['losses'] ?? []) as readonly number[]).filter((at) => clock.now() - at <= 1_000);
}

/** A gate that drains ends at its deadline; one that has none goes on, however long it takes. */
function endsInTime(gate: GateRun): string | undefined {
  const isUp = place({ snapshot: gate.before }) === 'draining' && due(gate) !== null && gate.clock.now() >= Number(due(gate));
  return isUp ? ends('closed', 'normal')(gate) : place(gate) === place({ snapshot: gate.before }) ? undefined : `it is ${place(gate)}`;
}

export const gateModel: Model<typeof gateMachine> = {
  machine: gateMachine,
  inputs: { 'a gate': input, 'a gate that survives no loss': { ...input, intensity: 0 } },
  events: {
    'limit.set': {
      'app: one permit for the key that adapts': sets('moves', 1),
      'app: shuts the key that adapts': sets('moves', 0),
      'app: no limit for the key that adapts': sets('moves', null),
      'app: three permits for another': sets('still', 3),
    },
    'gate.drain': { 'app: drains': drains(undefined), 'app: drains, for 300 ms': drains(300) },
    'gate.close': { 'app: closes': { weight: 0.1, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.1, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.1, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    permits: {
      reports: {
        'permits.opened': {
          'the permits are open': {
            when: (gate) => !isOpened(gate),
            run: (gate) => {
              const { drainMs } = gate.notes;
              if (place(gate) === 'draining' && typeof drainMs === 'number') gate.notes['due'] = gate.clock.now() + drainMs;
              gate.notes['opened'] = gate.of('permits')[0];
              gate.report('permits', { type: 'permits.opened' });
            },
            owes: (gate) => {
              const { limits, levels: moved } = gate.snapshot.context;
              const resume = { type: 'permits.resume', levels: moved, limits };
              if (place(gate) !== place({ snapshot: gate.before })) return `it is ${place(gate)}`;
              return same('told', toldNow(gate), place(gate) === 'draining' ? [resume, { type: 'permits.drain' }] : [resume]);
            },
          },
        },
        'key.rateLimited': moves('key.rateLimited', 'rateLimited'),
        'key.succeeded': moves('key.succeeded', 'succeeded'),
        'keys.forgotten': {
          'nobody uses the key that adapts': {
            payload: { keys: ['moves'] },
            owes: ({ before, snapshot }) => {
              const set = Object.hasOwn(before.context.limits, 'moves') ? before.context.limits['moves'] : 2;
              return levelOf(snapshot.context, 'moves') === set ? undefined : `it is ${levelOf(snapshot.context, 'moves')}, not ${set}`;
            },
          },
        },
        'permits.emptied': {
          'the last permit is back': {
            owes: (gate) => {
              const wasDraining = place({ snapshot: gate.before }) === 'draining';
              return wasDraining ? ends('closed', 'normal')(gate) : place(gate) === 'open' ? undefined : `it is ${place(gate)}`;
            },
          },
        },
        'permits.ended': { 'the permits are killed': { weight: 0.1, owes: ends('failed', { crash: 'permitsLost' }) } },
      },
      error: { 'the permits crash': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'permitsCrashed' }) } },
    },
    watchers: {
      reports: {
        'watchers.ended': {
          'the watchers are lost': {
            payload: ({ clock }) => ({ at: clock.now() }),
            run: (gate) => {
              const at = gate.clock.now();
              Object.assign(gate.notes, { wasLost: losses(gate).length > 0, losses: [at] });
              gate.report('watchers', { type: 'watchers.ended', at });
            },
            owes: (gate) => {
              const { intensity } = gate.before.context;
              if (intensity === 0 || gate.notes['wasLost'] === true) return ends('failed', { crash: 'watchersLost' })(gate);
              if (gate.notes['watchersBefore'] === gate.of('watchers')[0]) return 'they were not replaced';
              return same('emitted', gate.emittedNow, [{ type: 'gate.watchersRestarted', attempt: 1 }]);
            },
          },
        },
      },
      error: { 'the watchers crash': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'watchersCrashed' }) } },
    },
  },
  delays: {
    '300 ms pass': { ms: 300, owes: endsInTime },
    'a second passes': 1_001,
    'as long passes as a timer takes': { ms: longestDelayMs, owes: endsInTime },
  },
  cases: {
    'the process starts again': {
      weight: 0.1,
      when: ({ isActive }) => isActive,
      run: (gate) => {
        gate.notes['due'] = null;
        gate.restore();
      },
      owes: ({ before, snapshot }) => same('levels', [levelsOf({ snapshot })], [levelsOf({ snapshot: before })]),
    },
  },
  key: (gate) => {
    const { snapshot, clock, notes } = gate;
    const { levels: moved, limits, intensity } = snapshot.context;
    const [now, until] = [clock.now(), due(gate)];
    return [moved, limits, notes['drainMs'], intensity, losses(gate).map((at) => now - at), until === null ? null : until - now, isOpened(gate)];
  },
  invariants: {
    'its parts run exactly as long as it does': (gate) => {
      const parts = gate.running().map(({ src }) => src);
      return same('running', [parts.sort()], [gate.isActive ? ['permits', 'watchers'] : []]);
    },
    'it accepts exactly while it is open': (gate) =>
      gate.snapshot.hasTag('accepting') === (place(gate) === 'open') ? undefined : `it is ${place(gate)}`,
    'a key that adapts stays between floor and ceiling, unless the app has set it elsewhere': ({ snapshot: { context } }) => {
      const level = Object.hasOwn(context.levels, 'moves') ? context.levels['moves'] : 2;
      return typeof level === 'number' && level >= 1 && level <= 3 ? undefined : String(level);
    },
    'it has a deadline exactly while it drains, and the one that was asked for': (gate) => {
      const at = gate.clock.nextAt() ?? Infinity;
      // One without a deadline waits for as long as a timer takes, and then goes on.
      const next = at - gate.clock.now() > 1_001 ? Infinity : at;
      const expected = place(gate) === 'draining' ? (due(gate) ?? Infinity) : Infinity;
      return next === expected ? undefined : `it is due at ${next}, not ${expected}`;
    },
  },
  observe: (gate) => {
    const { notes } = gate;
    noteTold(gate, 'permits');
    Object.assign(notes, { watchersBefore: notes['watchersNow'], watchersNow: gate.of('watchers')[0] });
  },
  finish: (gate) => gate.send({ type: 'gate.close' }),
};
