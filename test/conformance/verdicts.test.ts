/** What goes wrong in a run, wherever it surfaces. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { problemIn } from './verdicts.js';

describe('the problem in a run', () => {
  afterEach(() => void vi.useRealTimers());

  it('is what the run says of itself, or throws, or lets surface, in this order; none where all went well', async () => {
    const stray = () => [new Error('nobody caught me')];
    expect(await problemIn(() => Promise.resolve('a call was lost'), stray)).toBe('a call was lost');
    expect(await problemIn(() => Promise.reject(new Error('it broke')), stray)).toBe('the run threw: Error: it broke');
    expect(await problemIn(() => Promise.resolve(undefined), stray)).toBe('an error surfaced outside: Error: nobody caught me');
    expect(
      await problemIn(
        () => Promise.resolve(undefined),
        () => [],
      ),
    ).toBeUndefined();
  });

  it('is an error of its last turn too, which XState rethrows from a timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const stray: unknown[] = [];
    const crash = (): never => {
      throw new Error('too late');
    };
    const play = () => Promise.resolve(void createActor(fromCallback(crash)).start());
    const problem = problemIn(play, () => stray.splice(0));
    await vi.advanceTimersByTimeAsync(0).catch((error: unknown) => stray.push(error));
    await vi.advanceTimersByTimeAsync(1);
    expect(await problem).toBe('an error surfaced outside: Error: too late');
  });
});
