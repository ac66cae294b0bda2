/** A backend under a supervisor: what is asked of its handle has an answer, whatever becomes of it, and what it knows outlasts its actor. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback, setup } from 'xstate';
import { backendHandle, coordinationBackend } from '../../src/coordination/backend.js';
import { heldLease, type HeldLeaseEmitted, LeaseLost } from '../../src/coordination/held-lease.js';
import { memoryBackend } from '../../src/backend/memory.js';
import { memoryEvents } from '../../src/events/memory.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { backendContract } from '../../src/testing/backend/contract.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

type App = ReturnType<ReturnType<typeof orchestrator>['start']>;

/** A tree on a virtual clock, which ends with its test. */
function started(options: Parameters<typeof orchestrator>[0], clock: VirtualClock): App {
  const app = orchestrator(options).start({ clock });
  ends.push(async () => {
    const stopped = app.stop();
    await clock.advanceByAsync(10_000);
    await stopped;
  });
  return app;
}

const restarted = (app: App): Promise<unknown> => new Promise((resolve) => app.on('child.restarted', resolve));

describe('the handle of a backend', async () => {
  const cases = await backendContract({
    open: async ({ limits }) => {
      const clock = new VirtualClock();
      const root = createActor(coordinationBackend(limits), { clock });
      root.start();
      const handle = backendHandle(root);
      const close = async (): Promise<void> => void root.stop();
      const methods = Object.fromEntries(
        (['get', 'list', 'compareAndSet', 'delete', 'grant', 'renew', 'revoke', 'watch', 'status'] as const).map((name) => [
          name,
          (...call: unknown[]) => (handle[name] as (...all: unknown[]) => Promise<unknown>)(...call),
        ]),
      ) as unknown as typeof handle;
      const advance = async (ms: number): Promise<void> => {
        await handle.status();
        await clock.advanceByAsync(ms);
      };
      return { backend: { ...methods, isDurable: false, close }, clock, advance };
    },
  });
  // Of a service that is not there each call is `unavailable`: another may come.
  for (const { title, run } of cases) if (!title.endsWith('asked of a backend that is closed it is refused')) it(title, run);

  it('answers where none runs, and where what runs is none', async () => {
    const none = backendHandle(() => undefined);
    expect([await none.get('a'), await none.grant(1_000)]).toMatchObject([
      { outcome: 'refused', reason: 'unavailable' },
      { outcome: 'refused', reason: 'unavailable' },
    ]);
    const other = createActor(setup({}).createMachine({ id: 'other' })).start();
    expect(() => backendHandle(other)).toThrow(expect.objectContaining({ code: 'backend/invalid-options' }));
    await expect(backendHandle(() => other).get('a')).rejects.toMatchObject({ code: 'backend/invalid-options' });
  });

  it('answers of one that was stopped that it is not there', async () => {
    const root = createActor(coordinationBackend(), { clock: new VirtualClock() }).start();
    const handle = backendHandle(root);
    const watch = await handle.watch('a');
    const next = watch.outcome === 'ok' ? watch.watch.next() : null;
    root.stop();
    expect(await next).toEqual({ outcome: 'ended' });
    expect(await handle.compareAndSet('a', 0, 1)).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
  });
});

describe('a backend under a supervisor', () => {
  it('knows after a restart what it knew, and no revision is given twice', async () => {
    const clock = new VirtualClock();
    const app = started({ actors: { backend: coordinationBackend() }, children: [{ id: 'backend', src: 'backend' }] }, clock);
    await app.started();
    const handle = backendHandle(() => app.child('backend'));
    const granted = await handle.grant(5_000);
    const lease = granted.outcome === 'ok' ? granted.lease : '';
    expect(await handle.compareAndSet('a', 0, 1, { lease })).toMatchObject({ outcome: 'ok', revision: 2 });
    const again = restarted(app);
    exit(app.child('backend') as AnyActorRef, 'kill');
    await again;
    expect(await handle.get('a')).toMatchObject({ outcome: 'ok', entry: { value: 1, revision: 2, lease } });
    expect(await handle.compareAndSet('b', 0, 1)).toMatchObject({ outcome: 'ok', revision: 3 });
    expect(await handle.renew(lease)).toMatchObject({ outcome: 'ok' });
  });

  it('crashes where its store does not answer, and is there when it does', async () => {
    const clock = new VirtualClock();
    const store = memoryEvents();
    let isAway = true;
    const journal = new Proxy(store, {
      get: (target, name: keyof typeof store) => {
        const method = target[name] as (...call: unknown[]) => Promise<unknown>;
        if (typeof method !== 'function') return method;
        return async (...call: unknown[]) => (isAway ? { ok: false, reason: 'closed' } : method.apply(target, call));
      },
    });
    const app = started(
      { intensity: 5, actors: { backend: coordinationBackend({ store: journal }) }, children: [{ id: 'backend', src: 'backend' }] },
      clock,
    );
    await app.started();
    const again = restarted(app);
    const handle = backendHandle(() => app.child('backend'));
    const first = handle.get('a');
    isAway = false;
    await again;
    expect(await first).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
    expect(await handle.compareAndSet('a', 0, 1)).toMatchObject({ outcome: 'ok' });
  });

  it('ends where another has its store, and says so', async () => {
    const clock = new VirtualClock();
    const store = memoryEvents();
    const root = createActor(coordinationBackend({ store }), { clock }).start();
    const handle = backendHandle(root);
    expect(await handle.status()).toMatchObject({ outcome: 'ok' });
    const ended = new Promise((resolve) => root.subscribe({ complete: () => resolve(root.getSnapshot().output) }));
    const other = memoryBackend({ clock, store });
    ends.push(() => other.close());
    await other.status();
    expect(await handle.compareAndSet('a', 0, 1)).toMatchObject({ outcome: 'refused', reason: 'unavailable' });
    expect(await ended).toEqual({ reason: 'superseded' });
    expect(await other.get('a')).toMatchObject({ outcome: 'ok', entry: null });
  });

  it.each([
    ['a bound of none', { maxKeys: 0 }],
    ['a misspelt option', { maxKey: 1 }],
    ['a first revision', { firstRevision: 5 }],
    ['a store that is none', { store: 7 }],
    ['a value that no commit could take', { maxValueBytes: 10_000_000 }],
  ])('with %s is misuse, at the call', (_, settings) => {
    expect(() => coordinationBackend(settings as never)).toThrow(expect.objectContaining({ code: 'backend/invalid-options' }));
  });
});

describe('a lease as an actor', () => {
  it('is held while it runs, and given back when it is stopped', async () => {
    const clock = new VirtualClock();
    const backend = memoryBackend({ clock });
    ends.push(() => backend.close());
    const actor = createActor(heldLease(backend, { ttlMs: 900 }), { clock });
    const facts: HeldLeaseEmitted[] = [];
    for (const type of ['lease.held', 'lease.renewed', 'lease.lost'] as const) actor.on(type, (fact) => facts.push(fact));
    actor.start();
    await clock.advanceByAsync(600);
    expect(facts).toMatchObject([
      { type: 'lease.held', until: 810 },
      { type: 'lease.renewed', until: 1_110 },
      { type: 'lease.renewed', until: 1_410 },
    ]);
    expect(await backend.status()).toMatchObject({ leases: 1 });
    actor.stop();
    expect(await backend.status()).toMatchObject({ leases: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('is given back where it was stopped before it was granted', async () => {
    const clock = new VirtualClock();
    const backend = memoryBackend({ clock });
    ends.push(() => backend.close());
    const actor = createActor(heldLease(backend, { ttlMs: 900 }), { clock }).start();
    actor.stop();
    await clock.flush();
    expect(await backend.status()).toMatchObject({ leases: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('that is lost is a crash of its actor, which stops what stands behind it, and starts it with the next one', async () => {
    const clock = new VirtualClock();
    const backend = memoryBackend({ clock });
    ends.push(() => backend.close());
    const works: string[] = [];
    const worker = fromCallback(() => {
      works.push('began');
      return () => void works.push('stopped');
    });
    const app = started(
      {
        strategy: 'restForOne',
        actors: { lease: heldLease(backend, { ttlMs: 900 }), worker },
        children: [
          { id: 'lease', src: 'lease' },
          { id: 'worker', src: 'worker' },
        ],
      },
      clock,
    );
    await app.started();
    await clock.flush();
    const { revision } = (await backend.status()) as { revision: number };
    expect(works).toEqual(['began']);
    const again = restarted(app);
    await backend.revoke(`lease-${revision}`);
    await clock.advanceByAsync(300);
    await again;
    expect(works).toEqual(['began', 'stopped', 'began']);
    expect(await backend.status()).toMatchObject({ leases: 1 });
  });

  it('that is invoked tells its chart what that handles, and its loss is an error there', async () => {
    const clock = new VirtualClock();
    const backend = memoryBackend({ clock });
    ends.push(() => backend.close());
    const losses: unknown[] = [];
    const holder = setup({
      types: { events: {} as HeldLeaseEmitted },
      actors: { lease: heldLease(backend, { ttlMs: 900 }) },
      actions: { note: ({ event }) => void losses.push((event as unknown as { error: unknown }).error) },
    }).createMachine({
      id: 'holder',
      initial: 'asking',
      invoke: { id: 'lease', src: 'lease', onError: { target: '.lost', actions: 'note' } },
      states: { asking: { on: { 'lease.held': 'holding' } }, holding: {}, lost: {} },
    });
    const actor = createActor(holder, { clock }).start();
    ends.push(() => actor.stop());
    await clock.flush();
    expect(actor.getSnapshot().value).toBe('holding');
    await backend.revoke('lease-1');
    await clock.advanceByAsync(300);
    expect(actor.getSnapshot().value).toBe('lost');
    expect(losses).toEqual([expect.any(LeaseLost)]);
    expect(losses[0]).toMatchObject({ lease: 'lease-1', reason: 'gone' });
  });

  it('that is not to be had is a crash, with the answer', async () => {
    const clock = new VirtualClock();
    const actor = createActor(
      heldLease(
        backendHandle(() => undefined),
        { ttlMs: 900 },
      ),
      { clock },
    );
    const error = new Promise((resolve) => actor.subscribe({ error: resolve }));
    actor.start();
    expect(await error).toMatchObject({ name: 'LeaseLost', reason: null, message: 'there was no lease to be had: refused, unavailable' });
  });

  it('with options that cannot be meant is misuse, at the call', () => {
    const backend = memoryBackend({ clock: new VirtualClock() });
    expect(() => heldLease(backend, { ttlMs: 0 })).toThrow(expect.objectContaining({ code: 'backend/invalid-options' }));
    expect(() => heldLease(null as never, { ttlMs: 900 })).toThrow(expect.objectContaining({ code: 'backend/invalid-options' }));
  });
});
