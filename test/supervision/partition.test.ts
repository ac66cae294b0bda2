import fc from 'fast-check';
import { fromCallback, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { partitionOf, partitionSpecs } from '../../machines/supervision/partition.js';
import { partitionHandle, partitionSupervisor } from '../../src/index.js';
import { stage, worker } from './stage.js';

describe('the partition of a key', () => {
  it('of an integer is its absolute value modulo N; of anything else some partition, always the same', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 1_000 }), (key, count) => {
        expect(partitionOf(key, count)).toBe(Math.abs(key) % count);
      }),
    );
    fc.assert(
      fc.property(fc.anything(), fc.integer({ min: 1, max: 1_000 }), (key, count) => {
        const partition = partitionOf(key, count);
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true);
        expect(partitionOf(key, count)).toBe(partition);
      }),
    );
  });

  it.each([
    ['a bigint', 10n],
    ['a symbol', Symbol('s')],
    ['nothing', undefined],
    ['null', null],
    ['NaN', Number.NaN],
    ['-0', -0],
    ['a fraction', 0.1],
  ])('takes %s', (_what, key) => {
    expect(partitionOf(key, 7)).toBeGreaterThanOrEqual(0);
    expect(partitionOf(key, 7)).toBeLessThan(7);
  });

  it('takes an object with a circle in it', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(partitionOf(circle, 7)).toBeLessThan(7);
  });

  it('spreads texts over all partitions', () => {
    const counts = new Map<number, number>();
    for (let index = 0; index < 8_000; index++) counts.set(partitionOf(`user-${index}`, 8), (counts.get(partitionOf(`user-${index}`, 8)) ?? 0) + 1);
    expect(counts.size).toBe(8);
    expect(Math.min(...counts.values())).toBeGreaterThan(700);
  });

  it('of equal keys of another type may differ, and does so for ever: a number is no text', () => {
    expect(partitionOf(12, 10)).toBe(2);
    expect(partitionOf('12', 10)).toBe(partitionOf('12', 10));
  });
});

describe('a partition supervisor', () => {
  it('tells each copy which it is, where the input is an object', () => {
    expect(partitionSpecs({ src: 'x', input: { a: 1 } }, 2)).toEqual([
      { id: '0', src: 'x', input: { a: 1, partition: 0 } },
      { id: '1', src: 'x', input: { a: 1, partition: 1 } },
    ]);
    expect(partitionSpecs({ src: 'x', input: 'text' }, 1)).toEqual([{ id: '0', src: 'x', input: 'text' }]);
  });

  it('starts N copies, and routes a key to one of them', () => {
    const here = stage();
    const seen: string[] = [];
    const shard = fromCallback<{ type: string; key?: unknown }>(({ receive, self }) => {
      receive((event) => {
        seen.push(`${self.id} ${String(event.key)}`);
      });
    });
    const handle = partitionHandle(here.root(partitionSupervisor({ partitions: 3, child: { src: 'shard' }, actors: { shard } })));
    expect(handle.partitions).toBe(3);
    for (const key of [0, 1, 5, -4]) handle.child(key)?.send({ type: 'x', key });
    expect(seen).toEqual(['0 0', '1 1', '2 5', '1 -4']);
    expect(handle.child('ada')).toBe(handle.child('ada'));
  });

  it('routes to the new incarnation after a crash, and to nobody while it is down', async () => {
    const here = stage();
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 0 };
    const handle = partitionHandle(
      here.root(partitionSupervisor({ partitions: 2, child: { src: 'worker', backoff }, actors: { worker: worker() } })),
    );
    const first = handle.child(1) as AnyActorRef;
    first.send({ type: 'crash' });
    expect(handle.child(1)).toBeUndefined();
    here.clock.advanceBy(100);
    expect(handle.child(1)).toBeDefined();
    expect(handle.child(1)).not.toBe(first);
    expect(handle.child(0)).toBeDefined();
  });

  it('shares one restart intensity', () => {
    const here = stage();
    const root = here.root(
      partitionSupervisor({ partitions: 4, child: { src: 'worker' }, actors: { worker: worker() }, intensity: 2, periodMs: 1_000 }),
    );
    const handle = partitionHandle(root);
    for (const key of [0, 1, 2]) handle.child(key)?.send({ type: 'crash' });
    expect(root.getSnapshot().status).toBe('done');
  });

  it('keeps its number of partitions when something else is added below it', async () => {
    const here = stage();
    const root = here.root(partitionSupervisor({ partitions: 2, child: { src: 'worker' }, actors: { worker: worker() } }));
    const handle = partitionHandle(root);
    await handle.supervisor.startChild({ id: 'guest', src: 'worker' });
    expect(partitionHandle(root).partitionOf(3)).toBe(handle.partitionOf(3));
  });
});
