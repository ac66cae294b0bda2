/** Which of the selected transitions are taken, and what a transition leaves. */
import type { AnyTransitionDefinition } from 'xstate';

import type { AnyStateNode } from './edges.js';

/** Those of the selected transitions that are taken. @see SCXML removeConflictingTransitions: the deeper source wins, then document order */
export function taken(selected: readonly AnyTransitionDefinition[]): readonly AnyTransitionDefinition[] {
  if (selected.length < 2) return selected;
  const kept = new Set<AnyTransitionDefinition>();
  for (const candidate of new Set(selected)) {
    const rivals = [...kept].filter((other) => conflict(candidate, other));
    if (!rivals.every((rival) => isWithin(candidate.source, rival.source) && candidate.source !== rival.source)) continue;
    for (const rival of rivals) kept.delete(rival);
    kept.add(candidate);
  }
  return [...kept];
}

/** Whether taking the transition ends the stay in `node`. */
export function leaves(transition: AnyTransitionDefinition, node: AnyStateNode): boolean {
  const left = domain(transition);
  return left !== undefined && left !== node && isWithin(node, left) && mayBeTogether(transition.source, node);
}

/** Two transitions conflict when they leave a state in common, that is when one's domain lies within the other's. */
function conflict(left: AnyTransitionDefinition, right: AnyTransitionDefinition): boolean {
  const [a, b] = [domain(left), domain(right)];
  return a !== undefined && b !== undefined && (isWithin(a, b) || isWithin(b, a));
}

/** The state whose active descendants the transition leaves; undefined when it leaves none. */
function domain(transition: AnyTransitionDefinition): AnyStateNode | undefined {
  const targets = transition.target?.map((node: AnyStateNode) => (node.type === 'history' ? (node.parent as AnyStateNode) : node));
  if (targets === undefined) return undefined;
  const source: AnyStateNode = transition.source;
  if (!transition.reenter && targets.every((target) => isWithin(target, source))) return source;
  let node: AnyStateNode = source;
  while (node.parent !== undefined) {
    node = node.parent;
    const candidate = node;
    if (targets.every((target) => target !== candidate && isWithin(target, candidate))) return candidate;
  }
  return source.machine.root;
}

/** Whether both states can be active at one time: one holds the other, or they stand in parallel regions. */
function mayBeTogether(left: AnyStateNode, right: AnyStateNode): boolean {
  if (isWithin(left, right) || isWithin(right, left)) return true;
  let common: AnyStateNode = left;
  while (!isWithin(right, common)) common = common.parent as AnyStateNode;
  return common.type === 'parallel';
}

/** Whether `node` is `ancestor`, or in it. */
export function isWithin(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent as AnyStateNode | undefined) if (at === ancestor) return true;
  return false;
}
