/** What a replay makes of promises is nobody's. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { calmly } from '../../src/inspector/own-promises.js';

it('a promise that is made in it, kept or not, is never unhandled; what it throws or gives is passed on', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const fail = async (): Promise<never> => {
    throw new Error('nobody keeps it');
  };
  const kept = calmly(() => {
    void Promise.reject(new Error('nobody keeps it'));
    void fail();
    void fail().finally(() => undefined);
    void (async () => {
      await Promise.resolve();
      throw new Error('later');
    })();
    return { inside: [fail()] };
  });
  await turn();
  expect(unhandled).toEqual([]);
  await expect(kept.inside[0]).rejects.toThrow('nobody keeps it');
  expect(() => calmly(() => JSON.parse('{'))).toThrow(SyntaxError);
});
