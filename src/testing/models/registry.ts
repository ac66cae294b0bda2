/** The model of a registry's chart: the actor that keeps its names, the app and the supervisor. */
import { registryMachine } from '../../../machines/registry/registry.js';
import type { RegistryInput } from '../../../machines/registry/registry-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type RegistryRun = Run<typeof registryMachine>;
type Owes = NonNullable<EventCase<typeof registryMachine, never>['owes']>;

const input: RegistryInput = { intensity: 2, periodMs: 1_000 };

const place = ({ snapshot: { value } }: Pick<RegistryRun, 'snapshot'>): string => value;

const ends = (state: string, reason: unknown): Owes => {
  return (registry) =>
    same('state', place(registry), state) ??
    same('reason', reasonOfOutput(registry.snapshot.output), reason) ??
    same('emitted', registry.emittedNow, []);
};

/** Have the present names said that they are open? */
const isOpened = (registry: RegistryRun): boolean => registry.notes['opened'] === registry.of('names')[0];

const opens = (kept: number, gone: number, facts: readonly object[]) => ({
  payload: { kept, gone },
  when: (registry: RegistryRun) => !isOpened(registry),
  run: (registry: RegistryRun) => {
    registry.notes['opened'] = registry.of('names')[0];
    registry.report('names', { type: 'names.opened', kept, gone });
  },
  owes: ((registry) => same('state', place(registry), 'serving') ?? same('emitted', registry.emittedNow, facts)) as Owes,
});

/** When its names were lost within the last second, newest first. */
function losses({ notes, clock }: Pick<RegistryRun, 'notes' | 'clock'>): readonly number[] {
  return ((notes['losses'] ?? []) as readonly number[]).filter((at) => clock.now() - at <= 1_000);
}

export const registryModel: Model<typeof registryMachine> = {
  machine: registryMachine,
  inputs: { 'a registry': input, 'a registry that survives no loss': { ...input, intensity: 0 } },
  events: {
    'registry.close': { 'app: closes': { weight: 0.2, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    names: {
      reports: {
        'names.opened': {
          'the names are new': opens(0, 0, []),
          'the names know somebody who lives': opens(1, 0, [{ type: 'registry.recovered', kept: 1, gone: 0 }]),
          'the names knew somebody who has ended': opens(0, 2, [{ type: 'registry.recovered', kept: 0, gone: 2 }]),
        },
        'names.ended': {
          'the names are lost': {
            payload: ({ clock }) => ({ at: clock.now() }),
            run: (registry) => {
              const at = registry.clock.now();
              const earlier = losses(registry);
              Object.assign(registry.notes, { earlier: earlier.length, losses: [at, ...earlier] });
              registry.report('names', { type: 'names.ended', at });
            },
            owes: (registry) => {
              const { intensity } = registry.before.context;
              const earlier = Number(registry.notes['earlier']);
              if (earlier >= intensity) return ends('failed', { crash: 'namesLost' })(registry);
              if (registry.notes['namesBefore'] === registry.of('names')[0]) return 'they were not replaced';
              return (
                same('state', place(registry), 'serving') ??
                same('emitted', registry.emittedNow, [{ type: 'registry.restarted', attempt: earlier + 1 }])
              );
            },
          },
        },
      },
      error: { 'the names crash': { error: new Error('no more'), weight: 0.2, owes: ends('failed', { crash: 'namesCrashed' }) } },
    },
  },
  delays: { 'a second passes, and a bit': 1_001, 'half a second passes': 500 },
  cases: {
    'the process starts again': {
      weight: 0.2,
      when: ({ isActive }) => isActive,
      run: (registry) => registry.restore(),
      owes: (registry) => same('state', place(registry), 'serving') ?? same('emitted', registry.emittedNow, []),
    },
  },
  key: (registry) => {
    const { clock, snapshot } = registry;
    return [snapshot.context.intensity, losses(registry).map((at) => clock.now() - at), isOpened(registry)];
  },
  invariants: {
    'its names run exactly as long as it does': (registry) =>
      same(
        'running',
        registry.running().map(({ src }) => src),
        registry.isActive ? ['names'] : [],
      ),
    'it accepts exactly while it serves': (registry) =>
      registry.snapshot.hasTag('accepting') === (place(registry) === 'serving') ? undefined : `it is ${place(registry)}`,
    'it waits for nothing': ({ clock }) => (clock.nextAt() === undefined ? undefined : `until ${clock.nextAt()}`),
  },
  observe: (registry) => {
    const { notes } = registry;
    Object.assign(notes, { namesBefore: notes['namesNow'], namesNow: registry.of('names')[0] });
  },
  finish: (registry) => registry.send({ type: 'registry.close' }),
};
