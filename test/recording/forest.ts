/** Random systems of machines: they grow, change, wait, crash, end and are replaced, as a list of orders says. */
import fc from 'fast-check';
import { assign, fromCallback, raise, sendParent, setup, stopChild, type AnyActorRef } from 'xstate';

type NodeEvent =
  | { type: 'grow' | 'drop'; id: string }
  | { type: 'set'; key: string; value: unknown }
  | { type: 'push'; value: unknown }
  | { type: 'shift' | 'slide' | 'unset' | 'work' | 'rest' | 'wait' | 'calm' | 'late' | 'tell' | 'told' | 'crash' | 'finish' | 'noise' };

interface NodeContext {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly list: readonly unknown[];
  readonly count: number;
}

/** A machine whose children are machines like it. A crash of a child is handled by its parent. */
export const node = setup({
  types: { context: {} as NodeContext, events: {} as NodeEvent },
  actors: {
    // Provided below, for it is the machine itself.
    node: setup({}).createMachine({ id: 'none' }),
    worker: fromCallback(({ sendBack, receive }) => {
      receive(() => sendBack({ type: 'told' }));
    }),
  },
  actions: {
    grow: assign(({ context, event, spawn, self }) => {
      const { id } = event as { id: string };
      const { children } = self.getSnapshot() as { children: Record<string, AnyActorRef | undefined> };
      if (children[id] === undefined) spawn('node', { id });
      return { count: context.count + 1 };
    }),
    drop: stopChild(({ event }) => (event as { id: string }).id),
    set: assign(({ context, event }) => {
      const { key, value } = event as { key: string; value: unknown };
      return { fields: { ...context.fields, [key]: value } };
    }),
    unset: assign(({ context }) => ({ fields: Object.fromEntries(Object.entries(context.fields).slice(1)) })),
    push: assign(({ context, event }) => ({ list: [...context.list, (event as { value: unknown }).value] })),
    shift: assign(({ context }) => ({ list: context.list.slice(1) })),
    slide: assign(({ context }) => ({ list: [...context.list.slice(2), { at: context.count }, [context.count]] })),
    crash: assign(() => {
      throw new Error('crashed');
    }),
    count: assign({ count: ({ context }) => context.count + 1 }),
  },
}).createMachine({
  id: 'node',
  context: { fields: {}, list: [], count: 0 },
  initial: 'resting',
  on: {
    grow: { actions: 'grow' },
    drop: { actions: 'drop' },
    set: { actions: 'set' },
    unset: { actions: 'unset' },
    push: { actions: 'push' },
    shift: { actions: 'shift' },
    slide: { actions: ['count', 'slide'] },
    tell: { actions: sendParent({ type: 'told' }) },
    told: { actions: 'count' },
    wait: { actions: raise({ type: 'late' }, { delay: 50, id: 'late' }) },
    crash: { actions: 'crash' },
    finish: '.over',
    // A child that crashes or ends is let go.
    '*': { guard: ({ event }) => /^xstate\.(?:error|done)\./.test((event as { type: string }).type), actions: 'count' },
  },
  states: {
    resting: { on: { work: 'working' } },
    working: {
      invoke: { id: 'worker', src: 'worker' },
      initial: 'calm',
      states: { calm: { on: { late: 'alarmed' }, after: { 30: 'alarmed' } }, alarmed: { on: { calm: 'calm' } } },
      on: { rest: 'resting', work: { target: 'working', reenter: true } },
    },
    over: { type: 'final' },
  },
});

/** The machine with itself for children, as deep as it goes. */
export const forest = ((): typeof node => {
  const actors = {} as { node: typeof node };
  const own = node.provide({ actors } as never);
  actors.node = own;
  return own;
})();

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(undefined, new Map([['a', 1]]), new Set([1]), NaN, -0, new Date(0), new Error('held'), { $odd: 1 }, { __proto__: null, a: 1 }),
);
const key = fc.constantFrom('a', 'b', 'c', 'a/b', '~', 'password', '__proto__');
const id = fc.constantFrom('x', 'y');

/** An order: the actor that takes it, by how far it is in the tree, and the event; or time that passes. */
export type Order = { readonly who: number; readonly event: NodeEvent } | { readonly ms: number };

export const orders: fc.Arbitrary<Order[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ who: fc.nat(20), event: fc.record({ type: fc.constantFrom('grow' as const, 'drop' as const), id }) }) },
    { weight: 8, arbitrary: fc.record({ who: fc.nat(20), event: fc.record({ type: fc.constant('set' as const), key, value }) }) },
    { weight: 6, arbitrary: fc.record({ who: fc.nat(20), event: fc.record({ type: fc.constant('push' as const), value }) }) },
    {
      weight: 20,
      arbitrary: fc.record({
        who: fc.nat(20),
        event: fc.record({
          type: fc.constantFrom(
            'shift',
            'slide',
            'slide',
            'unset',
            'work',
            'rest',
            'wait',
            'calm',
            'tell',
            'crash',
            'finish',
            'noise',
          ) as fc.Arbitrary<'work'>,
        }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ ms: fc.nat(60) }) },
  ),
  { maxLength: 60 },
);

/** The living actors of a system, the root first. */
export function livingBelow(actor: AnyActorRef): AnyActorRef[] {
  const { children = {}, status } = (actor.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef | undefined>; status?: string };
  if (status !== 'active') return [];
  return [actor, ...Object.values(children).flatMap((child) => (child === undefined ? [] : livingBelow(child)))];
}
