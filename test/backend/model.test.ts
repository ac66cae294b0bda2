/** Whatever is asked, one by one or by many at once, a backend answers as a simple model does, or as one that is asked in some order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../src/backend/memory.js';
import type { OpenBackend } from '../../src/backend/port.js';
import { memoryEvents } from '../../src/events/memory.js';
import { backendContract } from '../../src/testing/backend/contract.js';
import { faultyBackend, randomFaults } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Asked, requireLinear } from './linear.js';
import { Model, stepOf, steps } from './sequential.js';

const keys = ['a', 'b', 'c'];

const make: Readonly<Record<string, (clock: VirtualClock) => OpenBackend>> = {
  'in memory': (clock) => memoryBackend({ clock }),
  'on a store': (clock) => memoryBackend({ clock, store: memoryEvents() }),
};

describe.each(Object.entries(make))('a backend %s', (_, open) => {
  it('asked one by one, answers as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (planned) => {
        const clock = new VirtualClock();
        const backend = open(clock);
        // Open: its clock does not go on before.
        await backend.status();
        const model = new Model();
        try {
          for (const step of planned) await stepOf(step, backend, model, clock);
        } finally {
          await backend.close();
        }
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it('asked by many at once, answers as one that was asked one by one', async () => {
    const call = fc.record({
      type: fc.constantFrom('set' as const, 'set' as const, 'delete' as const, 'get' as const),
      key: fc.constantFrom(...keys),
      pause: fc.nat(3),
      guess: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(call, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 6 }), async (clients) => {
        const clock = new VirtualClock();
        const backend = open(clock);
        const asked: Asked[] = [];
        let step = 0;
        let value = 0;
        const client = async (calls: (typeof clients)[number]): Promise<void> => {
          const known = new Map<string, number>();
          for (const { type, key, pause, guess } of calls) {
            for (let n = 0; n < pause; n++) await (n % 2 === 0 ? Promise.resolve() : clock.flush());
            const from = ++step;
            const expected = Math.max(type === 'delete' ? 1 : 0, guess === 0 ? guess + 1 : (known.get(key) ?? 0));
            const own = ++value;
            if (type === 'get') {
              const outcome = await backend.get(key);
              asked.push({ type, key, from, to: ++step, outcome });
              if (outcome.outcome === 'ok') known.set(key, outcome.entry?.revision ?? 0);
            } else {
              const outcome = type === 'set' ? await backend.compareAndSet(key, expected, own) : await backend.delete(key, expected);
              asked.push({ type, key, from, to: ++step, expected, value: own, outcome } as Asked);
              if (outcome.outcome === 'ok') known.set(key, type === 'set' ? outcome.revision : 0);
              if (outcome.outcome === 'conflict') known.set(key, outcome.entry?.revision ?? 0);
            }
          }
        };
        await Promise.all(clients.map(client));
        await backend.close();
        requireLinear(asked);
      }),
      { numRuns: 150, seed: 11 },
    );
  });
});

describe('the order that is looked for', () => {
  const ok = (revision: number) => ({ outcome: 'ok', revision }) as const;
  const entry = (revision: number, value: number) => ({ key: 'a', value, revision, created: 1, lease: null });

  it.each<[string, Asked[]]>([
    [
      'two writes that name one revision are both done',
      [
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 1, outcome: ok(1) },
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 2, outcome: ok(2) },
      ],
    ],
    [
      'a write stands before one that was answered before it was asked',
      [
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 1, outcome: ok(2) },
        { type: 'set', key: 'b', from: 3, to: 4, expected: 0, value: 2, outcome: ok(1) },
      ],
    ],
    [
      'a read tells what was before',
      [
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 1, outcome: ok(1) },
        { type: 'get', key: 'a', from: 3, to: 4, outcome: { outcome: 'ok', entry: null, revision: 0 } },
      ],
    ],
    [
      'a conflict is with what was before',
      [
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 1, outcome: ok(1) },
        { type: 'set', key: 'a', from: 3, to: 4, expected: 1, value: 2, outcome: ok(2) },
        { type: 'set', key: 'a', from: 5, to: 6, expected: 0, value: 3, outcome: { outcome: 'conflict', entry: entry(1, 1) } },
      ],
    ],
    [
      'a revision is given twice',
      [
        { type: 'set', key: 'a', from: 1, to: 2, expected: 0, value: 1, outcome: ok(1) },
        { type: 'set', key: 'b', from: 1, to: 2, expected: 0, value: 2, outcome: ok(1) },
      ],
    ],
  ])('is not found where %s', (_, asked) => {
    expect(() => requireLinear(asked)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });
});

it('behind a bad line no increment is lost that was told as done, and none is done twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), fc.double({ min: 0, max: 0.9, noNaN: true }), async (seed, share) => {
      const backend = memoryBackend({ clock: new VirtualClock(), store: memoryEvents() });
      const line = faultyBackend(backend, randomFaults(seed, share));
      const done: string[] = [];
      let [revision, list]: [number, readonly string[]] = [0, []];
      for (let n = 0; n < 30; n++) {
        const outcome = await line.compareAndSet('n', revision, [...list, `${n}`]);
        if (outcome.outcome === 'ok') [revision, list] = [outcome.revision, [...list, `${n}`]];
        if (outcome.outcome === 'ok') done.push(`${n}`);
        if (outcome.outcome === 'conflict') [revision, list] = [outcome.entry?.revision ?? 0, (outcome.entry?.value ?? []) as string[]];
        if (n % 7 === 6) await line.deliver('newest');
      }
      const there = await backend.get('n');
      const last = (there.outcome === 'ok' ? (there.entry?.value ?? []) : []) as string[];
      await backend.close();
      expect(new Set(last).size).toBe(last.length);
      expect(done.filter((own) => !last.includes(own))).toEqual([]);
    }),
    { numRuns: 60, seed: 13 },
  );
});

it('the contract has no two cases of one title', async () => {
  const clock = new VirtualClock();
  const titles = (await backendContract({ open: async () => ({ backend: memoryBackend({ clock }), clock, advance: async () => {} }) })).map(
    ({ title }) => title,
  );
  expect(new Set(titles).size).toBe(titles.length);
});
