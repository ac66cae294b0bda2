/** Listeners that are set on a handle: they follow whoever comes after the one that was listened to, and are let go with the tree. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback } from 'xstate';
import { config } from '../../src/config/config.js';
import { configHandle } from '../../src/config/handle.js';
import { eventStore } from '../../src/event-store/event-store.js';
import { eventStoreHandle } from '../../src/event-store/handle.js';
import { gate } from '../../src/gate/gate.js';
import { gateHandle } from '../../src/gate/handle.js';
import { healthHandle } from '../../src/health/health-handle.js';
import { healthMonitor } from '../../src/health/health-monitor.js';
import { servicesHandle } from '../../src/health/service-handle.js';
import { serviceMonitor } from '../../src/health/service-monitor.js';
import { isolationHandle } from '../../src/isolation/handle.js';
import { isolation } from '../../src/isolation/isolation.js';
import { registryHandle } from '../../src/registry/handle.js';
import { registry } from '../../src/registry/registry.js';
import { dynamicSupervisor, supervisor } from '../../src/supervision/supervisors.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { onFact } from '../../src/supervision/on-fact.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { watchingNewcomers, watchingSeat } from '../../src/supervision/seats.js';
import { exit } from '../../src/supervision/watch.js';
import { emitFrom } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const apps: App[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
  expect(watchingNewcomers(), 'listeners that wait').toBe(0);
});

/** Says `spoke` while it is being started, and whenever it is told to. */
const speaker = fromCallback(({ emit, receive }) => {
  emit({ type: 'spoke' });
  receive(() => emit({ type: 'spoke' }));
});
const say = (ref: AnyActorRef | undefined): void => (ref as AnyActorRef).send({ type: 'speak' });

function start(options: Parameters<typeof orchestrator>[0], clock = new VirtualClock()): App {
  const app = orchestrator({ intensity: 100, ...options } as never).start({ clock });
  apps.push(app);
  return app;
}

describe('a listener of a handle', () => {
  it.each([
    ['healthHandle', healthMonitor(), healthHandle, 'health.changed'],
    ['servicesHandle', serviceMonitor({ services: [] }), servicesHandle, 'service.lost'],
    ['registryHandle', registry(), registryHandle, 'registry.refused'],
    ['gateHandle', gate(), gateHandle, 'gate.refused'],
    [
      'configHandle',
      config({ schema: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as never }),
      configHandle,
      'config.rolledBack',
    ],
    ['isolationHandle', isolation(), isolationHandle, 'isolation.degraded'],
    ['eventStoreHandle', eventStore({ memory: true }), eventStoreHandle, 'eventStore.pruned'],
  ])('%s hears the successor, whether it was made with the actor or with what finds it', async (_name, logic, handleOf, type) => {
    const app = start({ actors: { part: logic }, children: [{ id: 'part', src: 'part' }] } as never);
    await app.started();
    const heard: string[] = [];
    for (const handle of [handleOf(app.child('part') as never), handleOf((() => app.child('part')) as never)])
      (handle.on as (type: string, listener: (fact: { type: string }) => void) => void)(type, (fact) => heard.push(fact.type));
    for (let time = 0; time < 3; time++) {
      exit(app.child('part') as AnyActorRef, 'kill');
      heard.length = 0;
      emitFrom(app.child('part') as AnyActorRef, { type });
      expect(heard).toEqual([type, type]);
    }
  });

  it('waits between two incarnations, and hears the next from before its start; after its disposer it hears nothing', async () => {
    const clock = new VirtualClock();
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
    const app = start({ actors: { eager: speaker }, children: [{ id: 'a', src: 'eager', backoff }] } as never, clock);
    await app.started();
    const heard: string[] = [];
    const of = (word: string) =>
      onFact(
        () => app.child('a'),
        'spoke',
        () => heard.push(word),
      );
    const first = of('first');
    exit(app.child('a') as AnyActorRef, 'kill');
    const between = of('between');
    expect([app.child('a'), watchingNewcomers()]).toEqual([undefined, 1]);
    clock.advanceBy(100);
    say(app.child('a'));
    expect([heard.splice(0), watchingNewcomers()]).toEqual([['first', 'between', 'first', 'between'], 0]);
    first.unsubscribe();
    exit(app.child('a') as AnyActorRef, 'kill');
    clock.advanceBy(100);
    say(app.child('a'));
    expect(heard.splice(0)).toEqual(['between', 'between']);
    between.unsubscribe();
    say(app.child('a'));
    expect(heard).toEqual([]);
  });

  it('that is set before anything runs hears the first word, also where the app can be found only later', () => {
    const heard: string[] = [];
    const found: { app?: App } = {};
    onFact(
      () => found.app?.child('a'),
      'spoke',
      () => heard.push('spoke'),
    );
    const app = start({ actors: { speaker }, children: ['a', 'b'].map((id) => ({ id, src: 'speaker' })) } as never);
    say(app.child('a'));
    expect(heard).toEqual([]);
    found.app = app;
    say(app.child('b'));
    say(app.child('a'));
    say(app.child('a'));
    expect(heard).toEqual(['spoke', 'spoke']);
    exit(app.child('a') as AnyActorRef, 'kill');
    say(app.child('a'));
    expect(heard.length).toBe(4);
  });

  it('may be set a thousand times before anybody comes, and then is refused; each can be taken back', () => {
    const set = Array.from({ length: 1_000 }, () =>
      onFact(
        () => undefined,
        'spoke',
        () => {},
      ),
    );
    expect(() =>
      onFact(
        () => undefined,
        'spoke',
        () => {},
      ),
    ).toThrow(expect.objectContaining({ code: 'supervision/invalid-options' }));
    for (const one of set) one.unsubscribe();
  });

  it('comes back with a branch that is restarted whole', async () => {
    const branch = supervisor({ actors: { speaker }, children: [{ id: 'a', src: 'speaker' }] });
    const app = start({ actors: { branch }, children: [{ id: 'branch', src: 'branch' }] } as never);
    await app.started();
    const inner = (): AnyActorRef => supervisorHandle(app.child('branch') as AnyActorRef).child('a') as AnyActorRef;
    const heard: string[] = [];
    onFact(inner, 'spoke', () => heard.push('spoke'));
    for (const whole of [true, false, true]) exit(whole ? (app.child('branch') as AnyActorRef) : inner(), 'kill');
    say(inner());
    expect(heard).toEqual(['spoke', 'spoke', 'spoke', 'spoke']);
  });

  it('is let go where nobody comes any more: with a child of a dynamic supervisor that is not restarted, and with the tree', async () => {
    const many = dynamicSupervisor({ actors: { speaker } });
    const app = start({ actors: { many, speaker }, children: ['many', 'speaker'].map((id) => ({ id, src: id })) } as never);
    await app.started();
    const above = app.child('many') as AnyActorRef;
    const born = await supervisorHandle(above).startChild({ id: 'one', src: 'speaker', restart: 'temporary' });
    if (!born.ok || born.ref === null) throw new Error('it was not started');
    const { ref } = born;
    onFact(
      () => ref,
      'spoke',
      () => {},
    );
    onFact(
      () => app.child('speaker'),
      'spoke',
      () => {},
    );
    expect([watchingSeat(above, ref.id), watchingSeat(app.ref, 'many'), watchingSeat(app.ref, 'speaker')]).toEqual([1, 1, 1]);
    await supervisorHandle(above).terminateChild(ref);
    expect([watchingSeat(above, ref.id), watchingSeat(app.ref, 'many'), watchingSeat(app.ref, 'speaker')]).toEqual([0, 0, 1]);
    await app.stop();
    expect(watchingSeat(app.ref, 'speaker')).toBe(0);
  });
});
