/** A network for tests, on which all nodes write down what they hear. */
import { type NetworkOptions, type SimulatedNetwork, simulatedNetwork, type SimulatedNode } from '../../../src/testing/index.js';

export interface Heard {
  readonly network: SimulatedNetwork;
  /** `<node> <message> @<ms>` for all that was handled. */
  readonly heard: readonly string[];
  /** The process on a node. */
  at(name: string): SimulatedNode;
}

/** A network whose nodes write down what they hear. */
export function listening(options: Partial<NetworkOptions> = {}): Heard {
  const network = simulatedNetwork({ nodes: ['a', 'b', 'c'], links: { delay: 10 }, ...options });
  const heard: string[] = [];
  network.boot((node) => {
    node.onMessage((message) => heard.push(`${node.name} ${String(message)} @${network.now()}`));
  });
  const at = (name: string): SimulatedNode => {
    const node = network.node(name);
    if (node === undefined) throw new Error(`${name} is down`);
    return node;
  };
  return { network, heard, at };
}

/** Sends the numbers 1 to `count` from a to b, one a millisecond. */
export async function sendMany({ network, at }: Heard, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    at('a').send('b', n);
    await network.run({ forMs: 1 });
  }
  await network.run({ forMs: 1_000 });
}
