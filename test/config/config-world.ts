/** A configuration on a virtual clock, with sources that say, fail and hang as a test says. */
import { expect } from 'vitest';
import { type Actor, type AnyActorRef, type AnyEventObject, createActor, fromCallback } from 'xstate';
import { z } from 'zod';
import { type ConfigEmitted, configFacts } from '../../machines/config/config-events.js';
import { config, type ConfigLogic, keepOf } from '../../src/config/config.js';
import { type Config, configHandle } from '../../src/config/handle.js';
import type { Keep } from '../../src/config/keep.js';
import type { ConfigOptions } from '../../src/config/options.js';
import type { ConfigSource } from '../../src/config/sources.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const schema = z.object({
  port: z.coerce.number().int().min(1).default(80),
  log: z.object({ level: z.enum(['debug', 'info', 'warn']).default('info'), to: z.string().optional() }).default({ level: 'info' }),
  db: z.object({ host: z.string(), password: z.string().min(8).optional() }).default({ host: 'localhost' }),
  list: z.array(z.number()).optional(),
});
export type Settings = z.infer<typeof schema>;

/** A source under the test's hand. */
export class Hand implements ConfigSource {
  readonly name: string;
  reads = 0;
  /** How many of them go on. */
  running = 0;
  isWatched = false;
  says: unknown;
  fails: Error | undefined;
  hangs = false;
  changed: () => void = () => {};
  failed: () => void = () => {};

  constructor(name: string, says: unknown = {}) {
    this.name = name;
    this.says = says;
  }

  async read(signal: AbortSignal): Promise<unknown> {
    this.reads++;
    this.running++;
    try {
      if (this.hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
      if (this.fails !== undefined) throw this.fails;
      return this.says;
    } finally {
      this.running--;
    }
  }

  watch(changed: () => void, failed: () => void): () => void {
    this.changed = changed;
    this.failed = failed;
    this.isWatched = true;
    return () => {
      this.isWatched = false;
    };
  }

  /** Says something else from now on. */
  now(says: unknown): void {
    this.says = says;
    this.changed();
  }
}

export interface ConfigWorld {
  readonly clock: VirtualClock;
  readonly logic: ConfigLogic<Settings>;
  readonly settings: Config<Settings>;
  readonly hand: Hand;
  readonly keep: Keep;
  readonly facts: ConfigEmitted[];
  /** Every event that an inspector has seen, as JSON. */
  readonly seen: string[];
  told(): string[];
  /** The latest actor that goes by that id: `config`, `sources`, `check`. */
  part(id: string): AnyActorRef;
  /** Starts an actor of the same logic, as a supervisor would. */
  start(snapshot?: unknown): AnyActorRef;
  /** Lets time pass, and all that is due be heard. */
  pass(ms: number): Promise<void>;
}

const worlds: ConfigWorld[] = [];
const actors: AnyActorRef[] = [];

export function configWorld(options: Partial<ConfigOptions<Settings>> = {}, hand: Hand = new Hand('hand')): ConfigWorld {
  const clock = new VirtualClock();
  const parts = new Map<string, AnyActorRef>();
  const facts: ConfigEmitted[] = [];
  const seen: string[] = [];
  const logic = config<Settings>({ schema, sources: [hand], ...options });
  const settings = configHandle(logic);
  const start = (snapshot?: unknown): AnyActorRef => {
    const root = createActor(logic, {
      clock,
      id: 'config',
      ...(snapshot === undefined ? {} : { snapshot: snapshot as never }),
      inspect: (event) => {
        seen.push(JSON.stringify({ ...event, actorRef: undefined, rootId: undefined, sourceRef: undefined }, safe()));
        if (event.type === '@xstate.actor') parts.set((event.actorRef as AnyActorRef).id, event.actorRef as AnyActorRef);
      },
    });
    root.subscribe({ error: () => {} });
    for (const type of Object.keys(configFacts) as ConfigEmitted['type'][]) root.on(type, (fact) => facts.push(fact));
    return root.start();
  };
  const first = start();
  const part = (id: string): AnyActorRef => {
    const found = parts.get(id);
    if (found === undefined) throw new Error(`expected an actor '${id}', got: ${[...parts.keys()].join(', ')}`);
    return found;
  };
  const pass = async (ms: number): Promise<void> => {
    await settle();
    clock.advanceBy(ms);
    await settle();
  };
  const world: ConfigWorld = {
    clock,
    logic,
    settings,
    hand,
    keep: keepOf(first) as Keep,
    facts,
    seen,
    told: () => facts.map(({ type }) => type),
    part,
    start,
    pass,
  };
  worlds.push(world);
  return world;
}

/** Drops what is no data, and what was seen above. */
function safe(): (name: string, value: unknown) => unknown {
  const above = new Set<unknown>();
  return (name, value) => {
    if (name === 'machine' || name === '_parent' || typeof value === 'function') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if ('_processingStatus' in value || above.has(value)) return undefined;
    above.add(value);
    return value;
  };
}

/** An actor that notes what it is sent. */
export function listener(id = 'listener'): { readonly actor: Actor<ReturnType<typeof fromCallback>>; readonly heard: AnyEventObject[] } {
  const heard: AnyEventObject[] = [];
  const actor = createActor(
    fromCallback(({ receive }) => receive((event) => heard.push(event))),
    { id },
  ).start();
  actors.push(actor);
  return { actor, heard };
}

/** Ends the configurations of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { settings, clock, keep, hand } of worlds.splice(0)) {
    await settings.close();
    keep.close();
    await settle();
    expect(clock.pending(), 'timers left').toBe(0);
    expect([keep.requests.size, keep.subscribers.size, hand.isWatched, hand.running]).toEqual([0, 0, false, 0]);
  }
  for (const actor of actors.splice(0)) actor.stop();
}

/** Lets everything that is due be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** What becomes of a promise, looked at without waiting. */
export class Watched<Value> {
  outcome: Value | undefined;
  heard = 0;

  constructor(promise: Promise<Value>) {
    void promise.then((outcome) => {
      this.outcome = outcome;
      this.heard++;
    });
  }
}
