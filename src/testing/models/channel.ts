/** The model of a channel's chart: the exchange that spawns it, and tells it of its agent. */
import { channelMachine } from '../../../machines/comms/channel.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type ChannelRun = Run<typeof channelMachine>;
type Owes = NonNullable<EventCase<typeof channelMachine, never>['owes']>;
type State = ChannelRun['snapshot']['value'];

const agent = 'ann';

/** Where it leads from the state that it meets; anywhere else nothing happens, and nothing is told. */
const leads =
  (by: Partial<Record<State, State>>): Owes =>
  (run) => {
    const met = run.before.value;
    const to = by[met];
    const told = to === 'vacant' ? 'vacated' : to;
    return (
      same(`state after ${met}`, run.snapshot.value, to ?? met) ??
      same('emitted', run.emittedNow, to === undefined ? [] : [{ type: `channel.${told}`, agent }])
    );
  };

const closes = (because: 'idle' | 'gone' | 'closed'): EventCase<typeof channelMachine, { because: typeof because }> => ({
  weight: 0.2,
  payload: { because },
  owes: (run) =>
    same('state', run.snapshot.value, 'closed') ??
    same('reason', reasonOfOutput(run.snapshot.output), 'normal') ??
    same('emitted', run.emittedNow, [{ type: 'channel.closed', agent, because }]),
});

export const channelModel: Model<typeof channelMachine> = {
  machine: channelMachine,
  inputs: { 'a channel': { agent } },
  events: {
    'agent.came': {
      'exchange: somebody comes, who takes something': { payload: { credits: 2 }, owes: leads({ vacant: 'flowing' }) },
      'exchange: somebody comes, who takes one thing': { payload: { credits: 1 }, owes: leads({ vacant: 'flowing' }) },
      'exchange: somebody comes, who takes nothing': { payload: { credits: 0 }, owes: leads({ vacant: 'paused' }) },
      'exchange: somebody comes, who has too much': { payload: { credits: -1 }, owes: leads({ vacant: 'paused' }) },
    },
    'agent.left': { 'exchange: nobody is there': { owes: leads({ flowing: 'vacant', paused: 'vacant' }) } },
    'credits.spent': { 'exchange: as much is out as may be': { owes: leads({ flowing: 'paused' }) } },
    'credits.given': { 'exchange: less is out': { owes: leads({ paused: 'flowing' }) } },
    'channel.close': {
      'exchange: nobody used it': closes('idle'),
      'exchange: nobody is to come': closes('gone'),
      'exchange: comms end': closes('closed'),
    },
  },
  invariants: {
    'it flows exactly while it is flowing': ({ snapshot }) =>
      snapshot.hasTag('flowing') === (snapshot.value === 'flowing') ? undefined : `the tag, while ${snapshot.value}`,
    'it waits for nothing': ({ clock }) => (clock.nextAt() === undefined ? undefined : `until ${clock.nextAt()}`),
    'it keeps its name': ({ snapshot }) => same('agent', snapshot.context.agent, agent),
  },
  finish: (run) => run.send({ type: 'channel.close', because: 'closed' }),
};
