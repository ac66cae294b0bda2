/** Sets of nodes: which are below which, which are left together, and what the state value of those that are active is. */
import type { StateValue } from 'xstate';

import type { Node } from './xstate-parts.js';

/** Below whom all that is active is left; undefined where nothing is, `all` where the root itself is. */
export type Domain = Node | 'all' | undefined;

/** All that lies below it is left. */
export function domainOf(exited: readonly Node[]): Domain {
  const outermost = exited.find(({ parent }) => parent === undefined || !exited.includes(parent));
  return outermost === undefined ? undefined : (outermost.parent ?? 'all');
}

/** The nodes that are left with a domain. */
export function exitedBy(domain: Domain, nodes: readonly Node[]): readonly Node[] {
  if (domain === undefined) return [];
  return domain === 'all' ? nodes : nodes.filter((node) => isBelow(node, domain));
}

export function isBelow(node: Node, above: Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === above) return true;
  return false;
}

export function isSameSet(some: readonly Node[], others: readonly Node[]): boolean {
  return some.length === others.length && some.every((node) => others.includes(node));
}

/** These nodes, and where XState has left a state without one below it (some transitions into parallel states do), what it takes as active there. */
function completed(nodes: readonly Node[]): ReadonlySet<Node> {
  const all = new Set(nodes);
  const hasActive = new Set(nodes.map(({ parent }) => parent));
  const add = (node: Node): void => {
    if (all.has(node)) return;
    all.add(node);
    if (node.type === 'compound') for (const first of node.initial?.target ?? []) add(first);
    if (node.type === 'parallel') for (const below of regionsOf(node)) add(below);
  };
  for (const node of all) {
    if (node.type === 'compound' && !hasActive.has(node)) for (const first of node.initial?.target ?? []) add(first);
    if (node.type === 'parallel') for (const below of regionsOf(node)) add(below);
  }
  return all;
}

function regionsOf(node: Node): readonly Node[] {
  return Object.values(node.states).filter(({ type }) => type !== 'history');
}

/** The state value of these nodes; its keys in their order, as XState's. */
export function valueOf(root: Node, nodes: readonly Node[]): StateValue {
  const below = new Map<Node, Node[]>();
  for (const node of completed(nodes)) {
    if (node.parent === undefined) continue;
    const siblings = below.get(node.parent);
    if (siblings === undefined) below.set(node.parent, [node]);
    else siblings.push(node);
  }
  const visit = (node: Node): StateValue => {
    const active = below.get(node) ?? [];
    const [only] = active;
    if (node.type === 'compound' && only !== undefined && (only.type === 'atomic' || only.type === 'final')) return only.key;
    return Object.fromEntries(active.map((one) => [one.key, visit(one)]));
  };
  return visit(root);
}
