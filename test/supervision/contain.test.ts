import { assign, emit, fromCallback, raise, setup, spawnChild, stopChild, type AnyActorLogic, type AnyActorRef } from 'xstate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exit, orchestrator, supervisor, supervisorHandle } from '../../src/index.js';
import { boom, factsOf, stage, told, worker, type Fact, type Stage } from './stage.js';

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

/** Machines that throw on `go`, each in a place of its own; every one has an invoked child `held`, and one in the state that it leaves. */
function culprit(ledger: Ledger, where: string) {
  return setup({
    types: { events: {} as { type: 'go' } | { type: 'tick' }, context: {} as { n: number }, emitted: {} as { type: 'said' } },
    actors: { held: ledger.logic },
    guards: { bad: fail },
    delays: { bad: fail },
    actions: { fail, failAssign: assign({ n: fail }), failEmit: emit(fail), failRaise: raise(fail as never), failParams: (_: unknown, _params: unknown) => {} },
  }).createMachine({
    id: 'culprit',
    context: { n: 0 },
    invoke: { id: 'root', src: 'held', input: 'root', systemId: 'theRoot' },
    entry: spawnChild('held', { id: 'spawned', input: 'spawned' }),
    initial: 'calm',
    states: {
      calm: {
        invoke: { id: 'calm', src: 'held', input: 'calm', systemId: 'theCalm' },
        on: {
          go: [
            ...(where === 'guard' ? [{ guard: 'bad' as const, target: 'next' as const }] : []),
            ...(where === 'transition action' ? [{ actions: 'fail' as const, target: 'next' as const }] : []),
            ...(where === 'assign' ? [{ actions: 'failAssign' as const, target: 'next' as const }] : []),
            ...(where === 'emit' ? [{ actions: 'failEmit' as const, target: 'next' as const }] : []),
            ...(where === 'params' ? [{ actions: { type: 'failParams' as const, params: fail }, target: 'next' as const }] : []),
            ...(where === 'after a spawn' ? [{ actions: [spawnChild('held', { id: 'fresh', input: 'fresh', systemId: 'theFresh' }), 'fail' as const] }] : []),
            ...(where === 'after a stop' ? [{ actions: [stopChild('spawned'), 'fail' as const] }] : []),
            { target: 'next' as const },
          ],
        },
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
  'guard', 'transition action', 'assign', 'emit', 'params', 'after a spawn', 'after a stop', 'exit action', 'entry action', 'delay', 'always guard',
  'always action', 'output', 'input of an invoke',
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
      invoke: [{ id: 'inner', src: 'inner' }, { id: 'beside', src: 'held', input: 'beside' }],
    });
    const { app, facts } = only(here, parent);
    (app.child('it')?.getSnapshot() as { children: Record<string, AnyActorRef> }).children.inner?.send({ type: 'go' });
    expect(told(facts, 'child.exited', 'child.restarted')).toEqual(['child.exited it', 'child.restarted it']);
    expect(ledger.alive()).toEqual({ root: 1, calm: 1, spawned: 1, beside: 1 });
    await app.stop();
    expect(ledger.alive()).toEqual({ root: 0, calm: 0, spawned: 0, beside: 0 });
  });

  it('in a child of the child that the child handles: only the grandchild goes, with all that it held', async () => {
    const here = stage();
    const ledger = new Ledger();
    const parent = setup({ actors: { inner: culprit(ledger, 'entry action'), held: ledger.logic } }).createMachine({
      invoke: [{ id: 'inner', src: 'inner', onError: { actions: () => {} } }, { id: 'beside', src: 'held', input: 'beside' }],
    });
    const { app, facts } = only(here, parent);
    (app.child('it')?.getSnapshot() as { children: Record<string, AnyActorRef> }).children.inner?.send({ type: 'go' });
    expect(causes(facts)).toEqual([]);
    expect(ledger.alive()).toMatchObject({ root: 0, calm: 0, spawned: 0, beside: 1 });
    await app.stop();
  });

  it('in one of three levels of supervisors stops the crashed branch only', async () => {
    const here = stage();
    const ledger = new Ledger();
    const inner = supervisor({ actors: { it: culprit(ledger, 'output'), held: ledger.logic }, children: [{ id: 'it', src: 'it' }, { id: 'held', src: 'held', input: 'held' }] });
    const app = here.app({ actors: { inner }, children: [{ id: 'inner', src: 'inner', type: 'supervisor' }] });
    supervisorHandle(app.child('inner') as AnyActorRef).child('it')?.send({ type: 'go' });
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
    return setup({ types: { context: {} as { n: number } }, actors: { held: ledger.logic, inner }, actions: { once }, guards: { bad: () => { once(); return false; } } }).createMachine({
      context: () => {
        if (where === 'context') once();
        return { n: 0 };
      },
      invoke: [{ src: 'held', input: 'first', systemId: 'theFirst' }, { src: 'inner', systemId: 'theMiddle' }],
      initial: 'a',
      states: {
        a: {
          ...(where === 'entry' ? { entry: 'once' as const } : {}),
          invoke: { src: 'held', input: 'second', systemId: 'theSecond' },
          ...(where === 'always' ? { always: { guard: 'bad' as const, target: 'b' as const } } : {}),
          ...(where === 'nested' ? { initial: 'deep' as const, states: { deep: { entry: 'once' as const, invoke: { src: 'held' as const, input: 'deep', systemId: 'theDeep' } } } } : {}),
        },
        b: {},
      },
    });
  };

  it.each(['entry', 'context', 'always', 'nested'] as const)('in %s fails the start: nothing of it runs, and a later start works, names included', async (where) => {
    const here = stage();
    const ledger = new Ledger();
    const times = { left: 1 };
    const app = here.app({ actors: { it: initial(ledger, where, times) } });
    expect(await app.startChild({ id: 'it', src: 'it' })).toMatchObject({ ok: false });
    expect(Object.values(ledger.alive()).every((count) => count === 0), ledger.log.join(' ')).toBe(true);
    expect(Object.keys((app.ref.system as unknown as { getAll(): object }).getAll())).toEqual([]);
    expect(await app.startChild({ id: 'it', src: 'it' })).toMatchObject({ ok: true });
    expect(ledger.alive()).toMatchObject({ first: 1, second: 1, inner: 1 });
    await app.stop();
    expect(Object.values(ledger.alive()).every((count) => count === 0)).toBe(true);
  });

  it.each(['entry', 'context', 'always', 'nested'] as const)('in %s at a restart is a failed start, and is tried again', (where) => {
    const here = stage();
    const ledger = new Ledger();
    const times = { left: 0 };
    const { app, facts } = only(here, initial(ledger, where, times));
    times.left = 2;
    exit(app.child('it') as AnyActorRef, 'kill');
    expect(told(facts, 'child.startFailed')).toHaveLength(2);
    expect(told(facts, 'child.restarted')).toHaveLength(1);
    expect(ledger.alive()).toMatchObject({ first: 1, second: 1, inner: 1 });
  });
});

describe('a callback child', () => {
  it('that throws in its receiver is cleaned up, once, and restarted', async () => {
    const here = stage();
    const log: string[] = [];
    const logic = fromCallback(({ receive }) => {
      log.push('+');
      receive(fail);
      return () => {
        log.push('-');
      };
    });
    const { app, facts } = only(here, logic);
    app.child('it')?.send({ type: 'x' });
    expect(causes(facts)).toEqual([{ crash: boom }]);
    expect(log).toEqual(['+', '-', '+']);
    await app.stop();
    expect(log).toEqual(['+', '-', '+', '-']);
  });

  it('that throws in its receiver as a child of the child is cleaned up too', async () => {
    const here = stage();
    const log: string[] = [];
    const held = fromCallback(({ receive }) => {
      log.push('+');
      receive(fail);
      return () => {
        log.push('-');
      };
    });
    const parent = setup({ actors: { held } }).createMachine({ invoke: { id: 'held', src: 'held' } });
    const { app } = only(here, parent);
    (app.child('it')?.getSnapshot() as { children: Record<string, AnyActorRef> }).children.held?.send({ type: 'x' });
    expect(log).toEqual(['+', '-', '+']);
    await app.stop();
  });

  it('that throws when it starts has failed its start', async () => {
    const here = stage();
    const app = here.app({ actors: { bad: fromCallback(fail) } });
    expect(await app.startChild({ id: 'bad', src: 'bad' })).toMatchObject({ ok: false, reason: ['EXIT', boom] });
  });
});

describe('a throw while stopping', () => {
  const untidy = (log: string[]) => fromCallback<{ type: string }, string>(({ input }) => {
    log.push(`+${input}`);
    return () => {
      log.push(`-${input}`);
      throw boom;
    };
  });

  it('in the cleanup of a child keeps nobody from stopping, and its siblings stop once', async () => {
    const here = stage();
    const log: string[] = [];
    const app = here.app({
      actors: { untidy: untidy(log), worker: worker(log) },
      children: [{ id: 'a', src: 'worker', input: { name: 'a' } }, { id: 'b', src: 'untidy', input: 'b' }, { id: 'c', src: 'worker', input: { name: 'c' } }],
    });
    const report = await here.settle(app.stop());
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
    expect(report.children.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('in the cleanup of a grandchild stops its siblings all the same', async () => {
    const here = stage();
    const log: string[] = [];
    const parent = setup({ actors: { untidy: untidy(log) } }).createMachine({
      invoke: [{ src: 'untidy', input: 'x' }, { src: 'untidy', input: 'y' }, { src: 'untidy', input: 'z' }],
    });
    const { app, facts } = only(here, parent);
    await here.settle(app.stop());
    expect(log.sort()).toEqual(['+x', '+y', '+z', '-x', '-y', '-z']);
    expect(told(facts, 'child.restarted')).toEqual([]);
  });

  it('in the handler of supervisor.shutdown is a crash of that child, and the stop goes on', async () => {
    const here = stage();
    const ledger = new Ledger();
    const bad = setup({ actors: { held: ledger.logic }, actions: { fail } }).createMachine({ invoke: { src: 'held', input: 'bad' }, on: { 'supervisor.shutdown': { actions: 'fail' } } });
    const app = here.app({ actors: { bad, held: ledger.logic }, children: [{ id: 'first', src: 'held', input: 'first' }, { id: 'bad', src: 'bad' }] });
    const report = await here.settle(app.stop());
    expect(report.children).toMatchObject([{ id: 'bad', reason: { crash: boom }, killed: false }, { id: 'first', reason: 'shutdown' }]);
    expect(ledger.alive()).toEqual({ first: 0, bad: 0 });
  });

  it('in the guard of supervisor.shutdown is a crash of that child, not of its supervisor', async () => {
    const here = stage();
    const ledger = new Ledger();
    const bad = setup({ actors: { held: ledger.logic }, guards: { fail } }).createMachine({
      invoke: { src: 'held', input: 'bad' }, on: { 'supervisor.shutdown': { guard: 'fail', actions: () => {} } },
    });
    const app = here.app({ actors: { bad, held: ledger.logic }, children: [{ id: 'first', src: 'held', input: 'first' }, { id: 'bad', src: 'bad' }] });
    app.ref.subscribe({ error: () => {} });
    const report = await here.settle(app.stop());
    expect(report.reason).toBe('normal');
    expect(report.children.map(({ id }) => id)).toEqual(['bad', 'first']);
    expect(ledger.alive()).toEqual({ first: 0, bad: 0 });
  });
});

describe('a listener that throws', () => {
  const reported: unknown[] = [];
  beforeEach(() => {
    reported.length = 0;
    vi.stubGlobal('setTimeout', (fn: () => void) => {
      try {
        fn();
      } catch (error) {
        reported.push(error);
      }
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const speaker = (ledger: Ledger) => setup({ types: { emitted: {} as { type: 'said' }, events: {} as { type: 'go' } }, actors: { held: ledger.logic } }).createMachine({
    invoke: { src: 'held', input: 'held' }, initial: 'a', states: { a: { on: { go: { target: 'b', actions: emit({ type: 'said' }) } } }, b: {} },
  });

  it.each(['on', 'subscribe'] as const)('by %s ends nobody, and is told to the process', async (how) => {
    const here = stage();
    const ledger = new Ledger();
    const { app, facts } = only(here, speaker(ledger));
    const child = app.child('it') as AnyActorRef;
    if (how === 'on') child.on('said', fail);
    else child.subscribe(fail);
    child.send({ type: 'go' });
    expect(reported).toEqual([boom]);
    expect(child.getSnapshot().value).toBe('b');
    expect(causes(facts)).toEqual([]);
    expect(ledger.alive()).toEqual({ held: 1 });
    await app.stop();
    expect(ledger.alive()).toEqual({ held: 0 });
  });

  it('of the supervisor itself, on its own facts, does not keep it from restarting', async () => {
    const here = stage();
    const ledger = new Ledger();
    const { app } = only(here, culprit(ledger, 'guard'));
    app.on('*', fail);
    app.ref.subscribe(fail);
    app.child('it')?.send({ type: 'go' });
    expect(reported.length).toBeGreaterThan(0);
    expect(ledger.alive()).toEqual({ root: 1, calm: 1, spawned: 1 });
    expect((await app.countChildren()).active).toBe(1);
    await app.stop();
  });

  it('as an inspector wedges nobody', async () => {
    const here = stage();
    const log: string[] = [];
    const app = orchestrator({ actors: { worker: worker(log) }, children: [{ id: 'w', src: 'worker' }] }).start({ clock: here.clock, inspect: fail });
    app.child('w')?.send({ type: 'crash' });
    expect(log).toEqual(['+worker', '-worker', '+worker']);
    await app.stop();
    expect(log).toHaveLength(4);
  });
});
