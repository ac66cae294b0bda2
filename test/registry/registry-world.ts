/** Registries on a virtual clock, with actors that live and die as a test says. */
import { expect } from 'vitest';
import { type Actor, type AnyActorRef, createActor, fromCallback } from 'xstate';
import { registryFacts, type RegistryEmitted } from '../../machines/registry/registry-events.js';
import { type Registry, registryHandle } from '../../src/registry/handle.js';
import type { RegistryOptions } from '../../src/registry/options.js';
import { registry as registryLogic, tableOf } from '../../src/registry/registry.js';
import type { NameTable } from '../../src/registry/table.js';
import type { WaitForOutcome } from '../../src/registry/wait.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const idle = fromCallback(() => undefined);

const factTypes = Object.keys(registryFacts) as RegistryEmitted['type'][];

export interface RegistryWorld {
  readonly clock: VirtualClock;
  readonly registry: Registry;
  readonly table: NameTable;
  readonly facts: RegistryEmitted[];
  /** The latest actor of the registry's system that goes by that id: `names`. */
  part(id: string): AnyActorRef;
}

const worlds: RegistryWorld[] = [];
const actors: AnyActorRef[] = [];

/** All facts of a registry, as they come. */
export function listen(registry: Registry): RegistryEmitted[] {
  const facts: RegistryEmitted[] = [];
  for (const type of factTypes) registry.on(type, (fact) => facts.push(fact));
  return facts;
}

export function registryWorld(options: RegistryOptions = {}): RegistryWorld {
  const clock = new VirtualClock();
  const parts = new Map<string, AnyActorRef>();
  const root = createActor(registryLogic(options), {
    clock,
    inspect: ({ type, actorRef }) => {
      if (type === '@xstate.actor') parts.set((actorRef as AnyActorRef).id, actorRef as AnyActorRef);
    },
  });
  root.subscribe({ error: () => {} });
  const registry = registryHandle(root.start());
  const part = (id: string): AnyActorRef => parts.get(id) ?? expect.fail(`an actor '${id}', got: ${[...parts.keys()].join(', ')}`);
  const world: RegistryWorld = { clock, registry, table: tableOf(root) as NameTable, facts: listen(registry), part };
  worlds.push(world);
  return world;
}

/** An actor that does nothing until it is ended. */
export function actor(id = 'actor'): Actor<typeof idle> {
  const made = createActor(idle, { id }).start();
  actors.push(made);
  return made;
}

/** Ends the registries of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { registry, clock, table } of worlds.splice(0)) {
    await registry.close();
    expect(clock.pending(), 'timers left').toBe(0);
    expect(table.counts).toEqual({ entries: 0, waiting: 0, owners: 0, posts: 0 });
    expect(table.namespaces).toEqual([]);
  }
  for (const each of actors.splice(0)) each.stop();
}

/** What becomes of a wait, looked at without waiting: after the microtasks that are due. */
export class Watched {
  outcome: WaitForOutcome | undefined;
  heard = 0;

  constructor(wait: Promise<WaitForOutcome>) {
    void wait.then((outcome) => {
      this.outcome = outcome;
      this.heard++;
    });
  }

  get state(): string {
    if (this.outcome === undefined) return 'waiting';
    return this.outcome.ok ? this.outcome.ref.id : this.outcome.reason;
  }
}

/** Lets everything that is due be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
