/** The model of the chart of shared variables: its shelf's part, the app's and the supervisor's. */
import { variablesMachine } from '../../../machines/agents/variables.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import { same } from './looks.js';

type Owes = NonNullable<EventCase<typeof variablesMachine, never>['owes']>;

const ends = (state: string, reason: unknown): Owes => {
  return ({ snapshot }) => same('state', snapshot.value, state) ?? same('reason', reasonOfOutput(snapshot.output), reason);
};

export const variablesModel: Model<typeof variablesMachine> = {
  machine: variablesMachine,
  events: {
    'variables.close': { 'app: closes': { owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    shelf: {
      reports: { 'shelf.ended': { 'the shelf is killed': { owes: ends('failed', { crash: 'shelfLost' }) } } },
      error: { 'the shelf crashes': { error: new Error('no more'), owes: ends('failed', { crash: 'shelfCrashed' }) } },
    },
  },
  invariants: {
    'its shelf runs exactly as long as it does': (run) =>
      same(
        'running',
        run.running().map(({ src }) => src),
        run.isActive ? ['shelf'] : [],
      ),
    'it accepts exactly while it is open': ({ snapshot }) =>
      snapshot.hasTag('accepting') === (snapshot.value === 'open') ? undefined : snapshot.value,
  },
  finish: (run) => run.send({ type: 'variables.close' }),
};
