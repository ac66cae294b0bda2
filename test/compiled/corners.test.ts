/** Corners that chance seldom meets, each by hand: compiled and interpreted they look the same. */
import {
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromCallback,
  sendTo,
  type AnyActorRef,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiled/compile.js';
import { randomMachine } from './random-machine.js';
import { traceOf, type Deed } from './trace.js';

const send = (...types: readonly string[]): readonly Deed[] => types.map((type) => ({ send: { type } }));
const echo = fromCallback<EventObject>(({ sendBack, receive }) => {
  receive(({ type }) => {
    sendBack({ type: `heard.${type}` });
  });
});

const corners: Readonly<Record<string, { readonly config: object; readonly deeds: readonly Deed[] }>> = {
  'the longest wildcard is tried first, an exact name before it': {
    config: {
      initial: 'at',
      states: {
        at: {
          on: { '*': '.any', 'a.*': '.some', 'a.b.*': '.few', 'a.b.c': '.one' },
          initial: 'none',
          states: { none: {}, any: {}, some: {}, few: {}, one: {} },
        },
      },
    },
    deeds: send('z', 'a', 'a.x', 'a.b', 'a.b.x', 'a.b.c', 'a.b.c.d', 'ab'),
  },
  'the event of the start, sent again, selects nothing, and lets what needs no event go on': {
    config: {
      initial: 'a',
      states: {
        a: { on: { 'xstate.init': 'b', '*': 'b' }, always: { guard: ({ event }: { event: EventObject }) => 'now' in event, target: 'c' } },
        b: {},
        c: { on: { '*': 'b' } },
      },
    },
    deeds: [...send('xstate.init'), { send: { type: 'xstate.init', now: true } as EventObject }, ...send('xstate.init', 'x')],
  },
  'an event without a type is an error, though a wildcard would take it': {
    config: { initial: 'a', states: { a: { on: { '*': 'b' } }, b: {} } },
    deeds: [{ send: {} as EventObject }],
  },
  'a type that is no text is an error': {
    config: { initial: 'a', states: { a: { on: { '*': 'b' } }, b: {} } },
    deeds: [{ send: { type: 5 } as unknown as EventObject }],
  },
  'a guard that fails leaves the event to the next descriptor, and then to the state around': {
    config: {
      context: { n: 0 },
      on: { '*': { actions: assign({ n: 9 }) } },
      initial: 'in',
      states: { in: { on: { x: { guard: () => false, target: 'out' }, '*': { guard: () => false, target: 'out' } } }, out: {} },
    },
    deeds: send('x', 'y'),
  },
  'what an entry sends to the actor that is being invoked arrives': {
    config: {
      initial: 'a',
      states: {
        a: { on: { go: 'b' } },
        b: { entry: sendTo('kid', { type: 'hello' }), invoke: { id: 'kid', src: echo }, on: { 'heard.hello': 'c' } },
        c: {},
      },
    },
    deeds: send('go'),
  },
  'at the end all exits run, the innermost first': {
    config: {
      exit: 'of the root',
      type: 'parallel',
      states: {
        p: { exit: 'of p', initial: 'q', states: { q: { exit: 'of q', on: { end: 'r' } }, r: { exit: 'of r', type: 'final' } } },
        s: { exit: 'of s', initial: 't', states: { t: { exit: 'of t', on: { end: 'u' } }, u: { exit: 'of u', type: 'final' } } },
      },
    },
    deeds: send('end', 'end'),
  },
  'regions answer in the order in which they were last entered': {
    config: {
      type: 'parallel',
      states: Object.fromEntries(
        ['p', 'q', 'r'].map((name) => [
          name,
          {
            initial: 'a',
            states: { a: { on: { [`only ${name}`]: 'b', all: { actions: `a of ${name}` } } }, b: { on: { all: { actions: `b of ${name}` } } } },
          },
        ]),
      ),
    },
    deeds: send('all', 'only q', 'all', 'only p', 'all', 'only r', 'all'),
  },
};

describe('a compiled machine does what the interpreted one does', () => {
  it.each(Object.entries(corners))('where %s', (id, { config, deeds }) => {
    const machine = createMachine({ id: id.replaceAll(/\W/gu, '_'), ...config } as never) as AnyStateMachine;
    expect(traceOf(compile(machine), deeds)).toEqual(traceOf(machine, deeds));
  });

  it('where XState leaves a state without one below it', () => {
    const { machine, deeds } = randomMachine(1_387);
    expect(traceOf(compile(machine), deeds)).toEqual(traceOf(machine, deeds));
  });
});

describe('an `enqueue` of a compiled machine', () => {
  it('is its own where its action runs within itself, in another actor', () => {
    const order: string[] = [];
    const inner: { ref: AnyActorRef | null } = { ref: null };
    const machine = createMachine({
      id: 'nested',
      context: { n: 0 },
      on: {
        go: {
          actions: enqueueActions(({ enqueue, event }) => {
            const { deep } = event as unknown as { deep: boolean };
            enqueue.assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 });
            if (deep) inner.ref?.send({ type: 'go', deep: false });
            enqueue(() => void order.push(deep ? 'outer' : 'inner'));
          }),
        },
      },
    } as never) as AnyStateMachine;
    const compiled = compile(machine);
    inner.ref = createActor(compiled).start();
    const outer = createActor(compiled).start();
    outer.send({ type: 'go', deep: true });
    expect([order, outer.getSnapshot().context, inner.ref.getSnapshot().context]).toEqual([['inner', 'outer'], { n: 1 }, { n: 1 }]);
  });

  it('does nothing once its turn is over', () => {
    let kept: ((action: () => void) => void) | null = null;
    const machine = createMachine({
      id: 'kept',
      on: { go: { actions: enqueueActions(({ enqueue }) => void (kept = enqueue as never)) } },
    } as never) as AnyStateMachine;
    const actor = createActor(compile(machine)).start();
    actor.send({ type: 'go' });
    let ran = false;
    (kept as unknown as (action: () => void) => void)(() => (ran = true));
    actor.send({ type: 'other' });
    expect(ran).toBe(false);
  });
});

describe('copies of one definition', () => {
  it('share what XState was asked of it, and nothing that was provided to one of them', () => {
    const machine = createMachine({
      id: 'shared',
      initial: 'a',
      states: { a: { on: { go: { target: 'b', actions: 'tell' } } }, b: {} },
    } as never) as AnyStateMachine;
    const told: string[] = [];
    for (const name of ['one', 'two']) {
      const actor = createActor(compile(machine).provide({ actions: { tell: () => void told.push(name) } } as never)).start();
      actor.send({ type: 'go' });
      expect(actor.getSnapshot().value).toBe('b');
    }
    expect(told).toEqual(['one', 'two']);
  });
});
