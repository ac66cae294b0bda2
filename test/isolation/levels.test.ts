/** What is nested so deep that the app could not read it is refused where it is made, on the way there and on the way back. */
import { afterEach, describe, expect, it } from 'vitest';
import { mostLevels, obstacleIn } from '../../src/isolation/carried.js';
import { isolationWorld, job, leaveNothing } from './isolation-world.js';
import { chain, kinds, nest } from './nests.mjs';

afterEach(leaveNothing);

describe('how deep a value is', () => {
  it.each(kinds)('is counted in %s', (kind) => {
    expect(obstacleIn(nest({ levels: mostLevels, kind }))).not.toBe('deep');
    expect(obstacleIn(nest({ levels: mostLevels + 1, kind }))).toBe('deep');
    expect(obstacleIn(structuredClone(nest({ levels: mostLevels, kind })))).toBe(null);
    expect(obstacleIn(nest({ levels: 50_000, kind }))).toBe('deep');
  });

  it('is counted as a clone goes, from each to the next, and not by the shortest way', () => {
    expect(obstacleIn(chain({ levels: mostLevels }))).toBe(null);
    expect(obstacleIn(chain({ levels: mostLevels + 1 }))).toBe('deep');
    // From the last to the first, no step leads further.
    expect(obstacleIn(chain({ levels: 50_000 }).toReversed())).toBe(null);
  });

  it('is counted once for what is there often, or in a circle', () => {
    let often: unknown = {};
    for (let level = 1; level < mostLevels; level++) often = [often, often];
    expect(obstacleIn(often)).toBe(null);
    const long = Array.from({ length: 100_000 }, () => 1);
    expect(obstacleIn(Array.from({ length: 100_000 }, () => long))).toBe(null);
    const circle: unknown[] = [];
    circle.push(circle, new Map([[circle, new Set([circle])]]));
    expect(obstacleIn(circle)).toBe(null);
  });

  it('is not asked of what would run for it', () => {
    const raise = (): never => {
      throw new Error('was run');
    };
    const traps = { get: raise, ownKeys: raise, getPrototypeOf: raise, getOwnPropertyDescriptor: raise, has: raise };
    expect(obstacleIn([new Proxy({}, traps), new Proxy([], traps)])).toBe('strange');
    expect(obstacleIn(Object.defineProperty({}, 'a', { enumerable: true, get: raise }))).toBe('hidden');
    expect(obstacleIn(Object.defineProperty([1], 0, { get: raise }))).toBe('hidden');
    expect(obstacleIn(Object.defineProperty(new Error('x'), 'cause', { get: raise }))).toBe(null);
    class Own extends Map {
      override forEach = raise;
      override [Symbol.iterator] = raise;
    }
    expect(obstacleIn(new Own())).toBe(null);
  });
});

const depths = [400, 600, 1_880, 3_500, 10_000, 50_000];
const uncloneable = { status: 'failed', error: { cause: 'uncloneable', name: 'DataCloneError', message: expect.stringContaining('500 levels') } };

describe.each(['process', 'thread'] as const)('a job inside a %s', { timeout: 60_000 }, (inside) => {
  const small = { inside, threads: 1, heapMb: 64 };

  it.each(kinds)('gives back %s within each other, or fails', async (kind) => {
    const { pool } = isolationWorld(small);
    for (const levels of depths)
      expect(await pool.run(job('nest', { levels, kind })), `${levels}`).toMatchObject(levels <= mostLevels ? { status: 'done' } : uncloneable);
    expect(await pool.run(job('double', 2))).toMatchObject({ status: 'done', value: 4 });
    expect(pool.status()).toMatchObject({ threads: 1, ended: { done: 2, failed: 5 } });
  });

  it('that gives back what strangers have nested fails', async () => {
    const { pool } = isolationWorld(small);
    for (const levels of depths)
      expect(await pool.run(job('parse', '['.repeat(levels) + ']'.repeat(levels)))).toMatchObject(
        levels <= mostLevels ? { status: 'done' } : uncloneable,
      );
  });

  it('gives back what is behind a getter, which is run once, or fails', async () => {
    const { pool } = isolationWorld(small);
    expect(await pool.run(job('behindGetter', { levels: 3 }))).toMatchObject({ status: 'done', value: { held: { asked: 1, nest: [1] } } });
    for (const levels of depths.slice(1))
      expect(await pool.run(job('behindGetter', { levels }))).toMatchObject({ status: 'failed', error: { cause: 'uncloneable' } });
  });

  it('fails, too, where its thread has not seen how deep it is, and only who should read it finds out', async () => {
    const { pool } = isolationWorld(small);
    for (const levels of [3_500, 10_000, 50_000])
      expect(await pool.run(job('nestAside', { levels, kind: 'objects' }))).toMatchObject({ status: 'failed', error: { cause: 'uncloneable' } });
    expect(await pool.run(job('double', 2))).toMatchObject({ status: 'done', value: 4 });
  });

  it.each(kinds)('is given %s within each other, or refused before anything is sent', async (kind) => {
    const { pool, facts } = isolationWorld(small);
    expect(await pool.run(job('echo', nest({ levels: depths[0] as number, kind })))).toMatchObject({ status: 'done' });
    for (const levels of depths.slice(1))
      expect(await pool.run(job('echo', nest({ levels, kind }))), `${levels}`).toMatchObject({ status: 'refused', reason: 'uncloneable' });
    expect(facts.map(({ type }) => type).slice(2)).toEqual(depths.slice(1).map(() => 'isolation.refused'));
  });
});
