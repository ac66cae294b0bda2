/** What goes to a job and comes back: the same, or a refusal. */
import { afterEach, describe, expect, it } from 'vitest';
import { obstacleIn } from '../../src/isolation/carried.js';
import { isolationWorld, job, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

const circle: unknown[] = [];
circle.push({ circle });

it.each<[string, unknown]>([
  ['data', { a: [1, 'x', null, undefined, true, 1n], b: { c: {} } }],
  ['a circle', circle],
  ['collections', new Map([[new Set([1]), [new Map()]]])],
  ['what is whole in itself', [new Date(0), /x/g, new RangeError('far'), new Float32Array(2), new ArrayBuffer(2), Object(1), Object('x')]],
])('%s is carried', (_, value) => {
  expect(obstacleIn(structuredClone(value))).toBe(null);
});

it.each<[string, unknown]>([
  ['a Blob', new Blob(['x'])],
  ['in a list', [[new Blob(['x'])]]],
  ['in a map, as a key', new Map([[new Blob(['x']), 1]])],
  ['in a set', new Set([{ a: new Blob(['x']) }])],
])('%s is not carried', (_, value) => {
  expect(obstacleIn(structuredClone(value))).toBe('strange');
});

describe('a Blob', () => {
  it('is refused as uncloneable by a process, which would have it arrive as an empty object', async () => {
    const { pool } = isolationWorld({ threads: 1, heapMb: 64 });
    expect(await pool.run(job('echo', { blob: new Blob(['text']) }))).toMatchObject({ status: 'refused', reason: 'uncloneable' });
    expect(await pool.run(job('giveBlob'))).toMatchObject({ status: 'failed', error: { cause: 'uncloneable' } });
    expect(await pool.run(job('double', 2))).toMatchObject({ status: 'done', value: 4 });
  });

  it('goes to a thread of this process', async () => {
    const { pool } = isolationWorld({ inside: 'thread', threads: 1, heapMb: 64 });
    expect(await pool.run(job('sizeOf', new Blob(['text'])))).toMatchObject({ status: 'done', value: 4 });
  });
});
