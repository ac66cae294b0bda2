import { describe, expect, it } from 'vitest';
import { cancel, fromCallback, raise, sendTo, setup } from 'xstate';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import type { Model } from '../../../src/testing/model/model.js';
import type { Run } from '../../../src/testing/model/run.js';
import { testPaths } from '../../../src/testing/model/search.js';

/** Sounds an alarm some time after it was set, if it is not switched off before, and once more. */
const alarmMachine = setup({
  types: { events: {} as { type: 'set' | 'off' | 'ring' | 'again' } },
  actors: { bell: fromCallback<{ type: 'strike' }>(() => {}) },
  delays: { soon: 500 },
  actions: {
    ringSoon: raise({ type: 'ring' }, { id: 'ring', delay: 'soon' }),
    silence: cancel('ring'),
    strikeLater: sendTo('bell', { type: 'strike' }, { delay: 2_000 }),
  },
}).createMachine({
  id: 'alarm',
  invoke: { id: 'bell', src: 'bell' },
  initial: 'idle',
  states: {
    idle: { on: { set: 'waiting' } },
    waiting: { entry: 'ringSoon', exit: { type: 'silence' }, on: { off: 'idle', ring: 'ringing' } },
    ringing: {
      entry: ['strikeLater', raise({ type: 'again' }, { delay: 100 })],
      on: { again: { actions: [] }, off: 'idle' },
      after: { 5_000: 'idle' },
    },
  },
});
const model: Model<typeof alarmMachine> = {
  machine: alarmMachine,
  events: { set: true, off: true },
  outcomes: { bell: {} },
  ignored: { ring: 'it raises it itself', again: 'it raises it itself' },
  key: ({ snapshot, clock }) => [snapshot.value, clock.pending()],
  invariants: {},
};
const own = (items: readonly { readonly id: string }[]): readonly string[] => items.map(({ id }) => id).filter((id) => !id.includes(' after('));

describe('an event that is sent with a delay', () => {
  it('is to come, and to be taken back where the machine does so', () => {
    const { coverage } = expectFullCoverage(model);
    const items = [
      ...['fired', 'cancelled'].map((way) => `delay alarm raise(ring #ring) ${way}`),
      'delay alarm sendTo(strike) fired',
      'delay alarm raise(again) fired',
    ];
    expect(own(coverage.items.filter(({ kind }) => kind === 'delay'))).toEqual(items);
    expect(coverage.pathTo('delay alarm raise(ring #ring) fired')).toEqual(['start', 'set', 'the next timer fires']);
    expect(coverage.pathTo('delay alarm raise(ring #ring) cancelled')).toEqual(['start', 'set', 'off']);
    expect(coverage.hits('delay alarm sendTo(strike) fired')).toBeGreaterThan(0);
  });

  it('is missing where its time never comes, and where nothing comes before it', () => {
    const hasty = testPaths({ ...model, delays: { 'a moment': 1 }, key: ({ snapshot }) => snapshot.value });
    expect(own(hasty.coverage.missing(['delay']))).toEqual([
      'delay alarm raise(ring #ring) fired',
      'delay alarm sendTo(strike) fired',
      'delay alarm raise(again) fired',
    ]);
    const patient = testPaths({
      ...model,
      events: { set: true, off: { off: { when: ({ snapshot }: Run<typeof alarmMachine>) => snapshot.matches('ringing') } } },
      delays: { 'a long time': 10_000 },
    });
    expect(own(patient.coverage.missing(['delay']))).toEqual(['delay alarm raise(ring #ring) cancelled']);
  });
});
