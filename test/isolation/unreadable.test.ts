/** What a port has for the app may be such that to take it throws. */
import type * as workerThreads from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
import { answerAt } from '../../src/isolation/carried.js';

vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof workerThreads>()),
  receiveMessageOnPort: () => {
    throw new RangeError('Maximum call stack size exceeded');
  },
}));

it('an answer that cannot be read is a failure of its job, and no fault of whoever takes it', () => {
  const { port1 } = new MessageChannel();
  expect(answerAt(port1)).toEqual({
    status: 'failed',
    error: { cause: 'uncloneable', name: 'DataCloneError', message: 'Maximum call stack size exceeded', code: null, stack: null },
  });
  port1.close();
});
