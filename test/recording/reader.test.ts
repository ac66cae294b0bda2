/** What the reader finds that XState's inspection does not say. */
import {
  assign,
  createActor,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendTo,
  setup,
  type AnyActorLogic,
  type AnyActorRef,
  type InspectionEvent,
} from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { edgesOf } from '../../src/charts/edges.js';
import { Reader } from '../../src/recording/reader.js';
import type { RecordedActor, RecordedEvent, RecordedLine, RecordedTransition } from '../../src/wire/recording/lines.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

interface Read {
  readonly actor: AnyActorRef;
  readonly clock: VirtualClock;
  readonly lines: RecordedLine[];
  of<Type extends RecordedLine['type']>(type: Type): Extract<RecordedLine, { type: Type }>[];
  event(type: string): RecordedEvent;
}

function read(logic: AnyActorLogic, options: object = {}): Read {
  const lines: RecordedLine[] = [];
  const clock = new VirtualClock();
  const reader = new Reader({ contexts: 'patches', machines: null, secret: null, tell: (line) => lines.push(line) });
  const inspect = (event: InspectionEvent): void => reader.take(event);
  const actor = createActor(logic, { id: 'r', clock, inspect, ...options } as never) as AnyActorRef;
  actor.subscribe({ error: () => undefined });
  actor.start();
  onTestFinished(() => {
    actor.stop();
  });
  const of = <Type extends RecordedLine['type']>(type: Type): Extract<RecordedLine, { type: Type }>[] =>
    lines.filter((line): line is Extract<RecordedLine, { type: Type }> => line.type === type);
  const typeOf = ({ event }: RecordedEvent): string => (event as { type: string }).type;
  const event = (type: string): RecordedEvent => of('@xstate.event').find((line) => typeOf(line) === type) as RecordedEvent;
  return { actor, clock, lines, of, event };
}

const noise = setup({}).createMachine({ id: 'noise' });
const fragile = setup({}).createMachine({
  id: 'fragile',
  on: {
    crash: {
      actions: assign(() => {
        throw new Error('no');
      }),
    },
  },
});

describe('a cause', () => {
  const echo = setup({}).createMachine({
    id: 'echo',
    on: { ping: { actions: sendTo(({ self }) => self._parent as AnyActorRef, { type: 'pong' }) } },
  });
  const chain = setup({ actors: { echo, late: fromPromise(() => Promise.resolve(1)) } }).createMachine({
    id: 'chain',
    invoke: { id: 'echo', src: 'echo' },
    entry: sendTo('echo', { type: 'early' }),
    on: { go: { actions: [sendTo('echo', { type: 'ping' }), sendTo('echo', { type: 'ping2' })] }, pong: {} },
  });

  it('is the line in whose processing an event was sent, however deep; nothing for what comes from outside', () => {
    const { actor, event, of } = read(chain);
    actor.send({ type: 'go' });
    const [start, kid] = of('@xstate.actor') as [RecordedActor, RecordedActor];
    expect(event('go').cause).toBeUndefined();
    expect(event('early').cause).toBe(start.seq);
    expect(kid.cause).toBe(start.seq);
    expect([event('ping').cause, event('ping2').cause]).toEqual([event('go').seq, event('go').seq]);
    expect(event('pong').cause).toBe(event('ping').seq);
    actor.send({ type: 'other' });
    expect(event('other').cause).toBeUndefined();
  });

  it('of an end is what ended it', () => {
    const parent = setup({ actors: { fragile } }).createMachine({
      id: 'parent',
      invoke: { id: 'kid', src: 'fragile', onError: {} },
      on: { break: { actions: sendTo('kid', { type: 'crash' }) } },
    });
    const { actor, event } = read(parent);
    actor.send({ type: 'break' });
    expect(event('xstate.error.actor.kid').cause).toBe(event('crash').seq);
    expect(event('crash').cause).toBe(event('break').seq);
  });

  it('of what a promise waited for is its settling, which has none', async () => {
    const waiting = setup({ actors: { late: fromPromise(() => Promise.resolve(1)) } }).createMachine({
      id: 'waiting',
      invoke: { id: 'late', src: 'late', onDone: {} },
    });
    const { actor, event } = read(waiting);
    await new Promise((told) => {
      actor.subscribe(told);
    });
    expect(event('xstate.promise.resolve')).not.toHaveProperty('cause');
    expect(event('xstate.done.actor.late').cause).toBe(event('xstate.promise.resolve').seq);
  });
});

describe('the edges of a transition', () => {
  it('are its own, though most lines share the list of one', () => {
    const machine = setup({}).createMachine({
      id: 'hasty',
      initial: 'a',
      states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'd' }, d: { on: { back: 'a' } } },
    });
    const { actor, of } = read(machine);
    for (const type of ['go', 'back', 'go', 'back']) actor.send({ type });
    const taken = of('@xstate.transition').map((line) => line.taken.length);
    expect(taken.slice(-4)).toEqual([3, 1, 3, 1]);
  });
});

describe('a delayed event', () => {
  it('names the line in which it was ordered, how long it waited, and its timer', () => {
    const machine = setup({ delays: { patience: 30 } }).createMachine({
      id: 'patient',
      initial: 'waiting',
      states: {
        waiting: { after: { patience: 'over' }, on: { go: { actions: raise({ type: 'late' }, { delay: 10, id: 'mine' }) } } },
        over: {},
      },
      on: { late: {} },
    });
    const { actor, clock, event, of } = read(machine);
    actor.send({ type: 'go' });
    clock.advanceBy(30);
    const [start] = of('@xstate.actor') as [RecordedActor];
    expect(event('late').delay).toEqual({ ms: 10, by: event('go').seq, id: 'mine' });
    const after = 'xstate.after.patience.patient.waiting';
    expect(event(after)).toMatchObject({ at: 30, delay: { ms: 30, by: start.seq, id: after } });
    expect(event(after).cause).toBeUndefined();
  });
});

describe('a transition', () => {
  it('names the edges that were taken, as coverage does; none where nobody handled the event', () => {
    const machine = setup({ guards: { never: () => false } }).createMachine({
      id: 'm',
      type: 'parallel',
      states: {
        one: { initial: 'a', states: { a: { on: { go: [{ guard: 'never', target: 'b' }, { target: 'b' }] } }, b: { always: 'c' }, c: {} } },
        two: { initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } },
      },
    });
    const { actor, of } = read(machine);
    actor.send({ type: 'go' });
    actor.send({ type: 'stray' });
    const [, went, stray] = of('@xstate.transition') as [RecordedTransition, RecordedTransition, RecordedTransition];
    expect(went.taken).toEqual(['m.one.a --go#1--> m.one.b', 'm.two.a --go#0--> m.two.b', 'm.one.b --always#0--> m.one.c']);
    const ids = edgesOf(machine).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(went.taken));
    expect(stray.taken).toEqual([]);
  });

  it('keeps its own list of what was ordered, whatever is ordered later', () => {
    const machine = setup({}).createMachine({ id: 'm', on: { quiet: {}, loud: { actions: raise({ type: 'quiet' }, { delay: 5 }) } } });
    const { actor, of } = read(machine);
    actor.send({ type: 'quiet' });
    actor.send({ type: 'loud' });
    expect(of('@xstate.transition').map(({ actions, taken }) => [actions.length, taken.length])).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
    ]);
  });
});

describe('an actor', () => {
  it('is told with the kind of its logic and the name that its parent had for it', () => {
    const nothing = { subscribe: () => ({ unsubscribe: () => undefined }) };
    const actors = {
      machine: noise,
      promise: fromPromise(() => new Promise(() => undefined)),
      callback: fromCallback(() => undefined),
      observable: fromObservable(() => nothing),
      events: fromEventObservable(() => nothing),
      transition: fromTransition((state: object) => state, {}),
      own: { ...fromTransition((state: object) => state, {}), transition: (snapshot: object) => snapshot } as unknown as AnyActorLogic,
    };
    const parent = setup({ actors }).createMachine({ id: 'p', invoke: Object.keys(actors).map((src) => ({ id: src, src })) as never });
    const { of } = read(parent);
    expect(of('@xstate.actor').map(({ logic, src }) => [src, logic])).toEqual([
      [null, 'machine'],
      ['machine', 'machine'],
      ['promise', 'promise'],
      ['callback', 'callback'],
      ['observable', 'observable'],
      ['events', 'observable'],
      ['transition', 'transition'],
      ['own', 'other'],
    ]);
  });

  it('is told with its machine: each definition once, and two of one id apart', () => {
    const other = setup({}).createMachine({ id: 'noise', on: { more: {} } });
    const actors = { noise, again: noise.provide({}), other };
    const parent = setup({ actors }).createMachine({ id: 'p', invoke: Object.keys(actors).map((src) => ({ id: src, src })) as never });
    const { of } = read(parent);
    expect(of('@xstate.actor').map(({ machine }) => machine)).toEqual(['p', 'noise', 'noise', 'noise~2']);
    expect(of('@espalier.machine').map(({ machine, definition }) => [machine, definition.id])).toEqual([
      ['p', 'p'],
      ['noise', 'noise'],
      ['noise~2', 'noise'],
    ]);
  });

  it('that is invoked again replaces the one before, whose end is told first, though XState tells it later', () => {
    const parent = setup({ actors: { fragile } }).createMachine({
      id: 'p',
      initial: 'on',
      states: {
        on: {
          invoke: { id: 'kid', src: 'fragile', onError: { target: 'on', reenter: true } },
          on: { break: { actions: sendTo('kid', { type: 'crash' }) } },
        },
      },
    });
    const { actor, of, lines } = read(parent);
    actor.send({ type: 'break' });
    actor.send({ type: 'break' });
    expect(of('@xstate.actor').map(({ actor: path, run, replaces }) => [path, run, replaces])).toEqual([
      ['r', 1, null],
      ['r/kid', 1, null],
      ['r/kid#2', 2, 'r/kid'],
      ['r/kid#3', 3, 'r/kid#2'],
    ]);
    const at = (path: string, type: string): number => lines.findIndex((line) => line.type === type && 'actor' in line && line.actor === path);
    expect(at('r/kid', '@espalier.exit')).toBeLessThan(at('r/kid#2', '@xstate.actor'));
  });

  it('that is replaced by one who watches it, before XState has told its parent, has ended before the next starts all the same', () => {
    const parent = setup({ actors: { fragile } }).createMachine({
      id: 'p',
      initial: 'on',
      states: { on: { invoke: { id: 'kid', src: 'fragile', onError: {} }, on: { again: { target: 'on', reenter: true } } } },
    });
    const { actor, lines } = read(parent);
    const { kid } = (actor.getSnapshot() as { children: { kid: AnyActorRef } }).children;
    kid.subscribe({ error: () => actor.send({ type: 'again' }) });
    kid.send({ type: 'crash' });
    const told = lines.flatMap((line) => (line.type === '@xstate.actor' || line.type === '@espalier.exit' ? [`${line.type} ${line.actor}`] : []));
    expect(told).toEqual(['@xstate.actor r', '@xstate.actor r/kid', '@espalier.exit r/kid', '@xstate.actor r/kid#2']);
  });

  it('ends for the reason that OTP would give, machine or not, each once', async () => {
    const done = fromPromise(() => Promise.resolve(1));
    const parent = setup({ actors: { done, fragile, idle: fromCallback(() => undefined) } }).createMachine({
      id: 'p',
      invoke: [
        { id: 'done', src: 'done', onDone: {} },
        { id: 'kid', src: 'fragile', onError: {} },
        { id: 'idle', src: 'idle' },
      ],
      on: { break: { actions: sendTo('kid', { type: 'crash' }) } },
    });
    const { actor, of } = read(parent);
    await new Promise((told) => {
      actor.subscribe(told);
    });
    actor.send({ type: 'break' });
    actor.stop();
    expect(of('@espalier.exit').map(({ actor: path, reason }) => [path, reason])).toEqual([
      ['r/done', 'normal'],
      ['r/kid', { crash: { $error: { name: 'Error', message: 'no' } } }],
      ['r/idle', 'shutdown'],
      ['r', 'shutdown'],
    ]);
  });

  it('that is dead gets no more than a mark on what it is sent', () => {
    const { actor, event } = read(noise);
    actor.stop();
    actor.send({ type: 'late' });
    expect(event('late')).toMatchObject({ dead: true });
  });
});
