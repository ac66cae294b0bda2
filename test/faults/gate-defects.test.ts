/** The tower sees a gate that is wrong: one that is planted here, and that a worker finds when it is struck as in the matrix. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PermitTable } from '../../src/gate/permits.js';
import { hearFaults } from './matrix.js';
import { strikes } from './strikes.js';
import { type Play, type Story, Tower } from './tower.js';
import { feed } from './workers.js';

hearFaults();
afterEach(() => void vi.restoreAllMocks());

/** Two streams for one permit: the second waits while the first is read. */
const story: Story = {
  name: 'two streams for one permit',
  workers: { feed, second: feed },
  gate: { permits: 1 },
  server: () => ({ pieces: ['data: one\n\n', 50, 'data: two\n\n'] }),
};

const killed: Play = {
  at: ({ event, path }) => path === 'app/work/feed' && event === 'body.began',
  act: (tower) =>
    strikes['a worker is killed']?.(tower.living())
      .find(({ name }) => name.endsWith('second'))
      ?.strike(tower),
};

describe('a gate that leaves a dead waiter in its queue', () => {
  it('is seen as soon as the waiter has died; the gate as it is leaves none', async () => {
    expect(await new Tower(story, [killed]).end()).toEqual([]);
    const { ownerEnded } = PermitTable.prototype;
    vi.spyOn(PermitTable.prototype, 'ownerEnded').mockImplementation(function (this: PermitTable, claim, owner) {
      if (claim.state !== 'waiting') ownerEnded.call(this, claim, owner);
    });
    expect(await new Tower(story, [killed]).end()).toContain('1 wait at the gate, of whom 0 live');
  });
});
