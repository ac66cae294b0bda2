import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { dynamicSupervisor, orchestrator, supervisor, supervisorHandle, taskSupervisor } from '../../src/index.js';
import { factsOf, stage, told, worker } from './stage.js';

describe('a supervisor with its options bound', () => {
  it('gives the same options to every actor made of it, and shares nothing between them', async () => {
    const here = stage();
    const logic = supervisor({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const [first, second] = [here.root(logic, { id: '1' }), here.root(logic, { id: '2' })];
    await supervisorHandle(first).terminateChild('w');
    expect(supervisorHandle(second).child('w')).toBeDefined();
  });

  it('takes input that comes later over its own', () => {
    const here = stage();
    const logic = supervisor({ intensity: 7, actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const root = here.root(logic, { input: { intensity: 9 } });
    expect(root.getSnapshot()).toMatchObject({ context: { intensity: 9, children: [{ spec: { id: 'w' } }] } });
  });

  it('keeps its options when it is provided with more', () => {
    const here = stage();
    const log: string[] = [];
    const logic = supervisor({ intensity: 7, actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const root = here.root(logic.provide({ actors: { worker: worker(log) } } as never));
    expect(root.getSnapshot()).toMatchObject({ context: { intensity: 7 } });
    expect(log).toEqual(['+worker']);
  });

  it("leaves the catalogue's machines as they are", () => {
    supervisor({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    taskSupervisor({ maxChildren: 1 });
    const here = stage();
    expect(here.root(supervisor()).getSnapshot()).toMatchObject({ context: { children: [] } });
    expect(here.root(taskSupervisor()).getSnapshot()).toMatchObject({ context: { maxChildren: 'infinity' } });
    expect(here.root(dynamicSupervisor()).getSnapshot()).toMatchObject({ context: { maxChildren: 'infinity', template: null } });
  });

  it('does not change what it was given, nor is changed with it', async () => {
    const here = stage();
    const children = [{ id: 'w', src: 'worker' as const }];
    const options = Object.freeze({ actors: Object.freeze({ worker: worker() }), children });
    const logic = supervisor(options);
    children.push({ id: 'late', src: 'worker' });
    const handle = supervisorHandle(here.root(logic));
    expect(await handle.countChildren()).toMatchObject({ specs: 1 });
  });
});

describe('an orchestrator', () => {
  it('can be started more than once: two trees', async () => {
    const here = stage();
    const described = orchestrator({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const apps = [
      described.start({ clock: here.clock, inspect: here.inspect }),
      described.start({ clock: here.clock, inspect: here.inspect, id: 'other' }),
    ];
    expect(apps[0]?.child('w')).not.toBe(apps[1]?.child('w'));
    expect(await Promise.all(apps.map((app) => app.stop()))).toMatchObject([{ id: 'app' }, { id: 'other' }]);
  });

  it('whose first child fails to start says so, and runs nothing', async () => {
    const here = stage();
    const log: string[] = [];
    const bad = setup({}).createMachine({
      context: () => {
        throw new Error('no');
      },
    });
    const app = here.app({
      actors: { worker: worker(log), bad },
      children: [
        { id: 'w', src: 'worker' },
        { id: 'b', src: 'bad' },
        { id: 'x', src: 'worker' },
      ],
    });
    expect(await app.started()).toMatchObject({ ok: false, reason: ['shutdown', ['failedToStartChild', 'b', ['EXIT', expect.any(Error) as Error]]] });
    expect(log).toEqual(['+worker', '-worker']);
    expect(here.living()).toEqual([]);
    expect(await app.ended()).toMatchObject({ id: 'app', children: [{ id: 'w', reason: 'shutdown' }] });
  });
});

describe('autoShutdown', () => {
  it.each([
    ['anySignificant', ['a'], 'done'],
    ['allSignificant', ['a'], 'active'],
    ['allSignificant', ['a', 'b'], 'done'],
    ['allSignificant', ['c'], 'active'],
  ] as const)('%s: after the end of %j it is %s', (autoShutdown, ends, status) => {
    const here = stage();
    const app = here.app({
      autoShutdown,
      actors: { worker: worker() },
      children: [
        { id: 'a', src: 'worker', restart: 'transient', significant: true },
        { id: 'b', src: 'worker', restart: 'temporary', significant: true },
        { id: 'c', src: 'worker', restart: 'transient' },
      ],
    });
    for (const id of ends) app.child(id)?.send({ type: 'finish' });
    expect(app.ref.getSnapshot().status).toBe(status);
  });

  it('a significant child that crashes and is restarted ends nobody; one terminated by call neither', async () => {
    const here = stage();
    const app = here.app({
      autoShutdown: 'anySignificant',
      actors: { worker: worker() },
      children: [{ id: 'a', src: 'worker', restart: 'transient', significant: true }],
    });
    const facts = factsOf(app);
    app.child('a')?.send({ type: 'crash' });
    expect(told(facts, 'child.restarted')).toHaveLength(1);
    await app.terminateChild('a');
    expect(app.ref.getSnapshot().status).toBe('active');
  });
});

describe('the states of a supervisor', () => {
  it('are what an inspector shows: no booleans', () => {
    const here = stage();
    const stubborn = setup({}).createMachine({ on: { 'supervisor.shutdown': { actions: () => {} } } });
    const slow = setup({}).createMachine({ initial: 'starting', states: { starting: { tags: 'starting' } } });
    const app = here.app({
      strategy: 'oneForAll',
      actors: { worker: worker(), stubborn, slow },
      children: [
        { id: 'w', src: 'worker' },
        { id: 's', src: 'stubborn', shutdownMs: 10 },
      ],
    });
    const value = () => app.ref.getSnapshot().value as unknown;
    expect(value()).toEqual({ running: 'idle' });
    app.child('w')?.send({ type: 'crash' });
    expect(value()).toEqual({ restarting: { stoppingSiblings: 'asking' } });
    here.clock.advanceBy(10);
    expect(value()).toEqual({ running: 'idle' });
    void app.startChild({ id: 'slow', src: 'slow', startMs: 10 });
    expect(value()).toBe('startingChild');
    here.clock.advanceBy(10);
    void app.terminateChild('s');
    expect(value()).toEqual({ terminatingChild: 'asking' });
    here.clock.advanceBy(10);
    void app.stop();
    expect(value()).toBe('stopped');
  });
});
