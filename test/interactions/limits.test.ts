/** Questions for a status need no permit, but the limits that they meet are everybody's. On virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { Gate } from '../../src/gate/handle.js';
import type { GateOptions } from '../../src/gate/options.js';
import { interactions } from '../../src/interactions/client.js';
import { gateWorld, leaveNothing, permitOf, settle } from '../gate/gate-world.js';
import { fact, Wire } from '../stream/wire.js';

const key = 'model';
const json = { 'content-type': 'application/json' };
afterEach(leaveNothing);

function scene(gateOptions: GateOptions = {}) {
  const world = gateWorld({ permits: 1, ...gateOptions });
  const wire = new Wire();
  const api = interactions({ fetch: wire.fetch, clock: world.clock, pollMs: 50, gate: { gate: world.gate, key } });
  return { ...world, wire, api };
}

describe('a gate whose key is polled for', () => {
  it('hears of the limit that a question has met, and the next one waits as long as it says', async () => {
    const { api, clock, gate, wire } = scene({ permits: 4, adaptive: true });
    const outcome = api.waitForCompletion('v1');
    const paused = fact(gate.ref as AnyActorRef, 'gate.paused');
    (await wire.next())
      .answer(429, { ...json, 'retry-after': '3' })
      .send('{}')
      .end();
    expect(await paused).toMatchObject({ key, retryAfterMs: 3_000 });
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 3_000 });
    expect(gate.tryAcquire({ key })).toMatchObject({ ok: false, reason: 'rateLimited', retryAfterMs: 3_000 });
    clock.advanceBy(2_999);
    await settle();
    expect(wire.requests).toHaveLength(1);
    clock.advanceBy(1);
    (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed"}').end();
    expect(await outcome).toMatchObject({ ok: true });
    expect([gate.status(key), clock.pending()]).toMatchObject([{ held: 0, waiting: 0 }, 0]);
  });

  it('is not held up by a limit that a question has met while all its permits are out', async () => {
    const { api, clock, gate, wire } = scene();
    const taken = permitOf(gate.tryAcquire({ key }));
    const outcome = api.waitForCompletion('v1');
    const refused = fact(gate.ref as AnyActorRef, 'gate.refused');
    (await wire.next())
      .answer(429, { ...json, 'retry-after': '3' })
      .send('{}')
      .end();
    expect(await refused).toMatchObject({ reason: 'busy', waitedMs: 0 });
    await settle();
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0, pauseMs: 0 });
    clock.advanceBy(3_000);
    (await wire.next()).answer(200, json).send('{"id":"v1","status":"completed"}').end();
    expect(await outcome).toMatchObject({ ok: true });
    taken.release();
  });

  it('is not waited for, where it is one of the app that does not answer', async () => {
    const { clock } = gateWorld();
    const wire = new Wire();
    const asked: unknown[] = [];
    const mute = {
      acquire: (options: unknown) => {
        asked.push(options);
        return new Promise<never>(() => undefined);
      },
    } as unknown as Gate;
    const api = interactions({ fetch: wire.fetch, clock, pollMs: 50, gate: { gate: mute, key } });
    const limit = async (): Promise<void> => {
      (await wire.next()).answer(429, json).send('{}').end();
      await settle();
    };
    const cancelled = new AbortController();
    const outcome = api.waitForCompletion('v1', { signal: cancelled.signal });
    await limit();
    expect(asked).toMatchObject([{ key, waitMs: 0 }]);
    clock.advanceBy(1_000);
    await settle();
    clock.advanceBy(10_000);
    await limit();
    expect(asked).toHaveLength(2);
    cancelled.abort();
    expect(await outcome).toMatchObject({ ok: false });
    expect(clock.pending(), 'timers left').toBe(0);
  });
});
