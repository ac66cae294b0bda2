/** Delayed events of compiled charts: on the wheel of the clock, under whatever root, and as XState's own would come. */
import { createActor, setup, SimulatedClock, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiled/compile.js';
import { pendingEvents } from '../../src/supervision/scheduler.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const egg = setup({
  types: { events: {} as { type: 'lift' | 'lower' } },
  delays: { soft: 240, hard: 480 },
}).createMachine({
  id: 'egg',
  initial: 'raw',
  on: { lower: '.raw' },
  states: {
    raw: { after: { soft: 'soft' }, on: { lift: 'out' } },
    soft: { after: { hard: 'hard' }, on: { lift: 'out' } },
    hard: {},
    out: {},
  },
});

/** Has an egg below it, and delays nothing itself. */
const pan = (one: AnyStateMachine) => setup({ actors: { one } }).createMachine({ id: 'pan', invoke: { id: 'one', src: 'one' } });

const start = (logic: AnyStateMachine, clock: { now(): number }, snapshot?: unknown): AnyActorRef =>
  createActor(logic, { clock: clock as VirtualClock, ...(snapshot === undefined ? {} : { snapshot: snapshot as never }) }).start() as AnyActorRef;
const valueOf = (actor: AnyActorRef | undefined): unknown => (actor?.getSnapshot() as { value: unknown } | undefined)?.value;
const below = (actor: AnyActorRef): AnyActorRef | undefined =>
  (actor.getSnapshot() as { children: Record<string, AnyActorRef | undefined> }).children['one'];

describe('the delayed events of a compiled chart', () => {
  it('wait behind one timer, however many lone roots there are, and leave none behind', () => {
    const clock = new VirtualClock();
    const eggs = Array.from({ length: 1_000 }, () => start(compile(egg), clock));
    expect(clock.pending()).toBe(1);
    for (const one of eggs.slice(0, 300)) one.send({ type: 'lift' });
    for (const one of eggs.slice(300, 600)) one.stop();
    clock.advanceBy(240);
    expect(eggs.slice(600).every((one) => valueOf(one) === 'soft')).toBe(true);
    clock.advanceBy(480);
    expect(eggs.slice(600).every((one) => valueOf(one) === 'hard')).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it('wait there too in what provide() makes of it, below an interpreted root, and after a restore', () => {
    const clock = new VirtualClock();
    const provided = start(compile(egg).provide({ delays: { soft: 10 } }), clock);
    const host = start(pan(compile(egg)), clock);
    const saved = JSON.parse(JSON.stringify(start(compile(egg), clock).getPersistedSnapshot())) as unknown;
    const restored = start(compile(egg), clock, saved);
    restored.send({ type: 'lower' });
    for (const one of [provided, below(host) as AnyActorRef, restored]) expect(pendingEvents(one)).toMatchObject([{ timer: undefined }]);
    expect(clock.pending()).toBe(1);
    clock.advanceBy(240);
    expect([provided, below(host), restored].map(valueOf)).toEqual(['soft', 'soft', 'soft']);
  });

  it("come when those of XState's own would, also when a SimulatedClock jumps", () => {
    const ways = [egg, compile(egg)].map((logic) => {
      const clock = new SimulatedClock();
      const one = start(logic, clock);
      return [100, 140, 1_000, 'lower', 5_000, 479, 1, 'lower', 10, 'lift', 9_000].map((step) => {
        if (typeof step === 'number') clock.increment(step);
        else one.send({ type: step });
        return valueOf(one);
      });
    });
    expect(ways[1]).toEqual(ways[0]);
  });
});
