/** A barrier on a bad line: what nobody heard is asked again, and nobody is told what is not certain. */
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import { facts, room, there, ttlMs } from './barrier-room.js';

const refused = (reason: string): object => ({ ok: false, reason });
const isRecord = ({ method, name }: { method: string; name: string }): boolean => method === 'compareAndSet' && name.endsWith('record');

describe('a barrier on a bad line', () => {
  it('is heard of by whom it counts, also after its lease, and after others went on', async () => {
    const { one, line, pass } = room();
    const cut = line();
    const ann = await there(one({}, cut.backend), { withinMs: 60_000 });
    cut.isCut = true;
    await one().arrive();
    await pass(ttlMs);
    for (let generation = 2; generation <= 5; generation++)
      expect(await Promise.all([one().arrive(), one().arrive()])).toMatchObject([{ generation }, { generation }]);
    cut.isCut = false;
    await pass(1_000);
    expect(await ann.outcome).toMatchObject({ ok: true, generation: 1 });
  });

  it('says that it does not know, where so many have opened meanwhile that the one is not remembered', async () => {
    const { one, line, pass } = room();
    const cut = line();
    const ann = await there(one({}, cut.backend), { withinMs: 60_000 });
    cut.isCut = true;
    await pass(ttlMs - 500);
    await one().arrive();
    for (let generation = 2; generation <= 20; generation++) await Promise.all([one().arrive(), one().arrive()]);
    await pass(1_000);
    cut.isCut = false;
    await pass(1_000);
    expect(await ann.outcome).toEqual(refused('unknown'));
  });

  it('knows that none counts it, however many have opened since', async () => {
    const { one, line, pass } = room();
    const cut = line();
    for (let generation = 1; generation <= 20; generation++) await Promise.all([one().arrive(), one().arrive()]);
    const ann = await there(one({}, cut.backend), { withinMs: 60_000 });
    cut.isCut = true;
    await pass(ttlMs);
    cut.isCut = false;
    await pass(1_000);
    expect(await ann.outcome).toEqual(refused('lost'));
  });

  it('says that it does not know, where nobody answers for the time of a lease', async () => {
    const { one, line, pass } = room();
    const cut = line();
    const ann = await there(one({}, cut.backend), { withinMs: 500 });
    cut.isCut = true;
    await pass(500 + ttlMs);
    expect(await ann.outcome).toEqual(refused('unknown'));
  });

  it('does not open with one whose going somebody has seen, however late the write comes', async () => {
    const { one, backend, pass } = room();
    const late = faultyBackend(backend, (call) => (isRecord(call) ? 'delay' : null));
    const [ann, bob, eve] = [one(), one({}, late), one({})];
    const first = await there(ann);
    const second = await there(bob, { withinMs: 60_000 });
    await ann.close();
    expect(await first.outcome).toEqual(refused('closed'));
    expect(late.pending).toBeGreaterThan(0);
    await late.deliver();
    await pass(200);
    expect(bob.status()).toMatchObject({ state: 'waiting', arrived: 1 });
    expect(await eve.arrive()).toMatchObject({ generation: 1 });
    expect(await second.outcome).toMatchObject({ generation: 1 });
  });

  it('does not open with a dead one, where who waits has seen it go', async () => {
    const { one, backend, pass } = room(3);
    const late = faultyBackend(backend, (call) => (isRecord(call) ? 'delay' : null));
    const [dead, ann, bob] = [one(), one(), one({}, late)];
    await there(dead);
    const first = await there(ann, { withinMs: 60_000 });
    const last = await there(bob, { withinMs: 60_000 });
    dead.ref?.stop();
    await pass(100);
    expect(ann.status().arrived).toBe(2);
    await late.deliver();
    await pass(100);
    expect([ann.status(), bob.status()]).toMatchObject([
      { state: 'waiting', arrived: 2 },
      { state: 'waiting', arrived: 2 },
    ]);
    await one().arrive();
    expect(await Promise.all([first.outcome, last.outcome])).toMatchObject([{ generation: 1 }, { generation: 1 }]);
  });

  it('opens once, where the answer to the write that opens it was lost', async () => {
    const { one, backend, pass } = room();
    const line = faultyBackend(backend, (call) => (isRecord(call) ? 'loseAnswer' : null));
    const [ann, bob] = [one(), one({}, line)];
    const heard = facts(bob);
    const first = await there(ann);
    const last = bob.arrive();
    await pass(500);
    expect(await Promise.all([first.outcome, last])).toMatchObject([{ generation: 1 }, { generation: 1 }]);
    expect(heard.filter((fact) => (fact as { type: string }).type === 'barrier.opened')).toHaveLength(1);
    const record = await backend.get('barrier/b/record');
    expect(record.outcome === 'ok' && record.entry?.value).toMatchObject({ generation: 1 });
  });

  it.each(['loseRequest', 'loseAnswer', 'unavailable', 'duplicate'] as const)('opens once, whatever call %s happens to', async (fault) => {
    for (let at = 0; at < 6; at++) {
      const { one, backend, pass } = room();
      const first = await there(one());
      const line = faultyBackend(backend, ({ index }) => (index === at ? fault : null));
      const last = one({}, line).arrive();
      await pass(1_000);
      expect(await Promise.all([first.outcome, last])).toMatchObject([{ generation: 1 }, { generation: 1 }]);
    }
  });

  it('is refused where the backend is closed, or has no room', async () => {
    const { one, clock } = room();
    const small = memoryBackend({ clock, maxLeases: 1 });
    await there(one({}, small));
    expect(await one({}, small).arrive()).toEqual(refused('full'));
    const gone = memoryBackend({ clock });
    await gone.close();
    expect(await one({}, gone).arrive()).toEqual(refused('closed'));
    const closing = memoryBackend({ clock });
    const waiting = await there(one({}, closing));
    await closing.close();
    // A generation may have opened just before.
    expect(await waiting.outcome).toEqual(refused('unknown'));
    await small.close();
  });

  it('fails where its backend crashes, and answers so', async () => {
    const { one, backend } = room();
    const broken = new Proxy(backend, {
      get: (target, name: keyof Backend) => (name === 'list' ? () => Promise.reject(new Error('no more')) : target[name].bind(target)),
    });
    const ann = one({}, broken);
    expect(await ann.arrive()).toEqual(refused('unknown'));
    expect(ann.status().state).toBe('ended');
    expect(await backend.list('barrier/')).toMatchObject({ entries: [] });
  });
});
