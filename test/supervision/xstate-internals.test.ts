/** Every private part of XState that src/supervision/xstate-internals.ts leans on: it is there in the installed version, and it does what we count on. */
import { createActor, fromCallback, fromTransition, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  childrenOf,
  createChild,
  emitFrom,
  hasStopped,
  isBeingStopped,
  isHeard,
  isUnstarted,
  logicOf,
  parentOf,
  providedActors,
  rootOf,
  runsMachine,
  stopActor,
  systemOf,
  type ScheduledEvent,
} from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const quiet = setup({}).createMachine({ id: 'quiet', on: { x: {} } });
const log: string[] = [];
const held = fromCallback<{ type: string }, string>(({ input }) => {
  log.push(`+${input}`);
  return () => {
    log.push(`-${input}`);
  };
});
const parent = setup({ actors: { held, quiet } }).createMachine({
  id: 'parent',
  invoke: [
    { id: 'held', src: 'held', input: 'h', systemId: 'theHeld' },
    { id: 'quiet', src: 'quiet' },
  ],
});

describe('a system of XState', () => {
  it('tells of every start by _register, of every end by _unregister once it is over, and of all else by _sendInspectionEvent', () => {
    const told: string[] = [];
    const root = createActor(parent, { id: 'p' }) as AnyActorRef;
    const system = systemOf(root);
    const { _register: register, _unregister: unregister, _sendInspectionEvent: send } = system;
    system._register = (sessionId, actor) => {
      told.push(`born ${actor.id}`);
      return register(sessionId, actor);
    };
    system._unregister = (actor) => {
      unregister(actor);
      if (hasStopped(actor)) told.push(`died ${actor.id}`);
    };
    system._sendInspectionEvent = (event) => {
      if (event.type !== '@xstate.action') told.push(`${event.type} ${(event.actorRef as AnyActorRef).id}`);
      send(event);
    };
    root.start();
    root.send({ type: 'x' });
    root.stop();
    expect(told.filter((word) => /^born|^died/.test(word))).toEqual(['born p', 'born held', 'born quiet', 'died held', 'died quiet', 'died p']);
    for (const type of ['@xstate.event', '@xstate.microstep', '@xstate.snapshot']) expect(told).toContain(`${type} p`);
    expect(rootOf(root)).toBe(root);
  });
});

describe('an actor of XState', () => {
  it('keeps its listeners by the type of fact: where there is none for a type, nor one for all, a fact of it reaches nobody', () => {
    const root = createActor(quiet).start() as AnyActorRef;
    const told: string[] = [];
    const hear = (type: string) => root.on(type, (fact: { type: string }) => told.push(`${type} ${fact.type}`));
    expect(isHeard(root, 'told')).toBe(false);
    hear('told');
    expect([isHeard(root, 'told'), isHeard(root, 'other')]).toEqual([true, false]);
    hear('*');
    expect(isHeard(root, 'other')).toBe(true);
    for (const type of ['told', 'other']) emitFrom(root, { type });
    expect(told).toEqual(['told told', '* told', '* other']);
    root.stop();
    expect(isHeard(root, 'told')).toBe(false);
  });

  it('keeps _processingStatus: 0 before its start, 1 while it runs, 2 after its end in whatever way', () => {
    const status = (actor: object) => (actor as { _processingStatus: number })._processingStatus;
    const stopped = createActor(quiet);
    expect([status(stopped), isUnstarted(stopped), hasStopped(stopped)]).toEqual([0, true, false]);
    stopped.start();
    expect([status(stopped), isUnstarted(stopped), hasStopped(stopped)]).toEqual([1, false, false]);
    stopped.stop();
    expect([status(stopped), isUnstarted(stopped), hasStopped(stopped)]).toEqual([2, false, true]);
    const done = createActor(setup({}).createMachine({ initial: 'a', states: { a: { type: 'final' } } })).start();
    expect(status(done)).toBe(2);
    const failed = createActor(
      fromTransition((): number => {
        throw new Error('x');
      }, 0),
    );
    failed.subscribe({ error: () => {} });
    failed.start();
    failed.send({ type: 'x' });
    expect(status(failed)).toBe(2);
  });

  it('has its event at mailbox._current while it is stopped, and not while it ends otherwise', () => {
    const seen: boolean[] = [];
    const child = fromCallback<{ type: string }>(({ self }) => () => {
      seen.push(isBeingStopped(parentOf(self) as AnyActorRef));
    });
    const logic = setup({ actors: { child } }).createMachine({
      initial: 'a',
      invoke: { src: 'child' },
      states: { a: { on: { end: 'b' } }, b: { type: 'final' } },
    });
    const [stopped, ended] = [createActor(logic).start(), createActor(logic).start()];
    expect(isBeingStopped(stopped)).toBe(false);
    stopped.stop();
    ended.send({ type: 'end' });
    expect([seen, isBeingStopped(stopped)]).toEqual([[true, false], false]);
  });

  it('has _stop: ends it whoever its parent is, its logic sees xstate.stop, its children go with it, and twice is once', () => {
    log.length = 0;
    const seen: string[] = [];
    const logic = fromTransition((state: null, event: { type: string }) => {
      seen.push(event.type);
      return state;
    }, null);
    const watched = createActor(logic).start();
    stopActor(watched);
    stopActor(watched);
    expect(seen.filter((type) => type === 'xstate.stop').length).toBeLessThanOrEqual(1);
    const root = createActor(setup({ actors: { parent } }).createMachine({ invoke: { id: 'p', src: 'parent' } })).start();
    const child = root.getSnapshot().children.p as unknown as AnyActorRef;
    expect(() => {
      child.stop();
    }).toThrow('non-root');
    stopActor(child);
    stopActor(child);
    expect(hasStopped(child)).toBe(true);
    expect(log).toEqual(['+h', '-h']);
    root.stop();
  });

  it('told to stop in the midst of its own transition ends after it', () => {
    let during: boolean | undefined;
    const logic = setup({
      actions: {
        stop: ({ self }) => {
          stopActor(self as never);
          during = hasStopped(self as never);
        },
      },
    }).createMachine({
      initial: 'a',
      states: { a: { on: { go: { target: 'b', actions: 'stop' } } }, b: {} },
    });
    const actor = createActor(logic).start();
    actor.send({ type: 'go' });
    expect(during).toBe(false);
    expect(hasStopped(actor)).toBe(true);
    expect(actor.getSnapshot()).toMatchObject({ value: 'b', status: 'stopped' });
  });

  it('has _parent, logic, and a machine its implementations', () => {
    const root = createActor(parent).start();
    const child = root.getSnapshot().children.quiet as unknown as AnyActorRef;
    expect([parentOf(child) === (root as never), parentOf(root)]).toEqual([true, undefined]);
    expect([logicOf(root), logicOf(child)]).toEqual([parent, quiet]);
    expect(providedActors(root)).toMatchObject({ held, quiet });
    expect(providedActors(createActor(held, { input: 'x' }))).toEqual({});
    expect(childrenOf(root).map(({ id }) => id)).toEqual(['held', 'quiet']);
    expect(childrenOf(createActor(held, { input: 'x' }))).toEqual([]);
    root.stop();
  });

  it('can be created below any actor, whose scope may stop it, and whose end it does not share by itself', () => {
    const root = createActor(quiet).start();
    const child = createChild(quiet, { parent: root, id: 'own', src: 'quiet' });
    child.start();
    expect([parentOf(child), child.system]).toEqual([root, root.system]);
    root.stop();
    expect(hasStopped(child)).toBe(false);
    stopActor(child);
  });

  it('tells its end to its parent by xstate.done.actor.<id> and xstate.error.actor.<id>', () => {
    const seen: string[] = [];
    const root = createActor(
      fromTransition((state: null, event: { type: string }) => {
        seen.push(event.type);
        return state;
      }, null),
    ).start();
    createChild(setup({}).createMachine({ initial: 'a', states: { a: { type: 'final' } } }), { parent: root, id: 'ok' }).start();
    createChild(
      fromCallback(() => {
        throw new Error('x');
      }),
      { parent: root, id: 'bad' },
    ).start();
    expect(seen).toEqual(['xstate.done.actor.ok', 'xstate.error.actor.bad']);
    root.stop();
  });

  it('says nothing to its parent when it is stopped (footgun: no event on stop)', () => {
    const seen: string[] = [];
    const root = createActor(
      fromTransition((state: null, event: { type: string }) => {
        seen.push(event.type);
        return state;
      }, null),
    ).start();
    const child = createChild(quiet, { parent: root, id: 'c' });
    child.start();
    stopActor(child);
    expect(seen).toEqual([]);
    root.stop();
  });

  it('runs no exit action when it is stopped (footgun: exit actions do not run on stop)', () => {
    let exits = 0;
    const actor = createActor(
      setup({
        actions: {
          note: () => {
            exits++;
          },
        },
      }).createMachine({ exit: 'note', initial: 'a', states: { a: { exit: 'note' } } }),
    ).start();
    actor.stop();
    expect(exits).toBe(0);
  });

  it('evaluates guards when it is asked `can`, and throws what they throw (so we must catch it)', () => {
    const actor = createActor(
      setup({
        guards: {
          bad: () => {
            throw new Error('guard');
          },
        },
      }).createMachine({ on: { x: { guard: 'bad', actions: () => {} } } }),
    ).start();
    expect(() => actor.getSnapshot().can({ type: 'x' })).toThrow('guard');
    actor.stop();
  });

  it('orphans its children when it throws in a transition (footgun: that is what contain is for)', () => {
    log.length = 0;
    const logic = setup({
      actors: { held },
      actions: {
        fail: () => {
          throw new Error('x');
        },
      },
    }).createMachine({ invoke: { src: 'held', input: 'o' }, on: { go: { actions: 'fail' } } });
    const actor = createActor(logic);
    actor.subscribe({ error: () => {} });
    actor.start();
    const [orphan] = childrenOf(actor) as [AnyActorRef];
    actor.send({ type: 'go' });
    expect([actor.getSnapshot().status, hasStopped(orphan), log]).toEqual(['error', false, ['+o']]);
    stopActor(orphan);
  });

  it('does not restore the timers of `after` (footgun: that is what persistence is for)', () => {
    const clock = new VirtualClock();
    const logic = setup({}).createMachine({ initial: 'a', states: { a: { after: { 100: 'b' } }, b: {} } });
    const first = createActor(logic, { clock }).start();
    const snapshot = first.getPersistedSnapshot();
    first.stop();
    const again = createActor(logic, { clock, snapshot }).start();
    expect(clock.pending()).toBe(0);
    again.stop();
  });
});

describe('a system of XState', () => {
  it('calls _unregister for every actor that ends: done, error, stop', () => {
    const root = createActor(fromTransition((state: null) => state, null)).start();
    const system = systemOf(root);
    const ended: string[] = [];
    const former = system._unregister.bind(system);
    system._unregister = (actor) => {
      ended.push(actor.id);
      former(actor);
    };
    createChild(setup({}).createMachine({ initial: 'a', states: { a: { type: 'final' } } }), { parent: root, id: 'done' }).start();
    createChild(
      fromCallback(() => {
        throw new Error('x');
      }),
      { parent: root, id: 'error' },
    ).start();
    const stopped = createChild(quiet, { parent: root, id: 'stop' });
    stopped.start();
    stopActor(stopped);
    expect(new Set(ended)).toEqual(new Set(['done', 'error', 'stop']));
    root.stop();
  });

  it('keeps names: get, getAll, and a second of one name is refused', () => {
    const root = createActor(parent).start();
    expect(Object.keys(systemOf(root).getAll())).toEqual(['theHeld']);
    expect(root.system.get('theHeld')).toBe(root.getSnapshot().children.held);
    root.stop();
    expect(systemOf(root).getAll()).toEqual({});
  });

  it('relays an event to an actor', () => {
    const seen: string[] = [];
    const root = createActor(
      fromTransition((state: null, event: { type: string }) => {
        seen.push(event.type);
        return state;
      }, null),
    ).start();
    systemOf(root)._relay(undefined, root as never, { type: 'hello' });
    expect(seen).toEqual(['hello']);
    root.stop();
  });

  it('looks its scheduler up on each use, and schedules `after`, delayed raise and cancel through it', () => {
    const clock = new VirtualClock();
    const calls: string[] = [];
    const actor = createActor(setup({}).createMachine({ initial: 'a', states: { a: { after: { 100: 'b' }, on: { go: 'b' } }, b: {} } }), { clock });
    const system = systemOf(actor);
    const { scheduler } = system;
    system.scheduler = {
      schedule: (...args) => {
        calls.push('schedule');
        scheduler.schedule(...args);
      },
      cancel: (...args) => {
        calls.push('cancel');
        scheduler.cancel(...args);
      },
      cancelAll: (...args) => {
        calls.push('cancelAll');
        scheduler.cancelAll(...args);
      },
    };
    actor.start();
    const [entry] = Object.values(system._snapshot._scheduledEvents) as [ScheduledEvent];
    expect(entry).toMatchObject({
      delay: 100,
      source: actor,
      target: actor,
      id: expect.any(String) as string,
      event: { type: expect.stringContaining('xstate.after') as string },
    });
    expect(system.getSnapshot()._scheduledEvents).toEqual(system._snapshot._scheduledEvents);
    actor.send({ type: 'go' });
    actor.stop();
    expect(calls).toEqual(['schedule', 'cancel', 'cancelAll']);
  });

  it('keeps the definition of a machine over provide(), by which an actor is known', () => {
    const provided = createActor(quiet.provide({}));
    expect([provided, createActor(quiet), createActor(parent), createActor(held, { input: '' })].map((ref) => runsMachine(ref, quiet))).toEqual([
      ...[true, true, false, false],
    ]);
    expect([undefined, null, {}, quiet].map((value) => runsMachine(value, quiet))).toEqual([false, false, false, false]);
  });

  it('carries the clock that its root was given, in _clock', () => {
    const clock = new VirtualClock();
    expect((createActor(quiet, { clock }).system as unknown as { _clock: unknown })._clock).toBe(clock);
  });

  it('with an inspector that throws wedges the mailbox of the actor for ever (footgun: that is why ours is wrapped)', () => {
    let bad = false;
    const actor = createActor(
      setup({ types: { context: {} as { n: number } } }).createMachine({
        context: { n: 0 },
        initial: 'a',
        states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } },
      }),
      {
        inspect: (event) => {
          if (bad && event.type === '@xstate.snapshot') throw new Error('inspector');
        },
      },
    ).start();
    bad = true;
    expect(() => {
      actor.send({ type: 'go' });
    }).toThrow('inspector');
    bad = false;
    const { value } = actor.getSnapshot();
    actor.send({ type: 'go' });
    expect(actor.getSnapshot().value).toEqual(value);
  });
});
