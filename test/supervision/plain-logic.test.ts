import { setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  dynamicSupervisorMachine,
  partitionHandle,
  partitionSupervisor,
  supervisor,
  supervisorHandle,
  supervisorMachine,
  taskSupervisorHandle,
  taskSupervisorMachine,
} from '../../src/index.js';
import { factsOf, stage, worker } from './stage.js';

/** A supervisor as plain logic, provided with nothing but a worker that writes down its life. */
const bare = (log: string[]) => supervisorMachine.provide({ actors: { worker: worker(log) } } as never);
const children = [
  { id: 'a', src: 'worker' },
  { id: 'b', src: 'nobody' },
];
const unknown = ['startSpec', ['unknownSrc', 'nobody']];

describe('a supervisor used as plain logic, whose second child names no actor', () => {
  it('as a root starts nobody', async () => {
    const here = stage();
    const log: string[] = [];
    const handle = supervisorHandle(here.root(bare(log), { input: { children } }));
    expect(await handle.started()).toEqual({ ok: false, reason: unknown });
    expect(log).toEqual([]);
  });

  it('invoked by a machine of the app starts nobody, and its host learns of the end', () => {
    const here = stage();
    const log: string[] = [];
    const host = setup({ actors: { workers: bare(log) } }).createMachine({
      initial: 'on',
      states: { on: { invoke: { src: 'workers', input: { children }, onDone: 'off' } }, off: {} },
    });
    expect(here.root(host).getSnapshot().value).toBe('off');
    expect(log).toEqual([]);
  });

  it('spawned by a machine of the app starts nobody, and its host learns of the end', () => {
    const here = stage();
    const log: string[] = [];
    const host = setup({ actors: { workers: bare(log) } }).createMachine({
      context: ({ spawn }) => ({ ref: spawn('workers', { id: 'workers', input: { children } }) }),
      initial: 'on',
      states: { on: { on: { 'xstate.done.actor.workers': 'off' } }, off: {} },
    });
    expect(here.root(host).getSnapshot().value).toBe('off');
    expect(log).toEqual([]);
  });

  it('as a child of another starts none of its own, and the other fails as OTP has it: in its turn', async () => {
    const here = stage();
    const log: string[] = [];
    const outer = supervisorMachine.provide({ actors: { worker: worker(log), inner: bare(log) } } as never);
    const input = {
      children: [
        { id: 'first', src: 'worker', input: { name: 'first' } },
        { id: 'inner', src: 'inner', type: 'supervisor', input: { children } },
      ],
    };
    const handle = supervisorHandle(here.root(outer, { input }));
    expect(await handle.started()).toEqual({ ok: false, reason: ['shutdown', ['failedToStartChild', 'inner', unknown]] });
    expect(log).toEqual(['+first', '-first']);
  });

  it('with options bound, and its children given as input, starts nobody', async () => {
    const here = stage();
    const log: string[] = [];
    const handle = supervisorHandle(here.root(supervisor({ intensity: 1, actors: { worker: worker(log) } }), { input: { children } }));
    expect(await handle.started()).toEqual({ ok: false, reason: unknown });
    expect(log).toEqual([]);
  });
});

describe('a supervisor used as plain logic', () => {
  it('knows the actors of every provide(), the last included', async () => {
    const here = stage();
    const log: string[] = [];
    const twice = bare(log).provide({ actors: { nobody: worker(log) } } as never);
    expect(await supervisorHandle(here.root(twice, { input: { children } })).started()).toEqual({ ok: true });
    expect(log).toEqual(['+worker', '+worker']);
  });

  it('refuses the pool as a child, also where it is provided', async () => {
    const here = stage();
    const handle = supervisorHandle(here.root(bare([]), { input: { children: [{ id: 'p', src: 'pool' }] } }));
    expect(await handle.started()).toEqual({ ok: false, reason: ['startSpec', ['unknownSrc', 'pool']] });
  });

  it.each([5, null, () => 1, 'text'])('refuses a child whose src names what is no logic: %s', async (nobody) => {
    const here = stage();
    const log: string[] = [];
    const logic = bare(log).provide({ actors: { nobody } } as never);
    expect(await supervisorHandle(here.root(logic, { input: { children } })).started()).toEqual({ ok: false, reason: unknown });
    expect(log).toEqual([]);
  });

  it.each([[5], ['text'], [[children]]])('refuses %j as its input', async (input) => {
    const here = stage();
    for (const logic of [supervisorMachine, dynamicSupervisorMachine, taskSupervisorMachine]) {
      const handle = supervisorHandle(here.root(logic, { input }));
      expect(await handle.started()).toEqual({ ok: false, reason: ['supervisorData', ['invalidOptions', input]] });
    }
  });

  it.each([undefined, null])('takes %s for an input without anything', async (input) => {
    const here = stage();
    for (const logic of [supervisorMachine, dynamicSupervisorMachine, taskSupervisorMachine])
      expect(await supervisorHandle(here.root(logic, { input })).started()).toEqual({ ok: true });
  });

  it('a task supervisor refuses a misspelt name in its input', async () => {
    const here = stage();
    const handle = supervisorHandle(here.root(taskSupervisorMachine, { input: { maxchildren: 1 } }));
    expect(await handle.started()).toEqual({ ok: false, reason: ['supervisorData', ['invalidOptions', 'maxchildren']] });
  });

  it('may be the child of a partition supervisor, which adds to its input which copy it is', async () => {
    const here = stage();
    const log: string[] = [];
    const actors = { workers: bare(log), tasks: taskSupervisorMachine };
    const supervisors = partitionSupervisor({ partitions: 2, child: { src: 'workers', input: { children: children.slice(0, 1) } }, actors });
    const tasks = partitionSupervisor({ partitions: 2, child: { src: 'tasks', input: { maxChildren: 1 } }, actors });
    expect(await supervisorHandle(here.root(supervisors)).started()).toEqual({ ok: true });
    expect(log).toEqual(['+worker', '+worker']);
    const one = partitionHandle(here.root(tasks)).child('any');
    if (one === undefined) throw new Error('no partition');
    expect(await taskSupervisorHandle(one).run(() => 1)).toEqual({ ok: true, value: 1 });
  });
});

describe('a child added to a running supervisor, whose src names no actor', () => {
  it.each([
    ['a supervisor', supervisorMachine],
    ['a dynamic supervisor', dynamicSupervisorMachine],
  ])('is refused by the handle of %s, and answered by the machine itself, and nobody starts', async (_kind, machine) => {
    const here = stage();
    const log: string[] = [];
    const root = here.root(machine.provide({ actors: { worker: worker(log) } } as never));
    const handle = supervisorHandle(root);
    await expect(handle.startChild({ id: 'x', src: 'nobody' })).rejects.toMatchObject({
      code: 'supervision/unknown-src',
      details: { expected: 'a src among the actors worker', got: 'nobody' },
    });
    const answers = factsOf(root);
    root.send({ type: 'call.startChild', call: 'mine', spec: { id: 'x', src: 'nobody' } });
    const results = answers.filter(({ type }) => type === 'call.replied').map(({ result }) => result as { ok: boolean; reason: unknown });
    // OTP says `['EXIT', fault]` where Elixir says the bare fault.
    expect(results.map(({ ok, reason }) => [ok, [reason].flat().at(-1)])).toMatchObject([[false, { code: 'supervision/unknown-src' }]]);
    expect(here.living()).not.toContain('x');
    expect(await handle.countChildren()).toMatchObject({ specs: 0, active: 0 });
    expect(log).toEqual([]);
  });
});
