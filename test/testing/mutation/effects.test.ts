import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { mutantsOf } from '../../../src/testing/mutation/mutants.js';
import { observed } from '../../../src/testing/mutation/observe.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { counterMachine, counterModel } from './counter.js';

const { mutants } = await observed(counterModel);

const effectsOf = (action: string): readonly string[] =>
  mutants.flatMap(({ id, kind }) => (kind === 'effect dropped' && id.startsWith(`${action}: without `) ? [id.slice(action.length + 10)] : []));

/** What a mutant has come to after some events; without an id the machine itself. */
function after(id: string | null, ...events: readonly Parameters<ReturnType<typeof actorOf>['send']>[0][]) {
  const clock = new VirtualClock();
  const emitted: unknown[] = [];
  const actor = actorOf(id, clock);
  actor.on('*', (event) => emitted.push(event.loaves === undefined ? event.type : `${event.type} ${event.loaves}`));
  actor.start();
  for (const event of events) actor.send(event);
  const set = clock.pending();
  clock.advanceBy(100);
  const { value, context, children } = actor.getSnapshot();
  actor.stop();
  return { emitted, set, value, ...context, ovens: Object.keys(children) };
}

function actorOf(id: string | null, clock: VirtualClock) {
  const found = mutants.find((mutant) => mutant.id === id);
  if (id !== null && found === undefined) throw new Error(`no mutant '${id}'`);
  return createActor(found?.make() ?? counterMachine, { clock });
}

const order = { type: 'order', loaves: 3 } as const;
const idle = { open: { till: 'idle', oven: 'hot' } };
const sold = {
  emitted: ['greeted', 'sold 3', 'called 1', 'called 2', 'called'],
  set: 1,
  value: idle,
  sold: 3,
  last: -1,
  isTold: true,
  ovens: ['oven.1'],
};

describe('the effects that an action enqueues', () => {
  it('are seen where the model makes them, each by its kind and what it is about', () => {
    expect(effectsOf('counter action sell')).toEqual([
      ...['action tell', 'assign last', 'assign sold', 'emit called', 'emit called #2', 'emit sold', 'raise oven.hot', 'sendTo oven bake'],
    ]);
    expect(effectsOf('counter action callOff')).toEqual(['assign', 'assign last', 'cancel hot']);
    expect(effectsOf('counter action swap')).toEqual(['spawnChild oven', 'stopChild oven']);
  });

  it('are seen of an action that is written at its place', () => {
    expect(effectsOf('counter.open.till.ready oven.hot#0 action#0')).toEqual(['assign last', 'emit called']);
  });

  it('are no mutants of an action that enqueues one thing: it is dropped as a whole', () => {
    expect(effectsOf('counter action once')).toEqual([]);
    expect(mutants.map(({ id }) => id)).toContain('counter.open.till initial: without once');
  });

  it('are not known of a machine without a model', () => {
    expect(mutantsOf(counterMachine).filter(({ kind }) => kind === 'effect dropped')).toEqual([]);
  });

  it('change nothing while all of them pass', () => {
    expect(after(null, order)).toEqual(sold);
  });

  it.each([
    ['emit sold', { emitted: ['greeted', 'called 1', 'called 2', 'called'] }],
    ['emit called', { emitted: ['greeted', 'sold 3', 'called 2', 'called'] }],
    ['emit called #2', { emitted: ['greeted', 'sold 3', 'called 1', 'called'] }],
    ['assign sold', { sold: 0, emitted: ['greeted', 'sold 0', 'called 1', 'called 2', 'called'] }],
    ['action tell', { isTold: false }],
    ['raise oven.hot', { set: 0, value: { open: { till: 'ready', oven: 'cold' } }, last: 3, emitted: ['greeted', 'sold 3', 'called 1', 'called 2'] }],
  ])('are dropped one at a time: %s', (effect, is) => {
    expect(after(`counter action sell: without ${effect}`, order)).toEqual({ ...sold, ...is });
  });

  it.each([
    ['cancel hot', { set: 1, last: -1, isTold: false }],
    ['assign last', { set: 0, last: 3, isTold: false }],
    ['assign', { set: 0, last: 0, isTold: true }],
  ])('are dropped wherever they are enqueued from: %s', (effect, is) => {
    expect(after(null, order, { type: 'call.off' })).toMatchObject({ set: 0, last: 0, isTold: false });
    expect(after(`counter action callOff: without ${effect}`, order, { type: 'call.off' })).toMatchObject(is);
  });

  it('are dropped of an action that is written at its place', () => {
    expect(after('counter.open.till.ready oven.hot#0 action#0: without assign last', order)).toEqual({ ...sold, last: 3 });
  });

  it('are dropped with the actors that they start', () => {
    expect(after('counter action swap: without spawnChild oven').ovens).toEqual([]);
  });
});

describe('the mutants of a chart', () => {
  const ids = mutantsOf(counterMachine).map(({ id }) => id);

  it('have one for each target of a transition', () => {
    expect(ids.filter((id) => id.includes(' in place of '))).toEqual([
      'counter.open.till.ready oven.hot#0: to counter.open.till.ready in place of counter.open.till.idle',
      'counter.open.till.ready oven.hot#0: to counter.open.oven.cold in place of counter.open.oven.hot',
    ]);
    const [first, second] = ids.filter((id) => id.includes(' in place of '));
    expect(after(first as string, order).value).toEqual({ open: { till: 'ready', oven: 'hot' } });
    expect(after(second as string, order).value).toEqual({ open: { till: 'idle', oven: 'cold' } });
  });

  it('drop what is done on the way into an initial state', () => {
    expect(after('counter.open.till initial: without once', order).emitted).toEqual(sold.emitted.slice(1));
  });
});
