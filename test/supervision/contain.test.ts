import { assign, emit, fromCallback, setup, spawnChild, stopChild, type AnyActorLogic, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exit, supervisor, supervisorHandle } from '../../src/index.js';
import { childOf, boom, factsOf, stage, told, type Fact, type Stage } from './stage.js';

const fail = (): never => {
  throw boom;
};

/** Writes `+x` and `-x`, and knows how many of each name live. */
class Ledger {
  readonly log: string[] = [];
  readonly logic = fromCallback<{ type: string }, string>(({ input }) => {
    this.log.push(`+${input}`);
    return () => {
      this.log.push(`-${input}`);
    };
  });

  alive(): Record<string, number> {
    const count: Record<string, number> = {};
    for (const entry of this.log) count[entry.slice(1)] = (count[entry.slice(1)] ?? 0) + (entry.startsWith('+') ? 1 : -1);
    return count;
  }
}

/** What a culprit does on `go`, where that is the place; everywhere else it goes to `next`. */
const onGo: Readonly<Record<string, object>> = {
  guard: { guard: 'bad', target: 'next' },
  'transition action': { actions: 'fail', target: 'next' },
  assign: { actions: 'failAssign', target: 'next' },
  emit: { actions: 'failEmit', target: 'next' },
  params: { actions: { type: 'failParams', params: fail }, target: 'next' },
  'after a spawn': { actions: [spawnChild('held', { id: 'fresh', input: 'fresh', systemId: 'theFresh' }), 'fail'] },
  'after a stop': { actions: [stopChild('spawned'), 'fail'] },
};

/** Machines that throw on `go`, each in a place of its own; every one has an invoked child `held`, and one in the state that it leaves. */
function culprit(ledger: Ledger, where: string) {
  return setup({
    types: { events: {} as { type: 'go' } | { type: 'tick' }, context: {} as { n: number }, emitted: {} as { type: 'said' } },
    actors: { held: ledger.logic },
    guards: { bad: fail },
    delays: { bad: fail },
    actions: { fail, failAssign: assign({ n: fail }), failEmit: emit(fail), failParams: () => {} },
  }).createMachine({
    id: 'culprit',
    context: { n: 0 },
    invoke: { id: 'root', src: 'held', input: 'root', systemId: 'theRoot' },
    entry: spawnChild('held', { id: 'spawned', input: 'spawned' }),
    initial: 'calm',
    states: {
      calm: {
        invoke: { id: 'calm', src: 'held', input: 'calm', systemId: 'theCalm' },
        on: { go: [...(where in onGo ? [onGo[where]] : []), { target: 'next' }] as never },
        ...(where === 'exit action' ? { exit: 'fail' as const } : {}),
      },
      next: {
        invoke: { id: 'next', src: 'held', input: 'next', systemId: 'theNext' },
        ...(where === 'entry action' ? { entry: 'fail' as const } : {}),
        ...(where === 'delay' ? { after: { bad: 'calm' as const } } : {}),
        ...(where === 'always guard' ? { always: { guard: 'bad' as const, target: 'calm' as const } } : {}),
        ...(where === 'always action' ? { always: { actions: 'fail' as const, target: 'over' as const } } : {}),
        ...(where === 'output' ? { always: 'over' as const } : {}),
        ...(where === 'input of an invoke' ? { initial: 'in' as const, states: { in: { invoke: { src: 'held' as const, input: fail } } } } : {}),
      },
      over: { type: 'final' },
    },
    ...(where === 'output' ? { output: fail } : {}),
  });
}

const places = [
  'guard',
  'transition action',
  'assign',
  'emit',
  'params',
  'after a spawn',
  'after a stop',
  'exit action',
  'entry action',
  'delay',
  'always guard',
  'always action',
  'output',
  'input of an invoke',
];

function only(here: Stage, logic: AnyActorLogic, restart: 'permanent' | 'temporary' = 'permanent') {
  const app = here.app({ intensity: 10, actors: { it: logic }, children: [{ id: 'it', src: 'it', restart }] });
  return { app, facts: factsOf(app) };
}

const causes = (facts: readonly Fact[]) => facts.filter(({ type }) => type === 'child.exited').map(({ reason }) => reason);

describe('a throw in a transition of a supervised child', () => {
  it.each(places)('in %s: stops every child once, and the restarted one has a full set', async (where) => {
    const here = stage();
    const ledger = new Ledger();
    const { app, facts } = only(here, culprit(ledger, where));
    expect(ledger.alive()).toEqual({ root: 1, calm: 1, spawned: 1 });
    app.child('it')?.send({ type: 'go' });
    expect(causes(facts)).toMatchObject([{ crash: expect.objectContaining({ message: expect.stringContaining('boom') as string }) }]);
    expect(told(facts, 'child.restarted')).toEqual(['child.restarted it']);
    expect(ledger.alive()).toMatchObject({ root: 1, calm: 1, spawned: 1 });
    expect(ledger.log.filter((entry) => entry === '-root' || entry === '-calm' || entry === '-spawned')).toHaveLength(3);
    await app.stop();
    expect(Object.values(ledger.alive()).every((count) => count === 0)).toBe(true);
  });

  it.each(places)('in %s: frees the system ids of its children, so that the restart takes them', (where) => {
    const here = stage();
    const ledger = new Ledger();
    const { app } = only(here, culprit(ledger, where));
    for (let round = 0; round < 3; round++) {
      const before = app.ref.system.get('theCalm') as AnyActorRef;
      app.child('it')?.send({ type: 'go' });
      expect(app.ref.system.get('theCalm')).not.toBe(before);
      expect(app.ref.system.get('theNext')).toBeUndefined();
      expect(app.ref.system.get('theFresh')).toBeUndefined();
    }
    expect(ledger.alive()).toMatchObject({ root: 1, calm: 1, spawned: 1 });
  });

  it('in a child of the child: both are stopped, and the child is restarted whole', async () => {
    const here = stage();
    const ledger = new Ledger();
    const parent = setup({ actors: { inner: culprit(ledger, 'guard'), held: ledger.logic } }).createMachine({
      invoke: [
        { id: 'inner', src: 'inner' },
        { id: 'beside', src: 'held', input: 'beside' },
      ],
    });
    const { app, facts } = only(here, parent);
    childOf(app.child('it'), 'inner').send({ type: 'go' });
    expect(told(facts, 'child.exited', 'child.restarted')).toEqual(['child.exited it', 'child.restarted it']);
    expect(ledger.alive()).toEqual({ root: 1, calm: 1, spawned: 1, beside: 1 });
    await app.stop();
    expect(ledger.alive()).toEqual({ root: 0, calm: 0, spawned: 0, beside: 0 });
  });

  it('in a child of the child that the child handles: only the grandchild goes, with all that it held', async () => {
    const here = stage();
    const ledger = new Ledger();
    const parent = setup({ actors: { inner: culprit(ledger, 'entry action'), held: ledger.logic } }).createMachine({
      invoke: [
        { id: 'inner', src: 'inner', onError: { actions: () => {} } },
        { id: 'beside', src: 'held', input: 'beside' },
      ],
    });
    const { app, facts } = only(here, parent);
    childOf(app.child('it'), 'inner').send({ type: 'go' });
    expect(causes(facts)).toEqual([]);
    expect(ledger.alive()).toMatchObject({ root: 0, calm: 0, spawned: 0, beside: 1 });
    await app.stop();
  });

  it('in one of three levels of supervisors stops the crashed branch only', async () => {
    const here = stage();
    const ledger = new Ledger();
    const inner = supervisor({
      actors: { it: culprit(ledger, 'output'), held: ledger.logic },
      children: [
        { id: 'it', src: 'it' },
        { id: 'held', src: 'held', input: 'held' },
      ],
    });
    const app = here.app({ actors: { inner }, children: [{ id: 'inner', src: 'inner', type: 'supervisor' }] });
    supervisorHandle(app.child('inner') as AnyActorRef)
      .child('it')
      ?.send({ type: 'go' });
    expect(ledger.alive()).toMatchObject({ root: 1, calm: 1, spawned: 1, held: 1 });
    expect(ledger.log.filter((entry) => entry.endsWith('held'))).toEqual(['+held']);
    await app.stop();
  });
});

describe('a throw in an initial state', () => {
  const initial = (ledger: Ledger, where: 'entry' | 'context' | 'always' | 'nested', times: { left: number }) => {
    const once = (): void => {
      if (times.left-- > 0) throw boom;
    };
    const inner = setup({ actors: { held: ledger.logic } }).createMachine({ invoke: { src: 'held', input: 'inner', systemId: 'theInner' } });
    return setup({
      types: { context: {} as { n: number } },
      actors: { held: ledger.logic, inner },
      actions: { once },
      guards: {
        bad: () => {
          once();
          return false;
        },
      },
    }).createMachine({
      context: () => {
        if (where === 'context') once();
        return { n: 0 };
      },
      invoke: [
        { src: 'held', input: 'first', systemId: 'theFirst' },
        { src: 'inner', systemId: 'theMiddle' },
      ],
      initial: 'a',
      states: {
        a: {
          ...(where === 'entry' ? { entry: 'once' as const } : {}),
          invoke: { src: 'held', input: 'second', systemId: 'theSecond' },
          ...(where === 'always' ? { always: { guard: 'bad' as const, target: 'b' as const } } : {}),
          ...(where === 'nested'
            ? {
                initial: 'deep' as const,
                states: { deep: { entry: 'once' as const, invoke: { src: 'held' as const, input: 'deep', systemId: 'theDeep' } } },
              }
            : {}),
        },
        b: {},
      },
    });
  };

  it.each(['entry', 'context', 'always', 'nested'] as const)(
    'in %s fails the start: nothing of it runs, and a later start works, names included',
    async (where) => {
      const here = stage();
      const ledger = new Ledger();
      const times = { left: 1 };
      const app = here.app({ actors: { it: initial(ledger, where, times) } });
      expect(await app.startChild({ id: 'it', src: 'it' })).toMatchObject({ ok: false });
      expect(Object.values(ledger.alive()).filter((count) => count !== 0)).toEqual([]);
      expect(Object.keys((app.ref.system as unknown as { getAll(): object }).getAll())).toEqual([]);
      expect(await app.startChild({ id: 'it', src: 'it' })).toMatchObject({ ok: true });
      expect(ledger.alive()).toMatchObject({ first: 1, second: 1, inner: 1 });
      await app.stop();
      expect(Object.values(ledger.alive()).every((count) => count === 0)).toBe(true);
    },
  );

  it.each(['entry', 'context', 'always', 'nested'] as const)('in %s at a restart is a failed start, and is tried again', (where) => {
    const here = stage();
    const ledger = new Ledger();
    const times = { left: 0 };
    const { app, facts } = only(here, initial(ledger, where, times));
    times.left = 2;
    exit(app.child('it') as AnyActorRef, 'kill');
    here.clock.advanceBy(0); // each attempt after the first has a turn of its own
    expect(told(facts, 'child.startFailed')).toHaveLength(2);
    expect(told(facts, 'child.restarted')).toHaveLength(1);
    expect(ledger.alive()).toMatchObject({ first: 1, second: 1, inner: 1 });
  });
});
