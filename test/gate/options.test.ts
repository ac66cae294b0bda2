/** What a gate refuses: typed, before anything starts. */
import { createActor, fromCallback } from 'xstate';
import { afterEach, describe, expect, it } from 'vitest';
import { gate as gateLogic } from '../../src/gate/gate.js';
import { createGate, gateHandle } from '../../src/gate/handle.js';
import { gateWorld, leaveNothing, permitOf } from './gate-world.js';

afterEach(leaveNothing);

const misuse = expect.objectContaining({ code: 'gate/invalid-options' });

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error;
  }
}

describe('the options of a gate', () => {
  it.each([
    [null, /plain object/],
    [{ permit: 1 }, /permit"/],
    [{ permits: 1.5 }, /permits/],
    [{ permits: -1 }, /permits/],
    [{ permits: 'none' }, /permits/],
    [{ maxWaiting: -1 }, /maxWaiting/],
    [{ waitMs: Infinity }, /waitMs/],
    [{ leaseMs: 0 }, /leaseMs/],
    [{ maxKeys: 0 }, /maxKeys/],
    [{ adaptive: { floor: 5 } }, /floor ≤ permits ≤ ceiling/],
    [{ adaptive: { factor: 1 } }, /factor/],
    [{ adaptive: { ceil: 1 } }, /ceil"/],
    [{ adaptive: true, permits: 'unlimited' }, /permits of at least 1/],
    [{ rate: {} }, /requests, tokens, or both/],
    [{ rate: { requests: 0 } }, /rate.requests/],
    [{ keys: [] }, /keys/],
    [{ keys: null }, /keys to be a plain object, got: "null"/],
    [{ permits: 'AIza' }, /permits.*got: "a string"/],
    [{ keys: { a: { permits: -1 } } }, /keys\['a'\]\.permits/],
    [{ keys: { a: { waitMs: 1 } } }, /waitMs"/],
    [{ keys: { '': {} } }, /key/],
  ])('%j are refused, by name', (options, words) => {
    const error = thrownBy(() => gateLogic(options as never));
    expect(error).toEqual(misuse);
    expect((error as Error).message).toMatch(words);
  });

  it.each([null, [], { now: 1 }])('beside %j for where it runs are refused', (where) => {
    expect(thrownBy(() => createGate({}, where as never))).toEqual(misuse);
  });

  it('may all be left out', async () => {
    await using gate = createGate();
    expect((await gate.acquire({ key: 'a' })).ok).toBe(true);
    expect(gate.status('a')).toMatchObject({ permits: 4 });
  });
});

describe('an acquisition', () => {
  it.each([
    [undefined],
    [{}],
    [{ key: '' }],
    [{ key: 'a', wait: 1 }],
    [{ key: 'a', waitMs: -1 }],
    [{ key: 'a', waitMs: Number.NaN }],
    [{ key: 'a', leaseMs: Infinity }],
    [{ key: 'a', tokens: -1 }],
    [{ key: 'a', holder: 'me' }],
    [{ key: 'a', signal: {} }],
  ])('with %j rejects before anything happens', async (options) => {
    const { gate } = gateWorld();
    await expect(gate.acquire(options as never)).rejects.toEqual(misuse);
    expect(gate.status('a')).toBe(null);
  });

  it('with its report wrong throws, and holds on', async () => {
    const { gate } = gateWorld();
    const permit = permitOf(await gate.acquire({ key: 'a' }));
    for (const report of [{ outcome: 'fine' }, { retryAfterMs: -1 }, { tokensUsed: Number.NaN }, { used: 1 }])
      expect(thrownBy(() => permit.release(report as never))).toEqual(misuse);
    expect(thrownBy(() => permit.settle({ tokensUsed: -1 }))).toEqual(misuse);
    expect(thrownBy(() => permit.renew(0))).toEqual(misuse);
    for (const nothing of [null, 1, []]) {
      expect(thrownBy(() => permit.release(nothing as never))).toEqual(misuse);
      expect(thrownBy(() => permit.settle(nothing as never))).toEqual(misuse);
      expect(thrownBy(() => permit.again(nothing as never))).toEqual(misuse);
      expect(thrownBy(() => gate.release(permit, nothing as never))).toEqual(misuse);
    }
    for (const report of [{ outcome: 'ok' }, { outcome: 'rateLimited', retryAfterMs: Number.NaN }, { outcome: 'failed', tokensUsed: 1 }])
      expect(thrownBy(() => permit.again(report as never))).toEqual(misuse);
    expect(permit.isHeld).toBe(true);
  });
});

describe('a handle', () => {
  it('is refused to an actor that runs no gate', () => {
    const other = createActor(fromCallback(() => undefined)).start();
    expect(thrownBy(() => gateHandle(other))).toEqual(misuse);
    expect(thrownBy(() => gateHandle(null as never))).toEqual(misuse);
    expect(thrownBy(() => gateHandle(() => other).ref)).toEqual(misuse);
    other.stop();
  });

  it('refuses what else it is given', async () => {
    const { gate } = gateWorld();
    for (const act of [() => gate.setLimit('a', -1), () => gate.setLimit('', 1), () => gate.setLimit('a', undefined as never), () => gate.status('')])
      expect(thrownBy(act)).toEqual(misuse);
    expect(thrownBy(() => gate.on('gate.waited', null as never))).toEqual(misuse);
    for (const type of ['gate.nonsense', '*', null, 'toString']) expect(thrownBy(() => gate.on(type as never, () => {}))).toEqual(misuse);
    await expect(gate.drain({ deadlineMs: -1 })).rejects.toEqual(misuse);
    await expect(gate.run('a', null as never)).rejects.toEqual(misuse);
    await expect(gate.run('a', () => 1, { attempts: 101 })).rejects.toEqual(misuse);
    await expect(gate.run('a', () => 1, { retries: 1 } as never)).rejects.toEqual(misuse);
    await expect(gate.run('a', () => 1, { usage: 1 as never })).rejects.toEqual(misuse);
    await expect(gate.run('a', () => 1, null as never)).rejects.toEqual(misuse);
  });

  it.each([
    [{ minMs: Number.NaN }],
    [{ minMs: -1 }],
    [{ maxMs: 10 }],
    [{ maxMs: 2 ** 31 }],
    [{ factor: 0 }],
    [{ jitter: 2 }],
    [{ minMs: '5' }],
    [{ resetAfterMs: Infinity }],
    [{ seed: 0.5 }],
    [{ min: 1 }],
    [null],
  ])('refuses %j as the pauses of a run, before anything happens', async (backoff) => {
    const { gate } = gateWorld();
    await expect(gate.run('a', () => 1, { backoff: backoff as never })).rejects.toEqual(misuse);
    expect(gate.status('a')).toBe(null);
  });

  it('shows of what it refuses nothing that might be a key', async () => {
    const { gate } = gateWorld();
    const secret = 'AIza-SECRET' as never;
    const permit = permitOf(await gate.acquire({ key: 'a' }));
    const acts: (() => unknown)[] = [
      ...[() => gate.run('a', secret), () => gate.run('a', () => 1, secret), () => gate.acquire(secret), () => gate.drain(secret)],
      ...[
        () => gate.run({ secret } as never, () => 1),
        () => gate.acquire({ key: [secret] as never }),
        () => gate.acquire({ key: 'a', waitMs: secret }),
      ],
      ...[() => gate.run('a', () => 1, { classify: secret }), () => gate.run('a', () => 1, { attempts: secret }), () => gate.setLimit('a', secret)],
      ...[() => gate.on('gate.waited', secret), () => gate.on(secret, () => {}), () => permit.release(secret), () => gate.release(permit, secret)],
      ...[() => createGate(secret), () => createGate({}, secret), () => gate.acquire({ key: 'a', tokens: secret, holder: undefined as never })],
      () => gate.run('a', () => 1, { backoff: { minMs: secret } }),
      ...[() => gate.acquire({ key: 'a', [secret]: 1 }), () => createGate({ keys: { a: { [secret]: 1 } } })],
    ];
    for (const act of acts) {
      const error = await (async () => act())().catch((thrown: unknown) => thrown);
      expect(error).toEqual(misuse);
      expect((error as Error).message).not.toContain('SECRET');
    }
  });

  it('answers for a gate that does not run yet', async () => {
    const gate = gateHandle(createActor(gateLogic()));
    expect(await gate.acquire({ key: 'a' })).toMatchObject({ ok: false, reason: 'closed' });
    const none = gateHandle(() => undefined);
    expect([none.tryAcquire({ key: 'a' }).ok, none.status('a'), none.setLimit('a', 1)]).toEqual([false, null, false]);
    expect(await none.close()).toEqual({ held: 0, waiting: 0 });
  });
});
