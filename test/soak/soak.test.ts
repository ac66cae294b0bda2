/** The soak, short: what it plays, what it finds, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Chance } from '../../src/testing/world/chance.js';
import { faultsIn, soak, soakLive } from './command.js';
import { madeUpSession } from './conversation.js';

const ports = { print: () => {}, complain: () => {}, progress: () => {}, takeStray: () => [] };

describe('the soak', () => {
  it('plays a hundred conversations with faults, and nothing is lost or left', { timeout: 120_000 }, async () => {
    const figures = await soak(100, 1, ports);
    expect(figures.failures).toEqual([]);
    expect(figures.handlesLeft).toEqual([]);
  });

  it('makes the same conversation up from the same seed', () => {
    const made = (seed: number) => madeUpSession('one', new Chance(seed, 'one')).recording;
    expect(made(1)).toEqual(made(1));
    expect(made(1)).not.toEqual(made(2));
  });

  it('fails for what is lost, for what is left, and for a heap that grows', () => {
    const flat = { conversations: 10, seed: 1, failures: [], heapBytes: [1_000_000, 2_000_000] as const, handlesLeft: [] };
    expect(faultsIn(flat)).toEqual([]);
    expect(faultsIn({ ...flat, failures: ['a call'] })).toEqual(['a call']);
    expect(faultsIn({ ...flat, handlesLeft: ['Timeout'] })).toEqual(['left: Timeout']);
    expect(faultsIn({ ...flat, heapBytes: [1_000_000, 4_000_000] })).toEqual(['the heap grew by 3000000 bytes (at most 2000000)']);
  });

  it('hears of errors that surface outside', async () => {
    const stray = [new Error('nobody caught me')];
    const { failures } = await soak(1, 1, { ...ports, takeStray: () => stray.splice(0) });
    expect(failures.join()).toContain('nobody caught me');
  });

  it.each([
    [['--conversations', '0'], '--conversations'],
    [['--seed', ''], '--seed'],
    [['--nonsense'], '--nonsense'],
  ])('refuses %j', async (args, complaint) => {
    const errors: string[] = [];
    expect(await soakLive(args, { ...ports, complain: (text) => errors.push(text) })).toBe(2);
    expect(errors.join()).toContain(complaint);
  });
});
