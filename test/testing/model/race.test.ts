import { describe, expect, it } from 'vitest';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { ModelTestFailure } from '../../../src/testing/model/failure.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { callerModel, hastyCaller } from './tool-caller.js';

const failureOf = async (act: () => unknown): Promise<ModelTestFailure> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof ModelTestFailure) return error;
    throw error;
  }
  throw new Error('nothing was found');
};

const claim = 'a question that was given up is not answered';
const shortest = ['ASK', 'TIMEOUT', 'ASK', 'SETTLE'];

describe('a tool caller that hears late answers', { timeout: 60_000 }, () => {
  it('is whole as it was written: all is reached and holds', async () => {
    expectFullCoverage(callerModel);
    await propertyTest(callerModel, { runs: 300 });
    expect(interleavings(callerModel, { depth: 6 })).toMatchObject({ exhaustive: true });
  });

  it.each(Array.from({ length: 25 }, (_, index) => index + 1))('is found out by 1 000 random walks, in 4 steps, from seed %i', async (seed) => {
    const failure = await failureOf(() => propertyTest(callerModel, { machine: hastyCaller, runs: 1_000, seed }));
    expect(failure).toMatchObject({ claim, path: shortest, seed });
  });

  it('is found out by a search, and by all orders of four steps', async () => {
    expect(await failureOf(() => testPaths(callerModel, { machine: hastyCaller }))).toMatchObject({ claim, path: shortest });
    expect(await failureOf(() => interleavings(callerModel, { machine: hastyCaller, depth: 4 }))).toMatchObject({ claim, path: shortest });
    expect(interleavings(callerModel, { machine: hastyCaller, depth: 3 })).toMatchObject({ exhaustive: true });
  });

  it('is told with its path, its seed, how to take it again, and the conversation as a Mermaid diagram', async () => {
    const failure = await failureOf(() => propertyTest(callerModel, { machine: hastyCaller, seed: 7 }));
    expect(String(failure)).toBe(
      [
        `ModelTestFailure: ${claim}: question 1 was given up, and answered then`,
        '  after: start → ASK → TIMEOUT → ASK → SETTLE',
        '  seed: 7',
        '  again: replayPath(model, {"model":"caller","start":"start","path":["ASK","TIMEOUT","ASK","SETTLE"]})',
        '',
        'sequenceDiagram',
        '  participant test as the model',
        '  participant machine as caller',
        '  participant clock as clock',
        '  participant actor2 as tools',
        '  Note over machine: idle',
        '  Note left of test: ASK',
        '  test->>machine: ASK',
        '  Note over machine: asking',
        '  Note left of test: TIMEOUT',
        '  clock->>machine: after(1000)',
        '  machine-->>test: gaveUp (emitted)',
        '  Note over machine: idle',
        '  Note left of test: ASK',
        '  test->>machine: ASK',
        '  Note over machine: asking',
        '  Note left of test: SETTLE',
        '  actor2->>machine: SETTLE',
        '  machine-->>test: answered (emitted)',
        '  Note over machine: idle',
      ].join('\n'),
    );
  });

  it('fails again by its fixture, after a way through JSON, and no more once it is mended', async () => {
    const { fixture } = await failureOf(() => testPaths(callerModel, { machine: hastyCaller }));
    const kept = JSON.parse(JSON.stringify(fixture)) as typeof fixture;
    expect(await failureOf(() => replayPath(callerModel, kept, { machine: hastyCaller }))).toMatchObject({ claim, path: shortest });
    replayPath(callerModel, kept);
  });

  it('differs from its model step by step, without a claim about it', async () => {
    const { invariants: _, ...rest } = callerModel;
    const model = { ...rest, invariants: {} };
    const failure = await failureOf(() => testPaths(model, { machine: hastyCaller, against: true }));
    expect(failure).toMatchObject({ claim: 'it does what the machine of its model does', path: shortest });
    expect(failure.problem).toBe('value is "idle", not "asking"');
    testPaths(model, { machine: callerModel.machine.provide({}), against: true });
  });

  it('repeats itself to the letter for the same seed, and looks elsewhere for another', async () => {
    const told = async (seed: number): Promise<string> => String(await failureOf(() => propertyTest(callerModel, { machine: hastyCaller, seed })));
    expect(await told(7)).toBe(await told(7));
    const steps = async (seed: number): Promise<number> => (await propertyTest(callerModel, { seed, runs: 20 })).steps;
    expect(await steps(7)).toBe(await steps(7));
    expect(new Set([await steps(1), await steps(2), await steps(3)]).size).toBeGreaterThan(1);
  });
});
