/** The PartitionSupervisor ops of the corpus over our partition supervisor. @see FORMAT.md §6 */
import { createActor, fromTransition, type AnyActorRef } from 'xstate';

import { dynamicSupervisor, exit, exitReason, partitionHandle, partitionSupervisor, supervisorHandle } from '../../../src/index.js';
import type { Json, Step } from './line.js';
import { toOurs } from './terms.js';
import type { World } from './world.js';

type PartitionOptions = Parameters<typeof partitionSupervisor>[0];

/** Something that runs until it is stopped. */
const agent = fromTransition((state: null) => state, null);

export class PartitionOps {
  readonly #world: World;
  readonly #driver: AnyActorRef;
  readonly #children = new Map<string, AnyActorRef>();
  /** The process of each partition before it was last killed. */
  readonly #killed = new Map<number, AnyActorRef>();
  #root: AnyActorRef | undefined;

  constructor(world: World, driver: AnyActorRef) {
    this.#world = world;
    this.#driver = driver;
  }

  /** Is it alive? Null for a name that is none of ours. */
  alive(name: string): boolean | null {
    const ref = name === '$part' ? this.#root : this.#children.get(name);
    return ref === undefined ? null : exitReason(ref) === null;
  }

  /** Runs one op; null when it is none of ours. */
  play(step: Step): Promise<Json> | null {
    return this.#ops[step.op]?.(step) ?? null;
  }

  readonly #ops: Readonly<Record<string, (step: Step) => Promise<Json>>> = {
    partition_supervisor: async (step) => {
      const dynamic = step['child'] === 'dynamic';
      const options = {
        partitions: step['partitions'],
        child: dynamic ? { src: 'dynamic', type: 'supervisor' } : { src: 'agent' },
        ...(step['strategy'] === undefined ? {} : { strategy: toOurs(step['strategy'] as Json) }),
        actors: { agent, dynamic: dynamicSupervisor({ actors: { agent } }) },
      } as PartitionOptions;
      this.#root = createActor(partitionSupervisor(options), { id: 'partitions', parent: this.#driver }).start();
      await this.#world.flush();
      return 'ok';
    },
    partitions: async () => this.#handle.partitions,
    part_which: async () => {
      const rows = await supervisorHandle(this.#ref).whichChildren();
      return rows.map(({ id, ref, type }): [number, boolean, string] => [Number(id), ref !== null, type]).sort((a, b) => a[0] - b[0]);
    },
    part_count: async () => {
      const { specs, active, supervisors, workers } = await supervisorHandle(this.#ref).countChildren();
      return [specs, active, supervisors, workers];
    },
    route: async (step) => this.#partitionOf(step),
    part_start_child: async (step) => {
      const name = String(step['p']);
      const result = await supervisorHandle(this.#childOf(step)).startChild({ id: name, src: 'agent' });
      if (!result.ok || result.ref === null) throw new Error(`the child did not start: ${JSON.stringify(result)}`);
      this.#children.set(name, result.ref);
      return this.#holderOf(result.ref);
    },
    part_children: async (step) => (await supervisorHandle(this.#childOf(step)).countChildren()).active,
    part_kill: async (step) => {
      const child = this.#childOf(step);
      this.#killed.set(this.#partitionOf(step), child);
      exit(child, 'kill');
      await this.#world.flush();
      return 'ok';
    },
    part_same: async (step) => this.#killed.get(this.#partitionOf(step)) === this.#childOf(step),
  };

  get #ref(): AnyActorRef {
    if (this.#root === undefined) throw new TypeError('no partition supervisor yet');
    return this.#root;
  }

  get #handle(): ReturnType<typeof partitionHandle> {
    return partitionHandle(this.#ref);
  }

  #partitionOf(step: Step): number {
    return this.#handle.partitionOf(step['key']);
  }

  #childOf(step: Step): AnyActorRef {
    const child = this.#handle.child(step['key']);
    if (child === undefined) throw new Error(`nobody is in the partition of ${String(step['key'])}`);
    return child;
  }

  /** The index of the partition that a child really is in. */
  async #holderOf(child: AnyActorRef): Promise<number> {
    for (const { id, ref } of await supervisorHandle(this.#ref).whichChildren()) {
      if (ref === null) continue;
      const inside = await supervisorHandle(ref).whichChildren();
      if (inside.some((row) => row.ref === child)) return Number(id);
    }
    throw new Error('the child is in no partition');
  }
}
