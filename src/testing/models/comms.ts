/** The model of the chart of comms: the actor that has the mailboxes, the app and the supervisor. */
import { commsMachine } from '../../../machines/comms/comms.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type CommsRun = Run<typeof commsMachine>;
type Owes = NonNullable<EventCase<typeof commsMachine, never>['owes']>;

const place = ({ snapshot: { value } }: Pick<CommsRun, 'snapshot'>): string => value;

const ends = (state: string, reason: unknown): Owes => {
  return (run) =>
    same('state', place(run), state) ?? same('reason', reasonOfOutput(run.snapshot.output), reason) ?? same('emitted', run.emittedNow, []);
};

export const commsModel: Model<typeof commsMachine> = {
  machine: commsMachine,
  events: {
    'comms.close': { 'app: closes': { weight: 0.2, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    exchange: {
      reports: { 'exchange.ended': { 'it is taken away': { weight: 0.2, owes: ends('failed', { crash: 'exchangeLost' }) } } },
      error: { 'it crashes': { error: new Error('no more'), weight: 0.2, owes: ends('failed', { crash: 'exchangeCrashed' }) } },
    },
  },
  cases: {
    'the process starts again': {
      weight: 0.2,
      when: ({ isActive }) => isActive,
      run: (run) => run.restore(),
      owes: (run) => same('state', place(run), 'serving') ?? same('emitted', run.emittedNow, []),
    },
  },
  invariants: {
    'it has an exchange exactly as long as it serves': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive ? ['exchange'] : [],
      ),
    'it accepts exactly while it serves': (run) =>
      run.snapshot.hasTag('accepting') === (place(run) === 'serving') ? undefined : `it is ${place(run)}`,
    'it waits for nothing': ({ clock }) => (clock.nextAt() === undefined ? undefined : `until ${clock.nextAt()}`),
  },
  finish: (run) => run.send({ type: 'comms.close' }),
};
