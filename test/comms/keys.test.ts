/** Questions with a key: asked once, heard by all who ask, kept for a time; what is no answer is not kept. */
import { describe, expect, it, vi } from 'vitest';
import { createRegistry } from '../../src/registry/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { puppet, room } from './comms-room.js';

const value = (what: unknown) => ({ ok: true, value: what });
const no = (reason: string) => ({ ok: false, reason });

describe('a request with a key', () => {
  it('is asked once of the agent, and all who ask meanwhile hear', async () => {
    const { comms, puppet } = room();
    const [ann, bob] = [puppet('ann'), puppet('bob')];
    const asked = Array.from({ length: 10 }, () => comms.request('ann', 1, { key: 'k' }));
    const other = comms.request('bob', 1, { key: 'k' });
    expect([ann.asked(), bob.asked()]).toEqual([[1], [1]]);
    ann.answer(1, 'yes');
    bob.answer(1, 'no');
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 10 }, () => value('yes')));
    expect(await other).toEqual(value('no'));
    expect(comms.status().counts).toMatchObject({ sent: 2, joined: 9, answered: 11 });
  });

  it('has its answer kept for the time, and is asked anew after', async () => {
    const { comms, puppet, pass } = room({ keyMs: 100 });
    const ann = puppet('ann');
    const first = comms.request('ann', 1, { key: 'k' });
    ann.answer(1, 'yes');
    await first;
    await pass(99);
    expect(await comms.request('ann', 2, { key: 'k' })).toEqual(value('yes'));
    expect(comms.status()).toMatchObject({ keptAnswers: 1, counts: { kept: 1 } });
    await pass(1);
    const anew = comms.request('ann', 3, { key: 'k', keyMs: 10 });
    expect(ann.asked()).toEqual([1, 3]);
    ann.answer(3, 'again');
    expect(await anew).toEqual(value('again'));
    await pass(10);
    void comms.request('ann', 4, { key: 'k' });
    expect(ann.asked()).toEqual([1, 3, 4]);
  });

  it('is asked anew after an error, a crash and a refusal', async () => {
    const { comms, puppet, agents } = room();
    const ann = puppet('ann');
    const first = comms.request('ann', 1, { key: 'k' });
    ann.refuse(1, 'busy');
    expect(await first).toMatchObject(no('error'));
    const second = comms.request('ann', 2, { key: 'k' });
    expect(ann.asked()).toEqual([1, 2]);
    exit(ann.ref, 'kill');
    expect(await second).toEqual(no('crashed'));
    agents.delete('ann');
    expect(await comms.request('ann', 3, { key: 'k' })).toEqual(no('noAgent'));
    const successor = puppet('ann');
    const third = comms.request('ann', 4, { key: 'k' });
    successor.answer(4, 'yes');
    expect(await third).toEqual(value('yes'));
    expect(comms.status().keptAnswers).toBe(1);
  });

  it('leaves each caller his own time and signal, and is taken back when all have left', async () => {
    const { comms, puppet, pass } = room();
    const ann = puppet('ann');
    const over = new AbortController();
    const asked = [
      comms.request('ann', 1, { key: 'k', withinMs: 10 }),
      comms.request('ann', 1, { key: 'k', signal: over.signal }),
      comms.request('ann', 1, { key: 'k', withinMs: 30 }),
    ];
    await pass(10);
    expect(await asked[0]).toEqual(no('late'));
    over.abort();
    expect(await asked[1]).toEqual(no('cancelled'));
    expect(ann.of('comms.cancelled')).toEqual([]);
    await pass(20);
    expect(await asked[2]).toEqual(no('late'));
    expect(ann.of('comms.cancelled')).toHaveLength(1);
    // What comes then is asked anew, and what the first run says is nobody's.
    const anew = comms.request('ann', 2, { key: 'k' });
    ann.answer(1, 'old');
    ann.answer(2, 'new');
    expect(await anew).toEqual(value('new'));
  });

  it('leaves each caller his own choice of what becomes of it when the agent ends', async () => {
    for (const first of ['crashed', 'again'] as const) {
      const clock = new VirtualClock();
      const names = createRegistry({}, { clock });
      ends.push(() => names.close());
      const { comms } = room({ agents: names });
      const [ann, successor] = [puppet(clock), puppet(clock)];
      expect(names.register('ann', ann.ref)).toEqual({ ok: true });
      const awaits = vi.spyOn(names, 'awaits').mockReturnValue(true);
      const second = first === 'again' ? 'crashed' : 'again';
      const asked = {
        [first]: comms.request('ann', 1, { key: 'k', onRestart: first }),
        [second]: comms.request('ann', 1, { key: 'k', onRestart: second }),
      };
      expect(ann.asked()).toEqual([1]);
      exit(ann.ref, 'kill');
      expect(await asked['crashed']).toEqual(no('crashed'));
      awaits.mockRestore();
      names.register('ann', successor.ref);
      expect(successor.asked()).toEqual([1]);
      successor.answer(1, 'yes');
      expect(await asked['again']).toEqual(value('yes'));
    }
  });

  it('is not asked again where nobody waits any more who wants that', async () => {
    const { comms, puppet } = room();
    const ann = puppet('ann');
    const over = new AbortController();
    const gone = comms.request('ann', 1, { key: 'k', onRestart: 'again', signal: over.signal });
    const left = comms.request('ann', 1, { key: 'k' });
    over.abort();
    expect(await gone).toEqual(no('cancelled'));
    const successor = puppet('ann');
    exit(ann.ref, 'kill');
    expect(await left).toEqual(no('crashed'));
    expect(successor.asked()).toEqual([]);
  });

  it.each([
    [10, 100],
    [100, 10],
  ])('has its answer kept as long as the one wants who wants that longest (%d and %d ms)', async (...[first, second]) => {
    const { comms, puppet, pass } = room();
    const ann = puppet('ann');
    const asked = [first, second].map((keyMs) => comms.request('ann', 1, { key: 'k', keyMs }));
    ann.answer(1, 'yes');
    await Promise.all(asked);
    await pass(99);
    expect(await comms.request('ann', 2, { key: 'k' })).toEqual(value('yes'));
    await pass(1);
    void comms.request('ann', 3, { key: 'k' });
    expect(ann.asked()).toEqual([1, 3]);
  });

  it('is that of one agent, whatever stands in names and keys', async () => {
    const { comms, puppet } = room();
    const [ann, bob] = [puppet('a'), puppet('a\u0000b')];
    const asked = [comms.request('a', 1, { key: 'b\u0000c' }), comms.request('a\u0000b', 2, { key: 'c' })];
    ann.answer(1, 'of ann');
    bob.answer(2, 'of bob');
    expect(await Promise.all(asked)).toEqual([value('of ann'), value('of bob')]);
  });

  it('has no answer kept beyond its time, where others come', async () => {
    const { comms, puppet, pass } = room({ keyMs: 10 });
    const ann = puppet('ann');
    const ask = async (key: string): Promise<void> => {
      const asked = comms.request('ann', key, { key });
      ann.answer(key, key);
      await asked;
    };
    for (const key of ['a', 'b', 'c']) await ask(key);
    expect(comms.status().keptAnswers).toBe(3);
    await pass(10);
    await ask('d');
    expect(comms.status().keptAnswers).toBe(1);
  });

  it('has so many answers kept at most: the oldest goes', async () => {
    const { comms, puppet } = room({ maxKeys: 2 });
    const ann = puppet('ann');
    for (const key of ['a', 'b', 'c']) {
      const asked = comms.request('ann', key, { key });
      ann.answer(key, key);
      await asked;
    }
    expect(comms.status().keptAnswers).toBe(2);
    expect(await comms.request('ann', 'b', { key: 'b' })).toEqual(value('b'));
    void comms.request('ann', 'a', { key: 'a' });
    expect(ann.asked()).toEqual(['a', 'b', 'c', 'a']);
  });
});
