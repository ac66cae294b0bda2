import { describe, expect, it } from 'vitest';
import { defaultTasks, taskSupervisor, taskSupervisorHandle, type ErrorCode, type Task, type TaskSupervisor } from '../../src/index.js';
import { stage, thrownBy, type Stage } from './stage.js';

const tasksOn = (here: Stage): TaskSupervisor => taskSupervisorHandle(here.root(taskSupervisor(), { id: 'tasks' }));
const never = () => new Promise<never>(() => {});

/** A task that runs until it is told to end. */
function running(here: Stage): Task<never> {
  const started = tasksOn(here).async(never);
  if (!started.ok) throw new Error('refused');
  return started.task;
}

type Call = 'run' | 'async' | 'start' | 'stream';
const calls: readonly Call[] = ['run', 'async', 'start', 'stream'];

/** What a call of any of the four throws or rejects with. */
async function refusal(tasks: TaskSupervisor, call: Call, fn: unknown, options: unknown): Promise<unknown> {
  try {
    if (call === 'stream') tasks.stream([1], fn as never, options as never);
    else await tasks[call](fn as never, options as never);
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

describe('a task that is asked for wrongly', () => {
  it.each<[string, unknown, object, ErrorCode, Call[]?]>([
    ['a promise as its function', Promise.resolve(), {}, 'supervision/invalid-task'],
    ['nothing as its function', undefined, {}, 'supervision/invalid-task'],
    ['text as its function', 'notAFunction', {}, 'supervision/invalid-task'],
    ['deadlineMs 0', () => 1, { deadlineMs: 0 }, 'supervision/invalid-task'],
    ['deadlineMs NaN', () => 1, { deadlineMs: Number.NaN }, 'supervision/invalid-task'],
    ['deadlineMs as text', () => 1, { deadlineMs: '100' }, 'supervision/invalid-task'],
    ['shutdownMs -1', () => 1, { shutdownMs: -1 }, 'supervision/invalid-task', ['run', 'async', 'start']],
    ['shutdownMs NaN', () => 1, { shutdownMs: Number.NaN }, 'supervision/invalid-task', ['run', 'async', 'start']],
    ['shutdownMs of another word', () => 1, { shutdownMs: 'forever' }, 'supervision/invalid-task', ['run', 'async', 'start']],
    ['a signal that is none', () => 1, { signal: 'abort' }, 'supervision/invalid-task'],
    ['a signal that is null', () => 1, { signal: null }, 'supervision/invalid-task'],
    ['restart of another word', () => 1, { restart: 'always' }, 'supervision/invalid-task', ['start']],
    ['an owner that is no actor', () => 1, { owner: {} }, 'supervision/invalid-task', ['async', 'stream']],
    ['link as text', () => 1, { link: 'no' }, 'supervision/invalid-task', ['async', 'stream']],
    ['trapExit as a number', () => 1, { trapExit: 1 }, 'supervision/invalid-task', ['run', 'async', 'start']],
    ['a number as its name', () => 1, { name: 5 }, 'supervision/invalid-task', ['run', 'async', 'start']],
    ['ordered as text', () => 1, { ordered: 'no' }, 'supervision/invalid-task', ['stream']],
    ['maxConcurrency 0', () => 1, { maxConcurrency: 0 }, 'supervision/invalid-task', ['stream']],
    ['onTimeout of another word', () => 1, { onTimeout: 'kill_task' }, 'supervision/invalid-task', ['stream']],
    ['a misspelt option', () => 1, { deadlineMS: 5 }, 'supervision/invalid-options'],
    ['an option of another call', () => 1, { restart: 'permanent' }, 'supervision/invalid-options', ['run', 'async', 'stream']],
    ['an owner where none is asked for', () => 1, { owner: {} }, 'supervision/invalid-options', ['run', 'start']],
  ])('%s: is refused at the call, and nothing starts', async (_what, fn, options, code, by = [...calls]) => {
    const here = stage();
    const tasks = tasksOn(here);
    for (const call of by) expect(await refusal(tasks, call, fn, options)).toMatchObject({ name: 'EspalierError', code });
    expect(tasks.count()).toBe(0);
  });

  it.each([null, 5, 'soon', [1]])('%j as options: is refused at the call, and nothing starts', async (options) => {
    const here = stage();
    const tasks = tasksOn(here);
    for (const call of calls)
      expect(await refusal(tasks, call, () => 1, options)).toMatchObject({
        code: 'supervision/invalid-options',
        details: { expected: `the options of ${call}() to be a plain object`, got: options },
      });
    expect(tasks.count()).toBe(0);
  });

  it('is told the names that are known', () => {
    const tasks = tasksOn(stage());
    const { details } = thrownBy(() => tasks.async(() => 1, { deadlineMS: 5 } as never));
    expect(details.expected).toBe('the options of async() with the keys deadlineMs, signal, shutdownMs, trapExit, name, owner, link');
    expect(details.got).toBe('deadlineMS');
  });

  it('is refused for what is wrong also where it could not start anyway', async () => {
    const here = stage();
    const root = here.root(taskSupervisor(), { id: 'tasks' });
    const tasks = taskSupervisorHandle(root);
    await tasks.stop();
    expect(thrownBy(() => tasks.start(() => 1, { deadlineMs: -1 })).code).toBe('supervision/invalid-task');
    expect(tasks.start(() => 1)).toEqual({ ok: false, reason: 'noproc' });
  });
});

describe('a running task, asked wrongly', () => {
  it.each([['x'], [Number.NaN], [-1], [null], [{}]])('for %s ms: await and yield reject, and wait for nothing', async (timeoutMs) => {
    const here = stage();
    const task = running(here);
    await expect(task.await(timeoutMs as never)).rejects.toMatchObject({ code: 'supervision/invalid-task', details: { got: timeoutMs } });
    await expect(task.yield(timeoutMs as never)).rejects.toMatchObject({ code: 'supervision/invalid-task', details: { got: timeoutMs } });
    expect(here.clock.pending()).toBe(0);
    task.cancel();
  });

  it.each([['x'], [Number.NaN], [-1], [null], ['infinity']])('shutdown(%s) rejects, and the task goes on', async (how) => {
    const task = running(stage());
    await expect(task.shutdown(how as never)).rejects.toMatchObject({ code: 'supervision/invalid-task', details: { got: how } });
    expect(task.ref.getSnapshot().status).toBe('active');
    task.cancel();
  });

  it('takes 0 and Infinity for times', async () => {
    const here = stage();
    const task = running(here);
    expect(await here.settle(task.yield(0))).toBeNull();
    expect(await here.settle(task.await(0))).toEqual({ ok: false, reason: 'timeout' });
    expect(await task.shutdown(Infinity)).toBeNull();
  });
});

describe('a handle, asked wrongly', () => {
  it.each([{ maxChildren: -1 }, { maxChildren: 1.5 }, { intensity: -1 }, { periodMs: 0 }])('taskSupervisor(%j)', (options) => {
    expect(thrownBy(() => taskSupervisor(options)).code).toMatch(/^supervision\/invalid-(?:max-children|intensity|period)$/);
  });

  it.each([null, undefined, {}, { ref: null }, 'task#1'])('terminate(%j) throws', (task) => {
    const tasks = tasksOn(stage());
    expect(thrownBy(() => tasks.terminate(task as never)).code).toBe('supervision/invalid-task');
  });

  it.each<['drain' | 'stop', unknown, ErrorCode]>([
    ['drain', { deadlineMS: 5 }, 'supervision/invalid-options'],
    ['drain', null, 'supervision/invalid-options'],
    ['drain', { deadlineMs: -1 }, 'supervision/invalid-drain'],
    ['stop', { reasn: 'shutdown' }, 'supervision/invalid-options'],
    ['stop', null, 'supervision/invalid-options'],
    ['stop', { reason: 'because' }, 'supervision/invalid-options'],
  ])('%s(%j) rejects, on every handle, and it goes on', async (call, options, code) => {
    const here = stage();
    const tasks = tasksOn(here);
    const app = here.app({});
    for (const handle of [tasks, app])
      await expect(call === 'drain' ? handle.drain(options as never) : handle.stop(options as never)).rejects.toMatchObject({ code });
    expect(tasks.start(() => 1).ok).toBe(true);
    expect(app.ref.getSnapshot().value).toEqual({ running: 'idle' });
  });

  it.each(['because', 5, null, ['shutdown'], {}])('shutdown(%j) of a handle throws, and it goes on', (reason) => {
    const app = stage().app({});
    expect(thrownBy(() => app.shutdown(reason as never))).toMatchObject({ code: 'supervision/invalid-options', details: { got: reason } });
    expect(app.ref.getSnapshot().value).toEqual({ running: 'idle' });
  });

  it.each([null, {}, { now: () => 0 }])('defaultTasks(%j) throws', (clock) => {
    expect(thrownBy(() => defaultTasks(clock as never)).code).toBe('supervision/invalid-options');
  });
});
