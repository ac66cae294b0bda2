/** The Registry ops of the corpus over our registry. @see FORMAT.md §6 */
import { createActor, fromTransition, type AnyActorRef } from 'xstate';

import { exit, exitReason, onExit, registry, registryHandle, type Registry, type RegistryEntry } from '../../../src/index.js';
import { textOf } from './compare.js';
import type { Json, Step } from './line.js';
import { spawnProcess } from './process.js';
import type { World } from './world.js';

/** Something that runs until it is stopped. */
const server = fromTransition((state: null) => state, null);

export class RegistryOps {
  readonly #world: World;
  readonly #driver: AnyActorRef;
  readonly #processes = new Map<string, AnyActorRef>();
  readonly #names = new WeakMap<object, string>();
  #registry: Registry | undefined;

  constructor(world: World, driver: AnyActorRef) {
    this.#world = world;
    this.#driver = driver;
  }

  /** Is it alive? Null for a name that is none of ours. */
  alive(name: string): boolean | null {
    const ref = this.#processes.get(name);
    return ref === undefined ? null : exitReason(ref) === null;
  }

  /** Runs one op; null when it is none of ours. `exit` and the like are, once there is a registry. */
  play(step: Step): Promise<Json> | null {
    if (step.op !== 'registry' && this.#registry === undefined) return null;
    return this.#ops[step.op]?.(step) ?? null;
  }

  readonly #ops: Readonly<Record<string, (step: Step) => Promise<Json>>> = {
    // Partitions spread a lock over schedulers; here there is one thread, and nothing to spread.
    registry: async (step) => {
      const logic = registry({ keys: step['keys'] as 'unique' | 'duplicate' });
      this.#registry = registryHandle(createActor(logic, { id: 'registry', parent: this.#driver }).start());
      return 'ok';
    },
    spawn: async (step) => {
      const name = String(step['p']);
      this.#enter(
        name,
        spawnProcess(this.#driver, name, false, () => undefined),
      );
      return 'ok';
    },
    register: async (step) => {
      const outcome = this.#handle.register(keyOf(step), this.#process(step), { metadata: step['value'] });
      return outcome.ok
        ? 'ok'
        : ['error', [outcome.reason === 'alreadyRegistered' ? 'already_registered' : outcome.reason, this.#nameOf(outcome.ref)]];
    },
    unregister: async (step) => {
      this.#handle.unregister(keyOf(step), this.#process(step));
      return 'ok';
    },
    unregister_match: async (step) => {
      this.#handle.unregister(keyOf(step), this.#process(step), ({ metadata }) => metadata === step['value']);
      return 'ok';
    },
    update_value: async (step) => {
      const outcome = this.#handle.update(keyOf(step), this.#process(step), (value) => Number(value) + Number(step['add']));
      return outcome.ok ? [outcome.metadata, outcome.before as number] : 'error';
    },
    lookup: async (step) => this.#listed(this.#handle.lookup(keyOf(step))),
    match: async (step) => this.#listed(this.#matching(step)),
    count_match: async (step) => this.#matching(step).length,
    keys: async (step) => this.#handle.keys(this.#process(step)).sort(),
    values: async (step) => this.#handle.select({ key: keyOf(step), owner: this.#process(step) }).map(({ metadata }) => metadata as Json),
    count: async () => this.#handle.count(),
    dispatch: async (step) => {
      const reached: RegistryEntry[] = [];
      this.#handle.dispatch(keyOf(step), (entry) => {
        reached.push(entry);
        return { type: 'test.dispatched' };
      });
      return this.#listed(reached);
    },
    exit: async (step) => {
      const process = this.#process(step);
      if (step['reason'] === 'kill') exit(process, 'kill');
      else process.send({ type: 'test.exit', reason: step['reason'] });
      await this.#world.flush();
      return 'ok';
    },
    start_named: async (step) => {
      const name = String(step['p']);
      const actor = createActor(server, { id: name, parent: this.#driver });
      const outcome = this.#handle.start(keyOf(step), actor);
      if (!outcome.ok) return ['error', [outcome.reason === 'alreadyStarted' ? 'already_started' : outcome.reason, this.#nameOf(outcome.ref)]];
      this.#enter(name, actor);
      return 'ok';
    },
    stop_named: async (step) => {
      exit(this.#process(step), 'normal');
      await this.#world.flush();
      return 'ok';
    },
    whereis: async (step) => this.#nameOf(this.#handle.whereis(keyOf(step))),
    put_meta: async (step) => (this.#handle.putMeta(keyOf(step), step['value']) ? 'ok' : 'error'),
    meta: async (step) => {
      const value = this.#handle.meta(keyOf(step));
      return value === undefined ? 'error' : ['ok', value as Json];
    },
  };

  get #handle(): Registry {
    if (this.#registry === undefined) throw new TypeError('no registry yet');
    return this.#registry;
  }

  #enter(name: string, ref: AnyActorRef): void {
    this.#processes.set(name, ref);
    this.#names.set(ref, name);
    // Heard, its crash is no uncaught exception.
    onExit(ref, () => undefined);
  }

  #process(step: Step): AnyActorRef {
    const ref = this.#processes.get(String(step['p']));
    if (ref === undefined) throw new TypeError(`no process was ever called ${String(step['p'])}`);
    return ref;
  }

  #nameOf(ref: AnyActorRef | undefined): Json {
    return ref === undefined ? null : (this.#names.get(ref) ?? '(an unknown actor)');
  }

  #matching(step: Step): RegistryEntry[] {
    return this.#handle.select({ key: keyOf(step), filter: ({ metadata }) => metadata === step['value'] });
  }

  /** Owners with what is said of their entries, sorted as the corpus has them. */
  #listed(entries: readonly RegistryEntry[]): Json {
    return entries.map(({ ref, metadata }): Json => [this.#nameOf(ref), metadata as Json]).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  }
}

function keyOf(step: Step): string {
  return String(step['key']);
}
