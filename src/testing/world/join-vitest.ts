/** How a world finds the test that vitest runs. */
import { onTestFinished, TestRunner } from 'vitest';

import type { JoinTest } from './create-world.js';

/** Lets `end` run when the current test has finished. Of tests that run side by side vitest does not tell which one calls: any, or none, is current. */
export const joinVitest: JoinTest = (end) => {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) return 'none';
  if (test.concurrent === true) return 'oneOfMany';
  onTestFinished(end);
  return 'joined';
};
