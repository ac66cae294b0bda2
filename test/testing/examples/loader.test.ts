import { fromPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { forgetfulLoader, loaderMachine, loaderModel } from '../../../examples/testing/loader.js';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { mutationTest } from '../../../src/testing/mutation/mutation-test.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import { failureOf } from './failure-of.js';

const claim = 'a load has all its attempts, and no more';
const path = ['load', 'load', 'request fails'];

describe('a loader that retries', { timeout: 60_000 }, () => {
  it('is whole: all is reached and holds', async () => {
    const { coverage, exhausted } = expectFullCoverage(loaderModel);
    expect(exhausted).toBe(true);
    expect(coverage.hits('invoke loader.loading request stopped')).toBeGreaterThan(0);
    expect(coverage.hits('delay loader.waiting after(backoff) cancelled')).toBeGreaterThan(0);
    await propertyTest(loaderModel, { runs: 300 });
  });

  it('is tested as the app provides it: its actions run, its requests do not', () => {
    const stored: string[] = [];
    let requests = 0;
    const app = loaderMachine.provide({
      actors: { request: fromPromise(() => Promise.resolve(`answer ${++requests}`)) },
      actions: { store: (_, { text }) => stored.push(text) },
    });
    expectFullCoverage(loaderModel, { machine: app });
    expect([requests, new Set(stored)]).toEqual([0, new Set(['a page'])]);
    testPaths(loaderModel, { machine: app, against: true });
  });

  it('that forgets to start counting anew is found out in three steps', async () => {
    const searched = await failureOf(() => testPaths(loaderModel, { machine: forgetfulLoader }));
    expect(searched).toMatchObject({ claim, problem: 'it has had 1 of 2 attempts', start: 'one retry', path });
    for (const seed of [1, 2, 3]) {
      expect(await failureOf(() => propertyTest(loaderModel, { machine: forgetfulLoader, runs: 1_000, seed }))).toMatchObject({ claim, path });
    }
    replayPath(loaderModel, searched.fixture);
  });

  it('has a model that notices when any line of it is wrong', async () => {
    const waived = { 'loader.loading done(request)#0: without store': 'what the app does with a page is not the model’s' };
    expect(await mutationTest(loaderModel, { waived })).toMatchObject({ survived: 0, waived: 1 });
  });

  it('keeps its requests and its timer to itself in a world, and leaves nothing', async () => {
    await using world = createWorld();
    const request = world.controlled<{ url: string }, string>('request');
    const ref = world.start(loaderMachine.provide({ actors: { request } }), { input: { maxAttempts: 2 } });
    ref.send({ type: 'load', url: 'https://example.org/a' });
    request.calls[0]?.reject(new Error('no net'));
    ref.send({ type: 'load', url: 'https://example.org/b' });
    request.calls[1]?.resolveAfter(50, 'b');
    await world.runUntilIdle();
    expect([ref.getSnapshot().value, ref.getSnapshot().context.text]).toEqual(['loaded', 'b']);
    expect(request.calls.map(({ status }) => status)).toEqual(['failed', 'done']);
  });
});
