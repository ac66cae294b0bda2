/** The subjects that the timers bench measures do what they are measured for: what is set comes, once, and what is taken back does not. */
import { describe, expect, it } from 'vitest';
import { deadlineSubject, delayedSubject, runtimeSubject, xstateSubject } from '../../bench/timers/subjects.js';

describe.each([deadlineSubject, delayedSubject, runtimeSubject, xstateSubject])('moments of $name', (subject) => {
  it('come once, unless they are taken back', async () => {
    const came: number[] = [];
    await new Promise<void>((resolve) => {
      const moments = subject.open(5, (which) => {
        came.push(which);
        if (which === 4) resolve();
      });
      for (const which of [0, 1, 2, 3]) moments.set(which, 5);
      moments.takeBack(1);
      moments.takeBack(3);
      moments.set(4, 20);
    });
    expect(came).toEqual([0, 2, 4]);
  });
});
