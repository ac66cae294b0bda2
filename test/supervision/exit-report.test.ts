import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exit, supervisor, supervisorHandle, type App, type ChildSpec } from '../../src/index.js';
import { boom, stage, trapper, worker, type Stage } from './stage.js';

const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
  initial: 'starting',
  states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
});

/** Traps exits, and never ends by itself. */
const stubborn = (log: string[] = []) => trapper(log);

function threeOf(here: Stage, log: string[], specs: Partial<ChildSpec>[] = [{}, {}, {}], options: object = {}): App {
  const actors = { worker: worker(log), trapper: trapper(log, 50), stubborn: stubborn(log), slow };
  return here.app({
    actors,
    ...options,
    children: specs.map((spec, index) => ({ id: 'abc'[index] as string, src: 'worker', input: { name: 'abc'[index] }, ...spec })) as never,
  });
}

describe('stopping', () => {
  it('asks in reverse order, one after the other, and reports who ended how in that order', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'trapper' }, {}, { src: 'trapper' }]);
    const report = await here.settle(app.stop());
    expect(log).toEqual(['+a', '+b', '+c', '?c', '-c', '-b', '?a', '-a']);
    expect(report).toEqual({
      id: 'app',
      reason: 'normal',
      tookMs: 100,
      killed: [],
      orphans: [],
      children: [
        { id: 'c', reason: 'shutdown', tookMs: 50, killed: false },
        { id: 'b', reason: 'shutdown', tookMs: 0, killed: false },
        { id: 'a', reason: 'shutdown', tookMs: 50, killed: false },
      ],
    });
  });

  it.each([
    ['at its deadline', 70, { reason: 'killed', killed: true, tookMs: 70 }, ['?c', '-c']],
    ['at once, with 0', 0, { reason: 'killed', killed: true, tookMs: 0 }, ['?c', '-c']],
    ['without being asked, with brutalKill', 'brutalKill', { reason: 'killed', killed: true, tookMs: 0 }, ['-c']],
  ] as const)('kills one that traps exits and does not end %s', async (_when, shutdownMs, line, traces) => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, {}, { src: 'stubborn', shutdownMs }]);
    const report = await here.settle(app.stop());
    expect(report.children[0]).toEqual({ id: 'c', ...line });
    expect(report.killed).toEqual(['c']);
    expect(log.slice(3)).toEqual([...traces, '-b', '-a']);
  });

  it('with infinity waits for ever, and no timer is set', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'stubborn', shutdownMs: 'infinity' }]);
    const stopped = app.stop();
    expect(here.clock.pending()).toBe(0);
    here.clock.advanceBy(10_000_000);
    expect(await here.peek(stopped)).toBe('pending');
    app.child('a')?.send({ type: 'finish' });
    expect(await here.peek(stopped)).toMatchObject({ tookMs: 10_000_000, killed: [] });
  });

  it('a child that does not trap ends shutdown at once, even with 0; a wildcard does not trap', async () => {
    const here = stage();
    const wild = setup({}).createMachine({ on: { '*': { actions: () => {} } } });
    const partly = setup({}).createMachine({ initial: 'a', states: { a: {}, b: { on: { 'supervisor.shutdown': {} } } } });
    const forbidden = setup({}).createMachine({ on: { 'supervisor.shutdown': {} } });
    const app = here.app({
      actors: { wild, partly, forbidden },
      children: [
        { id: 'w', src: 'wild', shutdownMs: 0 },
        { id: 'p', src: 'partly' },
        { id: 'f', src: 'forbidden' },
      ],
    });
    const report = await here.settle(app.stop());
    expect(report).toMatchObject({ tookMs: 0, killed: [], children: [{ reason: 'shutdown' }, { reason: 'shutdown' }, { reason: 'shutdown' }] });
  });

  it('`supervisor.*` does trap', async () => {
    const here = stage();
    const heard: string[] = [];
    const all = setup({
      actions: {
        hear: ({ event }) => {
          heard.push(event.type);
        },
      },
    }).createMachine({
      initial: 'a',
      states: { a: { on: { 'supervisor.*': { target: 'b', actions: 'hear' } } }, b: { type: 'final' } },
    });
    const app = here.app({ actors: { all }, children: [{ id: 'x', src: 'all' }] });
    expect(await here.settle(app.stop())).toMatchObject({ children: [{ id: 'x', reason: 'normal' }] });
    expect(heard).toEqual(['supervisor.shutdown']);
  });

  it("reports what nested supervisors' children did, and the way to who was killed", async () => {
    const here = stage();
    const log: string[] = [];
    const inner = supervisor({
      actors: { worker: worker(log), stubborn: stubborn(log) },
      children: [
        { id: 'deep', src: 'stubborn', input: { name: 'deep' }, shutdownMs: 40 },
        { id: 'easy', src: 'worker', input: { name: 'easy' } },
      ],
    });
    const app = here.app({
      actors: { inner, worker: worker(log) },
      children: [
        { id: 'in', src: 'inner', type: 'supervisor' },
        { id: 'w', src: 'worker' },
      ],
    });
    const report = await here.settle(app.stop({ reason: ['shutdown', 'deploy'] }));
    expect(report).toEqual({
      id: 'app',
      reason: ['shutdown', 'deploy'],
      tookMs: 40,
      killed: ['in/deep'],
      orphans: [],
      children: [
        { id: 'w', reason: 'shutdown', tookMs: 0, killed: false },
        {
          id: 'in',
          reason: 'shutdown',
          tookMs: 40,
          killed: false,
          children: [
            { id: 'easy', reason: 'shutdown', tookMs: 0, killed: false },
            { id: 'deep', reason: 'killed', tookMs: 40, killed: true },
          ],
        },
      ],
    });
  });

  /** Traps exits for ever, however often it is asked. */
  const deaf = setup({}).createMachine({ on: { 'supervisor.shutdown': { actions: () => {} } } });
  const holding = (options: Partial<Omit<ChildSpec, 'id' | 'src'>> = {}) =>
    supervisor({
      actors: { deaf, worker: worker() },
      children: [
        { id: 'deep', src: 'deaf', ...options },
        { id: 'plain', src: 'worker' },
      ],
    });

  it('a supervisor that is killed leaves its trapping children as orphans; the report names them, and they end within their time', async () => {
    const here = stage();
    const app = here.app({
      actors: { inner: holding({ shutdownMs: 7_000 }) },
      children: [{ id: 'in', src: 'inner', type: 'supervisor', shutdownMs: 60 }],
    });
    expect(await here.settle(app.stop())).toMatchObject({ tookMs: 60, killed: expect.arrayContaining(['in']) as string[], orphans: ['deep'] });
    expect(here.living()).toEqual(['deep']);
    here.clock.advanceBy(6_999);
    expect(here.living()).toEqual(['deep']);
    here.clock.advanceBy(1);
    expect(here.living()).toEqual([]);
  });

  it('names who held up a supervisor that had to be killed', async () => {
    const here = stage();
    const app = here.app({
      actors: { inner: holding({ shutdownMs: 7_000 }) },
      children: [{ id: 'in', src: 'inner', type: 'supervisor', shutdownMs: 60 }],
    });
    const report = await here.settle(app.stop());
    expect([...report.killed, ...report.orphans.map((id) => `in/${id}`)]).toEqual(['in', 'in/deep']);
    expect(report.children[0]?.children).toMatchObject([{ id: 'plain', reason: 'shutdown' }]);
    here.clock.advanceBy(7_000);
  });

  it('names only the orphans of the supervisor that is reported', async () => {
    const here = stage();
    const easy = supervisor({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const app = here.app({
      actors: { easy, inner: holding() },
      children: [
        { id: 'easy', src: 'easy', restart: 'temporary' },
        { id: 'in', src: 'inner', restart: 'temporary' },
      ],
    });
    exit(app.child('in') as AnyActorRef, 'kill');
    const report = await here.settle(supervisorHandle(app.child('easy') as AnyActorRef).stop());
    expect(here.living()).toContain('deep');
    expect(report.orphans).toEqual([]);
    here.clock.advanceBy(10_000);
  });

  it('twice is once: both get the same report', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'trapper' }, {}]);
    const [first, second] = await here.settle(Promise.all([app.stop(), app.stop({ reason: 'shutdown' })]));
    expect(second).toEqual(first);
    expect(await app.stop()).toEqual({ ...first, tookMs: 0 });
    expect(log.filter((entry) => entry.startsWith('?'))).toEqual(['?a']);
  });

  it('during the start completes that start first, then stops what there is', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, { src: 'slow' }, {}]);
    const stopped = app.stop();
    expect(await here.peek(stopped)).toBe('pending');
    expect(log).toEqual(['+a']);
    app.child('b')?.send({ type: 'up' });
    expect(await here.peek(stopped)).toMatchObject({ reason: 'normal' });
    expect(log).toEqual(['+a', '+c', '-c', '-a']);
  });

  it('during a restart completes the restart of the group first', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, { src: 'trapper' }], { strategy: 'oneForAll' });
    app.child('a')?.send({ type: 'crash' });
    const stopped = app.stop();
    const report = await here.settle(stopped);
    expect(report).toMatchObject({ reason: 'normal', children: [{ id: 'b' }, { id: 'a' }] });
    expect(log).toEqual(['+a', '+b', '-a', '?b', '-b', '+a', '+b', '?b', '-b', '-a']);
  });

  it('a child that dies by itself while it waits for its turn is reported as it died', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, { src: 'trapper' }]);
    const stopped = app.stop();
    app.child('a')?.send({ type: 'crash' });
    const report = await here.settle(stopped);
    expect(report.children).toMatchObject([
      { id: 'b', reason: 'shutdown' },
      { id: 'a', reason: { crash: boom }, killed: false, tookMs: 0 },
    ]);
  });

  it('with `await using` comes at the end of the block', async () => {
    const here = stage();
    const log: string[] = [];
    {
      await using app = threeOf(here, log);
      expect(app.child('a')).toBeDefined();
    }
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
  });

  it('tells `ended` to whoever waits, whoever ended it, also when asked too late', async () => {
    const here = stage();
    const app = threeOf(here, []);
    const ended = app.ended();
    app.shutdown(['shutdown', 'parent']);
    expect(await here.peek(ended)).toMatchObject({ reason: ['shutdown', 'parent'] });
    expect(await app.ended()).toMatchObject({ reason: ['shutdown', 'parent'], tookMs: 0 });
  });

  it('by giving up is reported too, with the children that were left', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, {}], { intensity: 0 });
    const ended = app.ended();
    app.child('a')?.send({ type: 'crash' });
    expect(await here.peek(ended)).toMatchObject({ reason: 'shutdown', children: [{ id: 'b', reason: 'shutdown' }] });
  });
});
