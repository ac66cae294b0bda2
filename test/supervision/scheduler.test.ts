import fc from 'fast-check';
import { createActor, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { indexTimers, pendingCount, pendingEvents, reschedule } from '../../src/supervision/scheduler.js';
import { systemOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { stage, type Stage } from './stage.js';

/** Counts `hit`s by name, and hands on whatever it is told to wait for. */
const target = setup({
  types: { context: {} as { hits: string[] }, events: {} as { type: 'hit'; name: string } },
  actions: {
    note: ({ context, event }) => {
      context.hits.push(event.name);
    },
  },
}).createMachine({ context: () => ({ hits: [] }), on: { hit: { actions: 'note' } } });

function three(here: Stage): { root: AnyActorRef; a: AnyActorRef; b: AnyActorRef; hits: (ref: AnyActorRef) => string[] } {
  const parent = setup({ actors: { target } }).createMachine({
    invoke: [
      { id: 'a', src: 'target' },
      { id: 'b', src: 'target' },
    ],
    on: { drop: '.without' },
    initial: 'with',
    states: { with: {}, without: {} },
  });
  const root = here.root(parent, { id: 'root' });
  indexTimers(root);
  const { a, b } = (root.getSnapshot() as { children: Record<string, AnyActorRef> }).children as { a: AnyActorRef; b: AnyActorRef };
  return { root, a, b, hits: (ref) => (ref.getSnapshot() as { context: { hits: string[] } }).context.hits };
}

const hit = (name: string) => ({ type: 'hit', name });

describe('the indexed scheduler', () => {
  it('fires once, in the order of time', () => {
    const here = stage();
    const { a, hits } = three(here);
    reschedule(a, a, hit('late'), 20, 'late');
    reschedule(a, a, hit('soon'), 10, 'soon');
    here.clock.advanceBy(100);
    expect(hits(a)).toEqual(['soon', 'late']);
    expect(pendingCount(a)).toBe(0);
  });

  it('a second schedule under one id replaces the first', () => {
    const here = stage();
    const { a, hits } = three(here);
    reschedule(a, a, hit('first'), 10, 'x');
    reschedule(a, a, hit('second'), 30, 'x');
    expect(here.clock.pending()).toBe(1);
    here.clock.advanceBy(100);
    expect(hits(a)).toEqual(['second']);
  });

  it('an actor that waits for one, then several, then one again has what it has set last, in order', () => {
    const here = stage();
    const { a, hits } = three(here);
    const names = (): string[] => pendingEvents(a).map(({ id }) => id);
    reschedule(a, a, hit('x1'), 10, 'x');
    reschedule(a, a, hit('y1'), 20, 'y');
    reschedule(a, a, hit('x2'), 30, 'x');
    expect(names()).toEqual(['y', 'x']);
    systemOf(a).scheduler.cancel(a, 'y');
    reschedule(a, a, hit('x3'), 40, 'x');
    expect([names(), pendingCount(a)]).toEqual([['x'], 1]);
    reschedule(a, a, hit('never'), Infinity, 'x');
    expect([names(), here.clock.pending()]).toEqual([[], 0]);
    reschedule(a, a, hit('x4'), 50, 'x');
    here.clock.advanceBy(100);
    expect([hits(a), names()]).toEqual([['x4'], []]);
  });

  it("an id that is given again replaces nothing where nobody asked for that, as with XState's own, until somebody does", () => {
    const ways = [false, true].map((indexed) => {
      const here = stage();
      const root = here.root(target, { id: 'root' });
      if (indexed) indexTimers(root, false);
      const { scheduler } = systemOf(root);
      for (const [name, delay] of [
        ['1', 10],
        ['2', 20],
        ['3', 30],
      ] as const)
        scheduler.schedule(root, root, hit(name), delay, 'x');
      here.clock.advanceBy(15);
      scheduler.cancel(root, 'x');
      scheduler.schedule(root, root, hit('4'), 20, 'x');
      scheduler.cancel(root, 'x');
      here.clock.advanceBy(100);
      if (indexed) {
        indexTimers(root);
        scheduler.schedule(root, root, hit('not replaced'), 10, 'x');
        systemOf(root).scheduler.schedule(root, root, hit('5'), 10, 'x');
        here.clock.advanceBy(100);
      }
      return (root.getSnapshot() as { context: { hits: string[] } }).context.hits;
    });
    expect(ways).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3', '5'],
    ]);
  });

  it('the same id of two actors is two timers', () => {
    const here = stage();
    const { a, b, hits } = three(here);
    reschedule(a, a, hit('a'), 10, 'x');
    reschedule(b, b, hit('b'), 10, 'x');
    systemOf(a).scheduler.cancel(a, 'x');
    here.clock.advanceBy(10);
    expect([hits(a), hits(b)]).toEqual([[], ['b']]);
  });

  it('events without an id are kept apart', () => {
    const here = stage();
    const { a, hits } = three(here);
    const { scheduler } = systemOf(a);
    scheduler.schedule(a, a, hit('1'), 10, undefined);
    scheduler.schedule(a, a, hit('2'), 10, undefined);
    here.clock.advanceBy(10);
    expect(hits(a)).toEqual(['1', '2']);
  });

  it("cancelAll touches only its own actor's", () => {
    const here = stage();
    const { a, b, hits } = three(here);
    for (const name of ['1', '2', '3']) {
      reschedule(a, a, hit(name), 10, name);
      reschedule(b, b, hit(name), 10, name);
    }
    reschedule(b, a, hit('from b'), 10, 'to a');
    systemOf(a).scheduler.cancelAll(a);
    expect([pendingEvents(a).length, pendingEvents(b).length]).toEqual([0, 4]);
    here.clock.advanceBy(10);
    expect([hits(a), hits(b)]).toEqual([['from b'], ['1', '2', '3']]);
  });

  it('cancelling what is not there harms nobody', () => {
    const here = stage();
    const { a, root } = three(here);
    systemOf(a).scheduler.cancel(a, 'nothing');
    systemOf(a).scheduler.cancelAll(root);
    expect(pendingCount(a)).toBe(0);
  });

  it('a delay of Infinity sets no timer and is not kept', () => {
    const here = stage();
    const { a } = three(here);
    reschedule(a, a, hit('never'), Infinity, 'never');
    expect(here.clock.pending()).toBe(0);
    expect(pendingEvents(a)).toEqual([]);
    expect(pendingCount(a)).toBe(0);
  });

  it('a timer that fires may cancel and set others, its own id included', () => {
    const here = stage();
    const seen: string[] = [];
    const logic = setup({
      types: { events: {} as { type: 'hit' } },
      actions: {
        again: ({ self }) => {
          seen.push(String(here.clock.now()));
          if (seen.length < 3) reschedule(self as never, self as never, { type: 'hit' }, 10, 'x');
        },
      },
    }).createMachine({ on: { hit: { actions: 'again' } } });
    const root = here.root(logic);
    indexTimers(root);
    reschedule(root, root, { type: 'hit' }, 10, 'x');
    here.clock.advanceBy(1_000);
    expect(seen).toEqual(['10', '20', '30']);
  });

  it("system.getSnapshot shows the timers, as XState's own does", () => {
    const here = stage();
    const { a } = three(here);
    reschedule(a, a, hit('x'), 500, 'x');
    const { _scheduledEvents } = a.system.getSnapshot() as unknown as { _scheduledEvents: Record<string, object> };
    expect(Object.keys(_scheduledEvents)).toEqual([`${a.sessionId}.x`]);
    expect(Object.values(_scheduledEvents)).toMatchObject([
      { id: 'x', delay: 500, event: hit('x'), source: a, target: a, startedAt: expect.any(Number) as number },
    ]);
  });

  it('put in place late leaves to XState what it had scheduled: it fires, can be cancelled, and goes with its actor', () => {
    const here = stage();
    const waiting = setup({}).createMachine({
      initial: 'a',
      states: { a: { after: { 100: 'b' }, on: { leave: 'c' } }, b: {}, c: {} },
    });
    const [fires, cancelled, stopped] = ['1', '2', '3'].map((id) => here.root(waiting, { id })) as [AnyActorRef, AnyActorRef, AnyActorRef];
    for (const ref of [fires, cancelled, stopped]) indexTimers(ref);
    cancelled.send({ type: 'leave' });
    stopped.stop();
    here.clock.advanceBy(100);
    expect([fires.getSnapshot().value, cancelled.getSnapshot().value, here.clock.pending()]).toEqual(['b', 'c', 0]);
  });

  it('put in place twice is there once', () => {
    const here = stage();
    const { a } = three(here);
    const { scheduler } = systemOf(a);
    indexTimers(a);
    expect(systemOf(a).scheduler).toBe(scheduler);
  });

  it("one actor's stop costs nothing of the others' timers", () => {
    const here = stage();
    const { a, b } = three(here);
    for (let index = 0; index < 20_000; index++) reschedule(a, a, hit('x'), 1e9, String(index));
    const { scheduler } = systemOf(a);
    let touched = 0;
    const clear = here.clock.clearTimeout.bind(here.clock);
    here.clock.clearTimeout = (id) => {
      touched++;
      clear(id);
    };
    scheduler.cancelAll(b);
    expect(touched).toBe(0);
  });

  it("a machine behaves on it as on XState's own, whatever is sent and however long it waits", () => {
    const logic = setup({
      types: { context: {} as { log: string[] }, events: {} as { type: 'go' | 'back' } },
      actions: {
        log: ({ context }, what: string) => {
          context.log.push(what);
        },
      },
    }).createMachine({
      context: () => ({ log: [] }),
      initial: 'a',
      states: {
        a: { on: { go: 'b' }, after: { 70: { target: 'b', actions: { type: 'log', params: 'a70' } } } },
        b: {
          on: { back: 'a', go: { target: 'b', reenter: true } },
          after: { 30: { actions: { type: 'log', params: 'b30' } }, 50: { target: 'a', actions: { type: 'log', params: 'b50' } } },
        },
      },
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom('go', 'back'), fc.integer({ min: 0, max: 100 })), { maxLength: 40 }), (steps) => {
        const [ours, theirs] = [true, false].map((indexed) => {
          const clock = new VirtualClock();
          const actor = createActor(logic, { clock });
          if (indexed) indexTimers(actor);
          actor.start();
          for (const step of steps) {
            if (typeof step === 'number') clock.advanceBy(step);
            else actor.send({ type: step });
          }
          const pending = indexed ? pendingCount(actor) : clock.pending();
          if (indexed) expect(clock.pending()).toBe(Math.min(pending, 1));
          const result = { value: actor.getSnapshot().value, log: actor.getSnapshot().context.log, pending };
          actor.stop();
          return { ...result, left: clock.pending() };
        });
        expect(ours).toEqual(theirs);
        expect(ours?.left).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
