/** What a compiled machine is beside its steps: a machine, made once, bounded, and honest about what it leaves to XState. */
import { assign, createActor, createMachine, fromCallback, setup, transition, type AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { compile, interpretedParts } from '../../src/compiled/compile.js';
import { taskLeaf } from '../../src/supervision/task-leaf.js';

const lamp = setup({
  types: { context: {} as { readonly times: number }, events: {} as { readonly type: 'press' } | { readonly type: 'break' } },
  actions: { count: assign({ times: ({ context }) => context.times + 1 }) },
  guards: { isWorn: ({ context }) => context.times > 2 },
}).createMachine({
  id: 'lamp',
  context: { times: 0 },
  initial: 'off',
  states: {
    off: {
      on: {
        press: [
          { guard: 'isWorn', target: 'broken' },
          { target: 'on', actions: 'count' },
        ],
      },
    },
    on: { tags: 'lit', on: { press: 'off', break: 'broken' } },
    broken: { type: 'final' },
  },
});

describe('a compiled machine', () => {
  it('is a machine: it takes input, matches, has tags, can, and is provided with other implementations', () => {
    let counts = 0;
    const compiled = compile(lamp).provide({ actions: { count: () => void counts++ } });
    const actor = createActor(compiled).start();
    expect(actor.getSnapshot().can({ type: 'break' })).toBe(false);
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().matches('on')).toBe(true);
    expect(actor.getSnapshot().hasTag('lit')).toBe(true);
    expect([actor.getSnapshot().can({ type: 'break' }), counts, actor.getSnapshot().machine === compiled]).toEqual([true, 1, true]);
    actor.stop();
  });

  it('is compiled once, and leaves what it was made of as it was', () => {
    const { transition: own } = lamp;
    const compiled = compile(lamp);
    expect(compiled).not.toBe(lamp);
    expect(compile(compiled)).toBe(compiled);
    expect(lamp.transition).toBe(own);
  });

  it('goes on from a snapshot that the interpreted one has made', () => {
    const compiled = compile(lamp);
    let snapshot = createActor(lamp).getSnapshot();
    const seen = Array.from({ length: 7 }, () => {
      [snapshot] = transition(compiled, snapshot, { type: 'press' });
      return snapshot.value;
    });
    expect(seen).toEqual(['on', 'off', 'on', 'off', 'on', 'off', 'broken']);
    expect([snapshot.status, snapshot.context, snapshot.machine === compiled]).toEqual(['done', { times: 3 }, true]);
  });

  it('saves and restores as XState does, into either', () => {
    const actor = createActor(compile(lamp)).start();
    actor.send({ type: 'press' });
    const saved: unknown = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    actor.stop();
    for (const machine of [lamp, compile(lamp)]) {
      const restored = createActor(machine, { snapshot: saved as never }).start();
      restored.send({ type: 'break' });
      expect(restored.getSnapshot().status).toBe('done');
    }
  });

  it('keeps a bounded table however many event types and configurations it meets', () => {
    const regions = Object.fromEntries(
      Array.from({ length: 13 }, (_, at) => [
        `r${at}`,
        { initial: 'a', states: { a: { on: { [`flip${at}`]: 'b' } }, b: { on: { [`flip${at}`]: 'a' } } } },
      ]),
    );
    const wide = createMachine({ id: 'wide', type: 'parallel', states: regions }) as AnyStateMachine;
    const [one, other] = [createActor(compile(wide)).start(), createActor(wide).start()];
    // More of 8 192 configurations than are kept, each another.
    for (let step = 1; step <= 4_200; step++) {
      const flips = Math.log2(step & -step);
      for (const actor of [one, other]) actor.send({ type: `flip${flips}` });
      if (step % 420 === 0) expect(one.getSnapshot().value).toEqual(other.getSnapshot().value);
    }
    for (let at = 0; at < 1_000; at++) one.send({ type: `stranger ${at}` });
    expect(JSON.stringify(one.getSnapshot())).toBe(JSON.stringify(other.getSnapshot()));
    for (const actor of [one, other]) actor.stop();
  });

  it('spawns in an assignment, as XState does', () => {
    const child = fromCallback(() => {});
    const machine = createMachine({
      id: 'spawns',
      context: ({ spawn }: { spawn: (src: typeof child, options: object) => unknown }) => ({ first: spawn(child, { id: 'first' }) }),
      on: { more: { actions: assign(({ spawn, context }) => ({ ...context, second: spawn(child, { id: 'second' }) })) } },
    } as never) as AnyStateMachine;
    const actor = createActor(compile(machine)).start();
    actor.send({ type: 'more' });
    expect(Object.keys(actor.getSnapshot().children)).toEqual(['first', 'second']);
    actor.stop();
  });

  it('is refused of what is no machine', () => {
    for (const wrong of [undefined, null, {}, fromCallback(() => {}), createActor(lamp)]) {
      expect(() => compile(wrong as never)).toThrow(/compiled\/no-machine|a machine of XState 5/);
    }
  });
});

describe('what is left to XState', () => {
  it('is nothing of most machines', () => {
    expect(interpretedParts(lamp)).toEqual([]);
  });

  it('are the transitions into a history, by their nodes', () => {
    const machine = createMachine({
      id: 'player',
      initial: 'playing',
      states: {
        playing: { initial: 'slow', states: { slow: { on: { faster: 'fast' } }, fast: {}, last: { type: 'history' } }, on: { pause: 'paused' } },
        paused: { on: { play: 'playing.last', stop: 'playing' } },
      },
    }) as AnyStateMachine;
    expect(interpretedParts(machine)).toEqual([{ node: 'player.paused', why: "what it enters depends on the history of 'player.paused'" }]);
    const actor = createActor(compile(machine)).start();
    for (const type of ['faster', 'pause', 'play']) actor.send({ type });
    expect(actor.getSnapshot().value).toEqual({ playing: 'fast' });
    actor.stop();
  });

  it('is all of one whose transition is its own', () => {
    expect(interpretedParts(taskLeaf)).toEqual([{ node: 'task', why: 'its `transition` is not that of XState' }]);
    expect(compile(taskLeaf)).toBe(taskLeaf);
  });

  it.each(['getInitialSnapshot', 'start', 'getPersistedSnapshot', 'restoreSnapshot'] as const)(
    'is all of one whose %s is its own, which goes on running',
    (method) => {
      const machine = createMachine({ id: 'own', initial: 'a', states: { a: {} } }) as AnyStateMachine;
      const own = machine[method] as (...given: unknown[]) => unknown;
      let calls = 0;
      Object.assign(machine, {
        [method]: (...given: unknown[]) => {
          calls++;
          return own(...given);
        },
      });
      expect(interpretedParts(machine)).toEqual([{ node: 'own', why: `its \`${method}\` is not that of XState` }]);
      expect(compile(machine)).toBe(machine);
      const actor = createActor(compile(machine)).start();
      createActor(compile(machine), { snapshot: actor.getPersistedSnapshot() }).start().stop();
      actor.stop();
      expect(calls).toBeGreaterThan(0);
    },
  );
});
