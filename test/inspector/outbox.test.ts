import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox, packed } from '../../src/inspector/outbox.js';
import { maxFrameBytes, ServerFrames } from '../../src/inspector/protocol.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A wire under the test's hand: what was written, and taking it. */
function wire(maxBytes = 1_000_000) {
  const clock = new VirtualClock();
  const written: string[] = [];
  const done: (() => void)[] = [];
  const outbox = new Outbox(
    {
      send: (text, taken) => {
        written.push(text);
        done.push(() => taken());
      },
    },
    clock,
    maxBytes,
  );
  return { clock, written, outbox, take: () => done.shift()?.() };
}

describe('an outbox', () => {
  it('has a quarter of a megabyte on its way, and the rest in order behind it', () => {
    const { written, outbox, take } = wire();
    const texts = Array.from({ length: 20 }, (_, index) => JSON.stringify(`${index}`.padEnd(50_000, 'x')));
    for (const text of texts) outbox.send(text);
    expect(written.length).toBe(6);
    for (let index = 0; index < 20; index++) take();
    expect(written).toEqual(texts);
    expect(outbox.isEmpty).toBe(true);
    expect(outbox.waitingBytes).toBe(0);
  });

  it('has room up to its bound, which keyframes do not count against', () => {
    const { outbox, take } = wire(100_000);
    outbox.send('x'.repeat(60_000), false);
    expect(outbox.hasRoom(100_000)).toBe(true);
    outbox.send('x'.repeat(60_000));
    expect(outbox.heldBytes).toBe(120_000);
    expect(outbox.hasRoom(40_000)).toBe(true);
    expect(outbox.hasRoom(40_001)).toBe(false);
    take();
    expect(outbox.hasRoom(40_001)).toBe(false);
    take();
    expect(outbox.hasRoom(100_000)).toBe(true);
    expect(outbox.heldBytes).toBe(0);
    for (let index = 0; index < 6; index++) outbox.send('x'.repeat(60_000));
    outbox.clear();
    // What is on its way.
    expect(outbox.heldBytes).toBe(300_000);
  });

  it('knows for how long nothing was taken, while something waits', () => {
    const { clock, outbox, take } = wire();
    clock.advanceBy(1_000);
    expect(outbox.stalledMs()).toBe(0);
    outbox.send('a');
    outbox.send('b');
    clock.advanceBy(700);
    expect(outbox.stalledMs()).toBe(700);
    take();
    clock.advanceBy(200);
    expect(outbox.stalledMs()).toBe(200);
    take();
    clock.advanceBy(200);
    expect(outbox.stalledMs()).toBe(0);
  });

  it('sends any message in frames of at most 64 kB, from which the other side makes it again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 12_000 }), (unit, times) => {
        const { written, outbox, take } = wire();
        const why = unit.repeat(times);
        outbox.send(JSON.stringify({ type: 'bye', why }));
        while (!outbox.isEmpty) take();
        expect(Math.max(...written.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(maxFrameBytes);
        const frames = new ServerFrames();
        expect(written.map((text) => frames.read(Buffer.from(text).toString())).at(-1)).toEqual({ ok: true, message: { type: 'bye', why } });
      }),
      { seed: 6, numRuns: 60 },
    );
  });
});

describe('lines in messages', () => {
  it('are joined up to 64 kB, in order, all of them', () => {
    const lines = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({ seq: index, pad: 'ü'.repeat(index % 300) }));
    const messages = packed(lines, (part, last) => [`{"part":${part},"last":${last},"lines":[`, ']}']);
    const read = messages.map((text) => JSON.parse(text) as { part: number; last: boolean; lines: unknown[] });
    expect(read.flatMap((message) => message.lines.map((line) => JSON.stringify(line)))).toEqual(lines);
    expect(read.map(({ part, last }) => [part, last])).toEqual(read.map((_, index) => [index, index === read.length - 1]));
    expect(Math.max(...messages.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(maxFrameBytes);
    expect(read.length).toBeLessThan(10);
  });

  it('are one empty message where there are none', () => {
    expect(packed([], () => ['[', ']'])).toEqual(['[]']);
  });
});
