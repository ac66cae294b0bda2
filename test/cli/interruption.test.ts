import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { Interruption } from '../../src/cli/interruption.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

function interrupted() {
  const exit = vi.fn<(code: number) => void>();
  const fake = Object.assign(new EventEmitter(), { stdout: new EventEmitter(), exit });
  const clock = new VirtualClock();
  const interruption = new Interruption(fake as unknown as NodeJS.Process, clock);
  return { fake, clock, exit, interruption };
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s asks for an orderly end, with exit code %i', (signal, code) => {
  const { fake, exit, interruption } = interrupted();
  expect(interruption.exitCode).toBeNull();
  fake.emit(signal, signal);
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.exitCode).toBe(code);
  expect(exit).not.toHaveBeenCalled();
});

it('a second one does not wait for it', () => {
  const { fake, clock, exit } = interrupted();
  fake.emit('SIGINT', 'SIGINT');
  clock.advanceBy(200);
  fake.emit('SIGINT', 'SIGINT');
  expect(exit).toHaveBeenCalledExactlyOnceWith(130);
});

it('one that npm passes on, of the same key press, is not a second one', () => {
  const { fake, clock, exit } = interrupted();
  fake.emit('SIGINT', 'SIGINT');
  clock.advanceBy(5);
  fake.emit('SIGINT', 'SIGINT');
  expect(exit).not.toHaveBeenCalled();
});

it('a reader of the output that goes away ends the tree too', () => {
  const { fake, interruption } = interrupted();
  fake.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  fake.stdout.emit('error', Object.assign(new Error('write after end'), { code: 'ERR_STREAM_DESTROYED' }));
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.exitCode).toBe(141);
});

it('signals are the runtime’s again afterwards', () => {
  const { fake, interruption } = interrupted();
  interruption.release();
  expect([fake.listenerCount('SIGINT'), fake.listenerCount('SIGTERM')]).toEqual([0, 0]);
});
