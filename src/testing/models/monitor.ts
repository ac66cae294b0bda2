/** The model of a monitor's chart: its table's part, the app's and the supervisor's. */
import type { AnyEventObject } from 'xstate';
import { type MonitorInput, monitorMachine } from '../../../machines/health/monitor.js';
import type { Health } from '../../../machines/health/verdict.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type MonitorRun = Run<typeof monitorMachine>;
type Case = EventCase<typeof monitorMachine, never>;

const input: MonitorInput = { of: 'probes', intensity: 1, periodMs: 1_000 };

/** What the table that runs was told, newest last. */
function told(monitor: MonitorRun): readonly AnyEventObject[] {
  return monitor.of('table')[0]?.received ?? [];
}

const overallOf = ({ snapshot: { value } }: Pick<MonitorRun, 'snapshot'>): string =>
  typeof value === 'string' ? value : (value.serving as { overall: string }).overall;

const becomes = (to: Health): Case => ({
  payload: { to } as never,
  owes: (monitor) => {
    const from = monitor.before.context.overall;
    const { overall } = monitor.snapshot.context;
    const facts = from === to ? [] : [{ type: 'health.changed', of: monitor.before.context.of, from, to }];
    return same('it is', [overallOf(monitor), overall], [to, to]) ?? same('emitted', monitor.emittedNow, facts);
  },
});

const trouble = (id: string, health: Health): Case => ({
  payload: { id, health } as never,
  owes: ({ before, snapshot }) => {
    const wanted: Record<string, Health> = { ...before.context.troubles };
    delete wanted[id];
    if (health === 'degraded' || health === 'unhealthy') wanted[id] = health;
    return same('troubles', snapshot.context.troubles, wanted);
  },
});

const ends = (state: string, reason: unknown): NonNullable<Case['owes']> => {
  return (monitor) => same('it ends', [monitor.snapshot.value, reasonOfOutput(monitor.snapshot.output)], [state, reason]);
};

/** When its table was lost within the last second, newest first. */
function losses({ notes, clock }: Pick<MonitorRun, 'notes' | 'clock'>): readonly number[] {
  return ((notes['losses'] ?? []) as readonly number[]).filter((at) => clock.now() - at <= 1_000);
}

export const monitorModel: Model<typeof monitorMachine> = {
  machine: monitorMachine,
  inputs: { 'a monitor': input, 'one that survives no loss': { ...input, of: 'services', intensity: 0 } },
  events: {
    'monitor.close': { 'app: closes': { weight: 0.1, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.1, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.1, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    table: {
      reports: {
        'table.opened': {
          'the table is open': {
            when: (monitor) => told(monitor).length === 0,
            owes: (monitor) => same('told', told(monitor), [{ type: 'table.resume', troubles: monitor.snapshot.context.troubles }]),
          },
        },
        'overall.changed': {
          'all are healthy': becomes('healthy'),
          'the worst is degraded': becomes('degraded'),
          'the worst is unhealthy': becomes('unhealthy'),
          'the worst is not known': becomes('unknown'),
        },
        'trouble.noted': {
          'one is degraded': trouble('a', 'degraded'),
          'another is unhealthy': trouble('b', 'unhealthy'),
          'the one is healthy': trouble('a', 'healthy'),
          'the other is gone': trouble('b', 'unknown'),
        },
        'table.ended': {
          'the table is lost': {
            payload: ({ clock }) => ({ at: clock.now() }),
            run: (monitor) => {
              const at = monitor.clock.now();
              Object.assign(monitor.notes, { wasLost: losses(monitor).length > 0, losses: [at] });
              monitor.report('table', { type: 'table.ended', at });
            },
            owes: (monitor) => {
              const { intensity } = monitor.before.context;
              if (intensity === 0 || monitor.notes['wasLost'] === true) return ends('failed', { crash: 'tableLost' })(monitor);
              if (monitor.notes['tableBefore'] === monitor.of('table')[0]) return 'it was not replaced';
              return same('emitted', monitor.emittedNow, [{ type: 'health.tableRestarted', attempt: 1 }]);
            },
          },
        },
      },
      error: { 'the table crashes': { error: new Error('no more'), weight: 0.1, owes: ends('failed', { crash: 'tableCrashed' }) } },
    },
  },
  delays: { 'a second passes': 1_001 },
  cases: {
    'the process starts again': {
      weight: 0.1,
      when: ({ isActive }) => isActive,
      run: (monitor) => monitor.restore(),
      owes: ({ before, snapshot }) => same('troubles', snapshot.context.troubles, before.context.troubles),
    },
  },
  key: (monitor) => {
    const { snapshot, clock } = monitor;
    const { troubles, of } = snapshot.context;
    return [troubles, of, losses(monitor).map((at) => clock.now() - at), told(monitor).length];
  },
  invariants: {
    'its table runs exactly as long as it does': (monitor) =>
      same(
        'running',
        monitor.running().map(({ src }) => src),
        monitor.isActive ? ['table'] : [],
      ),
    'its state is what all come to': (monitor) =>
      monitor.isActive ? same('overall', overallOf(monitor), monitor.snapshot.context.overall) : undefined,
  },
  observe: (monitor) => {
    const { notes } = monitor;
    Object.assign(notes, { tableBefore: notes['tableNow'], tableNow: monitor.of('table')[0] });
  },
  finish: (monitor) => monitor.send({ type: 'monitor.close' }),
};
