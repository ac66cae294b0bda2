import { describe, expect, it } from 'vitest';
import { type Machine, takeHold } from '../../src/cli/running/hold.js';
import { memoryEvents } from '../../src/events/memory.js';

const living = new Set([1, 2]);
const machine = (pid: number, more: Partial<Machine> = {}): Machine => ({
  ...{ pid, host: 'here', bootAt: 0, now: () => 1_000, isAlive: (other: number) => living.has(other), ...more },
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
  ])('is taken over from one %s, who is fenced off', async (_, successor) => {
    const store = memoryEvents();
    const first = await takeHold(store, machine(1));
    const second = await takeHold(store, successor);
    expect(await store.save('$tree/app', 2, { fence: second.fence })).toMatchObject({ ok: true });
    expect(await store.save('$tree/app', 1, { fence: first.fence })).toMatchObject({ ok: false, reason: 'fenced' });
    await first.release();
    await expect(takeHold(store, machine(3, { isAlive: () => true, host: successor.host, bootAt: successor.bootAt }))).rejects.toMatchObject({
      code: 'application/in-use',
    });
  });

  it('is of one of two who ask at once', async () => {
    const store = memoryEvents();
    const both = await Promise.allSettled([takeHold(store, machine(1)), takeHold(store, machine(2))]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
