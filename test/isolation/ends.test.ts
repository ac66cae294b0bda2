/** Each job has one outcome, whatever it does to its thread; the same in a thread and in a process. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import type { Job } from '../../src/isolation/options.js';
import { isolationWorld, job, jobs, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

const input = { map: new Map([[1, new Date(0)]]), bytes: new Uint8Array([1, 2]), big: 7n };
const at = (name: string): Job => ({ module: new URL(name, jobs) });

describe.each(['process', 'thread'] as const)('a job inside a %s', { timeout: 60_000 }, (inside) => {
  const small = { inside, threads: 1, heapMb: 32 };

  it('gives back what its function returns, by structured clone', async () => {
    const { pool } = isolationWorld(small);
    expect(await pool.run(job('echo', input), { ref: 'mine' })).toEqual({ status: 'done', ref: 'mine', value: input });
    expect(await pool.run(job('where'))).toMatchObject({ status: 'done', value: { threadId: expect.any(Number) } });
    const { value } = (await pool.run<{ threadId: number; pid: number }>(job('where'))) as { value: { threadId: number; pid: number } };
    expect(value.threadId).not.toBe(0);
    expect(value.pid === process.pid).toBe(inside === 'thread');
  });

  it.each([
    ['throws an error', 'throwError', { cause: 'threw', name: 'RangeError', message: 'too far', code: 'FAR' }],
    ['throws null, which piscina takes for a result', 'throwNull', { cause: 'threw', name: 'object', message: 'null' }],
    ['throws what cannot be copied', 'throwFunction', { cause: 'threw', name: 'function' }],
    ['throws what throws when it is looked at', 'throwHostile', { cause: 'threw', name: 'unknown' }],
    ['returns what cannot be copied', 'giveFunction', { cause: 'uncloneable', name: 'DataCloneError' }],
    ['is exported by nobody', 'nobody', { cause: 'unloadable', name: 'TypeError' }],
    ['is no function', 'notFunction', { cause: 'unloadable', name: 'TypeError' }],
  ])('that %s fails once, and its thread lives', async (_, name, error) => {
    const { pool, facts } = isolationWorld(small);
    expect(await pool.run(job(name))).toMatchObject({ status: 'failed', error });
    expect(await pool.run(job('double', 4))).toMatchObject({ status: 'done', value: 8 });
    expect(facts.map(({ type }) => type)).toEqual(['isolation.started', 'isolation.ended', 'isolation.started', 'isolation.ended']);
    expect(pool.status()).toMatchObject({ threads: 1, ended: { done: 1, failed: 1 } });
  });

  it('whose module cannot be loaded fails once', async () => {
    const { pool } = isolationWorld(small);
    expect(await pool.run(at('throws-on-load.mjs'))).toMatchObject({ status: 'failed', error: { cause: 'unloadable', message: 'not today' } });
    expect(await pool.run(at('is-not-there.mjs'))).toMatchObject({ status: 'failed', error: { cause: 'unloadable', code: 'ERR_MODULE_NOT_FOUND' } });
  });

  it.each([
    ['ends its thread', 'exit', 3, { status: 'failed', error: { cause: 'exited', code: 3 } }],
    ['ends its thread as if nothing were wrong', 'exit', 0, { status: 'failed', error: { cause: 'exited', code: 0 } }],
    ['throws null later, which piscina takes for a result', 'throwLater', undefined, { status: 'failed', error: { cause: 'crashed' } }],
    ['throws later what the app could not read', 'throwDeep', 3_500, { status: 'failed', error: { cause: 'crashed' } }],
    ['leaves a rejection to nobody', 'rejectAside', undefined, { status: 'failed', error: { cause: 'crashed' } }],
    ['is out of memory', 'hoard', undefined, { status: 'outOfMemory' }],
  ])('that %s has one outcome, and those who wait behind it are served', async (_, name, given, outcome) => {
    const { pool, facts } = isolationWorld(small);
    const [bad, next] = await Promise.all([pool.run(job(name, given)), pool.run(job('double', 2))]);
    expect(bad).toMatchObject(outcome);
    expect(next).toMatchObject({ status: 'done', value: 4 });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toHaveLength(1);
    expect(facts.filter(({ type }) => type === 'isolation.ended')).toHaveLength(2);
  });

  it.each([
    ['loops for ever', job('loop')],
    ['never settles', job('never')],
    ['never loads', at('never-loads.mjs')],
  ])('that %s ends at its deadline, and its thread with it', async (_, stuck) => {
    const { pool, clock, told, facts } = isolationWorld(small);
    const begun = told('isolation.started');
    const running = pool.run(stuck, { deadlineMs: 500 });
    await begun;
    const waiting = pool.run(job('double', 3), { deadlineMs: 60_000 });
    clock.advanceBy(500);
    expect(await running).toMatchObject({ status: 'timeout', where: 'thread' });
    expect(await waiting).toMatchObject({ status: 'done', value: 6 });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
  });

  it('in a loop is cancelled by its signal, and when its caller ends', async () => {
    const { pool, told } = isolationWorld({ ...small, threads: 2 });
    const control = new AbortController();
    const caller = createActor(fromCallback(() => undefined)).start();
    let begun = told('isolation.started');
    const first = pool.run(job('loop'), { signal: control.signal });
    await begun;
    begun = told('isolation.started');
    const second = pool.run(job('loop'), { from: caller });
    await begun;
    control.abort();
    caller.stop();
    expect(await first).toMatchObject({ status: 'cancelled', because: 'aborted' });
    expect(await second).toMatchObject({ status: 'cancelled', because: 'callerEnded' });
  });

  it('that is out of memory hurts no other that is at work', async () => {
    const { pool, told } = isolationWorld({ ...small, threads: 2 });
    const control = new AbortController();
    const begun = told('isolation.started');
    const other = pool.run(job('never'), { signal: control.signal });
    await begun;
    expect(await pool.run(job('hoard'))).toMatchObject({ status: 'outOfMemory' });
    expect(pool.status()).toMatchObject({ running: 1 });
    control.abort();
    expect(await other).toMatchObject({ status: 'cancelled' });
  });

  it('does not pay for what others left: a thread that keeps half of its heap makes place', async () => {
    const { pool } = isolationWorld(small);
    expect(await pool.run(job('keep', 10))).toMatchObject({ value: 10 });
    expect(await pool.run(job('count'))).toMatchObject({ value: 11 });
    expect(await pool.run(job('keep', 500_000))).toMatchObject({ status: 'done' });
    expect(await pool.run(job('count'))).toMatchObject({ value: 1 });
  });
});

describe('a job inside a process', { timeout: 60_000 }, () => {
  const small = { threads: 2, heapMb: 32 };

  it.each([
    ['grows a list, at which V8 ends the whole process', 'grow'],
    ['fills buffers, which no heap counts', 'hoardBuffers'],
  ])('that %s is out of memory, and nobody else is', async (_, name) => {
    const { pool, told } = isolationWorld(small);
    const control = new AbortController();
    const begun = told('isolation.started');
    const other = pool.run(job('never'), { signal: control.signal });
    await begun;
    expect(await pool.run(job(name))).toMatchObject({ status: 'outOfMemory' });
    expect(pool.status()).toMatchObject({ running: 1, ended: { outOfMemory: 1 } });
    control.abort();
    expect(await other).toMatchObject({ status: 'cancelled' });
  });

  it('that is killed in the midst of its work has one error', async () => {
    const { pool } = isolationWorld(small);
    expect(await pool.run(job('killProcess'))).toMatchObject({ status: 'failed', error: { cause: 'crashed', code: 'SIGKILL' } });
  });

  it('that aborts it is not taken for one that is out of memory', async () => {
    const { pool, facts } = isolationWorld(small);
    expect(await pool.run(job('abort'))).toMatchObject({ status: 'failed', error: { cause: 'crashed', code: 'SIGABRT' } });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toMatchObject([{ cause: 'crashed' }]);
  });

  it('that is out of memory ends no pool, however often, and good ones behind it are done', async () => {
    const { pool, clock, told } = isolationWorld({
      threads: 1,
      heapMb: 32,
      intensity: 1,
      maxTrials: 0,
      backoff: { minMs: 100, maxMs: 100, jitter: 0 },
    });
    const bad = [0, 1, 2, 3].map(() => pool.run(job('grow')));
    const good = pool.run(job('double', 2));
    await told('isolation.degraded');
    clock.advanceBy(100);
    expect(await Promise.all(bad)).toMatchObject(bad.map(() => ({ status: 'outOfMemory' })));
    expect(await good).toMatchObject({ status: 'done', value: 4 });
  });

  it('that began a thread of its own is ended with it', async () => {
    const { pool } = isolationWorld({ ...small, jobsPerThread: 1 });
    expect(await pool.run(job('spawnWorker'))).toMatchObject({ status: 'done' });
  });
});
