import { describe, expect, it } from 'vitest';
import { expectFullCoverage } from '../../src/testing/model/expect.js';
import { interleavings } from '../../src/testing/model/interleavings.js';
import { propertyTest } from '../../src/testing/model/property.js';
import { models } from '../../src/testing/models/catalogue.js';
import { seed } from './seed.js';

describe('the model of dynamicSupervisor', () => {
  it('reaches everything that the chart has, and every case of its own', { timeout: 60_000 }, () => {
    expectFullCoverage(models.dynamicSupervisor, { minStates: 1_000 });
  });

  it(`keeps its claims on 300 random walks (seed ${seed})`, { timeout: 60_000 }, async () => {
    await propertyTest(models.dynamicSupervisor, { seed, runs: 300 });
  });

  it('keeps them in every order of two steps, once a child runs', { timeout: 60_000 }, () => {
    expect(interleavings(models.dynamicSupervisor, { depth: 2, start: 'dynamic', after: ['start a permanent', 'it starts'] })).toMatchObject({
      exhaustive: true,
    });
  });
});
