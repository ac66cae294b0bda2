/** A barrier on a backend: it opens when all have arrived who live, once, and begins anew. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { barrierHandle, createBarrier } from '../../src/coordination/barrier-handle.js';
import type { BarrierOptions } from '../../src/coordination/barrier-options.js';
import { barrier as barrierLogic, type BarrierRef } from '../../src/coordination/barrier.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { facts, room, there, ttlMs } from './barrier-room.js';

const refused = (reason: string): object => ({ ok: false, reason });

describe('a barrier', () => {
  it('opens for all when the last one arrives, with one generation and one token', async () => {
    const { one } = room(3);
    const [ann, bob, eve] = [one(), one(), one()];
    const waiting = [await there(ann), await there(bob)];
    expect(bob.status()).toEqual({ state: 'waiting', arrived: 2, parties: 3, generation: 0 });
    const last = await eve.arrive();
    expect(last).toMatchObject({ ok: true, generation: 1 });
    expect(await Promise.all(waiting.map(({ outcome }) => outcome))).toEqual([last, last]);
    expect(ann.status()).toEqual({ state: 'idle', arrived: 0, parties: 3, generation: 1 });
  });

  it('begins anew: a second generation needs all of them again, and its token is higher', async () => {
    const { one, pass } = room();
    const [ann, bob] = [one(), one()];
    const heard = facts(bob);
    const [first] = await Promise.all([ann.arrive(), bob.arrive()]);
    const second = await there(ann);
    await pass(2_000);
    expect(ann.status()).toMatchObject({ state: 'waiting', arrived: 1, generation: 1 });
    expect(heard.map((fact) => (fact as { type: string }).type).filter((type) => type === 'barrier.opened')).toHaveLength(1);
    const last = await bob.arrive();
    expect(last).toMatchObject({ ok: true, generation: 2 });
    expect(await second.outcome).toEqual(last);
    expect(first.ok && last.ok && last.token > first.token).toBe(true);
  });

  it('leaves as many keys after forty generations as after one', async () => {
    const { one, backend, pass } = room();
    const [ann, bob] = [one(), one()];
    const sizes: number[] = [];
    for (let generation = 1; generation <= 40; generation++) {
      expect(await Promise.all([ann.arrive(), bob.arrive()])).toMatchObject([{ generation }, { generation }]);
      await pass(1);
      const there = await backend.list('barrier/');
      if (there.outcome === 'ok') sizes.push(there.entries.length);
    }
    expect(new Set(sizes)).toEqual(new Set([1]));
    const record = await backend.get('barrier/b/record');
    expect(record.outcome === 'ok' && JSON.stringify(record.entry?.value).length).toBeLessThan(2_000);
  });

  it('refuses who waits already, and goes on for the first', async () => {
    const { one } = room();
    const [ann, bob] = [one(), one()];
    const first = await there(ann);
    expect(await ann.arrive()).toEqual(refused('busy'));
    await bob.arrive();
    expect(await first.outcome).toMatchObject({ ok: true });
  });

  it('refuses who counts other parties, as long as others wait', async () => {
    const { one, pass } = room();
    const [ann, bob] = [one(), one({ parties: 3 })];
    const first = await there(ann);
    expect(await bob.arrive()).toEqual(refused('mismatch'));
    await pass(100);
    expect(ann.status()).toMatchObject({ state: 'waiting', arrived: 1 });
    await one().arrive();
    expect(await first.outcome).toMatchObject({ ok: true, generation: 1 });
    expect(await Promise.all([bob, one({ parties: 3 }), one({ parties: 3 })].map((each) => each.arrive()))).toMatchObject([
      { ok: true, generation: 2 },
      { ok: true },
      { ok: true },
    ]);
  });

  it('refuses where something else stands among its keys', async () => {
    const { one, backend } = room();
    await backend.compareAndSet('barrier/b/record', 0, 'no record');
    expect(await one().arrive()).toEqual(refused('mismatch'));
  });

  it('lets those beyond a generation wait for the next, or refuses them where that was chosen', async () => {
    const { one, backend, pass } = room();
    let isHeld = true;
    // Nobody can open it: so it is full before it has opened.
    const line = faultyBackend(backend, ({ method, name }) =>
      isHeld && method === 'compareAndSet' && name.endsWith('record') ? 'unavailable' : null,
    );
    const [ann, bob, eve, joe] = [one({}, line), one({}, line), one({}, line), one({ maxExtras: 0 }, line)];
    const waiting = [await there(ann), await there(bob), await there(eve)];
    const none = joe.arrive();
    isHeld = false;
    await pass(200);
    expect(await none).toEqual(refused('extra'));
    const [first, second, third] = waiting.map(({ outcome }) => outcome);
    expect(await Promise.all([first, second])).toMatchObject([{ generation: 1 }, { generation: 1 }]);
    expect(eve.status()).toMatchObject({ state: 'waiting', arrived: 1 });
    expect(await joe.arrive()).toMatchObject({ generation: 2 });
    expect(await third).toMatchObject({ generation: 2 });
  });

  it('does not count one who is killed while it waits', async () => {
    const { one, backend, clock, pass } = room(3);
    const actors = { step: barrierLogic(backend, { name: 'b', parties: 3, ttlMs }) };
    const app = orchestrator({ actors, children: [{ id: 'step', src: 'step', restart: 'temporary' }] }).start({ clock });
    ends.push(() => app.stop());
    await app.started();
    const dead = barrierHandle(() => app.child('step'));
    const [ann, bob, eve] = [one(), one(), one()];
    const first = await there(ann);
    const killed = await there(dead);
    exit(app.child('step') as AnyActorRef, 'kill');
    expect(await killed.outcome).toEqual(refused('unknown'));
    await pass(100);
    expect(ann.status()).toMatchObject({ state: 'waiting', arrived: 1 });
    const second = await there(bob);
    await pass(100);
    expect([ann.status().arrived, bob.status().arrived]).toEqual([2, 2]);
    expect(await eve.arrive()).toMatchObject({ ok: true, generation: 1 });
    expect(await Promise.all([first.outcome, second.outcome])).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await dead.arrive()).toEqual(refused('closed'));
    expect(dead.status()).toMatchObject({ state: 'ended' });
  });

  it('does not count one who has vanished, once its lease is over', async () => {
    const { one, pass } = room();
    const frozen = new VirtualClock();
    const vanished = await there(one({}, undefined, frozen));
    await pass(ttlMs);
    const ann = await there(one());
    await pass(100);
    // It goes on long after, and hears that it was not counted.
    await frozen.advanceByAsync(ttlMs);
    expect(await vanished.outcome).toEqual(refused('lost'));
    expect(await one().arrive()).toMatchObject({ generation: 1 });
    expect(await ann.outcome).toMatchObject({ generation: 1 });
  });

  it('stays open for those whom it counts, whoever of them dies then', async () => {
    const { one, pass } = room();
    const frozen = new VirtualClock();
    const vanished = one({}, undefined, frozen);
    const waiting = await there(vanished);
    const ann = one();
    expect(await ann.arrive()).toMatchObject({ generation: 1 });
    await pass(ttlMs);
    await frozen.advanceByAsync(ttlMs);
    expect(await waiting.outcome).toMatchObject({ ok: true, generation: 1 });
  });

  it('is waited for until the signal, the deadline or its close; and who gave up is counted by none', async () => {
    const { one, pass } = room(4);
    const signalled = new AbortController();
    const [ann, bob, eve] = [one(), one(), one()];
    const waits = [await there(ann, { signal: signalled.signal }), await there(bob, { withinMs: 500 }), await there(eve)];
    signalled.abort();
    await pass(500);
    await eve.close();
    expect(await Promise.all(waits.map(({ outcome }) => outcome))).toEqual(['cancelled', 'late', 'closed'].map(refused));
    const joe = one();
    await there(joe);
    expect(joe.status().arrived).toBe(1);
    expect(await ann.arrive({ signal: signalled.signal })).toEqual(refused('cancelled'));
    expect(await eve.arrive()).toEqual(refused('closed'));
    const early = new AbortController();
    const cancelled = ann.arrive({ signal: early.signal });
    early.abort();
    expect(await cancelled).toEqual(refused('cancelled'));
  });

  it('waits for nothing when it is restored from a snapshot', async () => {
    const { backend, clock, one } = room();
    const logic = barrierLogic(backend, { name: 'b', parties: 2, ttlMs });
    const first = createActor(logic, { clock }).start();
    await there(barrierHandle(first));
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();
    const again = barrierHandle(createActor(logic, { clock, snapshot }).start());
    expect(again.status()).toMatchObject({ state: 'idle', arrived: 0 });
    const waiting = await there(again);
    await one().arrive();
    expect(await waiting.outcome).toMatchObject({ ok: true, generation: 1 });
    await again.close();
  });
});

describe('the chart of a barrier, told by events alone', () => {
  it('arrives, and comes through; also after it was restored while it waited', async () => {
    const { backend, clock, one } = room();
    const logic = barrierLogic(backend, { name: 'b', parties: 2, ttlMs });
    const told = async (snapshot?: object): Promise<{ heard: string[]; ref: BarrierRef }> => {
      const ref = createActor(logic, { clock, ...(snapshot === undefined ? {} : { snapshot: snapshot as never }) });
      const heard: string[] = [];
      ref.on('barrier.arrived', ({ arrived }) => void heard.push(`arrived, ${arrived}`));
      ref.on('barrier.opened', ({ ref: of, generation }) => void heard.push(`${of} through ${generation}`));
      ref.on('barrier.refused', ({ reason }) => void heard.push(reason));
      ref.start();
      await clock.flush();
      ref.send({ type: 'barrier.arrive', ref: 'mine', withinMs: 60_000 });
      await clock.flush();
      return { heard, ref };
    };
    const first = await told();
    expect(first.heard).toEqual(['arrived, 1']);
    const waiting = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    expect(await one().arrive()).toMatchObject({ generation: 1 });
    await clock.flush();
    expect(first.heard).toEqual(['arrived, 1', 'mine through 1']);
    const idle = JSON.parse(JSON.stringify(first.ref.getPersistedSnapshot()));
    first.ref.stop();
    const second = await told(idle);
    expect(second.heard).toEqual(['arrived, 1']);
    second.ref.stop();
    const third = await told(waiting);
    expect(third.heard).toEqual(['unknown', 'arrived, 1']);
    expect(await one().arrive()).toMatchObject({ generation: 2 });
    await clock.flush();
    expect(third.heard.at(-1)).toBe('mine through 2');
    third.ref.stop();
  });
});

describe('misuse of a barrier', () => {
  const backend = memoryBackend({ clock: new VirtualClock() });
  it.each([
    [{ parties: 2 }],
    [{ name: 'b' }],
    [{ name: 'a/b', parties: 2 }],
    [{ name: 'b', parties: 0 }],
    [{ name: 'b', parties: 401 }],
    [{ name: 'b', parties: 2, maxExtras: -1 }],
    [{ name: 'b', parties: 2, maxExtras: 0.5 }],
    [{ name: 'b', parties: 2, ttlMs: 100, marginMs: 100 }],
    [{ name: 'b', parties: 2, ttlMs: 100, renewEveryMs: 95 }],
    [{ name: 'b', parties: 2, extras: 1 }],
  ])('is refused at the call: %j', (options) => {
    expect(() => createBarrier(backend, options as BarrierOptions)).toThrow(expect.objectContaining({ code: 'barrier/invalid-options' }));
  });

  it('is refused for what is no backend, no barrier, no fact, no listener', async () => {
    const refusal = expect.objectContaining({ code: 'barrier/invalid-options' });
    expect(() => createBarrier({} as Backend, { name: 'b', parties: 2 })).toThrow(refusal);
    const other = createActor(setup({}).createMachine({ id: 'other' })).start();
    expect(() => barrierHandle(other)).toThrow(refusal);
    await expect(barrierHandle(() => other).arrive()).rejects.toEqual(refusal);
    const none = barrierHandle(() => undefined);
    expect(await none.arrive()).toEqual(refused('closed'));
    expect(none.status()).toEqual({ state: 'ended', arrived: 0, parties: 0, generation: 0 });
    await none.close();
    await expect(none.arrive({ withinMs: 0 })).rejects.toEqual(refusal);
    await using real = createBarrier(backend, { name: 'b', parties: 2 });
    expect(() => real.on('barrier.none' as never, () => {})).toThrow(refusal);
    expect(() => real.on('barrier.opened', undefined as never)).toThrow(refusal);
  });
});
