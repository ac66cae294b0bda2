/** A command as a process: how it ends, and what its flags may say. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { standalone, wholeNumber } from './standalone.js';

describe('a command of its own', () => {
  const before = ['uncaughtException', 'unhandledRejection'].map((event) => [event, process.rawListeners(event)] as const);
  afterEach(() => {
    vi.restoreAllMocks();
    for (const [event, known] of before) {
      for (const listener of process.rawListeners(event)) {
        if (!known.includes(listener)) process.removeListener(event, listener as () => void);
      }
    }
  });

  it.each([0, 1, 2])('ends its process with exit code %i, whatever it has left behind', async (code) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
    await standalone(() => Promise.resolve(code));
    expect(exit.mock.calls).toEqual([[code]]);
  });

  it('complains of a command that throws, and ends with 1', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
    const complaints: unknown[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation(((text: string, written?: () => void) => {
      complaints.push(text);
      written?.();
      return true;
    }) as never);
    await standalone(() => Promise.reject(new Error('it broke')));
    expect(exit.mock.calls).toEqual([[1]]);
    expect(complaints.join('')).toContain('it broke');
  });

  it('takes whole numbers for its flags, and nothing else', () => {
    expect([wholeNumber('--n', '7'), wholeNumber('--n', '-7')]).toEqual([7, -7]);
    for (const text of ['', ' ', 'x', '1.5', '1e99'])
      expect(() => wholeNumber('--n', text)).toThrow(`expected --n with a whole number, got: ${text}`);
    expect(() => wholeNumber('--n', '0', 1)).toThrow('expected --n with a whole number, got: 0');
  });
});
