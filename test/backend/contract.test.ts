/** Every backend keeps the contract, and the contract finds out those that do not. */
import { afterEach, describe, expect, it } from 'vitest';
import { backendContract, type BackendSubject } from '../../src/testing/backend/contract.js';
import { removeFiles } from '../events/store-world.js';
import { defects } from './defects.js';
import { closeFiles, inFiles, inMemory, onMemoryEvents } from './subjects.js';

afterEach(async () => {
  await closeFiles();
  removeFiles();
});

const subjects: Readonly<Record<string, BackendSubject>> = {
  'a backend in memory': inMemory,
  'a backend on a store in memory': onMemoryEvents,
  ...Object.fromEntries(Object.entries(inFiles).map(([driver, subject]) => [`a backend on a store in a file, by ${driver}`, subject])),
};

describe.each(Object.entries(subjects))('%s', async (_, subject) => {
  for (const { title, run } of await backendContract(subject)) it(title, run);
});

describe('the contract', () => {
  it.each(Object.entries(defects))('finds out that %s', async (_, { brokenCase, subject }) => {
    const broken = (await backendContract(subject)).filter(({ title }) => title.startsWith(brokenCase));
    expect(broken).toHaveLength(1);
    await expect(broken[0]?.run()).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });

  it('finds nothing in the backend that the defects are planted in', async () => {
    const cases = await backendContract(inMemory);
    const planted = new Set(Object.values(defects).map(({ brokenCase }) => brokenCase));
    for (const { title, run } of cases) if ([...planted].some((start) => title.startsWith(start))) await run();
    expect(planted.size).toBeGreaterThanOrEqual(20);
  });
});
