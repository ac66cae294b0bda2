import { afterEach, describe, expect, it, vi } from 'vitest';
import { setup } from 'xstate';
import { pick, propertyTest } from '../../../src/testing/model/property.js';
import { testPaths } from '../../../src/testing/model/search.js';
import type { Case } from '../../../src/testing/model/compile.js';
import type { Model } from '../../../src/testing/model/model.js';
import { kilnMachine, kilnModel, mutant } from './kiln.js';

const wrongTarget = mutant((definition: { states: { working: { states: { fire: { states: { cooling: { after: { cooling: string } } } } } } } }) => {
  definition.states.working.states.fire.states.cooling.after.cooling = 'burning';
});

describe('random walks', { timeout: 60_000 }, () => {
  it('hold for the machine as it is, and say how far they came', async () => {
    const { runs, steps, coverage } = await propertyTest(kilnModel, { seed: 7, runs: 50 });
    expect(runs).toBe(50);
    expect(steps).toBeGreaterThan(100);
    expect(coverage.hits('transition kiln.working --sensor.read#0--> (stays)')).toBeGreaterThan(0);
  });

  it('catch a planted wrong transition, shrunk until no step can be left out', async () => {
    await expect(propertyTest(kilnModel, { machine: wrongTarget, seed: 7 })).rejects.toMatchObject({
      claim: 'the sensor is told of each firing',
      path: ['fire', expect.stringMatching(/stop|the firing is done/u), expect.stringMatching(/a second passes|five seconds pass/u)],
    });
  });

  it('take a step as often as its weight says', () => {
    const [often, seldom] = [
      { name: 'often', weight: 3 },
      { name: 'seldom', weight: 1 },
    ] as unknown as Case<typeof kilnMachine>[];
    const names = [0, 740_000, 750_000, 999_999].map((choice) => pick([often, seldom] as Case<typeof kilnMachine>[], choice)?.name);
    expect(names).toEqual(['often', 'often', 'seldom', 'seldom']);
    expect(pick([], 5)).toBeUndefined();
  });

  it('in which nothing happens prove nothing, and say so', async () => {
    const machine = setup({}).createMachine({ id: 'still' });
    const never = { machine, cases: { never: { when: () => false, run: () => undefined } }, invariants: {} };
    await expect(propertyTest(never)).rejects.toThrow('walks in which nothing happens prove nothing');
  });

  it('of two actors of one kind settle the oldest, and the newest', () => {
    const machine = setup({
      types: { events: {} as { type: 'ask' } },
      actors: { call: kilnMachine.implementations.actors['sensor'] as never },
    }).createMachine({
      id: 'twice',
      type: 'parallel',
      states: { a: { invoke: { id: 'one', src: 'call' } as never }, b: { invoke: { id: 'two', src: 'call' } as never } },
    });
    const ended: string[] = [];
    const model = {
      machine,
      outcomes: { call: { done: [1] } },
      invariants: {},
      observe: ({ fakes }) => void ended.push(fakes.map(({ id, status }) => `${id} ${status}`).join()),
    } satisfies Model<typeof machine>;
    testPaths(model);
    expect(ended).toContain('one done,two running');
    expect(ended).toContain('one running,two done');
  });
});

describe('a failure', { timeout: 60_000 }, () => {
  it('that does not happen again says that something is not deterministic', async () => {
    let count = 0;
    const invariants = { 'it is steady': () => (++count === 20 ? 'once' : undefined) };
    await expect(propertyTest({ ...kilnModel, invariants }, { seed: 7 })).rejects.toThrow(
      /it is steady: once\n {2}after: .*\n {2}note: it did not happen again: something in the machine or in the model is not deterministic/u,
    );
  });
});

describe('without fast-check', { timeout: 60_000 }, () => {
  afterEach(() => {
    vi.doUnmock('fast-check');
    vi.resetModules();
  });

  it('random walks say what to install, and the rest of the kit works', async () => {
    vi.doMock('fast-check', () => {
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    await expect(propertyTest(kilnModel)).rejects.toThrow(
      'testing/missing-peer: expected the package fast-check (^4) for propertyTest: npm install --save-dev fast-check',
    );
    expect(testPaths(kilnModel, { minStates: 1, maxStates: 5 }).steps).toBeGreaterThan(0);
  });
});
