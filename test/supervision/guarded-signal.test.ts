/** Without the guard each of these throws is an uncaught exception, which ends the test run with an error of its own. */
import { addAbortListener, EventEmitter, getEventListeners, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { guardedSignal } from '../../src/supervision/guarded-signal.js';

function guarded() {
  const controller = new AbortController();
  const reported: unknown[] = [];
  const signal = guardedSignal(controller.signal, (error) => reported.push((error as Error).message));
  const thrower = (message: string) => () => {
    throw new Error(message);
  };
  return { controller, signal, reported, thrower };
}

describe('a guarded abort signal', () => {
  it('reports what its listeners throw, however they were added, and calls the others', async () => {
    const { controller, signal, reported, thrower } = guarded();
    const heard: string[] = [];
    signal.addEventListener('abort', thrower('function'));
    signal.addEventListener('abort', { handleEvent: thrower('object') });
    // oxlint-disable-next-line typescript/no-misused-promises -- who writes no TypeScript can do so
    signal.addEventListener('abort', () => Promise.reject(new Error('async')));
    signal.addEventListener('abort', {} as never);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- apps use it
    signal.onabort = thrower('onabort');
    addAbortListener(signal, thrower('addAbortListener'));
    signal.addEventListener('abort', () => heard.push('last'));
    controller.abort();
    await Promise.resolve();
    expect(heard).toEqual(['last']);
    expect(reported).toEqual(['function', 'object', expect.stringContaining('handleEvent'), 'onabort', 'addAbortListener', 'async']);
  });

  it('is an abort signal to everyone else: its listeners are called with it, once where asked, and can be removed', () => {
    const { controller, signal } = guarded();
    const heard: unknown[] = [];
    const stranger = (): unknown => heard.push('stranger');
    const removed = (): unknown => heard.push('removed');
    function listener(this: AbortSignal, event: Event): void {
      heard.push([this === signal, event.type]);
    }
    signal.addEventListener('abort', listener, { once: true });
    signal.addEventListener('abort', listener);
    signal.addEventListener('abort', removed);
    signal.removeEventListener('abort', removed);
    signal.removeEventListener('abort', stranger);
    expect(signal).toBe(controller.signal);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort(new Error('enough'));
    controller.abort();
    expect(heard).toEqual([[true, 'abort']]);
    expect(() => signal.throwIfAborted()).toThrow('enough');
  });

  it('may be guarded twice: the later one hears of it', () => {
    const { controller, signal, reported, thrower } = guarded();
    const later: unknown[] = [];
    guardedSignal(signal, (error) => later.push((error as Error).message));
    signal.addEventListener('abort', thrower('once'));
    controller.abort();
    expect([reported, later]).toEqual([[], ['once']]);
  });

  it('ends what the platform does with it, and derived signals', async () => {
    const { controller, signal, reported } = guarded();
    const derived = AbortSignal.any([signal]);
    const never = once(new EventEmitter(), 'never', { signal });
    controller.abort();
    await expect(never).rejects.toMatchObject({ name: 'AbortError' });
    expect(derived.aborted).toBe(true);
    expect(reported).toEqual([]);
  });
});
