/** How comms find agents by their names: a registry, or a function that knows them. */
import type { AnyActorRef } from 'xstate';
import { isObject, sortOf } from '../option-checks.js';
import type { Registry } from '../registry/handle.js';
import { printFault } from '../supervision/last-resort.js';
import { exitReason } from '../supervision/watch.js';
import { invalid } from './refusal.js';

/** Who finds agents: a registry (one namespace of it), or a function that says who goes by a name now. */
export type Agents = Registry | ((name: string) => AnyActorRef | undefined);

/** What comms ask of either. */
export interface Directory {
  /** Who goes by the name, alive. Never throws. */
  find(name: string): AnyActorRef | undefined;
  /** Does nobody go by it now, and is somebody to come? */
  awaits(name: string): boolean;
  /** The names of those who can all of it: by the field `capabilities` of their metadata, a list. @throws EspalierError `comms/invalid-options` where nobody says so */
  capable(capabilities: readonly string[]): string[];
  /** Calls with each name of which somebody else may be the owner now, or nobody. @returns what ends that; null: it is not told, and is to be asked each time */
  watch(changed: (name: string) => void): (() => void) | null;
}

const changes = ['registry.registered', 'registry.succeeded', 'registry.unregistered'] as const;
const methods = ['whereis', 'awaits', 'select', 'on'] as const;

/** @throws EspalierError `comms/invalid-options` */
export function directoryOf(agents: Agents): Directory {
  if (typeof agents === 'function') return byFunction(agents);
  if (!isObject(agents) || methods.some((method) => typeof agents[method] !== 'function'))
    throw invalid('agents', 'a registry, or a function that finds an actor by its name', sortOf(agents));
  return byRegistry(agents);
}

function byRegistry(registry: Registry): Directory {
  return {
    find: (name) => registry.whereis(name),
    awaits: (name) => registry.awaits(name),
    capable: ([first, ...rest]) =>
      registry
        .select({ where: { capabilities: first } })
        .filter(({ metadata }) => rest.every((each) => saysSo(metadata, each)))
        .map(({ key }) => key),
    watch: (changed) => {
      const heard = changes.map((type) =>
        registry.on(type, ({ namespace, key }) => {
          if (namespace === registry.namespace) changed(key);
        }),
      );
      return () => {
        for (const each of heard) each.unsubscribe();
      };
    },
  };
}

function saysSo(metadata: unknown, capability: string): boolean {
  const { capabilities } = metadata as { readonly capabilities?: unknown };
  return Array.isArray(capabilities) && capabilities.includes(capability);
}

/** Nobody is awaited: a function cannot tell. */
function byFunction(find: (name: string) => AnyActorRef | undefined): Directory {
  return {
    find: (name) => {
      try {
        const ref = find(name);
        return ref === undefined || exitReason(ref) !== null ? undefined : ref;
      } catch (error) {
        printFault('the function that finds agents', error);
        return undefined;
      }
    },
    awaits: () => false,
    capable: () => {
      throw invalid('agents', 'a registry, which knows capabilities', 'a function');
    },
    watch: () => null,
  };
}
