/** A counter on a backend: each key counts once, whatever nobody knows, and the value is the sum of its shards. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { type Counter, counterHandle, createCounter } from '../../src/coordination/counter-handle.js';
import type { CounterOptions } from '../../src/coordination/counter-options.js';
import { counter as counterLogic } from '../../src/coordination/counter.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { type BackendFaultPlan, faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { type BackendRoom, backendRoom } from './backend-room.js';
import { altered } from './remote-backend.js';

interface Room extends BackendRoom {
  one(options?: Partial<CounterOptions>, line?: Backend): Counter;
}

function room(): Room {
  const { shared, add } = backendRoom<Counter>();
  const { backend, clock } = shared;
  return {
    ...shared,
    one: (options = {}, line = backend) => add(createCounter(line, { name: 'c', ...options }, { clock })),
  };
}

const refused = (reason: string): object => ({ outcome: 'refused', reason });
const unknown = (reason: string): object => ({ outcome: 'unknown', reason });
const ok = { outcome: 'ok', isRepeat: false };
const repeat = { outcome: 'ok', isRepeat: true };

async function valueOf(counter: Counter): Promise<number | string> {
  const read = await counter.read();
  return read.outcome === 'ok' ? read.reading.value : read.reason;
}

const shardWrite: (fault: ReturnType<BackendFaultPlan>) => BackendFaultPlan =
  (fault) =>
  ({ method, name }) =>
    method === 'compareAndSet' && name.includes('/shard/') ? fault : null;

describe('a counter', () => {
  it('is 0 before anybody counts, and the sum of what all have counted, also of what is negative', async () => {
    const { one } = room();
    const [ann, bob] = [one(), one()];
    expect(await ann.read()).toMatchObject({ outcome: 'ok', reading: { value: 0 } });
    expect(await Promise.all([ann.increment(5), bob.increment(-8), ann.increment(), bob.increment(0)])).toEqual([ok, ok, ok, ok]);
    expect([await valueOf(ann), await valueOf(bob)]).toEqual([-2, -2]);
    expect(ann.status()).toEqual({ state: 'idle', pending: 0 });
  });

  it('is one of many, each by its name', async () => {
    const { one } = room();
    const [ann, bob] = [one({ name: 'a' }), one({ name: 'ab' })];
    await Promise.all([ann.increment(1), bob.increment(10)]);
    expect([await valueOf(ann), await valueOf(bob)]).toEqual([1, 10]);
  });

  it('counts a key once, whoever asks, as often as it is asked', async () => {
    const { one } = room();
    const [ann, bob] = [one(), one()];
    const outcomes = await Promise.all([ann.increment(5, { key: 'k' }), ann.increment(5, { key: 'k' }), bob.increment(5, { key: 'k' })]);
    expect(outcomes.filter((outcome) => outcome.outcome === 'ok' && !outcome.isRepeat)).toHaveLength(1);
    expect(await bob.increment(5, { key: 'k' })).toEqual(repeat);
    expect(await ann.increment(6, { key: 'k' })).toEqual(refused('reused'));
    expect(await valueOf(ann)).toBe(5);
  });

  it('spreads what is counted over its shards, and one write takes all that wait for one', async () => {
    const { one, backend } = room();
    let writes = 0;
    const line = faultyBackend(backend, ({ method, name }) => {
      if (method === 'compareAndSet' && name.includes('/shard/')) writes++;
      return null;
    });
    const ann = one({ shards: 4 }, line);
    await Promise.all(Array.from({ length: 200 }, () => ann.increment(1)));
    const there = await backend.list('counter/c/shard/');
    expect(there.outcome === 'ok' && there.entries.length).toBe(4);
    expect(writes).toBeLessThan(20);
    expect(await valueOf(ann)).toBe(200);
  });

  it('remembers so many keys of a shard as it says, and as many keys stand there after a thousand increments as after few', async () => {
    const { one, backend } = room();
    const ann = one({ shards: 1, remember: 3 });
    for (const key of ['a', 'b', 'c']) await ann.increment(1, { key });
    expect(await ann.increment(1, { key: 'a' })).toEqual(repeat);
    await ann.increment(1, { key: 'd' });
    expect(await ann.increment(1, { key: 'b' })).toEqual(repeat);
    // The bound that it promises: three others have come since.
    expect(await ann.increment(1, { key: 'a' })).toEqual(ok);
    await Promise.all(Array.from({ length: 900 }, () => ann.increment(1)));
    expect(await valueOf(ann)).toBe(905);
    const there = await backend.list('counter/');
    expect(there.outcome === 'ok' && there.entries.length).toBe(2);
    expect(JSON.stringify(there).length).toBeLessThan(1_000);
  });

  it('refuses what would be no safe integer, and goes on', async () => {
    const { one } = room();
    const ann = one({ shards: 1 });
    expect(await ann.increment(Number.MAX_SAFE_INTEGER)).toEqual(ok);
    expect(await ann.increment(1)).toEqual(refused('overflow'));
    // What another has taken away since is seen.
    expect(await one({ shards: 1 }).increment(-5)).toEqual(ok);
    expect(await ann.increment(1)).toEqual(ok);
    expect(await valueOf(ann)).toBe(Number.MAX_SAFE_INTEGER - 4);
    expect(await ann.increment(-Number.MAX_SAFE_INTEGER)).toEqual(ok);
    expect(await Promise.all([ann.increment(-Number.MAX_SAFE_INTEGER), ann.increment(-5)])).toEqual([refused('overflow'), ok]);
  });

  it('refuses who counts with other shards, and where something else stands', async () => {
    const { one, backend } = room();
    await one().increment();
    for (const options of [{ shards: 4 }, { remember: 50 }]) {
      expect(await one(options).increment()).toEqual(refused('mismatch'));
      expect(await one(options).read()).toEqual(refused('mismatch'));
    }
    await backend.compareAndSet('counter/d/shard/0', 0, 'no shard');
    expect(await one({ name: 'd', shards: 1 }).increment()).toEqual(refused('mismatch'));
    expect(await one({ name: 'd', shards: 1 }).read()).toEqual(refused('mismatch'));
  });

  it('keeps what was counted when its owner is killed, and who asks again counts once', async () => {
    const { one, backend, clock } = room();
    const actors = { jobs: counterLogic(faultyBackend(backend, shardWrite('loseAnswer')), { name: 'c' }) };
    const app = orchestrator({ actors, children: [{ id: 'jobs', src: 'jobs', restart: 'temporary' }] }).start({ clock });
    ends.push(() => app.stop());
    await app.started();
    const dead = counterHandle(() => app.child('jobs'));
    const outcome = dead.increment(7, { key: 'k' });
    await clock.flush();
    exit(app.child('jobs') as AnyActorRef, 'kill');
    expect(await outcome).toEqual(unknown('closed'));
    expect(await one().increment(7, { key: 'k' })).toEqual(repeat);
    expect(await valueOf(one())).toBe(7);
    expect(await dead.increment()).toEqual(refused('closed'));
    expect(dead.status()).toEqual({ state: 'ended', pending: 0 });
  });

  it('has no call under way when it is restored from a snapshot', async () => {
    const { backend, clock, one } = room();
    const logic = counterLogic(faultyBackend(backend, shardWrite('unavailable')), { name: 'c' });
    const first = createActor(logic, { clock }).start();
    const lost = counterHandle(first).increment(1, { key: 'k' });
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();
    expect(await lost).toEqual(unknown('closed'));
    const again = counterHandle(createActor(counterLogic(backend, { name: 'c' }), { clock, snapshot }).start());
    expect(again.status()).toEqual({ state: 'idle', pending: 0 });
    expect(await again.increment(1, { key: 'k' })).toEqual(ok);
    await again.close();
    expect(await valueOf(one())).toBe(1);
  });
});

describe('a counter on a bad line', () => {
  it.each(['loseRequest', 'loseAnswer', 'unavailable', 'duplicate'] as const)('counts once, whatever call %s happens to', async (fault) => {
    for (let at = 0; at < 5; at++) {
      const { one, backend, pass } = room();
      const ann = one(
        {},
        faultyBackend(backend, ({ index }) => (index === at ? fault : null)),
      );
      const [first, second] = [ann.increment(3), ann.increment(4, { key: 'k' })];
      await pass(1_000);
      expect(await Promise.all([first, second])).toEqual([ok, ok]);
      expect(await valueOf(one())).toBe(7);
    }
  });

  it('counts once, where a write comes long after it was asked for again', async () => {
    const { one, backend, pass } = room();
    const line = faultyBackend(backend);
    const ann = one({ shards: 1 }, line);
    await ann.increment(1);
    line.next('delay');
    const outcome = ann.increment(5, { key: 'k' });
    await pass(200);
    expect(await outcome).toEqual(ok);
    await line.deliver();
    expect(await valueOf(ann)).toBe(6);
  });

  it('does not know, when its time is over and a write may be done yet; and the same key counts once', async () => {
    const { one, backend, pass } = room();
    const line = faultyBackend(backend, shardWrite('delay'));
    const ann = one({}, line);
    const late = ann.increment(5, { key: 'k', withinMs: 300 });
    const signal = new AbortController();
    const cancelled = ann.increment(6, { key: 'l', signal: signal.signal });
    await pass(200);
    signal.abort();
    await pass(100);
    expect([await late, await cancelled]).toEqual([unknown('late'), unknown('cancelled')]);
    await line.deliver('newest');
    const bob = one();
    expect([await bob.increment(5, { key: 'k' }), await bob.increment(6, { key: 'l' })]).toEqual([repeat, repeat]);
    expect(await valueOf(bob)).toBe(11);
  });

  it('knows that it is not counted, when its time is over before anything was written', async () => {
    const { one, backend, pass } = room();
    const ann = one(
      {},
      faultyBackend(backend, () => 'unavailable'),
    );
    const signal = new AbortController();
    const calls = [
      ann.increment(1, { withinMs: 500 }),
      ann.increment(1, { key: 'k', withinMs: 500 }),
      ann.increment(1, { signal: signal.signal }),
      ann.read({ withinMs: 500 }),
      ann.read({ signal: signal.signal }),
    ];
    await pass(400);
    signal.abort();
    await pass(100);
    expect(await Promise.all(calls)).toEqual(['late', 'late', 'cancelled', 'late', 'cancelled'].map(refused));
    expect(await ann.increment(1, { signal: signal.signal })).toEqual(refused('cancelled'));
  });

  it('does not know, where more keys were counted meanwhile than are remembered', async () => {
    const { one, backend, pass } = room();
    let isCut = true;
    const shape = { shards: 1, remember: 2 };
    const ann = one(
      shape,
      faultyBackend(backend, (call) => (isCut ? shardWrite('loseAnswer')(call) : null)),
    );
    const outcome = ann.increment(5, { key: 'k' });
    const bob = one(shape);
    await pass(1);
    for (let count = 0; count < 3; count++) await bob.increment(1);
    isCut = false;
    await pass(200);
    expect(await outcome).toEqual(unknown('forgotten'));
    expect(await valueOf(bob)).toBe(8);
  });

  it('ends when it knows what came of what it wrote, and writes nothing new', async () => {
    const { one, backend, pass } = room();
    let isCut = true;
    const line = faultyBackend(backend, (call) => (isCut ? shardWrite('loseAnswer')(call) : null));
    const ann = one({ shards: 1 }, line);
    const written = ann.increment(5, { key: 'k' });
    await pass(1);
    const [unwritten, read] = [ann.increment(6, { key: 'l' }), ann.read()];
    const closed = ann.close();
    expect(ann.status().state).toBe('draining');
    expect(await ann.increment(1)).toEqual(refused('closed'));
    isCut = false;
    await pass(200);
    await closed;
    expect(await Promise.all([written, unwritten, read])).toEqual([ok, refused('closed'), refused('closed')]);
    expect(await valueOf(one({ shards: 1 }))).toBe(5);
    await ann.close();
  });

  it('is refused where the backend is closed or has no room, and where too many calls are under way', async () => {
    const { one, backend, clock, pass } = room();
    const gone = memoryBackend({ clock });
    await gone.close();
    expect(await Promise.all([one({}, gone).increment(), one({}, gone).increment(1, { key: 'k' }), one({}, gone).read()])).toEqual(
      Array(3).fill(refused('closed')),
    );
    for (const maxKeys of [1, 2]) {
      const small = memoryBackend({ clock, maxKeys });
      await small.compareAndSet('other', 0, 1);
      expect(await one({}, small).increment(1, { key: 'k' })).toEqual(refused('full'));
      await small.close();
    }
    const busy = one(
      { maxPending: 1 },
      faultyBackend(backend, () => 'unavailable'),
    );
    const first = busy.increment(1, { withinMs: 100 });
    expect(await Promise.all([busy.increment(), busy.read()])).toEqual([refused('full'), refused('full')]);
    await pass(100);
    expect(await first).toEqual(refused('late'));
  });

  it('fails where its backend crashes, and answers so', async () => {
    const { one, backend } = room();
    const fail = (): Promise<never> => Promise.reject(new Error('no more'));
    const ann = one({}, altered(backend, { get: fail }));
    expect(await ann.increment()).toEqual(unknown('closed'));
    expect(ann.status().state).toBe('ended');
    const bob = one({}, altered(backend, { list: fail }));
    expect(await bob.read()).toEqual(refused('closed'));
  });
});

describe('misuse of a counter', () => {
  const backend = memoryBackend({ clock: new VirtualClock() });
  it.each([
    [{}],
    [{ name: 'a/b' }],
    [{ name: 'c', shards: 0 }],
    [{ name: 'c', shards: 257 }],
    [{ name: 'c', remember: 401 }],
    [{ name: 'c', maxPending: 0.5 }],
    [{ name: 'c', callMs: 0 }],
    [{ name: 'c', shard: 1 }],
  ])('is refused at the call: %j', (options) => {
    expect(() => createCounter(backend, options as CounterOptions)).toThrow(expect.objectContaining({ code: 'counter/invalid-options' }));
  });

  it('is refused for what is no backend, no counter, no number, no key, no fact, no listener', async () => {
    const refusal = expect.objectContaining({ code: 'counter/invalid-options' });
    expect(() => createCounter({} as Backend, { name: 'c' })).toThrow(refusal);
    const other = createActor(setup({}).createMachine({ id: 'other' })).start();
    expect(() => counterHandle(other)).toThrow(refusal);
    await expect(counterHandle(() => other).increment()).rejects.toEqual(refusal);
    const none = counterHandle(() => undefined);
    expect([await none.increment(), await none.read()]).toEqual([refused('closed'), refused('closed')]);
    expect(none.status()).toEqual({ state: 'ended', pending: 0 });
    await none.close();
    await using real = createCounter(backend, { name: 'c' });
    for (const by of [0.5, Number.NaN, 2 ** 53, '1']) await expect(real.increment(by as number)).rejects.toEqual(refusal);
    for (const key of ['', 'a\n', 7, 'k'.repeat(201)]) await expect(real.increment(1, { key: key as string })).rejects.toEqual(refusal);
    await expect(real.increment(1, { within: 1 } as never)).rejects.toEqual(refusal);
    await expect(real.read({ withinMs: 0 })).rejects.toEqual(refusal);
    expect(() => real.on('counter.none' as never, () => {})).toThrow(refusal);
    expect(() => real.on('counter.counted', undefined as never)).toThrow(refusal);
  });
});
