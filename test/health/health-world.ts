/** An app with monitors on a virtual clock, with services that live and die as a test says. */
import { expect } from 'vitest';
import { type AnyActorLogic, type AnyActorRef, fromCallback } from 'xstate';
import type { ChildSpec } from '../../machines/supervision/child-spec.js';
import { type HealthHandle, healthFacts, healthHandle } from '../../src/health/health-handle.js';
import { healthMonitor } from '../../src/health/health-monitor.js';
import type { HealthOptions } from '../../src/health/probe-options.js';
import { serviceFacts, type ServicesHandle, servicesHandle } from '../../src/health/service-handle.js';
import { serviceMonitor } from '../../src/health/service-monitor.js';
import type { ServicesOptions } from '../../src/health/service-options.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, exitReason } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const idle = fromCallback(() => undefined);

export interface HealthWorld {
  readonly clock: VirtualClock;
  readonly app: App;
  readonly health: HealthHandle;
  readonly services: ServicesHandle;
  /** All that was emitted by the monitors and their successors: `health.degraded db`. */
  readonly facts: string[];
  /** The latest actor of that id, anywhere. */
  part(id: string): AnyActorRef;
  /** Moves the clock in steps of `ms`, and lets what is due be heard after each. */
  pass(ms: number, times?: number): Promise<void>;
  kill(id: string): Promise<void>;
}

const worlds: HealthWorld[] = [];

export interface WorldOptions {
  readonly health?: HealthOptions;
  readonly services?: ServicesOptions;
  readonly children?: Readonly<Record<string, AnyActorLogic>>;
  /** Before a monitor that died is started again. Default: at once. */
  readonly backoff?: ChildSpec['backoff'];
}

export async function healthWorld({ health = {}, services, children = {}, backoff }: WorldOptions): Promise<HealthWorld> {
  const clock = new VirtualClock();
  const parts = new Map<string, AnyActorRef>();
  const facts: string[] = [];
  const heard = (fact: {
    readonly type: string;
    readonly id?: string;
    readonly of?: string;
    readonly to?: string;
    readonly health?: string;
  }): void => {
    const { type, id, of, to, health: settled } = fact;
    facts.push([type, id, of, to, settled].filter((word) => word !== undefined).join(' '));
  };
  const app = orchestrator({
    intensity: 100,
    actors: { ...children, health: healthMonitor(health), ...(services === undefined ? {} : { services: serviceMonitor(services) }) },
    children: [...Object.keys(children), 'health', ...(services === undefined ? [] : ['services'])].map((id) => ({
      ...{ id, src: id as 'health' },
      ...(backoff === undefined || Object.hasOwn(children, id) ? {} : { backoff }),
    })),
  }).start({
    clock,
    inspect: ({ type, actorRef }) => {
      const ref = actorRef as AnyActorRef;
      if (type !== '@xstate.actor') return;
      parts.set(ref.id, ref);
      const own = ref.id === 'health' ? healthFacts : ref.id === 'services' ? serviceFacts : [];
      for (const fact of own) ref.on(fact, heard as never);
    },
  });
  const part = (id: string): AnyActorRef => {
    const found = parts.get(id);
    if (found === undefined) throw new Error(`expected an actor '${id}', got: ${[...parts.keys()].join(', ')}`);
    return found;
  };
  await app.started();
  const world: HealthWorld = {
    ...{ clock, app, facts, part },
    health: healthHandle(() => app.child('health')),
    services: servicesHandle(() => app.child('services')),
    pass: async (ms, times = 1) => {
      for (let time = 0; time < times; time++) {
        clock.advanceBy(ms);
        await settle();
      }
    },
    kill: async (id) => {
      exit(part(id), 'kill');
      await settle();
    },
  };
  worlds.push(world);
  return world;
}

/** Who is in trouble, as a monitor's snapshot says. */
export function troublesOf(monitor: AnyActorRef): object {
  return (monitor.getSnapshot() as { readonly context: { readonly troubles: object } }).context.troubles;
}

/** Ends the apps of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { app, clock } of worlds.splice(0)) {
    if (exitReason(app.ref) === null) await app.stop();
    expect(clock.pending(), 'timers left').toBe(0);
  }
}

/** Lets everything that is due be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}
