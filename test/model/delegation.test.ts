import { describe, expect, it } from 'vitest';
import { expectFullCoverage } from '../../src/testing/model/expect.js';
import { interleavings } from '../../src/testing/model/interleavings.js';
import { propertyTest } from '../../src/testing/model/property.js';
import { models } from '../../src/testing/models/catalogue.js';
import { seed } from './seed.js';

describe('the model of delegation', () => {
  it('reaches everything that the chart has, and every case of its own', { timeout: 60_000 }, () => {
    expectFullCoverage(models.delegation);
  });

  it(`keeps its claims on 300 random walks (seed ${seed})`, { timeout: 60_000 }, async () => {
    await propertyTest(models.delegation, { seed, runs: 300 });
  });

  it('keeps them in every order of its steps', { timeout: 60_000 }, () => {
    expect(interleavings(models.delegation, { depth: 3 })).toMatchObject({ exhaustive: true });
  });
});
