/** What a play sees of its tree: the tree as data, and facts to wait for. */
import { expect, it } from 'vitest';
import { type AnyActorRef, createActor, createMachine, fromPromise } from 'xstate';
import type { Fact } from '../../src/cli/stage/facts.js';
import { Stage } from '../../src/cli/stage/stage.js';
import { stateOf } from '../../src/cli/stage/states.js';
import type { TreeNode } from '../../src/cli/stage/tree-node.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { supervisor } from '../../src/supervision/supervisors.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const signal = new AbortController().signal;

/** A stage whose tree has a supervised worker, which crashes when it is told to. */
function open(restart: 'permanent' | 'temporary') {
  const clock = new VirtualClock();
  const facts: Fact[] = [];
  const stage = new Stage((fresh) => facts.push(...fresh), clock);
  const crashes: ((error: Error) => void)[] = [];
  const worker = fromPromise(() => new Promise((_, reject) => crashes.push(reject)));
  const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
  const workers = supervisor({ actors: { worker }, children: [{ id: 'worker', src: 'worker', restart, backoff }] });
  const app = orchestrator({ actors: { workers }, children: [{ id: 'workers', src: 'workers', type: 'supervisor' }] }).start({
    clock,
    inspect: stage.watch.inspect,
  });
  stage.open(app);
  stage.watch.describe({ 'app/workers/worker': 'works' });
  return { stage, app, clock, facts, crash: () => crashes.at(-1)?.(new Error('lost')) };
}

const worker = (stage: Stage): TreeNode | undefined => stage.watch.read()?.children[0]?.children[0];

it('the tree tells states and restarts, also of a child between two lives', async () => {
  const { stage, app, clock, facts, crash } = open('permanent');
  await app.started();
  expect(stage.watch.read()).toMatchObject({ name: 'app', state: 'running', restarts: { count: 0, budget: 3, periodMs: 5_000 } });
  expect(worker(stage)).toEqual({ name: 'worker', state: 'running', restarts: { count: 0 }, about: 'works', children: [] });
  const exited = stage.next(signal, 'child.exited', { id: 'worker' });
  crash();
  expect(await exited).toMatchObject({ from: 'app/workers', willRestart: true });
  expect(worker(stage)).toMatchObject({ state: 'restarting', restarts: { count: 0 } });
  clock.advanceBy(100);
  expect(worker(stage)).toMatchObject({ state: 'running', restarts: { count: 1 } });
  expect(stage.watch.read()?.children[0]).toMatchObject({ name: 'workers', restarts: { count: 1, budget: 3 } });
  await app.stop();
  stage.flush();
  expect(facts.map(({ type }) => type)).toEqual(expect.arrayContaining(['child.started', 'child.exited', 'child.restarted', 'child.stopped']));
  expect(stage.watch.read()).toMatchObject({ state: 'stopped' });
});

it('one that is shown without those beneath it says how often these were restarted; a leaf of which nobody restarts any, nothing', async () => {
  const clock = new VirtualClock();
  const stage = new Stage(() => {}, clock);
  const crashes: ((error: Error) => void)[] = [];
  const gus = fromPromise(() => new Promise((_, reject) => crashes.push(reject)));
  const keeper = supervisor({ actors: { gus }, children: [{ id: 'gus', src: 'gus', restart: 'permanent' }] });
  const agent = createMachine({ invoke: { id: 'keeper', src: keeper } });
  const lone = createMachine({ invoke: { id: 'desk', src: fromPromise(() => new Promise(() => {})) } });
  const room = createMachine({ invoke: [agent, lone].map((src, index) => ({ id: ['agent', 'lone'][index] ?? '', src })) });
  stage.watch.fold(/^app\/room\/(?:agent|lone)$/);
  const app = orchestrator({ actors: { room }, children: [{ id: 'room', src: 'room' }] }).start({ clock, inspect: stage.watch.inspect });
  stage.open(app);
  await app.started();
  const rows = () => stage.watch.read()?.children[0]?.children.map(({ children, name, restarts }) => ({ children, name, restarts }));
  const [alone, kept] = [
    { children: [], name: 'lone', restarts: null },
    { children: [], name: 'agent' },
  ];
  expect(rows()).toEqual([{ ...kept, restarts: { count: 0 } }, alone]);
  const again = stage.next(signal, 'child.restarted');
  crashes.at(-1)?.(new Error('broke down'));
  await again;
  expect(rows()).toEqual([{ ...kept, restarts: { count: 1 } }, alone]);
  await app.stop();
});

it('tasks go by their names, and stay to be seen when they have ended', async () => {
  const { stage, app } = open('permanent');
  await app.tasks.run(() => 1, { name: 'sum' });
  await app.tasks.run(() => Promise.reject(new Error('no')), { name: 'fault' });
  const running = app.tasks.async(() => new Promise<never>(() => {}), { name: 'endless' });
  const tasks = stage.watch.read()?.children.find(({ name }) => name === 'tasks');
  expect(tasks?.children.map(({ name, state }) => [name, state])).toEqual([
    ['sum', 'succeeded'],
    ['fault', 'failed'],
    ['endless', 'running'],
  ]);
  expect(running.ok).toBe(true);
  await app.stop();
});

it('who waits for a fact learns that it will never come', async () => {
  const { stage, app, crash } = open('temporary');
  await app.started();
  const never = stage.next(signal, 'turn.ended');
  crash();
  await expect(never).rejects.toThrow('app/workers/worker ended for good: crash: lost');
  await expect(stage.next(signal, 'turn.ended')).rejects.toThrow('ended for good');
  await app.stop();
});

it('a wait ends with its signal', async () => {
  const { stage, app } = open('permanent');
  const controller = new AbortController();
  const wait = stage.next(controller.signal, 'turn.ended');
  controller.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');
  await expect(stage.next(controller.signal, 'turn.ended')).rejects.toThrow('enough');
  await app.stop();
});

it('an actor that does nothing is shown as what it is in: ready, not idle', () => {
  const machine = createMachine({
    initial: 'ready',
    states: { ready: { initial: 'idle', states: { idle: { on: { go: 'generating' } }, generating: {} } } },
  });
  const actor = createActor(machine) as AnyActorRef;
  actor.start();
  expect(stateOf(actor)).toBe('ready');
  actor.send({ type: 'go' });
  expect(stateOf(actor)).toBe('generating');
});
