import { fromCallback, fromPromise, setup, type AnyActorRef, type EventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  exit,
  exitReason,
  exitWith,
  link,
  monitor,
  supervisor,
  supervisorHandle,
  type App,
  type LinkExit,
  type MonitorDown,
} from '../../src/index.js';
import { boom, factsOf, stage, told, worker, type Stage } from './stage.js';

/** An actor that writes down whatever it is sent. It names `monitor.down` and `link.exit`, so it traps exits. */
function listener(heard: EventObject[]) {
  return setup({
    types: { events: {} as MonitorDown | LinkExit },
    actions: {
      hear: ({ event }) => {
        heard.push(event);
      },
    },
  }).createMachine({
    id: 'listener',
    on: { 'monitor.down': { actions: 'hear' }, 'link.exit': { actions: 'hear' } },
  });
}

/** One that does not trap, and ends or dies when told. */
const plain = setup({
  types: { events: {} as { type: 'crash' } | { type: 'finish' } | { type: 'leave' } },
  actions: {
    crash: () => {
      throw boom;
    },
  },
}).createMachine({
  id: 'plain',
  initial: 'alive',
  output: ({ event }) => (event as unknown as { output: unknown }).output,
  states: {
    alive: { on: { crash: { actions: 'crash' }, finish: 'over', leave: 'left' } },
    over: { type: 'final', output: 'ignored' },
    left: { type: 'final', output: () => exitWith(['shutdown', 'idle']) },
  },
});

function actor(here: Stage, id: string, logic: Parameters<Stage['root']>[0] = plain): AnyActorRef {
  const ref = here.root(logic, { id });
  ref.subscribe({ error: () => {} });
  return ref;
}

/** An app with two permanent workers that record their lives. */
function pair(here: Stage, log: string[]): { app: App; a: () => AnyActorRef; b: () => AnyActorRef } {
  const app = here.app({
    intensity: 10,
    actors: { worker: worker(log) },
    children: [
      { id: 'a', src: 'worker', input: { name: 'a' } },
      { id: 'b', src: 'worker', input: { name: 'b' } },
    ],
  });
  return { app, a: () => app.child('a') as AnyActorRef, b: () => app.child('b') as AnyActorRef };
}

describe('watching supervised children', () => {
  it('an exit signal ends the child; its supervisor learns of it and restarts it', async () => {
    const here = stage();
    const log: string[] = [];
    const { app, a } = pair(here, log);
    const facts = factsOf(app);
    const first = a();
    exit(first, 'kill');
    expect(a()).not.toBe(first);
    expect(facts.filter(({ type }) => type === 'child.exited')).toMatchObject([{ id: 'a', reason: 'killed', willRestart: true }]);
    expect(log).toEqual(['+a', '+b', '-a', '+a']);
    await app.stop();
  });

  it('linked siblings die together, and each is restarted once', async () => {
    const here = stage();
    const log: string[] = [];
    const { app, a, b } = pair(here, log);
    const facts = factsOf(app);
    link(a(), b());
    const before = [a(), b()];
    a().send({ type: 'crash' });
    expect(told(facts, 'child.restarted').sort()).toEqual(['child.restarted a', 'child.restarted b']);
    expect([a(), b()].every((ref) => exitReason(ref) === null && !before.includes(ref))).toBe(true);
    a().send({ type: 'crash' });
    expect(told(facts, 'child.restarted')).toHaveLength(3);
    await app.stop();
  });

  it('a child that is ended by a link in the midst of its own transition is restarted too', async () => {
    const here = stage();
    const linked: { sibling?: AnyActorRef } = {};
    const killer = setup({
      types: { events: {} as { type: 'kill' } },
      actions: {
        kill: () => {
          if (linked.sibling !== undefined) exit(linked.sibling, 'kill');
        },
      },
    }).createMachine({ on: { kill: { actions: 'kill' } } });
    const app = here.app({
      intensity: 10,
      actors: { killer, worker: worker() },
      children: [
        { id: 'killer', src: 'killer' },
        { id: 'victim', src: 'worker' },
      ],
    });
    const facts = factsOf(app);
    linked.sibling = app.child('victim') as AnyActorRef;
    const first = app.child('killer') as AnyActorRef;
    link(first, linked.sibling);
    first.send({ type: 'kill' });
    expect(told(facts, 'child.restarted').sort()).toEqual(['child.restarted killer', 'child.restarted victim']);
    expect(exitReason(app.child('killer') as AnyActorRef)).toBeNull();
    expect(await app.countChildren()).toMatchObject({ active: 2 });
    await app.stop();
  });

  it('a child that ends itself by a signal in the midst of its own transition is restarted', async () => {
    const here = stage();
    const suicidal = setup({
      types: { events: {} as { type: 'go' } },
      actions: {
        go: ({ self }) => {
          exit(self as never, 'kill');
        },
      },
    }).createMachine({ on: { go: { actions: 'go' } } });
    const app = here.app({ actors: { suicidal }, children: [{ id: 'it', src: 'suicidal' }] });
    const facts = factsOf(app);
    const first = app.child('it');
    first?.send({ type: 'go' });
    expect(facts.filter(({ type }) => type === 'child.exited')).toMatchObject([{ id: 'it', reason: 'killed' }]);
    expect(app.child('it')).not.toBe(first);
    await app.stop();
  });

  it('a monitor of one incarnation says nothing of the next', async () => {
    const here = stage();
    const { app, a } = pair(here, []);
    const heard: MonitorDown[] = [];
    const owner = actor(here, 'owner', listener(heard));
    const first = a();
    monitor(owner, first);
    first.send({ type: 'crash' });
    a().send({ type: 'crash' });
    expect(heard.map(({ actor: dead, reason }) => [dead === first, reason])).toEqual([[true, { crash: boom }]]);
    await app.stop();
    expect(heard).toHaveLength(1);
  });

  it('a link to one incarnation binds no successor', async () => {
    const here = stage();
    const { app, a } = pair(here, []);
    const other = actor(here, 'other', listener([]));
    link(other, a());
    a().send({ type: 'crash' });
    const second = a();
    exit(other, 'kill');
    expect(exitReason(second)).toBeNull();
    await app.stop();
  });

  it('news of a dead incarnation do not end its successor of the same id', async () => {
    const here = stage();
    const { app, a } = pair(here, []);
    const first = a();
    first.send({ type: 'crash' });
    const second = a();
    exit(first, 'kill');
    first.send({ type: 'crash' });
    expect(a()).toBe(second);
    expect(exitReason(second)).toBeNull();
    await app.stop();
  });

  it('the promise of a dead incarnation does not end its successor', async () => {
    const here = stage();
    const rejects: ((error: unknown) => void)[] = [];
    const load = fromPromise(
      () =>
        new Promise<never>((_resolve, reject) => {
          rejects.push(reject);
        }),
    );
    const app = here.app({ actors: { load }, children: [{ id: 'load', src: 'load' }] });
    const facts = factsOf(app);
    exit(app.child('load') as AnyActorRef, 'kill');
    rejects[0]?.(boom);
    await here.flush();
    expect(told(facts, 'child.exited')).toHaveLength(1);
    rejects[1]?.(boom);
    await here.flush();
    expect(told(facts, 'child.exited')).toHaveLength(2);
    await app.stop();
  });

  it('a supervisor that is killed takes its children with it; its own supervisor restarts it whole', async () => {
    const here = stage();
    const log: string[] = [];
    const inner = supervisor({ actors: { worker: worker(log) }, children: [{ id: 'w', src: 'worker', input: { name: 'w' } }] });
    const app = here.app({ actors: { inner }, children: [{ id: 'inner', src: 'inner', type: 'supervisor' }] });
    exit(app.child('inner') as AnyActorRef, 'kill');
    expect(log).toEqual(['+w', '-w', '+w']);
    expect(await supervisorHandle(app.child('inner') as AnyActorRef).started()).toEqual({ ok: true });
    await app.stop();
    expect(log).toEqual(['+w', '-w', '+w', '-w']);
  });

  it('a callback that is killed is cleaned up once', async () => {
    const here = stage();
    const log: string[] = [];
    const held = fromCallback(() => {
      log.push('+');
      return () => {
        log.push('-');
      };
    });
    const app = here.app({ actors: { held }, children: [{ id: 'held', src: 'held', restart: 'temporary' }] });
    exit(app.child('held') as AnyActorRef, 'kill');
    expect(log).toEqual(['+', '-']);
    await app.stop();
    expect(log).toEqual(['+', '-']);
  });
});
