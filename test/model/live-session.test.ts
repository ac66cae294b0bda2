import { describe, expect, it } from 'vitest';
import { expectFullCoverage } from '../../src/testing/model/expect.js';
import { interleavings } from '../../src/testing/model/interleavings.js';
import { propertyTest } from '../../src/testing/model/property.js';
import { models } from '../../src/testing/models/catalogue.js';
import { narrowed } from './narrowed.js';
import { seed } from './seed.js';

const start = 'a session';
const called = ['socket: opens', 'server: setupComplete', 'server: gives a handle', 'server: calls a'];
const again = ['100 ms pass', 'socket: opens', 'server: setupComplete'];

describe('the model of liveSession', () => {
  it('reaches everything that the chart has, and every case of its own', { timeout: 120_000 }, () => {
    expectFullCoverage(models.liveSession, { minStates: 400 });
  });

  it(`keeps its claims on 300 random walks (seed ${seed})`, { timeout: 120_000 }, async () => {
    await propertyTest(models.liveSession, { seed, runs: 300 });
  });

  it('keeps them in every order of two steps, while two tools run', { timeout: 120_000 }, () => {
    expect(interleavings(models.liveSession, { depth: 2, start, after: [...called, 'server: calls later'] })).toMatchObject({ exhaustive: true });
  });

  it.each([
    ['a late result crosses a cancellation and the loss of the socket', called, ['a answers', 'server: cancels a', 'socket: closed 1006']],
    ['a late socket crosses the deadline of a goAway', [...called, 'server: goes away in 400 ms'], ['a answers', 'socket: closed 1000']],
    [
      'a refused handle crosses a result and a call that comes again',
      [...called, 'socket: closed 1006'],
      ['a answers', 'socket: closed 1008', 'server: calls a'],
    ],
  ])('keeps them in every order of six steps: %s', { timeout: 120_000 }, (_, after, cross) => {
    const few = narrowed(models.liveSession, after, [...again, 'uplink: an answer is written', ...cross]);
    expect(interleavings(few, { depth: 6, start, after })).toMatchObject({ exhaustive: true });
  });
});
