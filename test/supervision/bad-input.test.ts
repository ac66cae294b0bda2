import { createActor, fromPromise, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  dynamicSupervisor,
  dynamicSupervisorMachine,
  EspalierError,
  orchestrator,
  partitionHandle,
  partitionSupervisor,
  supervisor,
  supervisorHandle,
  supervisorMachine,
  taskSupervisor,
  taskSupervisorHandle,
  type ErrorCode,
} from '../../src/index.js';
import { stage, thrownBy, worker } from './stage.js';

const secret = 'sk-live-51H8xSECRETSECRET';

let started = 0;
const counted = fromPromise(() => {
  started++;
  return Promise.resolve();
});
const actors = { counted, worker: worker() };
const maker = () => 1;
const child = { id: 'a', src: 'counted' } as const;
const spec = (changes: object) => ({ actors, children: [child, { ...child, id: 'b', ...changes }] }) as never;
const flags = (changes: object) => ({ actors, children: [child], ...changes }) as never;

/** Options of a supervisor, the code, and the offending value. */
const supervisorFaults: [string, never, ErrorCode, unknown][] = [
  ['strategy', flags({ strategy: 'one_for_one' }), 'supervision/invalid-strategy', 'one_for_one'],
  ['strategy null', flags({ strategy: null }), 'supervision/invalid-strategy', null],
  ['intensity below 0', flags({ intensity: -1 }), 'supervision/invalid-intensity', -1],
  ['intensity as a fraction', flags({ intensity: 0.5 }), 'supervision/invalid-intensity', 0.5],
  ['intensity NaN', flags({ intensity: Number.NaN }), 'supervision/invalid-intensity', Number.NaN],
  ['intensity Infinity', flags({ intensity: Infinity }), 'supervision/invalid-intensity', Infinity],
  ['intensity as text', flags({ intensity: '3' }), 'supervision/invalid-intensity', '3'],
  ['periodMs 0', flags({ periodMs: 0 }), 'supervision/invalid-period', 0],
  ['periodMs NaN', flags({ periodMs: Number.NaN }), 'supervision/invalid-period', Number.NaN],
  ['periodMs Infinity', flags({ periodMs: Infinity }), 'supervision/invalid-period', Infinity],
  ['autoShutdown', flags({ autoShutdown: true }), 'supervision/invalid-auto-shutdown', true],
  ['maxPending', flags({ maxPending: -1 }), 'supervision/invalid-max-pending', -1],
  ['init without src', flags({ init: {} }), 'supervision/invalid-init', {}],
  ['init null', flags({ init: null }), 'supervision/invalid-init', null],
  ['init of an unknown src', flags({ init: { src: 'nobody' } }), 'supervision/unknown-src', 'nobody'],
  ['init with a function as input', flags({ init: { src: 'counted', input: maker } }), 'supervision/invalid-init', maker],
  ['a misspelt option', flags({ stratgy: 'oneForAll' }), 'supervision/invalid-options', 'stratgy'],
  ['children that are no list', { actors, children: { a: child } } as never, 'supervision/invalid-children', { a: child }],
  ['children as text', { actors, children: 'ab' } as never, 'supervision/invalid-children', 'ab'],
  ['children null', { actors, children: null } as never, 'supervision/invalid-children', null],
  ['a child that is null', { actors, children: [null] } as never, 'supervision/missing-id', null],
  ['a child that is undefined', { actors, children: [undefined] } as never, 'supervision/missing-id', undefined],
  ['a child that is a name', { actors, children: ['counted'] } as never, 'supervision/missing-id', 'counted'],
  ['no id', spec({ id: undefined }), 'supervision/missing-id', expect.anything()],
  ['an empty id', spec({ id: '' }), 'supervision/invalid-id', ''],
  ['a number as id', spec({ id: 7 }), 'supervision/invalid-id', 7],
  ['no src', spec({ src: undefined }), 'supervision/missing-src', expect.anything()],
  ['the logic as src', spec({ src: counted }), 'supervision/missing-src', counted],
  ['an unknown src', spec({ src: 'nobody' }), 'supervision/unknown-src', 'nobody'],
  ['a src of Object.prototype', spec({ src: 'constructor' }), 'supervision/unknown-src', 'constructor'],
  ['a src of __proto__', spec({ src: '__proto__' }), 'supervision/unknown-src', '__proto__'],
  ['pool as src', spec({ src: 'pool' }), 'supervision/unknown-src', 'pool'],
  ['pool as an actor', { actors: { ...actors, pool: counted }, children: [child] } as never, 'supervision/reserved-actor', 'pool'],
  ['a function as input', spec({ input: maker }), 'supervision/invalid-input', maker],
  ['a misspelt name in a spec', spec({ restrat: 'temporary' }), 'supervision/invalid-options', 'restrat'],
  ['restart', spec({ restart: 'always' }), 'supervision/invalid-restart', 'always'],
  ['restart null', spec({ restart: null }), 'supervision/invalid-restart', null],
  ['shutdownMs below 0', spec({ shutdownMs: -1 }), 'supervision/invalid-shutdown', -1],
  ['shutdownMs NaN', spec({ shutdownMs: Number.NaN }), 'supervision/invalid-shutdown', Number.NaN],
  ['shutdownMs Infinity', spec({ shutdownMs: Infinity }), 'supervision/invalid-shutdown', Infinity],
  ['shutdownMs brutal_kill', spec({ shutdownMs: 'brutal_kill' }), 'supervision/invalid-shutdown', 'brutal_kill'],
  ['shutdownMs null', spec({ shutdownMs: null }), 'supervision/invalid-shutdown', null],
  ['type', spec({ type: 'Worker' }), 'supervision/invalid-type', 'Worker'],
  ['significant', spec({ significant: 1 }), 'supervision/invalid-significant', 1],
  [
    'significant under never',
    spec({ significant: true, restart: 'transient' }),
    'supervision/bad-combination',
    [
      ['autoShutdown', 'never'],
      ['significant', true],
    ],
  ],
  [
    'significant and permanent',
    flags({ autoShutdown: 'anySignificant', children: [{ ...child, significant: true }] }),
    'supervision/bad-combination',
    [
      ['restart', 'permanent'],
      ['significant', true],
    ],
  ],
  ['two of one id', spec({ id: 'a' }), 'supervision/duplicate-child', 'a'],
  ['startMs 0', spec({ startMs: 0 }), 'supervision/invalid-start-deadline', 0],
  ['startMs Infinity', spec({ startMs: Infinity }), 'supervision/invalid-start-deadline', Infinity],
  ['startMs null', spec({ startMs: null }), 'supervision/invalid-start-deadline', null],
  ['backoff null', spec({ backoff: null }), 'supervision/invalid-backoff', null],
  [
    'backoff longer than a timer',
    spec({ backoff: { minMs: 1, maxMs: 2 ** 31, factor: 1, jitter: 0, resetAfterMs: 0 } }),
    'supervision/invalid-backoff',
    expect.anything(),
  ],
  ['backoff as a number', spec({ backoff: 100 }), 'supervision/invalid-backoff', 100],
  [
    'backoff with min above max',
    spec({ backoff: { minMs: 2, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 0 } }),
    'supervision/invalid-backoff',
    expect.anything(),
  ],
  [
    'backoff with factor 0.5',
    spec({ backoff: { minMs: 1, maxMs: 1, factor: 0.5, jitter: 0, resetAfterMs: 0 } }),
    'supervision/invalid-backoff',
    expect.anything(),
  ],
  [
    'backoff with jitter 50',
    spec({ backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 50, resetAfterMs: 0 } }),
    'supervision/invalid-backoff',
    expect.anything(),
  ],
  ['backoff without resetAfterMs', spec({ backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0 } }), 'supervision/invalid-backoff', expect.anything()],
  [
    'backoff with a seed that is no number',
    spec({ backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 0, seed: 'abc' } }),
    'supervision/invalid-backoff',
    expect.anything(),
  ],
  ['budget null', spec({ budget: null }), 'supervision/invalid-budget', null],
  ['budget without a period', spec({ budget: { intensity: 1 } }), 'supervision/invalid-budget', { intensity: 1 }],
  ['budget below 0', spec({ budget: { intensity: -1, periodMs: 1 } }), 'supervision/invalid-budget', { intensity: -1, periodMs: 1 }],
];

describe('bad input of a supervisor', () => {
  it.each(supervisorFaults)('%s is thrown at the call, with the value', (_what, options, code, got) => {
    started = 0;
    const error = thrownBy(() => supervisor(options));
    expect(error).toMatchObject({ code, name: 'EspalierError' });
    expect(error.details.got).toEqual(got);
    expect(error.message).toMatch(new RegExp(`^${code}: expected .+, got: .+`));
    expect(error.message).not.toContain('\n');
    expect(started).toBe(0);
  });

  it.each(supervisorFaults)('%s is thrown by orchestrator() too, with the same code', (_what, options, code) => {
    started = 0;
    expect(thrownBy(() => orchestrator(options)).code).toBe(code);
    expect(started).toBe(0);
  });

  const asInput = supervisorFaults.filter(([, , code]) => code !== 'supervision/reserved-actor');

  it.each(asInput)('%s given as input to plain logic fails its start, with the term and before anything starts', async (_what, options) => {
    started = 0;
    const { got, term = ['supervisorData', ['invalidOptions', got]] } = thrownBy(() => supervisor(options)).details;
    const { actors: _actors, ...input } = options as { actors: unknown };
    for (const logic of [supervisorMachine.provide({ actors } as never), supervisor({ actors })]) {
      const here = stage();
      const result = await here.settle(supervisorHandle(here.root(logic, { input })).started());
      expect(result).toEqual({ ok: false, reason: term });
    }
    expect(started).toBe(0);
  });

  it('an actor that is no logic is refused', () => {
    expect(thrownBy(() => supervisor({ actors: { a: 42 as never }, children: [{ id: 'a', src: 'a' }] })).code).toBe('supervision/invalid-actor');
    expect(thrownBy(() => supervisor({ actors: { a: (() => {}) as never }, children: [{ id: 'a', src: 'a' }] })).code).toBe(
      'supervision/invalid-actor',
    );
  });
});

describe('bad input of a dynamic supervisor', () => {
  it.each<[string, object, ErrorCode]>([
    ['maxChildren -1', { maxChildren: -1 }, 'supervision/invalid-max-children'],
    ['maxChildren Infinity', { maxChildren: Infinity }, 'supervision/invalid-max-children'],
    ['template null', { template: null }, 'supervision/invalid-template'],
    ['template list', { template: [child] }, 'supervision/invalid-template'],
    ['template text', { template: 'counted' }, 'supervision/invalid-template'],
    ['template without src', { template: {} }, 'supervision/missing-src'],
    ['template of an unknown src', { template: { src: 'nobody' } }, 'supervision/unknown-src'],
    ['template of a prototype name', { template: { src: 'toString' } }, 'supervision/unknown-src'],
    ['a significant template', { template: { src: 'counted', significant: true, restart: 'transient' } }, 'supervision/bad-combination'],
    ['intensity', { intensity: 1.5 }, 'supervision/invalid-intensity'],
    ['periodMs', { periodMs: -5 }, 'supervision/invalid-period'],
    ['maxPending', { maxPending: 'many' }, 'supervision/invalid-max-pending'],
    ['init', { init: { src: 3 } }, 'supervision/invalid-init'],
    ['init with a function as input', { init: { src: 'counted', input: maker } }, 'supervision/invalid-init'],
    ['init of an unknown src', { init: { src: 'nobody' } }, 'supervision/unknown-src'],
    ['a template with a function as input', { template: { src: 'counted', input: maker } }, 'supervision/invalid-input'],
    ['a misspelt name in a template', { template: { src: 'counted', restrat: 'temporary' } }, 'supervision/invalid-options'],
    ['a misspelt option', { maxchildren: 1 }, 'supervision/invalid-options'],
    ['autoShutdown', { autoShutdown: 'anySignificant' }, 'supervision/bad-combination'],
    ['autoShutdown of another word', { autoShutdown: 'sometimes' }, 'supervision/invalid-auto-shutdown'],
    ['actors with a pool', { actors: { pool: counted } }, 'supervision/reserved-actor'],
  ])('%s is thrown at the call, and as input to plain logic fails its start', async (_what, options, code) => {
    const error = thrownBy(() => dynamicSupervisor({ actors, ...options } as never));
    const { got, term = ['supervisorData', ['invalidOptions', got]] } = error.details;
    expect(error.code).toBe(code);
    if (code === 'supervision/reserved-actor') return;
    const here = stage();
    const root = here.root(dynamicSupervisorMachine.provide({ actors } as never), { input: options });
    expect(await here.settle(supervisorHandle(root).started())).toEqual({ ok: false, reason: term });
  });
});

describe('bad input of partitions', () => {
  it.each([0, -1, 1.5, Number.NaN, Infinity, '2', null, undefined])('partitions %s', (partitions) => {
    expect(thrownBy(() => partitionSupervisor({ partitions: partitions as never, child: { src: 'counted' }, actors })).code).toBe(
      'supervision/invalid-partitions',
    );
  });

  it.each([null, undefined, 'counted'])('child %s', (faulty) => {
    expect(thrownBy(() => partitionSupervisor({ partitions: 2, child: faulty as never, actors })).code).toMatch(/^supervision\/missing-/);
  });
});

describe('bad input of handles', () => {
  it('an actor that is no supervisor is refused', () => {
    const plain = createActor(counted);
    const pooled = createActor(setup({ actors: { pool: counted } }).createMachine({}));
    for (const ref of [plain, pooled, undefined, null, {}]) {
      expect(thrownBy(() => supervisorHandle(ref as AnyActorRef)).code).toBe('supervision/not-a-supervisor');
      expect(thrownBy(() => taskSupervisorHandle(ref as AnyActorRef)).code).toBe('supervision/not-a-supervisor');
      expect(thrownBy(() => partitionHandle(ref as AnyActorRef)).code).toBe('supervision/not-a-supervisor');
    }
  });

  it('a supervisor of another kind is refused', () => {
    const here = stage();
    const fixed = here.root(supervisor({ actors }), { id: 'fixed' });
    const dynamic = here.root(dynamicSupervisor({ actors }), { id: 'dynamic' });
    const tasks = here.root(taskSupervisor(), { id: 'tasks' });
    for (const ref of [fixed, dynamic]) expect(thrownBy(() => taskSupervisorHandle(ref)).code).toBe('supervision/not-a-supervisor');
    for (const ref of [dynamic, tasks]) expect(thrownBy(() => partitionHandle(ref)).code).toBe('supervision/not-a-supervisor');
  });

  it.each<[string, unknown, ErrorCode]>([
    ['null', null, 'supervision/missing-id'],
    ['no id', { src: 'counted' }, 'supervision/missing-id'],
    ['no src', { id: 'x' }, 'supervision/missing-src'],
    ['an unknown src', { id: 'x', src: 'nobody' }, 'supervision/unknown-src'],
    ['the pool', { id: 'x', src: 'pool' }, 'supervision/unknown-src'],
    ['a prototype name', { id: 'x', src: 'hasOwnProperty' }, 'supervision/unknown-src'],
    ['a faulty restart', { id: 'x', src: 'counted', restart: 'never' }, 'supervision/invalid-restart'],
  ])('startChild with %s rejects with the code, and the supervisor lives', async (_what, faulty, code) => {
    const here = stage();
    for (const logic of [supervisor({ actors }), dynamicSupervisor({ actors })]) {
      const handle = supervisorHandle(here.root(logic as never, { id: 'sup' }));
      await expect(handle.startChild(faulty as never)).rejects.toMatchObject({ code });
      expect(await handle.countChildren()).toMatchObject({ specs: 0 });
      await handle.stop();
    }
  });

  it.each([-1, Number.NaN, '5'])('drain({ deadlineMs: %s }) is refused, and drains nothing', async (deadlineMs) => {
    const here = stage();
    const app = here.app({ actors });
    await expect((async () => app.drain({ deadlineMs: deadlineMs as never }))()).rejects.toBeInstanceOf(EspalierError);
    expect(app.ref.getSnapshot().value).toEqual({ running: 'idle' });
  });

  it('a malformed call from a stranger does not end the supervisor', () => {
    const here = stage();
    for (const logic of [supervisor({ actors }), dynamicSupervisor({ actors })]) {
      const root = here.root(logic as never, { id: 'sup' });
      root.subscribe({ error: () => {} });
      for (const type of ['call.startChild', 'call.terminateChild', 'call.getChildspec', 'call.restartChild', 'call.deleteChild'])
        root.send({ type, call: 'x' });
      expect(root.getSnapshot().status).toBe('active');
    }
  });
});

describe('a message of an error', () => {
  const input = { apiKey: secret, url: `https://host/path?key=${secret}` };
  it.each<[string, () => unknown]>([
    ['no id', () => supervisor({ actors, children: [{ src: 'counted', input }] } as never)],
    ['no src', () => supervisor({ actors, children: [{ id: 'a', input }] } as never)],
    ['children as an object', () => supervisor({ actors, children: { a: { src: 'counted', input } } } as never)],
    ['a template as a list', () => dynamicSupervisor({ actors, template: [{ src: 'counted', input }] } as never)],
    ['init without src', () => supervisor({ actors, init: { input } } as never)],
    ['the logic with its options as src', () => supervisor({ actors, children: [{ id: 'a', src: { logic: counted, input } }] } as never)],
    ['a snapshot of something else', () => orchestrator({ actors }).start({ snapshot: { input } })],
  ])('never holds what a child is given: %s', (_what, call) => {
    const error = thrownBy(call);
    expect(error.message).not.toContain(secret);
  });

  it('is short, on one line, and can be made of anything', () => {
    const circular: Record<string, unknown> = Object.assign(Object.create(null) as object, { a: 1 });
    circular.self = circular;
    for (const got of [
      circular,
      Symbol('s'),
      10n,
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
      'x'.repeat(10_000),
      'two\nlines',
      Number.NaN,
      -0,
      undefined,
    ]) {
      const { message } = new EspalierError('supervision/invalid-id', { expected: 'an id', got });
      expect(message.length).toBeLessThan(260);
      expect(message).not.toContain('\n');
    }
    expect(new EspalierError('supervision/invalid-id', { expected: 'an id', got: Number.NaN }).message).toContain('NaN');
  });
});

describe('options whose content has no names', () => {
  for (const [name, options] of [
    ['a promise', Promise.resolve({})],
    ['a Map', new Map()],
    ['a Date', new Date(0)],
  ] as const) {
    it(`${name} is refused, not taken for no options`, () => {
      for (const make of [supervisor, dynamicSupervisor, taskSupervisor, orchestrator]) {
        expect(() => make(options as never)).toThrow(expect.objectContaining({ code: 'supervision/invalid-options' }));
      }
    });
  }

  it('a listener that is no function is refused', async () => {
    const app = orchestrator({ actors: {}, children: [] }).start();
    await app.started();
    expect(() => app.on('child.started', undefined as never)).toThrow(expect.objectContaining({ code: 'supervision/invalid-options' }));
    expect(() => app.tasks.on('task.lost', null as never)).toThrow(expect.objectContaining({ code: 'supervision/invalid-options' }));
    await app.stop();
  });
});
