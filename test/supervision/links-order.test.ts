/** In which order the linked end: as Erlang's signals arrive, those of one end before whatever they set off. */
import { createMachine, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import {
  dynamicSupervisor,
  exit,
  exitReason,
  link,
  monitor,
  onExit,
  supervisorHandle,
  unlink,
  type ExitReason,
  type LinkExit,
  type MonitorDown,
} from '../../src/index.js';
import { boom, factsOf, stage, told, worker, type Stage } from './stage.js';

type Listened = MonitorDown | LinkExit;

/** An actor that traps exits and calls back with what it is sent. */
function listener(here: Stage, hear: (event: Listened) => void): AnyActorRef {
  const logic = setup({
    types: { events: {} as Listened },
    actions: {
      hear: ({ event }) => {
        hear(event);
      },
    },
  }).createMachine({ on: { 'monitor.down': { actions: 'hear' }, 'link.exit': { actions: 'hear' } } });
  return here.root(logic, { id: 'listener' });
}

/** Roots that do not trap exits, by their ids. */
function named<const Id extends string>(here: Stage, ...ids: Id[]): Record<Id, AnyActorRef> {
  const logic = createMachine({});
  return Object.fromEntries(ids.map((id) => [id, here.root(logic, { id })])) as Record<Id, AnyActorRef>;
}

describe('an end', () => {
  it('is told to all that are tied to it before anything that this sets off', () => {
    const here = stage();
    const order: string[] = [];
    const { a, b, c, d, e } = named(here, 'a', 'b', 'c', 'd', 'e');
    for (const [one, other] of [
      [a, b],
      [a, c],
      [b, d],
      [c, e],
    ] as const)
      link(one, other);
    for (const actor of [e, d, c, b, a]) onExit(actor, () => order.push(actor.id));
    exit(a, 'kill');
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('is told in the order in which it was asked for, by link, monitor and listener alike', () => {
    const here = stage();
    const heard: string[] = [];
    const owner = listener(here, ({ type }) => heard.push(type));
    const { a } = named(here, 'a');
    onExit(a, () => heard.push('first'));
    monitor(owner, a);
    link(owner, a);
    onExit(a, () => heard.push('last'));
    exit(a, 'kill');
    expect(heard).toEqual(['first', 'monitor.down', 'link.exit', 'last']);
  });

  it('of somebody in between changes nothing of what was sent before it', () => {
    const here = stage();
    const heard: [string, ExitReason | 'noproc'][] = [];
    const { a, b, c } = named(here, 'a', 'b', 'c');
    const owner = listener(here, (event) => {
      if (event.type === 'monitor.down') heard.push([event.actor.id, event.reason]);
    });
    link(a, b);
    link(b, c);
    link(a, c);
    for (const actor of [c, b, a]) monitor(owner, actor);
    exit(a, ['shutdown', 'a']);
    expect(heard).toEqual([
      ['a', ['shutdown', 'a']],
      ['b', ['shutdown', 'a']],
      ['c', ['shutdown', 'a']],
    ]);
  });

  it('is no longer told through a link that was cut, or a monitor that was taken back, before its turn', () => {
    const here = stage();
    const heard: unknown[] = [];
    const { a, b } = named(here, 'a', 'b');
    const owner = listener(here, (event) => heard.push(event));
    const answers: boolean[] = [];
    onExit(a, () => {
      unlink(owner, a);
      unlink(a, b);
      answers.push(set.demonitor(), set.demonitor(), watch.unsubscribe());
    });
    link(owner, a);
    link(a, b);
    const set = monitor(owner, a);
    const watch = onExit(a, (reason) => heard.push(reason));
    exit(a, 'kill');
    expect(answers).toEqual([true, false, true]);
    expect(heard).toEqual([]);
    expect(exitReason(b)).toBeNull();
  });

  it('that a monitor is set on while older news of it wait is told after them', () => {
    const here = stage();
    const heard: (ExitReason | 'noproc')[] = [];
    const { a } = named(here, 'a');
    const owner = listener(here, ({ reason }) => heard.push(reason));
    onExit(a, () => monitor(owner, a));
    monitor(owner, a);
    exit(a, 'kill');
    expect(heard).toEqual(['killed', 'noproc']);
  });
});

describe('the first signal', () => {
  it('counts, where more come while the actor is in the midst of an event', () => {
    const here = stage();
    const suicidal = setup({
      types: { events: {} as { type: 'go' } },
      actions: {
        go: ({ self }) => {
          exit(self as AnyActorRef, ['shutdown', 'first']);
          exit(self as AnyActorRef, 'kill');
        },
      },
    }).createMachine({ on: { go: { actions: 'go' } } });
    const one = here.root(suicidal);
    const reasons: unknown[] = [];
    onExit(one, (reason) => reasons.push(reason));
    one.send({ type: 'go' });
    expect([exitReason(one), ...reasons]).toEqual([
      ['shutdown', 'first'],
      ['shutdown', 'first'],
    ]);
  });

  it('counts, where a supervisor asks one to end that a link has ended already', async () => {
    const here = stage();
    const sup = supervisorHandle(here.root(dynamicSupervisor({ actors: { worker: worker() } }), { id: 'sup' }));
    await here.settle(sup.startChild({ id: 'a', src: 'worker', shutdownMs: 'brutalKill' }));
    await here.settle(sup.startChild({ id: 'b', src: 'worker' }));
    const [a, b] = [sup.child('a') as AnyActorRef, sup.child('b') as AnyActorRef];
    link(a, b);
    const heard: unknown[] = [];
    onExit(b, (reason) => heard.push(reason));
    await here.settle(sup.stop());
    expect([exitReason(b), ...heard]).toEqual(['killed', 'killed']);
  });
});

describe('supervised children that are linked', () => {
  it('and link themselves to each other at every start are each restarted once, not for ever', async () => {
    const here = stage();
    const ids = ['a', 'b', 'c', 'd'];
    const tree: { child?: (id: string) => AnyActorRef | undefined } = {};
    const member = setup({
      types: { context: {} as { name: string }, input: {} as { name: string } },
      actions: {
        join: ({ self, context }) => {
          for (const id of ids) {
            const other = id === context.name ? undefined : tree.child?.(id);
            if (other !== undefined && exitReason(other) === null) link(self as AnyActorRef, other);
          }
        },
      },
    }).createMachine({ context: ({ input }) => input, entry: 'join' });
    const app = here.app({
      intensity: 100,
      actors: { member },
      children: ids.map((id) => ({ id, src: 'member' as const, input: { name: id } })),
    });
    tree.child = (id) => app.child(id);
    for (const one of ids) for (const other of ids) link(app.child(one) as AnyActorRef, app.child(other) as AnyActorRef);
    const facts = factsOf(app);
    exit(app.child('b') as AnyActorRef, 'kill');
    expect(told(facts, 'child.restarted').sort()).toEqual(ids.map((id) => `child.restarted ${id}`));
    expect(ids.map((id) => exitReason(app.child(id) as AnyActorRef))).toEqual([null, null, null, null]);
    await app.stop();
  });

  it('in thousands end together; their supervisor counts each once', async () => {
    const here = stage();
    const count = 2_000;
    const logic = dynamicSupervisor({ actors: { worker: worker() }, template: { src: 'worker', restart: 'temporary' } });
    const sup = supervisorHandle(here.root(logic, { id: 'sup' }));
    const all: AnyActorRef[] = [];
    for (let index = 0; index < count; index++) {
      const started = await sup.startChild({ id: String(index) });
      if (started.ok && started.ref !== null) all.push(started.ref);
    }
    for (let index = 1; index < count; index++) link(all[index - 1] as AnyActorRef, all[index] as AnyActorRef);
    const facts = factsOf(sup);
    exit(all[0] as AnyActorRef, 'kill');
    expect(facts.filter(({ type, reason }) => type === 'child.exited' && reason === 'killed')).toHaveLength(count);
    expect(await sup.countChildren()).toMatchObject({ active: 0 });
    await here.settle(sup.stop());
  });

  it('end with a supervisor that is told to end in the turn of another end', async () => {
    const here = stage();
    const log: string[] = [];
    const sup = supervisorHandle(here.root(dynamicSupervisor({ actors: { worker: worker(log) } }), { id: 'sup' }));
    for (const id of ['a', 'b', 'c']) await here.settle(sup.startChild({ id, src: 'worker', input: { name: id } }));
    link(sup.child('a') as AnyActorRef, sup.child('c') as AnyActorRef);
    const { other } = named(here, 'other');
    onExit(other, () => {
      sup.shutdown();
    });
    exit(other, 'kill');
    expect(log).toEqual(['+a', '+b', '+c', '-a', '-b', '-c']);
    expect(exitReason(sup.ref)).toBe('shutdown');
  });
});

describe('a listener that throws', () => {
  it('while a supervisor ends its children harms neither it nor them, and is heard of', async () => {
    const here = stage();
    const sup = supervisorHandle(here.root(dynamicSupervisor({ actors: { worker: worker() } }), { id: 'sup' }));
    for (const id of ['a', 'b']) await here.settle(sup.startChild({ id, src: 'worker' }));
    const heard: unknown[] = [];
    onExit(sup.child('a') as AnyActorRef, () => {
      throw boom;
    });
    onExit(sup.child('b') as AnyActorRef, (reason) => heard.push(reason));
    vi.useFakeTimers(); // XState rethrows on a timer of the runtime
    try {
      sup.shutdown();
      expect(exitReason(sup.ref)).toBe('shutdown');
      expect(heard).toEqual(['shutdown']);
      expect(() => vi.runAllTimers()).toThrow(boom);
    } finally {
      vi.useRealTimers();
    }
  });
});
