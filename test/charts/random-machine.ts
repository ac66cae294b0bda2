/** Machines that nobody would draw by hand: nested at random, arrows between any two of their states. */
import type { AnyStateMachine } from 'xstate';
import { createMachine } from 'xstate';

interface Node {
  readonly id: string;
  on?: Record<string, object[]>;
  states?: Record<string, object>;
  type?: 'parallel' | 'final';
  initial?: string;
}

/** Names that are something else in XML, in Mermaid, in DOT, or in an id of XState's. */
export const hostileNames = [
  'end',
  '"q"',
  '<script>alert(1)</script>',
  'a;b:c#d',
  '日本語',
  '-->',
  '}',
  '\\N',
  '__proto__x',
  '${x}',
  "'s",
  '&amp;',
  '%%',
];

/**
 * @param seed   the same machine for the same seed
 * @param names  that states and events begin with
 */
export function randomMachine(seed: number, names: readonly string[] = ['']): AnyStateMachine {
  let state = seed;
  const below = (limit: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const name = (): string => names[below(names.length)] ?? '';
  const nodes: Node[] = [];
  const targets: string[] = [];
  const grow = (id: string, depth: number): Node => {
    const node: Node = { id };
    nodes.push(node);
    if (depth > 0) targets.push(`#${id}`);
    const children = depth === 0 ? 1 + below(4) : nodes.length < 16 && depth < 5 && below(9) < 4 ? 1 + below(4) : 0;
    if (children === 0) {
      if (depth > 1 && below(7) === 0) node.type = 'final';
      return node;
    }
    node.states = Object.fromEntries(Array.from({ length: children }, (_, index) => [`${name()}s${index}`, grow(`${id}-${index}`, depth + 1)]));
    if (below(4) === 0) node.type = 'parallel';
    else node.initial = Object.keys(node.states)[below(children)] ?? '';
    if (below(5) === 0) {
      node.states['past'] = { id: `${id}-past`, type: 'history' };
      targets.push(`#${id}-past`);
    }
    return node;
  };
  const root = grow('m', 0);
  for (const node of nodes.filter(({ type }) => type !== 'final')) {
    node.on = {};
    for (let count = below(5); count > 0; count--) {
      const event = `${name()}event.${'x'.repeat(below(30))}${below(20)}`;
      const target = targets[below(targets.length)] ?? '#m';
      node.on[event] = [...(node.on[event] ?? []), below(7) === 0 ? {} : { target, reenter: below(5) === 0 }];
    }
  }
  return createMachine(root);
}
