/** What XState's machines can do, recorded and replayed: nothing of it is beyond a replay, and where something is, the replay says so. */
import {
  assign,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromObservable,
  fromPromise,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
  type AnyActorRef,
  type AnyStateMachine,
  type Subscribable,
} from 'xstate';
import { expect, it } from 'vitest';
import { expectReplay } from '../../../src/testing/replay/expect-replay.js';
import { parseRecording } from '../../../src/wire/recording/parse.js';
import { record, type Recorder } from '../../../src/testing/replay/recorder.js';
import { replay } from '../../../src/testing/replay/replay.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

interface Run {
  readonly actor: AnyActorRef;
  readonly clock: VirtualClock;
  readonly recorder: Recorder;
}

/** Records a run, from the start to the stop of its root. */
function recorded(machine: AnyStateMachine, play: (run: Run) => void = () => undefined, options: object = {}): string {
  const recorder = record();
  const clock = new VirtualClock();
  const actor = createActor(machine, { id: 'm', clock, inspect: recorder.inspect, ...options }) as AnyActorRef;
  actor.subscribe({ error: () => undefined });
  actor.start();
  play({ actor, clock, recorder });
  actor.stop();
  return recorder.recording();
}

const idle = setup({ types: { input: {} as { name: string } | undefined } }).createMachine({
  id: 'idle',
  context: ({ input }) => ({ name: input?.name }),
});
type Kids = { kids: readonly AnyActorRef[] };
const spawner = setup({
  types: { context: {} as Kids, events: {} as { type: 'spawn' | 'named' | 'nameless' | 'stop' | 'swap' } },
  actors: { idle },
}).createMachine({
  id: 'spawner',
  context: ({ spawn }) => ({ kids: [spawn('idle', { id: 'first', input: { name: 'a' } })] }),
  on: {
    spawn: { actions: assign({ kids: ({ context, spawn }) => [...context.kids, spawn('idle', { id: `kid-${context.kids.length}` })] }) },
    named: { actions: assign({ kids: ({ context, spawn }) => [...context.kids, spawn('idle', { systemId: 'latest' })] }) },
    nameless: { actions: assign({ kids: ({ context, spawn }) => [...context.kids, spawn('idle')] }) },
    stop: { actions: [stopChild(({ context }) => context.kids.at(-1) as AnyActorRef), assign({ kids: ({ context }) => context.kids.slice(0, -1) })] },
    swap: {
      guard: ({ context }) => context.kids.at(-1) !== context.kids[0],
      actions: assign({ kids: ({ context, self }) => [...context.kids.filter((kid) => kid._parent === self)].reverse() }),
    },
  },
});

it('spawning in an assign: references in the context, with and without an id, stopped and spawned again', () => {
  const text = recorded(spawner, ({ actor }) => {
    for (const type of ['spawn', 'nameless', 'swap', 'nameless', 'stop', 'stop', 'spawn', 'stop', 'spawn'] as const) actor.send({ type });
  });
  expect(expectReplay(text, { machines: [spawner, idle] })).toMatchObject({ actors: 7, unchecked: [] });
  expect(text).toContain('"kids":[{"$actor":"m/~1"},{"$actor":"m/kid-1"},{"$actor":"m/kid-2#2"}]');
  const forgetful = setup({ actors: { idle } }).createMachine({ ...spawner.config, context: { kids: [] } } as never) as unknown as AnyStateMachine;
  expect(replay(text, { machines: [forgetful, idle] })).toMatchObject({ ok: false, event: { type: 'xstate.init' } });
});

it('a name of the system that is taken: the crash is not the machine’s doing, and is said not to be compared', () => {
  const text = recorded(spawner, ({ actor }) => {
    for (const type of ['named', 'named']) actor.send({ type });
  });
  expect(expectReplay(text, { machines: [spawner, idle] })).toMatchObject({
    unchecked: ['the crash of m: a name of the system was taken, which a replay does not know'],
  });
});

it('delays: after, delayed raise and send, cancelled and not', () => {
  const machine = setup({ types: { events: {} as { type: 'go' | 'late' | 'never' | 'calm' } }, delays: { patience: 30 } }).createMachine({
    id: 'patient',
    initial: 'waiting',
    states: {
      waiting: {
        after: { patience: 'bored' },
        on: { go: { actions: [raise({ type: 'late' }, { delay: 10, id: 'late' }), raise({ type: 'never' }, { delay: 20, id: 'never' })] } },
      },
      bored: { on: { calm: 'waiting' } },
    },
    on: { late: { actions: enqueueActions(({ enqueue }) => enqueue.cancel('never')) }, never: '.bored' },
  });
  const text = recorded(machine, ({ actor, clock }) => {
    actor.send({ type: 'go' });
    clock.advanceBy(29);
    clock.advanceBy(1);
    actor.send({ type: 'calm' });
  });
  expect(text).toContain('{"type":"xstate.after.patience.patient.waiting"}');
  expectReplay(text, { machines: [machine] });
  const other = machine.provide({ delays: { patience: 31 } });
  expect(replay(text, { machines: [other] })).toMatchObject({ ok: false, changes: [{ path: 'actions[0].delay', expected: 30, got: 31 }] });
});

it('children that answer, crash and are named in the system', async () => {
  const child = setup({ types: { events: {} as { type: 'ask' } } }).createMachine({
    id: 'child',
    on: { ask: { actions: [sendParent({ type: 'answer' }), sendTo(({ system }) => system.get('log') as AnyActorRef, { type: 'asked' })] } },
  });
  const log = setup({ types: { context: {} as { count: number } } }).createMachine({
    id: 'log',
    context: { count: 0 },
    on: { asked: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
  });
  const failing = fromPromise(() => Promise.reject(new RangeError('too far')));
  const parent = setup({
    types: { context: {} as { problem: unknown }, events: {} as { type: 'ask' } | { type: 'answer' } },
    actors: { child, log, failing },
    guards: { isRange: ({ event }) => (event as unknown as { error: unknown }).error instanceof RangeError },
  }).createMachine({
    id: 'parent',
    context: { problem: null },
    invoke: [
      { id: 'log', src: 'log', systemId: 'log' },
      { id: 'child', src: 'child' },
    ],
    initial: 'trying',
    states: {
      trying: {
        invoke: {
          id: 'failing',
          src: 'failing',
          onError: { guard: 'isRange', target: 'on', actions: assign({ problem: ({ event }) => event.error }) },
        },
      },
      on: { on: { ask: { actions: sendTo('child', { type: 'ask' }) }, answer: 'answered' } },
      answered: {},
    },
  });
  const recorder = record();
  const actor = createActor(parent, { id: 'm', inspect: recorder.inspect }).start();
  await new Promise((told) => {
    actor.subscribe(told);
  });
  actor.send({ type: 'ask' });
  expect(actor.getSnapshot().value).toBe('answered');
  actor.stop();
  expect(expectReplay(recorder.recording(), { machines: [parent, child, log] })).toMatchObject({ actors: 3 });
});

it('a nameless child that ends, told by its session id', () => {
  const brief = setup({}).createMachine({ id: 'brief', initial: 'on', states: { on: { on: { go: 'off' } }, off: { type: 'final' } } });
  const machine = setup({ types: { context: {} as { kid: AnyActorRef; gone: string[] } }, actors: { brief } }).createMachine({
    id: 'parent',
    context: ({ spawn }) => ({ kid: spawn('brief'), gone: [] }),
    on: {
      'xstate.done.actor.*': {
        guard: ({ context, event }) => event.type === `xstate.done.actor.${context.kid.id}`,
        actions: assign({ gone: ({ context, event }) => [...context.gone, event.type] }),
      },
    },
  });
  const text = recorded(machine, ({ actor }) => {
    (actor.getSnapshot() as { context: { kid: AnyActorRef } }).context.kid.send({ type: 'go' });
  });
  expect(text).toContain('"gone":["xstate.done.actor.x:m/~1"]');
  expect(text).not.toMatch(/x:\d/);
  expectReplay(text, { machines: [machine, brief] });
});

const silent = { subscribe: () => ({ unsubscribe: () => undefined }) } as unknown as Subscribable<number>;

it('snapshots of a child that are followed', () => {
  const machine = setup({ actors: { kid: idle, numbers: fromObservable(() => silent) } }).createMachine({
    id: 'follower',
    context: { seen: null },
    invoke: [
      { id: 'kid', src: 'kid', onSnapshot: { actions: assign({ seen: ({ event }) => event.snapshot.status }) } },
      { id: 'numbers', src: 'numbers' },
    ],
  });
  const text = recorded(machine);
  expect(text).toContain('"snapshot":{"$snapshot":{"status":"active"');
  expectReplay(text, { machines: [machine, idle] });
});

const historian = setup({ actors: { held: fromCallback(() => undefined) } }).createMachine({
  id: 'historian',
  initial: 'work',
  context: ({ spawn }) => ({ kid: spawn('held', { id: 'kid' }) }),
  states: {
    work: { initial: 'a', states: { a: { on: { next: 'b' } }, b: {}, back: { type: 'history' } }, on: { pause: 'paused' } },
    paused: { on: { resume: 'work.back' } },
  },
  on: { poke: { actions: sendTo(({ context }) => (context as { kid: AnyActorRef }).kid, { type: 'poked' }) } },
});

it('history states', () => {
  const text = recorded(historian, ({ actor }) => {
    for (const type of ['next', 'pause', 'resume', 'poke']) actor.send({ type });
  });
  expect(expectReplay(text, { machines: [historian] })).toMatchObject({ transitions: 6 });
});

it('a restored snapshot: where it stood, its history, its children, its references', () => {
  const first = createActor(historian).start();
  for (const type of ['next', 'pause']) first.send({ type });
  const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as object;
  first.stop();
  const text = recorded(
    historian,
    ({ actor }) => {
      for (const type of ['poke', 'resume', 'pause']) actor.send({ type });
    },
    { snapshot },
  );
  const start = parseRecording(text).lines.find(({ type }) => type === '@xstate.actor');
  expect(start).toMatchObject({ from: 'snapshot', state: { value: 'paused', context: { kid: { $actor: 'm/kid' } } }, children: { kid: 'm/kid' } });
  expect(expectReplay(text, { machines: [historian] })).toMatchObject({ unchecked: ['the start of m: it was restored'] });
  const renamed = setup({}).createMachine({ id: 'historian', initial: 'resting', states: { resting: {} } });
  expect(replay(text, { machines: [renamed] })).toMatchObject({ ok: false, at: 3, expected: { value: 'paused' }, got: { status: 'error' } });
});

it('a machine that ends at once, and one that cannot begin', () => {
  const ended = setup({}).createMachine({ id: 'ended', initial: 'a', states: { a: { type: 'final' } }, output: 5 });
  expect(expectReplay(recorded(ended), { machines: [ended] })).toMatchObject({ transitions: 1 });
  const unborn = setup({}).createMachine({
    id: 'unborn',
    context: () => {
      throw new Error('no');
    },
  });
  expect(expectReplay(recorded(unborn), { machines: [unborn] })).toMatchObject({ actors: 1, transitions: 0 });
  const born = setup({}).createMachine({ id: 'unborn', context: {} });
  expect(replay(recorded(unborn), { machines: [born] })).toMatchObject({
    ok: false,
    changes: [{ path: 'status', expected: 'error', got: 'active' }, { path: 'error' }],
  });
});

it('an action that throws: in a replay no action runs, and the crash is taken as it was', () => {
  const clumsy = (order: readonly string[]) =>
    setup({
      types: { events: {} as { type: 'go' } },
      actions: {
        fine: () => undefined,
        trip: () => {
          throw new Error('tripped');
        },
      },
    }).createMachine({ id: 'clumsy', on: { go: { actions: order as never } } });
  const text = recorded(clumsy(['fine', 'trip', 'fine']), ({ actor }) => {
    actor.send({ type: 'go' });
  });
  expect(text).toContain('"actions":[{"kind":"run","name":"fine"},{"kind":"run","name":"trip"}]');
  expectReplay(text, { machines: [clumsy(['fine', 'trip', 'fine'])] });
  expect(replay(text, { machines: [clumsy(['fine', 'fine', 'trip'])] })).toMatchObject({ ok: false, changes: [{ path: 'actions[1].name' }] });
  expect(replay(text, { machines: [clumsy([])] })).toMatchObject({ ok: false, changes: [{ path: 'status' }, {}, {}, {}] });
});

it('an entry action that throws at the start', () => {
  const machine = setup({
    actions: {
      trip: () => {
        throw new Error('tripped');
      },
    },
  }).createMachine({ id: 'clumsy', entry: [emit({ type: 'hello' }), 'trip'] });
  expect(expectReplay(recorded(machine), { machines: [machine] })).toMatchObject({ transitions: 1 });
});

it('a guard that throws, and one that does no longer', () => {
  const machine = (throws: boolean) =>
    setup({
      guards: {
        strict: () => {
          if (throws) throw new TypeError('odd');
          return false;
        },
      },
    }).createMachine({ id: 'strict', on: { go: { guard: 'strict' } } });
  const text = recorded(machine(true), ({ actor }) => {
    actor.send({ type: 'go' });
  });
  expectReplay(text, { machines: [machine(true)] });
  expect(replay(text, { machines: [machine(false)] })).toMatchObject({
    ok: false,
    changes: [{ path: 'status', expected: 'error', got: 'active' }, {}],
  });
});

it('values that the recording has by name only: passed on they replay, looked into they are named', () => {
  class Handle {
    readonly count = 3;
  }
  const machine = (looks: boolean) =>
    setup({ types: { context: {} as { handle: unknown; count: unknown }, events: {} as { type: 'take'; handle: Handle } } }).createMachine({
      id: 'taker',
      context: { handle: null, count: null },
      on: { take: { actions: assign({ handle: ({ event }) => event.handle, count: ({ event }) => (looks ? event.handle.count : 0) }) } },
    });
  const play = ({ actor }: Run): void => {
    actor.send({ type: 'take', handle: new Handle() });
  };
  expectReplay(recorded(machine(false), play), { machines: [machine(false)] });
  expect(replay(recorded(machine(true), play), { machines: [machine(true)] })).toMatchObject({
    ok: false,
    changes: [{ path: 'context.count', expected: 3, got: { $instance: 'Handle' } }],
    notes: ['event.handle is an instance of Handle: the recording holds its name only'],
  });
});

it('an inline child is not made, be it invoked or spawned: no more than a named one', () => {
  const made: string[] = [];
  const kid = (name: string): AnyStateMachine =>
    createMachine({ id: 'kid', context: () => ({ made: made.push(name) }), entry: assign({ more: () => made.push(`${name}’s entry`) }) });
  const machine = createMachine({
    id: 'parent',
    context: ({ spawn }) => ({ kid: spawn(kid('first'), { id: 'first' }) as unknown }),
    invoke: { id: 'invoked', src: kid('invoked') },
    on: {
      more: { actions: [assign({ kid: ({ spawn }) => spawn(kid('assigned'), { id: 'assigned' }) }), spawnChild(kid('spawned'), { id: 'spawned' })] },
    },
  });
  const text = recorded(machine, ({ actor }) => {
    actor.send({ type: 'more' });
  });
  expect(made).toHaveLength(8);
  expectReplay(text, { machines: [machine], skip: ['kid'] });
  expect(made).toHaveLength(8);
});

it('an input that logic was given beforehand: the start is taken from the recording, and said to be', () => {
  const bound = idle.provide({});
  const { getInitialSnapshot } = bound;
  Object.assign(bound, { getInitialSnapshot: (scope: never) => getInitialSnapshot(scope, { name: 'bound' }) });
  const text = recorded(bound);
  expect(expectReplay(text, { machines: [idle] })).toMatchObject({ unchecked: ['the start of m: its input was given to its logic beforehand'] });
});
