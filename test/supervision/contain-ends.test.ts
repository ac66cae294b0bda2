import { emit, fromCallback, setup, type AnyActorLogic, type AnyActorRef } from 'xstate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { orchestrator } from '../../src/index.js';
import { childOf, boom, factsOf, stage, told, worker, type Fact, type Stage } from './stage.js';

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

function only(here: Stage, logic: AnyActorLogic, restart: 'permanent' | 'temporary' = 'permanent') {
  const app = here.app({ intensity: 10, actors: { it: logic }, children: [{ id: 'it', src: 'it', restart }] });
  return { app, facts: factsOf(app) };
}

const causes = (facts: readonly Fact[]) => facts.filter(({ type }) => type === 'child.exited').map(({ reason }) => reason);

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
    childOf(app.child('it'), 'held').send({ type: 'x' });
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
  const untidy = (log: string[]) =>
    fromCallback<{ type: string }, string>(({ input }) => {
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
      children: [
        { id: 'a', src: 'worker', input: { name: 'a' } },
        { id: 'b', src: 'untidy', input: 'b' },
        { id: 'c', src: 'worker', input: { name: 'c' } },
      ],
    });
    const report = await here.settle(app.stop());
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
    expect(report.children.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  it('in the cleanup of a grandchild stops its siblings all the same', async () => {
    const here = stage();
    const log: string[] = [];
    const parent = setup({ actors: { untidy: untidy(log) } }).createMachine({
      invoke: [
        { src: 'untidy', input: 'x' },
        { src: 'untidy', input: 'y' },
        { src: 'untidy', input: 'z' },
      ],
    });
    const { app, facts } = only(here, parent);
    await here.settle(app.stop());
    expect(log.sort()).toEqual(['+x', '+y', '+z', '-x', '-y', '-z']);
    expect(told(facts, 'child.restarted')).toEqual([]);
  });

  it('in the handler of supervisor.shutdown is a crash of that child, and the stop goes on', async () => {
    const here = stage();
    const ledger = new Ledger();
    const bad = setup({ actors: { held: ledger.logic }, actions: { fail } }).createMachine({
      invoke: { src: 'held', input: 'bad' },
      on: { 'supervisor.shutdown': { actions: 'fail' } },
    });
    const app = here.app({
      actors: { bad, held: ledger.logic },
      children: [
        { id: 'first', src: 'held', input: 'first' },
        { id: 'bad', src: 'bad' },
      ],
    });
    const report = await here.settle(app.stop());
    expect(report.children).toMatchObject([
      { id: 'bad', reason: { crash: boom }, killed: false },
      { id: 'first', reason: 'shutdown' },
    ]);
    expect(ledger.alive()).toEqual({ first: 0, bad: 0 });
  });

  it('in the guard of supervisor.shutdown is a crash of that child, not of its supervisor', async () => {
    const here = stage();
    const ledger = new Ledger();
    const bad = setup({ actors: { held: ledger.logic }, guards: { fail } }).createMachine({
      invoke: { src: 'held', input: 'bad' },
      on: { 'supervisor.shutdown': { guard: 'fail', actions: () => {} } },
    });
    const app = here.app({
      actors: { bad, held: ledger.logic },
      children: [
        { id: 'first', src: 'held', input: 'first' },
        { id: 'bad', src: 'bad' },
      ],
    });
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

  const speaker = (ledger: Ledger) =>
    setup({ types: { emitted: {} as { type: 'said' }, events: {} as { type: 'go' } }, actors: { held: ledger.logic } }).createMachine({
      invoke: { src: 'held', input: 'held' },
      initial: 'a',
      states: { a: { on: { go: { target: 'b', actions: emit({ type: 'said' }) } } }, b: {} },
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
    const log: string[] = [];
    const { app } = only(here, worker(log));
    app.on('*', fail);
    app.ref.subscribe(fail);
    app.child('it')?.send({ type: 'crash' });
    expect(reported.length).toBeGreaterThan(0);
    expect(log).toEqual(['+worker', '-worker', '+worker']);
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
