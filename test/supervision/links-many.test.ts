/** Thousands that are tied together end together, one step of the stack deep. */
import { createActor, createMachine, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exit, exitReason, link, monitor, onExit, type LinkExit, type MonitorDown } from '../../src/index.js';
import { boom, stage } from './stage.js';

const many = 20_000;
/** Deeper than any stack, where the shape is a chain. */
const deep = 5_000;

const plain = createMachine({ id: 'plain' });
const ref = (all: readonly AnyActorRef[], index: number) => all[index] as AnyActorRef;

/** Each a root of its own system: a link ties any two. */
function people(count: number): AnyActorRef[] {
  return Array.from({ length: count }, (_, index) => createActor(plain, { id: String(index) }).start() as AnyActorRef);
}

/** One that crashes when told. */
function crasher(): AnyActorRef {
  const logic = setup({
    actions: {
      crash: () => {
        throw boom;
      },
    },
  }).createMachine({ on: { crash: { actions: 'crash' } } });
  const made = createActor(logic, { id: 'crasher' });
  made.subscribe({ error: () => {} });
  return made.start() as AnyActorRef;
}

/** Writes down who has ended, in the order in which it is told. */
function orderOf(all: readonly AnyActorRef[]): { ended: string[] } {
  const ended: string[] = [];
  for (const actor of all) onExit(actor, () => ended.push(actor.id));
  return { ended };
}

/** An actor that keeps every notice it is sent. */
function listener() {
  const here = stage();
  const heard: (MonitorDown | LinkExit)[] = [];
  const logic = setup({
    types: { events: {} as MonitorDown | LinkExit },
    actions: {
      hear: ({ event }) => {
        heard.push(event);
      },
    },
  }).createMachine({ on: { 'monitor.down': { actions: 'hear' }, 'link.exit': { actions: 'hear' } } });
  return { actor: here.root(logic, { id: 'listener' }), heard };
}

const shapes: [string, (all: readonly AnyActorRef[]) => void][] = [
  [
    'a chain',
    (all) => {
      for (let index = 1; index < all.length; index++) link(ref(all, index - 1), ref(all, index));
    },
  ],
  [
    'a ring',
    (all) => {
      for (let index = 0; index < all.length; index++) link(ref(all, index), ref(all, (index + 1) % all.length));
    },
  ],
  [
    'a star, from its middle',
    (all) => {
      for (const actor of all.slice(1)) link(ref(all, 0), actor);
    },
  ],
  [
    'a star, from one of its ends',
    (all) => {
      for (const actor of all) link(actor, ref(all, 1));
    },
  ],
  [
    'a mesh in which each is linked to three others',
    (all) => {
      for (let index = 0; index < all.length; index++)
        for (const step of [1, 77, 7_777]) link(ref(all, index), ref(all, (index + step) % all.length));
    },
  ],
];

describe(`${many} that are linked`, () => {
  it.each(shapes)('in %s end all, each once, before the call returns', { timeout: 60_000 }, (_shape, tie) => {
    const all = people(many);
    const { actor, heard } = listener();
    tie(all);
    for (const other of all) monitor(actor, other, other.id);
    const { ended } = orderOf(all);
    exit(ref(all, 0), ['shutdown', 'all']);
    expect(all.filter((other) => exitReason(other) === null)).toHaveLength(0);
    expect(ended).toHaveLength(many);
    expect(new Set(ended).size).toBe(many);
    expect(heard).toHaveLength(many);
    expect(new Set((heard as MonitorDown[]).map((down) => down.ref)).size).toBe(many);
    expect(heard.every(({ type, reason }) => type === 'monitor.down' && Array.isArray(reason))).toBe(true);
  });

  it('end with the crash of one, and with that crash as their reason', () => {
    const all = [crasher(), ...people(deep)];
    for (let index = 1; index < all.length; index++) link(ref(all, index - 1), ref(all, index));
    ref(all, 0).send({ type: 'crash' });
    expect(exitReason(ref(all, deep))).toEqual({ crash: boom });
    expect(all.filter((other) => exitReason(other) === null)).toHaveLength(0);
  });

  it('pass a kill on as killed', () => {
    const all = people(deep);
    for (let index = 1; index < all.length; index++) link(ref(all, index - 1), ref(all, index));
    exit(ref(all, 0), 'kill');
    expect(exitReason(ref(all, deep - 1))).toBe('killed');
  });

  it('are spared where one between them traps exits; it is told once', () => {
    const all = people(deep);
    const { actor, heard } = listener();
    all.splice(deep / 2, 0, actor);
    for (let index = 1; index < all.length; index++) link(ref(all, index - 1), ref(all, index));
    exit(ref(all, 0), 'kill');
    expect(heard).toEqual([{ type: 'link.exit', from: ref(all, deep / 2 - 1), reason: 'killed' }]);
    expect(all.map((other) => exitReason(other) === null)).toEqual(all.map((_, index) => index >= deep / 2));
  });

  it('are spared by the normal end of one', () => {
    const all = people(3);
    link(ref(all, 0), ref(all, 1));
    link(ref(all, 1), ref(all, 2));
    exit(ref(all, 0), 'normal');
    expect(all.map((other) => exitReason(other))).toEqual(['normal', null, null]);
  });

  it('each with each end once', () => {
    const all = people(200);
    const { ended } = orderOf(all);
    for (const one of all) for (const other of all) link(one, other);
    exit(ref(all, 100), 'shutdown');
    expect(ended.sort((a, b) => Number(a) - Number(b))).toEqual(all.map(({ id }) => id));
  });
});

describe(`${deep} that hear of each other's end`, () => {
  it('by monitors, and end of it, end all', () => {
    const heir = setup({ types: { events: {} as MonitorDown } }).createMachine({
      initial: 'alive',
      states: { alive: { on: { 'monitor.down': 'over' } }, over: { type: 'final' } },
    });
    const all = Array.from({ length: deep }, () => createActor(heir).start() as AnyActorRef);
    for (let index = 1; index < deep; index++) monitor(ref(all, index), ref(all, index - 1));
    exit(ref(all, 0), 'kill');
    expect([exitReason(ref(all, 0)), exitReason(ref(all, 1)), exitReason(ref(all, deep - 1))]).toEqual(['killed', 'normal', 'normal']);
  });

  it('by listeners that end the next, end all', () => {
    const all = people(deep);
    for (let index = 1; index < deep; index++) onExit(ref(all, index - 1), () => exit(ref(all, index), 'kill'));
    exit(ref(all, 0), 'kill');
    expect(all.filter((other) => exitReason(other) === null)).toHaveLength(0);
  });

  it('by trapped exits, and end of them, end all', () => {
    const heir = setup({ types: { events: {} as LinkExit } }).createMachine({
      initial: 'alive',
      states: { alive: { on: { 'link.exit': 'over' } }, over: { type: 'final' } },
    });
    const all = Array.from({ length: deep }, () => createActor(heir).start() as AnyActorRef);
    for (let index = 1; index < deep; index++) link(ref(all, index), ref(all, index - 1));
    exit(ref(all, 0), 'kill');
    expect(all.filter((other) => exitReason(other) === null)).toHaveLength(0);
  });
});
