import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Machine, takeHold } from '../../src/cli/running/hold.js';
import { memoryEvents } from '../../src/events/memory.js';

const living = new Set([1, 2]);
const machine = (pid: number, more: Partial<Machine> = {}): Machine => ({
  ...{ pid, host: 'here', bootAt: 0, now: () => 1_000, isAlive: (other: number) => living.has(other), beganAt: () => undefined, ...more },
});

describe('the hold of a store', () => {
  it('is of one process at a time, and the second is told who has it and since when', async () => {
    const store = memoryEvents();
    const first = await takeHold(store, machine(1));
    const second = await takeHold(store, machine(2)).catch((error: unknown) => error);
    expect(second).toMatchObject({ code: 'application/in-use', details: { got: 'process 1, since 1970-01-01T00:00:01.000Z' } });
    await first.release();
    expect((await takeHold(store, machine(2))).fence.token).toBeGreaterThan(first.fence.token);
  });

  it.each([
    ['whose process is gone', machine(2, { isAlive: () => false })],
    ['whose machine was started anew', machine(2, { bootAt: 3_600_000 })],
    ['that runs on another machine', machine(2, { host: 'there' })],
    ['that had this pid', machine(1)],
    ['whose pid is another process by now', machine(2, { beganAt: (pid) => `${pid + 1} ticks` }), machine(1, { beganAt: () => '1 ticks' })],
  ])('is taken over from one %s, who is fenced off', async (_, successor, holder = machine(1)) => {
    const store = memoryEvents();
    const first = await takeHold(store, holder);
    const second = await takeHold(store, successor);
    expect(await store.save('$tree/app', 2, { fence: second.fence })).toMatchObject({ ok: true });
    expect(await store.save('$tree/app', 1, { fence: first.fence })).toMatchObject({ ok: false, reason: 'fenced' });
    await first.release();
    await expect(takeHold(store, machine(3, { isAlive: () => true, host: successor.host, bootAt: successor.bootAt }))).rejects.toMatchObject({
      code: 'application/in-use',
    });
  });

  it.each([
    ['began when it did', '7 ticks', '7 ticks'],
    ['does not say when it began', '7 ticks', undefined],
    ['begins at some time, where the holder never said when', undefined, '7 ticks'],
  ])('stays with one whose process %s', async (_, then, now) => {
    const store = memoryEvents();
    await takeHold(store, machine(1, { beganAt: () => then }));
    await expect(takeHold(store, machine(2, { beganAt: () => now }))).rejects.toMatchObject({ code: 'application/in-use' });
  });

  it.runIf(process.platform === 'linux')('knows of a process when it began, whatever its name is', async () => {
    const store = memoryEvents();
    const { title } = process;
    process.title = 'a ) b (c';
    let stat = '';
    try {
      stat = readFileSync('/proc/self/stat', 'latin1');
      await takeHold(store);
    } finally {
      process.title = title;
    }
    const [, began] = /\(.*\) \S(?: \S+){18} (\d+) /u.exec(stat) ?? [];
    expect(Number(began)).toBeGreaterThan(0);
    expect(await store.load('$run')).toMatchObject({ ok: true, document: { value: { pid: process.pid, began } } });
  });

  it('is of one of two who ask at once', async () => {
    const store = memoryEvents();
    const both = await Promise.allSettled([takeHold(store, machine(1)), takeHold(store, machine(2))]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
