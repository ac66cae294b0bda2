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

  it('fails for a timer that is left, also for one that keeps no process running', async () => {
    const left: NodeJS.Timeout[] = [];
    const leave = (timer: NodeJS.Timeout): readonly unknown[] => {
      left.push(timer);
      return [];
    };
    const leaving = (leaveOne: () => NodeJS.Timeout) => soak(1, 1, { ...ports, takeStray: () => leave(leaveOne()) });
    const far = 2_000_000_000;
    expect((await leaving(() => setTimeout(() => undefined, far).unref())).handlesLeft).toEqual(['Timeout (unref)']);
    expect((await leaving(() => setTimeout(() => undefined, far))).handlesLeft).toEqual(['Timeout']);
    for (const timer of left) clearTimeout(timer);
    expect((await soak(1, 1, ports)).handlesLeft).toEqual([]);
  });

  it('plays every seed that it is given, and prints each', async () => {
    const out: string[] = [];
    expect(await soakLive(['--conversations', '2', '--seed', '3', '--seed=-4'], { ...ports, print: (text) => out.push(text) })).toBe(0);
    expect(out.filter((line) => line.startsWith('soak: '))).toEqual([
      'soak: 2 conversations, 0 failed, seed 3',
      'soak: 2 conversations, 0 failed, seed -4',
    ]);
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
