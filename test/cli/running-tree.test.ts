/** A tree that runs, as `espalier run` stops it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { RunningTree } from '../../src/cli/running/tree.js';
import type { App } from '../../src/supervision/orchestrator.js';

afterEach(() => void vi.useRealTimers());

describe('a tree that runs', () => {
  it('is not killed later whose end could not be waited for', async () => {
    vi.useFakeTimers();
    const ref = createActor(fromCallback(() => {})).start();
    const stop = (): Promise<never> => Promise.reject(new Error('no more'));
    const tree = new RunningTree({ ref, stop, on: () => ({ unsubscribe: () => {} }) } as unknown as App);
    await expect(tree.stop(1_000)).rejects.toThrow('no more');
    expect(vi.getTimerCount()).toBe(0);
    ref.stop();
  });
});
