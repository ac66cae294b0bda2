/**
 * A backend on a simulated network that does not outlive its runs unharmed: it is crashed and stopped as the other nodes are, and opened again on its store. Its
 * clock alone is right: what a lease lasts is reckoned by it.
 */
import { memoryBackend } from '../../src/backend/memory.js';
import { memoryEvents } from '../../src/events/memory.js';
import type { EventJournal } from '../../src/events/port.js';
import type { SimulatedNetwork } from '../../src/testing/network/network.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import type { FaultOperation } from '../../src/testing/network/schedule.js';
import { serve } from './remote-backend.js';

/** The node that its store is on; it is to be spared. */
export const disk = 'disk';

/** Boots both. @param forgets  planted: it has no store, and begins anew */
export function bootCrashing(network: SimulatedNetwork, forgets = false): Readonly<Record<string, FaultOperation>> {
  // The network waits for promises alone: a commit by the event loop would be late by whatever happens next, and with nobody else about by very much.
  const store = memoryEvents({ defer: queueMicrotask });
  const answers = new Map<string, Promise<unknown>>();
  let far: SimulatedNode | undefined;
  network.boot((node) => (far = node), disk);
  network.boot((node) => {
    const kept = forgets ? {} : { store: slow(store, node, far as SimulatedNode) };
    serve(node, memoryBackend({ clock: node.clock, ...kept }), answers);
  }, 'backend');
  const strike = (begin: () => () => void): FaultOperation['run'] => {
    return (node, ms) => void node.clock.setTimeout(begin(), Number(ms));
  };
  const nodes = [disk];
  return {
    crashBackend: { weight: 2, nodes, input: (chance) => chance.pick([0, 30, 300, 1_500]), run: strike(() => network.crash('backend')) },
    pauseBackend: { nodes, input: (chance) => chance.pick([50, 500, 2_500]), run: strike(() => network.pause('backend')) },
  };
}

/** What is asked of it is done a while later, whoever is gone by then, and answered a while after that. */
function slow(store: EventJournal, near: SimulatedNode, far: SimulatedNode): EventJournal {
  const pause = ({ clock, chance }: SimulatedNode): Promise<void> => {
    return new Promise((resolve) => void clock.setTimeout(resolve, chance.pick([1, 5, 15])));
  };
  return new Proxy(store, {
    get:
      (of, name: keyof EventJournal) =>
      async (...call: unknown[]) => {
        await pause(far);
        const outcome = await (of[name] as (...args: unknown[]) => Promise<unknown>).apply(of, call);
        await pause(near);
        return outcome;
      },
  });
}
