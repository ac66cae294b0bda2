/** The links of a simulated network, and its runs: each fault does what it says, and nothing else. */
import { describe, expect, it } from 'vitest';
import { simulatedNetwork } from '../../../src/testing/index.js';
import { listening, sendMany } from './listening.js';

const numbersOf = (heard: readonly string[]): number[] => heard.map((line) => Number(line.split(' ')[1]));

describe('a link', () => {
  it('brings messages after its delay, in order', async () => {
    const { network, heard, at } = listening();
    for (const n of [1, 2]) at('a').send('b', n);
    at('b').send('c', 3);
    await network.run({ forMs: 9 });
    expect(heard).toEqual([]);
    await network.run({ forMs: 1 });
    expect(heard).toEqual(['b 1 @10', 'b 2 @10', 'c 3 @10']);
    expect(network.counts).toMatchObject({ sent: 3, delivered: 3, dropped: 0, events: 3 });
  });

  it('draws delays from a range, or mostly short and now and then long, and keeps the order', async () => {
    for (const delay of [[5, 100], { leastMs: 5, meanMs: 20, mostMs: 100 }] as const) {
      const net = listening({ links: { delay } });
      const sentAt: number[] = [];
      for (let n = 0; n < 200; n++) {
        // Far enough apart that no message waits for the one before.
        sentAt.push(net.network.now());
        net.at('a').send('b', n);
        await net.network.run({ forMs: 200 });
      }
      expect(numbersOf(net.heard)).toEqual(sentAt.map((_, n) => n));
      const took = net.heard.map((line, n) => Number(line.split('@')[1]) - (sentAt[n] ?? 0));
      expect(Math.min(...took)).toBeGreaterThanOrEqual(5);
      expect(Math.max(...took)).toBeLessThanOrEqual(100);
      const mean = took.reduce((sum, ms) => sum + ms, 0) / took.length;
      expect(Math.abs(mean - (Array.isArray(delay) ? 52.5 : 20))).toBeLessThan(6);
    }
    const crowded = listening({ links: { delay: [1, 100] } });
    await sendMany(crowded, 100);
    expect(numbersOf(crowded.heard)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('drops, duplicates and reorders as often as it says', async () => {
    const dropping = listening({ links: { delay: 10, drop: 0.5 } });
    await sendMany(dropping, 200);
    expect(dropping.network.counts.dropped).toBeGreaterThan(60);
    expect(dropping.heard.length + dropping.network.counts.dropped).toBe(200);

    const doubling = listening({ links: { delay: 10, duplicate: 0.5 } });
    await sendMany(doubling, 200);
    expect(doubling.network.counts.duplicated).toBeGreaterThan(60);
    expect(doubling.heard).toHaveLength(200 + doubling.network.counts.duplicated);
    expect(new Set(numbersOf(doubling.heard)).size).toBe(200);

    const shuffling = listening({ links: { delay: 10, reorder: 0.5 } });
    await sendMany(shuffling, 200);
    expect(shuffling.network.counts.reordered).toBeGreaterThan(60);
    const got = numbersOf(shuffling.heard);
    expect([...got].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(got).not.toEqual([...got].sort((a, b) => a - b));
  });

  it('has options of its own in one direction, and is disturbed until that is over', async () => {
    const { network, heard, at } = listening();
    network.setLink('a', 'b', { delay: 100 });
    const end = network.disturb('a', 'c', { slowerMs: 40, drop: 0 });
    at('a').send('b', 1);
    at('b').send('a', 2);
    at('a').send('c', 3);
    await network.run({ forMs: 200 });
    expect(heard).toEqual(['a 2 @10', 'c 3 @50', 'b 1 @100']);
    end();
    network.disturb('a', 'c', { drop: 1 })();
    at('a').send('c', 4);
    await network.run({ forMs: 10 });
    expect(heard.at(-1)).toBe('c 4 @210');
  });

  it('takes on only so many messages at once', async () => {
    const { network, heard, at } = listening({ mostInFlight: 2 });
    for (const n of [1, 2, 3]) at('a').send('b', n);
    await network.run({ forMs: 100 });
    expect(heard).toHaveLength(2);
    expect(network.counts).toMatchObject({ sent: 3, delivered: 2, overflowed: 1 });
  });

  it('copies: no two nodes have an object in common', async () => {
    const network = simulatedNetwork({ nodes: 2, links: { duplicate: 1 } });
    const got: { list: number[] }[] = [];
    network.boot((node) => {
      node.onMessage((message) => {
        (message as { list: number[] }).list.push(got.push(message as { list: number[] }));
      });
    });
    const sent = { list: [] as number[] };
    network.node('n1')?.send('n2', sent);
    sent.list.push(9);
    await network.run({ forMs: 200 });
    expect(sent.list).toEqual([9]);
    expect(got).toEqual([{ list: [1] }, { list: [2] }]);
    expect(() => network.node('n1')?.send('n2', () => 1)).toThrow(/testing\/invalid-options: expected what can be copied/u);
    expect(() => network.node('n1')?.send('n3', 1)).toThrow(/one of the nodes n1, n2, got: "n3"/u);
  });
});

describe('a partition', () => {
  it('lets nothing pass between its sides, in either direction, and loses what is under way', async () => {
    const { network, heard, at } = listening();
    at('a').send('b', 'before');
    await network.run({ forMs: 5 });
    const heal = network.partition(['a'], ['b', 'c']);
    at('a').send('b', 'there');
    at('c').send('a', 'back');
    at('b').send('c', 'within');
    await network.run({ forMs: 100 });
    expect(heard).toEqual(['c within @15']);
    expect(network.counts).toMatchObject({ sent: 4, delivered: 1, cut: 3 });
    heal();
    at('a').send('b', 'after');
    await network.run({ forMs: 10 });
    expect(heard.at(-1)).toBe('b after @115');
  });

  it('may be one-way, and ends only itself', async () => {
    const { network, heard, at } = listening();
    const [first, second] = [network.partition(['a'], ['b'], { oneWay: true }), network.partition(['a'], ['b', 'c'], { oneWay: true })];
    first();
    first();
    at('a').send('b', 1);
    at('b').send('a', 2);
    await network.run({ forMs: 10 });
    expect(heard).toEqual(['a 2 @10']);
    second();
    at('a').send('b', 3);
    network.partition(['a'], ['b']);
    network.heal();
    await network.run({ forMs: 10 });
    expect(heard.at(-1)).toBe('b 3 @20');
  });
});

describe('a run', () => {
  it('goes until something is true, or says that it is not', async () => {
    const { network, heard, at } = listening();
    at('a').send('b', 1);
    expect(await network.run({ until: () => heard.length > 0 })).toBe(true);
    expect(network.now()).toBe(10);
    expect(await network.run({ until: () => heard.length > 1, withinMs: 500 })).toBe(false);
    expect(network.now()).toBe(510);
    expect(await network.run({ until: () => network.now() >= 600, withinMs: 90 })).toBe(true);
  });

  it('settles every promise before the next event, and checks after each', async () => {
    const { network, at } = listening();
    const order: string[] = [];
    at('b').onMessage((message) => {
      void (async () => {
        order.push(`begins ${String(message)}`);
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        order.push(`ends ${String(message)}`);
      })();
    });
    for (const n of [1, 2]) at('a').send('b', n);
    await network.run({ forMs: 10, check: () => void order.push('check') });
    expect(order).toEqual(['check', 'begins 1', 'ends 1', 'check', 'begins 2', 'ends 2', 'check']);
  });

  it('fails with what a program throws, and where', async () => {
    const { network, at } = listening();
    at('b').onMessage(() => {
      throw new Error('no');
    });
    at('a').send('b', 1);
    await expect(network.run({ forMs: 10 })).rejects.toMatchObject({
      name: 'NetworkFailure',
      message: 'b #1 a → b 1, at 10 ms: Error: no',
      cause: expect.objectContaining({ message: 'no' }) as Error,
    });
  });

  it('leaves nothing behind once the network has ended', async () => {
    const { network, heard, at } = listening();
    const fired: string[] = [];
    at('b').clock.setTimeout(() => fired.push('late'), 5);
    at('a').send('b', 1);
    network.end();
    await network.run({ forMs: 100 });
    expect([fired, heard]).toEqual([[], []]);
  });

  it('is the same for the same seed, to the line', async () => {
    const lines = async (seed: number): Promise<readonly string[]> => {
      const net = listening({ seed, links: { delay: [1, 50], drop: 0.2, duplicate: 0.2, reorder: 0.2 } });
      const { network, at } = net;
      network.drift('b', 1.1);
      at('b').clock.setTimeout(() => at('b').send('a', { draw: at('b').chance.next(), id: crypto.randomUUID() }), 77);
      await sendMany(net, 50);
      return network.trace.lines;
    };
    expect(await lines(1)).toEqual(await lines(1));
    expect(await lines(2)).not.toEqual(await lines(1));
  });

  it('counts one end for each message', async () => {
    const net = listening({ links: { delay: [1, 50], drop: 0.2, duplicate: 0.2, reorder: 0.2 }, inbox: { most: 3 } });
    const { network, at } = net;
    network.partition(['c'], ['a', 'b']);
    for (const name of ['b', 'c']) for (let n = 0; n < 20; n++) at('a').send(name, n);
    network.pause('b');
    await sendMany(net, 20);
    network.resume('b');
    network.crash('a');
    at('b').send('a', 'to the dead');
    await network.run({ forMs: 1_000 });
    const { sent, delivered, dropped, cut, overflowed, refused, lost, unheard, late } = network.counts;
    expect(delivered + dropped + cut + overflowed + refused + lost + unheard + late).toBe(sent);
    for (const count of [delivered, dropped, cut, refused]) expect(count).toBeGreaterThan(0);
  });

  it('refuses options that mean nothing', async () => {
    const { network } = listening();
    expect(() => simulatedNetwork({ nodes: 0 })).toThrow(/`nodes`/u);
    expect(() => simulatedNetwork({ nodes: 2, links: { drop: 2 } })).toThrow(/`drop`, a chance of 0 to 1/u);
    expect(() => simulatedNetwork({ nodes: 2, links: { delay: [10, 5] } })).toThrow(/`delay` as \[least, most\]/u);
    expect(() => simulatedNetwork({ nodes: 2, inbox: { whenFull: 'wait' as 'refuse' } })).toThrow(/`inbox\.whenFull`/u);
    expect(() => network.boot(() => undefined, 'a')).toThrow(/nothing runs yet/u);
    expect(() => network.pause('z')).toThrow(/one of the nodes a, b, c/u);
    expect(() => network.partition(['a'], ['a'])).toThrow(/two of the nodes/u);
    await expect(network.run({} as { forMs: number })).rejects.toThrow(/either `forMs` or `until`/u);
  });
});
