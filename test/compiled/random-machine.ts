/** Machines by chance: nested, parallel, with histories, guards, raised events, delays, invoked actors, finals; whatever XState takes. */
import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromTransition,
  log,
  raise,
  sendTo,
  spawnChild,
  stopChild,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';

import type { Deed } from './trace.js';

const eventTypes = ['a', 'b', 'c', 'd.x', 'd.y', 'e'];

/** A source of numbers in [0, 1) by seed. */
function chance(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let word = Math.imul(at ^ (at >>> 15), 1 | at);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Context {
  readonly n: number;
  readonly words: readonly string[];
}

interface Sketch {
  readonly path: readonly string[];
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly states: Readonly<Record<string, Sketch>>;
  readonly isDeep: boolean;
}

/** Answers left in a system: one that is spawned on each answer would go on for ever. */
const answersLeft = new WeakMap<object, number>();

const silent = fromCallback<EventObject>(({ sendBack, receive, system }) => {
  receive((event) => {
    const left = answersLeft.get(system) ?? 20;
    answersLeft.set(system, left - 1);
    if (left > 0) sendBack({ type: 'b', from: event.type });
  });
  return () => {};
});
const counter = fromTransition<number, EventObject, never, undefined>((count) => count + 1, 0);
const ends = createMachine({ id: 'ends', initial: 'x', output: 7, states: { x: { after: { 2: 'y' } }, y: { type: 'final' } } });

const implementations = {
  actors: { silent, counter, ends },
  guards: {
    isEven: ({ context }: { context: Context }) => context.n % 2 === 0,
    isAbove: ({ context }: { context: Context }, { than }: { than: number }) => context.n > than,
    throws: ({ context }: { context: Context }) => {
      if (context.n > 3) throw new Error('guard');
      return false;
    },
  },
  actions: {
    count: assign({ n: ({ context }: { context: Context }) => (context.n + 1) % 9 }),
    say: assign(({ context, event }: { context: Context; event: EventObject }, params: unknown) => ({
      words: [...context.words, `${event.type}/${JSON.stringify(params)}`].slice(-4),
    })),
    nothing: () => {},
    fails: ({ context }: { context: Context }) => {
      if (context.n > 5) throw new Error('action');
    },
    queue: enqueueActions(({ enqueue, check, context }) => {
      enqueue('count');
      if (check('isEven')) enqueue.raise({ type: 'e' });
      if (context.n > 6) enqueue.emit({ type: 'high' });
      enqueue.assign({ n: ({ context: now }: { context: Context }) => now.n + 1 });
      if (context.n === 2) enqueue.spawnChild('counter' as never, { id: `e${context.n}`, input: ({ context: now }: { context: Context }) => now.n });
      if (context.n === 4) enqueue.stopChild('e2');
      if (context.n === 3) enqueue({ type: 'say', params: ({ context: now }: { context: Context }) => ({ queued: now.n }) });
      if (context.n === 5) enqueue.cancel('one');
      if (context.n === 1) enqueue.raise({ type: 'c' }, { delay: 'later' as never, id: 'one' });
      if (context.n === 7) enqueue.sendTo(({ self }) => self, { type: 'e' }, { delay: 3 });
    }),
  },
  delays: { soon: 5, later: ({ context }: { context: Context }) => 5 + context.n },
};

/** A machine of a seed, and things to do to it. */
export function randomMachine(seed: number): { readonly machine: AnyStateMachine; readonly deeds: readonly Deed[] } {
  const random = chance(seed);
  const below = (most: number): number => Math.floor(random() * most);
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const often = (share: number): boolean => random() < share;

  // What follows a snapshot of an invoked actor under `*` may invoke it again, for ever.
  const isWild = often(0.5);
  const sketch = (path: readonly string[], depth: number): Sketch => {
    const isRoot = path.length === 0;
    const roll = random();
    if (!isRoot && (depth === 0 || roll < 0.4)) {
      return { path, type: roll < 0.12 ? 'final' : roll < 0.17 ? 'history' : 'atomic', states: {}, isDeep: often(0.5) };
    }
    const isParallel = roll > 0.75;
    const names = ['p', 'q', 'r', 's'].slice(0, 1 + below(4));
    const states = Object.fromEntries(names.map((name) => [name, sketch([...path, name], depth - 1)]));
    if (Object.values(states).every(({ type: kind }) => kind === 'history'))
      states.p = { path: [...path, 'p'], type: 'atomic', states: {}, isDeep: false };
    return { path, type: isParallel ? 'parallel' : 'compound', states, isDeep: false };
  };
  let top = sketch([], 3);
  while (Object.values(top.states).every(({ type }) => type === 'history' || type === 'final')) top = sketch([], 3);

  const all: Sketch[] = [];
  const collect = (node: Sketch): void => {
    all.push(node);
    for (const one of Object.values(node.states)) collect(one);
  };
  collect(top);
  const idOf = ({ path }: Sketch): string => ['m', ...path].join('_');
  const targets = all.filter(({ path }) => path.length > 0);
  const inner = (node: Sketch): Sketch[] =>
    targets.filter(({ path }) => path.length > node.path.length && node.path.every((part, at) => path[at] === part));

  const action = (): unknown =>
    pick<() => unknown>([
      () => 'count',
      () => 'count',
      () => ({ type: 'say', params: { at: below(9) } }),
      () => ({ type: 'say', params: ({ context }: { context: Context }) => ({ n: context.n }) }),
      () => 'nothing',
      () => function named() {},
      () => () => {},
      () => 'queue',
      () => 'fails',
      () => 'missing',
      () => raise({ type: pick(eventTypes) }),
      () => raise({ type: pick(eventTypes) }, { delay: 1 + below(20), id: pick(['one', 'two']) }),
      () => raise({ type: pick(eventTypes) }, { delay: pick(['soon', 'later']) as never }),
      () => cancel(pick(['one', 'two'])),
      () => emit({ type: 'told', n: below(9) }),
      () => log('word'),
      () => sendTo(({ self }) => self, { type: pick(eventTypes) }, { delay: 1 + below(8) }),
      () => sendTo('kid', { type: 'poke' }),
      () => spawnChild(pick(['silent', 'counter']) as never, { id: 'kid' }),
      () => stopChild('kid'),
      () =>
        assign(({ spawn, context }) => {
          spawn('counter' as never, { id: `c${(context as Context).n}` } as never);
          return {};
        }),
      () => assign({ n: 1 }),
    ])();
  const actions = (most: number): unknown[] => Array.from({ length: below(most + 1) }, action);
  const guard = (): unknown =>
    pick<unknown>([
      'isEven',
      'isEven',
      { type: 'isAbove', params: { than: below(6) } },
      { type: 'isAbove', params: ({ context }: { context: Context }) => ({ than: context.n - 1 }) },
      ({ context }: { context: Context }) => context.n % 3 === 0,
      'throws',
    ]);
  const transitionOf = (node: Sketch, isAlways: boolean): unknown => {
    const own = inner(node);
    const roll = random();
    const target = roll < 0.15 ? undefined : roll < 0.4 && own.length > 0 ? pick(own) : pick(targets);
    return {
      ...(target === undefined ? {} : { target: `#${idOf(target)}` }),
      ...(often(isAlways ? 1 : 0.3) ? { guard: guard() } : {}),
      ...(often(0.25) ? { reenter: true } : {}),
      actions: actions(2),
    };
  };
  const several = (node: Sketch, isAlways = false): unknown[] => Array.from({ length: 1 + below(2) }, () => transitionOf(node, isAlways));

  const configOf = (node: Sketch): object => {
    const id = idOf(node);
    if (node.type === 'history') {
      const siblings = targets.filter(
        ({ path, type }) => path.length === node.path.length && type !== 'history' && path.slice(0, -1).join() === node.path.slice(0, -1).join(),
      );
      return {
        id,
        type: 'history',
        history: node.isDeep ? 'deep' : 'shallow',
        ...(often(0.5) && siblings.length > 0 ? { target: pick(siblings).path.at(-1) } : {}),
      };
    }
    const descriptors = [...eventTypes, isWild ? '*' : 'e.*', 'd.*', 'told'].filter(() => often(0.3));
    const children = Object.entries(node.states);
    const choices = children.filter(([, { type }]) => type !== 'history');
    const first = (choices.length > 0 ? pick(choices) : children[0])?.[0];
    return {
      id,
      ...(node.type === 'parallel' || node.type === 'final' ? { type: node.type } : {}),
      ...(node.type === 'compound' ? { initial: often(0.3) ? { target: first, actions: actions(2) } : first } : {}),
      ...(node.type === 'final' && often(0.5) ? { output: ({ context }: { context: Context }) => context.n } : {}),
      ...(often(0.3) ? { tags: [pick(['t', 'u', 'v'])] } : {}),
      ...(often(0.2) ? { meta: { of: id } } : {}),
      entry: actions(2),
      exit: actions(1),
      ...(node.type === 'final' ? {} : { on: Object.fromEntries(descriptors.map((descriptor) => [descriptor, several(node)])) }),
      ...(often(0.12) && node.type !== 'final' ? { always: several(node, true) } : {}),
      ...(often(0.15) && node.type !== 'final' ? { after: { [pick(['3', 'soon', 'later'])]: several(node) } } : {}),
      ...(often(0.15) && node.type !== 'final'
        ? {
            invoke: {
              id: `i_${id}`,
              src: pick(['silent', 'counter', 'ends']),
              ...(often(0.5) ? { onDone: several(node) } : {}),
              ...(!isWild && often(0.3) ? { onSnapshot: { actions: 'nothing' } } : {}),
            },
          }
        : {}),
      ...(often(0.4) && (node.type === 'compound' || node.type === 'parallel') ? { onDone: several(node) } : {}),
      ...(children.length > 0 ? { states: Object.fromEntries(children.map(([name, one]) => [name, configOf(one)])) } : {}),
    };
  };
  const config = {
    ...configOf(top),
    context: often(0.5) ? { n: 0, words: [] } : ({ input }: { input?: number }) => ({ n: input ?? 1, words: [] }),
    options: { maxIterations: 40 },
    ...(often(0.5) ? { output: ({ event }: { event: unknown }) => ({ event }) } : {}),
  };
  const machine = createMachine(config as never, implementations as never) as AnyStateMachine;
  const deeds: Deed[] = Array.from({ length: 12 }, (): Deed => {
    const roll = random();
    if (roll < 0.75) return { send: { type: pick([...eventTypes, 'told', 'unknown']) } };
    if (roll < 0.9) return { wait: below(12) };
    if (roll < 0.97) return { restart: true };
    return { send: { type: 'xstate.error.actor.kid', error: 'lost' } as EventObject };
  });
  return { machine, deeds };
}
