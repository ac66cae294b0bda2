/** By which names a machine takes events. */

/**
 * Does a descriptor take events of this type? `call.*` takes `call` and `call.made`, `*` takes all.
 * @see XState matchesEventDescriptor
 */
export function takes(descriptor: string, type: string): boolean {
  if (descriptor === type || descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const stem = descriptor.slice(0, -'.*'.length);
  return type === stem || type.startsWith(`${stem}.`);
}
