import { fromCallback, fromEventObservable, fromObservable, fromPromise, fromTransition, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { declineStart, Exit, exitWith, failStart, orchestrator } from '../../src/index.js';
import { boom, factsOf, stage, told, worker, type Fact, type Stage } from './stage.js';

/** An observable in the hands of the test. */
function source() {
  const observers = new Set<{ next(value: unknown): void; error(error: unknown): void; complete(): void }>();
  const observable = {
    subscribe: (observer: never) => {
      observers.add(observer);
      return {
        unsubscribe: () => {
          observers.delete(observer);
        },
      };
    },
  };
  /** As a well-behaved observable does: who has ended is let go first. */
  return {
    observable,
    observers,
    each: (act: (observer: typeof observers extends Set<infer O> ? O : never) => void) => {
      for (const observer of [...observers]) act(observer);
    },
  };
}

function alone(here: Stage, logic: Parameters<Stage['root']>[0], restart: 'permanent' | 'transient' | 'temporary', input?: unknown) {
  const app = here.app({ intensity: 5, actors: { it: logic }, children: [{ id: 'it', src: 'it', restart, input }] });
  return { app, facts: factsOf(app) };
}

const ends = (facts: readonly Fact[]) => facts.filter(({ type }) => type === 'child.exited').map(({ reason, willRestart }) => [reason, willRestart]);

describe('a promise as child', () => {
  it('that resolves has ended normally: transient rests, permanent runs again', async () => {
    const here = stage();
    let runs = 0;
    const once = fromPromise(() => (++runs % 2 === 1 ? Promise.resolve(1) : new Promise(() => {})));
    const transient = alone(here, once, 'transient');
    await here.flush();
    expect(ends(transient.facts)).toEqual([['normal', false]]);
    expect(transient.app.child('it')).toBeUndefined();
    runs = 0;
    const permanent = alone(here, once, 'permanent');
    await here.flush();
    expect(ends(permanent.facts)).toEqual([['normal', true]]);
    expect(runs).toBe(2);
  });

  it('that rejects has crashed with what it rejected with; with Exit it has ended for that reason', async () => {
    const here = stage();
    const crash = alone(
      here,
      fromPromise(() => Promise.reject(boom)),
      'temporary',
    );
    const leave = alone(
      here,
      fromPromise(() => Promise.reject(new Exit(['shutdown', 'idle']))),
      'transient',
    );
    const nothing = alone(
      here,
      fromPromise(() => Promise.reject(undefined as unknown as Error)),
      'temporary',
    );
    await here.flush();
    expect([ends(crash.facts), ends(leave.facts), ends(nothing.facts)]).toEqual([
      [[{ crash: boom }, false]],
      [[['shutdown', 'idle'], false]],
      [[{ crash: undefined }, false]],
    ]);
  });

  it('that never settles is stopped with its signal aborted', async () => {
    const here = stage();
    let aborted = false;
    const { app } = alone(
      here,
      fromPromise(
        ({ signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              aborted = true;
            });
          }),
      ),
      'permanent',
    );
    expect(await here.settle(app.stop())).toMatchObject({ children: [{ id: 'it', reason: 'shutdown', killed: false }], killed: [] });
    expect(aborted).toBe(true);
  });

  it('that throws in its call has crashed', async () => {
    const here = stage();
    const { facts, app } = alone(
      here,
      fromPromise(() => {
        throw boom;
      }),
      'temporary',
    );
    await here.flush();
    expect(app.child('it')).toBeUndefined();
    expect(ends(facts).length + told(facts, 'child.startFailed').length).toBeLessThanOrEqual(1);
  });
});

describe('other logic as child', () => {
  it('a callback runs until it is stopped, and is cleaned up once', async () => {
    const here = stage();
    const log: string[] = [];
    const { app } = alone(
      here,
      fromCallback(({ input }) => {
        log.push(`+${String(input)}`);
        return () => {
          log.push('-');
        };
      }),
      'permanent',
      'given',
    );
    await app.stop();
    expect(log).toEqual(['+given', '-']);
  });

  it('a transition function that throws has crashed, and starts from its first state again', () => {
    const here = stage();
    const count = fromTransition((n: number, event: { type: string }) => {
      if (event.type === 'crash') throw boom;
      return n + 1;
    }, 0);
    const { app, facts } = alone(here, count, 'permanent');
    app.child('it')?.send({ type: 'tick' });
    expect(app.child('it')?.getSnapshot()).toMatchObject({ context: 1 });
    app.child('it')?.send({ type: 'crash' });
    expect(ends(facts)).toEqual([[{ crash: boom }, true]]);
    expect(app.child('it')?.getSnapshot()).toMatchObject({ context: 0 });
  });

  it.each(['fromObservable', 'fromEventObservable'] as const)('%s: complete is a normal end, error a crash, stop unsubscribes', async (kind) => {
    const here = stage();
    const { observable, observers, each } = source();
    const logic = kind === 'fromObservable' ? fromObservable(() => observable as never) : fromEventObservable(() => observable as never);
    const { app, facts } = alone(here, logic, 'permanent');
    each((observer) => {
      observer.next({ type: 'news' });
    });
    each((observer) => {
      observers.delete(observer);
      observer.complete();
    });
    each((observer) => {
      observers.delete(observer);
      observer.error(boom);
    });
    expect(ends(facts)).toEqual([
      ['normal', true],
      [{ crash: boom }, true],
    ]);
    expect(told(facts, 'child.restarted')).toHaveLength(2);
    await app.stop();
    expect(observers.size).toBe(0);
  });

  it('a machine without input gets none; one with input gets what the spec says, on every start', () => {
    const here = stage();
    const seen: unknown[] = [];
    const logic = setup({ types: { input: {} } }).createMachine({
      context: ({ input }) => {
        seen.push(input);
        return {};
      },
    });
    const app = here.app({
      actors: { it: logic },
      children: [
        { id: 'a', src: 'it' },
        { id: 'b', src: 'it', input: { n: 1 } },
      ],
    });
    const [a, b] = [app.child('a'), app.child('b')];
    expect([a, b].every((ref) => ref !== undefined)).toBe(true);
    expect(seen).toEqual([undefined, { n: 1 }]);
  });

  it('a function given as input is neither called nor handed over, but refused (footgun: spawn calls it)', () => {
    let called = 0;
    const input = () => ++called;
    const it = fromCallback(() => {
      called++;
    });
    expect(() => orchestrator({ actors: { it }, children: [{ id: 'it', src: 'it', input }] })).toThrow(
      expect.objectContaining({ code: 'supervision/invalid-input', details: expect.objectContaining({ got: input }) as object }),
    );
    expect(called).toBe(0);
  });

  it('news of a stopped child reach its supervisor, though XState sends none (footgun: no event on stop)', async () => {
    const here = stage();
    const app = here.app({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const facts = factsOf(app);
    await app.terminateChild('w');
    expect(facts).toMatchObject([{ type: 'child.stopped', id: 'w', reason: 'shutdown', killed: false }, { type: 'call.replied' }]);
  });
});

describe('how a child starts', () => {
  const slow = (log: string[]) =>
    setup({
      types: { events: {} as { type: 'up' } | { type: 'no' } | { type: 'fail' } | { type: 'nonsense' } | { type: 'crash' }, input: {} as string },
      actions: {
        crash: () => {
          throw boom;
        },
        note: (_: unknown, text: string) => {
          log.push(text);
        },
      },
    }).createMachine({
      initial: 'starting',
      output: ({ event }) => (event as unknown as { output: unknown }).output,
      states: {
        starting: { tags: 'starting', on: { up: 'up', no: 'no', fail: 'bad', nonsense: 'odd', crash: { actions: 'crash' } } },
        up: {},
        no: { type: 'final', tags: 'starting', output: () => declineStart() },
        bad: { type: 'final', tags: 'starting', output: () => failStart('noDisk') },
        odd: { type: 'final', tags: 'starting', output: () => 42 },
      },
    });

  it.each([
    ['up', { ok: true, ref: expect.anything() as AnyActorRef }],
    ['no', { ok: true, ref: null }],
    ['fail', { ok: false, reason: 'noDisk' }],
    ['nonsense', { ok: false, reason: 42 }],
    ['crash', { ok: false, reason: ['EXIT', boom] }],
  ])('slowly, and then it is told %s', async (type, expected) => {
    const here = stage();
    const app = here.app({ actors: { slow: slow([]) } });
    const pending = app.startChild({ id: 's', src: 'slow' });
    expect(await here.peek(pending)).toBe('pending');
    app.child('s')?.send({ type });
    expect(await here.peek(pending)).toMatchObject(expected);
  });

  it('too slowly for startMs: it is killed, the start has failed with timeout, and no timer is left', async () => {
    const here = stage();
    const app = here.app({ actors: { slow: slow([]) } });
    const pending = app.startChild({ id: 's', src: 'slow', startMs: 30 });
    expect(await here.settle(pending)).toMatchObject({ ok: false, reason: 'timeout' });
    expect(here.clock.now()).toBe(30);
    expect(here.clock.pending()).toBe(0);
    expect(await app.countChildren()).toMatchObject({ specs: 0 });
  });

  it('in time: the deadline is gone', async () => {
    const here = stage();
    const app = here.app({ actors: { slow: slow([]) }, children: [{ id: 's', src: 'slow', startMs: 30 }] });
    app.child('s')?.send({ type: 'up' });
    expect(await app.started()).toEqual({ ok: true });
    here.clock.advanceBy(100);
    expect(app.child('s')).toBeDefined();
  });

  it('at once, as a restart that takes too long: it is tried again', () => {
    const here = stage();
    let slowly = false;
    const logic = setup({
      guards: { quick: () => !slowly },
      actions: {
        crash: () => {
          throw boom;
        },
      },
    }).createMachine({
      initial: 'starting',
      on: { crash: { actions: 'crash' } },
      states: { starting: { tags: 'starting', always: { guard: 'quick', target: 'up' } }, up: {} },
    });
    const app = here.app({ intensity: 3, actors: { it: logic }, children: [{ id: 'it', src: 'it', startMs: 20 }] });
    const facts = factsOf(app);
    slowly = true;
    app.child('it')?.send({ type: 'crash' });
    here.clock.advanceBy(25);
    expect(facts.filter(({ type }) => type === 'child.startFailed')).toMatchObject([{ id: 'it', reason: 'timeout' }]);
    slowly = false;
    here.clock.advanceBy(20);
    expect(told(facts, 'child.restarted')).toEqual(['child.restarted it']);
  });

  it('with something to say: `supervisor.ready` is told to who started it', async () => {
    const here = stage();
    const ready = fromCallback(({ emit }) => {
      emit({ type: 'supervisor.ready', info: { port: 7 } } as never);
    });
    const app = here.app({ actors: { ready } });
    expect(await app.startChild({ id: 'r', src: 'ready' })).toMatchObject({ ok: true, info: { port: 7 } });
  });
});

describe('init', () => {
  it.each([
    ['resolves', fromPromise(() => Promise.resolve()), { ok: true }],
    ['rejects', fromPromise(() => Promise.reject(boom)), { ok: false, reason: ['EXIT', boom] }],
    ['declines', fromPromise(() => Promise.resolve(declineStart())), { ok: true, declined: true }],
    ['fails', fromPromise(() => Promise.resolve(failStart('noConfig'))), { ok: false, reason: 'noConfig' }],
    ['leaves with a reason', fromPromise(() => Promise.resolve(exitWith('shutdown'))), { ok: false, reason: 'shutdown' }],
    [
      'throws',
      fromPromise(() => {
        throw boom;
      }),
      { ok: false, reason: ['EXIT', boom] },
    ],
  ])('that %s', async (_how, first, expected) => {
    const here = stage();
    const log: string[] = [];
    const app = here.app({ actors: { first, worker: worker(log) }, init: { src: 'first' }, children: [{ id: 'w', src: 'worker' }] });
    expect(log).toEqual([]);
    expect(await here.settle(app.started())).toEqual(expected);
    expect(log).toEqual(expected.ok && !('declined' in expected) ? ['+worker'] : []);
  });

  it('that runs when the supervisor is killed is stopped with it', async () => {
    const here = stage();
    let aborted = false;
    const first = fromPromise(
      ({ signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    );
    const app = here.app({ actors: { first }, init: { src: 'first' } });
    app.ref.stop();
    expect(aborted).toBe(true);
    expect(await app.started()).toMatchObject({ ok: false });
  });
});
