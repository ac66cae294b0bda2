/** N copies of one child, and which of them a key belongs to. @see Elixir PartitionSupervisor */
import { hash } from '../hash.js';
import type { ChildSpec } from './child-spec.js';

/** The id of a partition: its number, as text. */
export function partitionId(index: number): string {
  return String(index);
}

/** One spec per partition: ids `0` to `n - 1`; each input is the spec's own, with `partition` added where it is an object. */
export function partitionSpecs<Src extends string>(child: Omit<ChildSpec<Src>, 'id'>, partitions: number): ChildSpec<Src>[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const { input } = child;
    const isRecord = typeof input === 'object' && input !== null && !Array.isArray(input);
    return { ...child, id: partitionId(partition), ...(isRecord ? { input: { ...input, partition } } : {}) };
  });
}

/**
 * The partition of a key: integers by their absolute value modulo `partitions`, everything else by a hash of its JSON.
 * The same key always gives the same partition; which one is promised for integers only.
 */
export function partitionOf(key: unknown, partitions: number): number {
  if (typeof key === 'number' && Number.isSafeInteger(key)) return Math.abs(key) % partitions;
  if (typeof key === 'bigint') return Number((key < 0n ? -key : key) % BigInt(partitions));
  return hash(typeof key === 'string' ? key : textOf(key)) % partitions;
}

function textOf(key: unknown): string {
  try {
    return JSON.stringify(key) ?? String(key);
  } catch {
    return Object.prototype.toString.call(key);
  }
}
