import type { SimulatedNode } from '../../src/testing/network/node.js';

/** Lets so many ms of a node's clock go by: of a process that has crashed meanwhile they never do. */
export const pause = (node: SimulatedNode, ms: number): Promise<void> => new Promise((resolve) => void node.clock.setTimeout(resolve, ms));
