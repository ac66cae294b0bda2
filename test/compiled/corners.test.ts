/** Corners that chance seldom meets, each by hand: compiled and interpreted they look the same. */
import { assign, createMachine, fromCallback, sendTo, type AnyStateMachine, type EventObject } from 'xstate';
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
