/** The nodes of a simulated network: paused, crashed, and with clocks that are wrong. */
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { simulatedNetwork, type SimulatedNode } from '../../../src/testing/index.js';
import { listening } from './listening.js';

describe('a paused node', () => {
  it('stands still with its timers and its inbox while its clock goes on, and then goes on in order', async () => {
    const { network, heard, at } = listening();
    const b = at('b');
    const blinker = setup({}).createMachine({ initial: 'dark', states: { dark: { after: { 20: 'light' } }, light: {} } });
    const actor = createActor(blinker, { clock: b.clock }).start();
    const fired: number[] = [];
    b.clock.setTimeout(() => fired.push(b.clock.now()), 30);
    const cleared = b.clock.setTimeout(() => fired.push(-1), 25);
    const [end, endOther] = [network.pause('b'), network.pause('b')];
    at('a').send('b', 1);
    network.perform('b', 'ask', (node) => node.send('c', 'asked'));
    await network.run({ forMs: 100 });
    expect([actor.getSnapshot().value, fired, heard, network.waiting('b')]).toEqual(['dark', [], [], 2]);
    expect(b.clock.now()).toBe(100);
    b.clock.clearTimeout(cleared);
    end();
    await network.run({ forMs: 0 });
    expect(network.isPaused('b')).toBe(true);
    endOther();
    await network.run({ forMs: 10 });
    expect([actor.getSnapshot().value, fired, heard]).toEqual(['light', [100], ['b 1 @100', 'c asked @110']]);
    expect(network.trace.lines.filter((line) => / (?:do|deliver|timer) /u.test(line))).toEqual([
      '100 do b ask',
      '100 deliver #1 a → b 1',
      '100 timer b after 20 ms',
      '100 timer b after 30 ms',
      '110 deliver #2 b → c "asked"',
    ]);
    actor.stop();
  });

  it('takes what has waited before what comes at the moment at which it goes on', async () => {
    const { network, heard, at } = listening();
    const end = network.pause('b');
    for (const n of [1, 2]) at('a').send('b', n);
    // Stopped between the two, of one moment.
    await network.run({ until: () => network.waiting('b') === 1 });
    end();
    await network.run({ forMs: 0 });
    expect(heard).toEqual(['b 1 @10', 'b 2 @10']);
  });

  it.each([
    ['refuse', ['b 1 @50', 'b 2 @50']],
    ['dropOldest', ['b 2 @50', 'b 3 @50']],
  ] as const)('has an inbox with a bound, which will %s', async (whenFull, left) => {
    const { network, heard, at } = listening({ inbox: { most: 2, whenFull } });
    network.pause('b');
    for (const n of [1, 2, 3]) at('a').send('b', n);
    await network.run({ forMs: 50 });
    expect(network.waiting('b')).toBe(2);
    network.resume('b');
    await network.run({ forMs: 0 });
    expect(heard).toEqual(left);
    expect(network.counts).toMatchObject({ sent: 3, delivered: 2, refused: 1 });
    expect(network.trace.text()).toMatch(/50 heal pause b\n/u);
    expect(network.trace.text()).toMatch(/10 lost #[13] a → b [13]: the inbox is full\n/u);
  });
});

describe('a crashed node', () => {
  it('has lost all but its disk and what it has sent, and comes back as another process', async () => {
    const network = simulatedNetwork({ nodes: ['a', 'b'], links: { delay: 10 } });
    const told: string[] = [];
    const processes: SimulatedNode[] = [];
    network.boot((node) => {
      if (node.name === 'b') processes.push(node);
      told.push(`${node.name}#${node.incarnation} has ${String(node.disk.read('kept'))}`);
      node.onMessage((message, from) => told.push(`${node.name}#${node.incarnation} ${String(message)} of ${from}`));
    });
    const first = network.node('b') as SimulatedNode;
    const list = [1];
    first.disk.write('kept', list);
    list.push(2);
    (first.disk.read('kept') as number[]).push(3);
    first.clock.setTimeout(() => told.push('a timer of the dead'), 20);
    first.send('a', 'last words');
    network.node('a')?.send('b', 'to the dead');
    await network.run({ forMs: 5 });
    const restart = network.crash('b');
    expect(network.node('b')).toBeUndefined();
    // The old process is dead: what it still does reaches nobody.
    first.send('a', 'from the grave');
    first.disk.write('kept', 'overwritten');
    first.clock.setTimeout(() => told.push('a timer from the grave'), 1);
    network.perform('b', 'work', () => void told.push('work of the dead'));
    await network.run({ forMs: 95 });
    network.node('a')?.send('b', 'to the living');
    restart();
    restart();
    await network.run({ forMs: 100 });
    expect(told).toEqual(['a#1 has undefined', 'b#1 has undefined', 'a#1 last words of b', 'b#2 has 1', 'b#2 to the living of a']);
    expect(network.counts).toMatchObject({ sent: 3, delivered: 2, lost: 1 });
    const [, second] = processes;
    expect(second?.clock.now()).toBe(100);
    expect((second?.wallNow() ?? 0) - (network.node('a')?.wallNow() ?? 0)).toBe(0);
  });

  it('takes its inbox with it, and is not paused when it is back', async () => {
    const { network, heard, at } = listening();
    const resume = network.pause('b');
    at('a').send('b', 1);
    await network.run({ forMs: 20 });
    network.crash('b')();
    expect(network.isPaused('b')).toBe(false);
    at('a').send('b', 2);
    await network.run({ forMs: 20 });
    expect(heard).toEqual(['b 2 @30']);
    resume();
    expect(network.counts).toMatchObject({ lost: 1, delivered: 1 });
  });
});

it('a crashed node is started by the end of its own crash, not by that of an earlier one', () => {
  const { network } = listening();
  const first = network.crash('b');
  network.restart('b');
  const second = network.crash('b');
  first();
  expect(network.node('b')).toBeUndefined();
  second();
  expect(network.node('b')?.incarnation).toBe(3);
});

describe('a clock', () => {
  it('that jumps makes due what was not, and the wall clock jumps with it', async () => {
    const { network, at } = listening();
    const b = at('b');
    const fired: string[] = [];
    for (const ms of [300, 100, 5_000]) b.clock.setTimeout(() => fired.push(`${ms} @${b.clock.now()}`), ms);
    const wall = b.wallNow();
    await network.run({ forMs: 50 });
    network.jumpClock('b', 1_000);
    await network.run({ forMs: 0 });
    expect(fired).toEqual(['100 @1050', '300 @1050']);
    expect(b.wallNow() - wall).toBe(1_050);
    expect(at('a').clock.now()).toBe(50);
    await network.run({ forMs: 3_950 });
    expect(fired.at(-1)).toBe('5000 @5000');
  });

  it('of the wall goes back without any timer that minds', async () => {
    const { network, at } = listening();
    const b = at('b');
    const fired: number[] = [];
    const wall = b.wallNow();
    b.clock.setTimeout(() => fired.push(network.now()), 100);
    network.jumpWall('b', -3_600_000);
    await network.run({ forMs: 100 });
    expect([fired, b.clock.now(), b.wallNow() - wall]).toEqual([[100], 100, 100 - 3_600_000]);
  });

  it('that drifts fires its timers sooner or later, until it goes right again', async () => {
    const { network, at } = listening();
    const fired: string[] = [];
    for (const name of ['a', 'b', 'c']) at(name).clock.setTimeout(() => fired.push(`${name} ${at(name).clock.now()} @${network.now()}`), 300);
    await network.run({ forMs: 100 });
    const end = network.drift('b', 2);
    network.drift('c', 0.5);
    await network.run({ forMs: 100 });
    expect(fired).toEqual(['b 300 @200']);
    end();
    await network.run({ forMs: 100 });
    expect([at('a').clock.now(), at('b').clock.now(), at('c').clock.now()]).toEqual([300, 400, 200]);
    network.heal();
    await network.run({ forMs: 100 });
    expect(fired).toEqual(['b 300 @200', 'a 300 @300', 'c 300 @400']);
  });

  it('that drifts anew at the same rate goes right when that ends, not when what was before it does', async () => {
    const { network, at } = listening();
    const first = network.drift('b', 2);
    const second = network.drift('b', 2);
    first();
    await network.run({ forMs: 100 });
    expect(at('b').clock.now()).toBe(200);
    second();
    await network.run({ forMs: 100 });
    expect(at('b').clock.now()).toBe(300);
    network.drift('b', 2);
    second();
    network.heal();
    second();
    await network.run({ forMs: 100 });
    expect(at('b').clock.now()).toBe(400);
    expect(network.trace.lines.filter((line) => line.endsWith('heal drift b'))).toHaveLength(1);
  });

  it('has come to the moment that a timer was set for, at any rate', async () => {
    const { network, at } = listening();
    network.drift('b', 1.1);
    const b = at('b');
    const early: number[] = [];
    for (let ms = 1; ms <= 200; ms++) b.clock.setTimeout(() => b.clock.now() >= ms || early.push(ms), ms);
    await network.run({ forMs: 200 });
    expect(early).toEqual([]);
  });
});
