/** N copies of one child under one supervisor, and routing by key: for a child that would be a bottleneck alone. */
import type { AnyActorRef } from 'xstate';

import type { ChildSpec, Intensity, Strategy } from '../../machines/supervision/child-spec.js';
import { partitionId, partitionOf, partitionSpecs } from '../../machines/supervision/partition.js';
import { EspalierError } from '../errors.js';
import { supervisorHandle, type SupervisorHandle } from './handle.js';
import { idOf, kindOf } from './kind.js';
import { requireOptions, supervisor, type ActorMap, type supervisorMachine } from './supervisors.js';

/** Options of {@link partitionSupervisor}. */
export interface PartitionOptions<Actors extends ActorMap = ActorMap> extends Partial<Intensity> {
  /** How many copies: a whole number above 0. */
  readonly partitions: number;
  readonly child: Omit<ChildSpec<Extract<keyof Actors, string>>, 'id'>;
  readonly strategy?: Strategy;
  readonly actors: Actors;
}

/**
 * A supervisor of N copies of one child, ids `0` to `N - 1`; they share one restart intensity.
 * @throws EspalierError `supervision/invalid-partitions`, or what is wrong with the child
 */
export function partitionSupervisor<const Actors extends ActorMap>(options: PartitionOptions<Actors>): typeof supervisorMachine {
  requireOptions(options, ['partitions', 'child', 'strategy', 'intensity', 'periodMs', 'actors'], 'the options of a partition supervisor');
  const { partitions, child, ...rest } = options;
  if (!(Number.isInteger(partitions) && partitions > 0))
    throw new EspalierError('supervision/invalid-partitions', { expected: '`partitions` to be a whole number above 0', got: partitions });
  if (typeof child !== 'object' || child === null)
    throw new EspalierError('supervision/missing-src', { expected: '`child`, a spec with a `src` and without an id', got: child });
  return supervisor({ ...rest, children: partitionSpecs(child, partitions) });
}

/** A running partition supervisor in the hands of an app. Made by {@link partitionHandle}. */
export class PartitionSupervisor {
  readonly ref: AnyActorRef;
  /** Calls on the supervisor beneath. */
  readonly supervisor: SupervisorHandle;
  readonly partitions: number;

  constructor(ref: AnyActorRef) {
    this.ref = ref;
    this.supervisor = supervisorHandle(ref);
    this.partitions = countPartitions(ref);
  }

  /** The partition of a key: of an integer `Math.abs(key) % partitions`, else by a hash. */
  partitionOf(key: unknown): number {
    return partitionOf(key, this.partitions);
  }

  /** The actor that a key is routed to; undefined while that partition is down. */
  child(key: unknown): AnyActorRef | undefined {
    return this.supervisor.child(partitionId(this.partitionOf(key)));
  }
}

/** Its first children, by their ids; what was added later is no partition. */
function countPartitions(ref: AnyActorRef): number {
  const { children } = (ref.getSnapshot() as { context: { children: readonly { spec: { id: string } }[] } }).context;
  const foreign = children.findIndex(({ spec }, index) => spec.id !== partitionId(index));
  return foreign < 0 ? children.length : foreign;
}

/**
 * A handle on a running partition supervisor.
 * @throws EspalierError `supervision/not-a-supervisor` when the actor is none
 */
export function partitionHandle(ref: AnyActorRef): PartitionSupervisor {
  if (kindOf(ref) !== 'supervisor')
    throw new EspalierError('supervision/not-a-supervisor', { expected: 'an actor that runs a partition supervisor', got: idOf(ref) });
  return new PartitionSupervisor(ref);
}
