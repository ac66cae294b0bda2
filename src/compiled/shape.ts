/** What of a machine's tables follows from its definition alone: XState is asked once for all machines that are made of one. */
import type { AnyStateMachine } from 'xstate';

import { domainOf, exitedBy, isSameSet, type Domain } from './nodes.js';
import type { Entered, Shadow } from './shadow.js';
import type { Node, Transition } from './xstate-parts.js';

/** A transition's part of a row that follows from the definition alone; nodes by their order. */
export interface Walked {
  readonly domain: number | 'all' | undefined;
  readonly entered: readonly (readonly [order: number, byDefault: boolean])[];
  readonly interpreted: string | null;
}

/** All that XState was asked about a definition, and about which transitions. */
export interface Shape {
  readonly plan: string;
  readonly begun: Walked['entered'];
  readonly walks: readonly Walked[];
}

const shapes = new WeakMap<object, Shape>();

/**
 * What XState does with a definition. What is provided to a machine changes none of it.
 * @param transitions  all, in the order of the definition
 */
export function shapeOf({ config }: AnyStateMachine, transitions: readonly Transition[], shadowOf: () => Shadow): Shape {
  const plan = transitions.map(({ source, target, reenter }) => [source.order, target?.map(({ order }) => order), reenter].join('|')).join();
  const known = shapes.get(config);
  if (known?.plan === plan) return known;
  const shadow = shadowOf();
  const orders = (entered: readonly Entered[]): Walked['entered'] => entered.map(({ node, byDefault }) => [node.order, byDefault]);
  const walks = transitions.map((transition): Walked => {
    const { domain, entered, interpreted } = walkOf(transition, shadow);
    return { domain: typeof domain === 'object' ? domain.order : domain, entered: orders(entered), interpreted };
  });
  const shape = { plan, begun: orders(shadow.begin().entered), walks };
  shapes.set(config, shape);
  return shape;
}

function walkOf(
  transition: Transition,
  shadow: Shadow,
): { readonly domain: Domain; readonly entered: readonly Entered[]; readonly interpreted: string | null } {
  const { source } = transition;
  if (transition.target === undefined || transition.target.length === 0) return { domain: undefined, entered: [], interpreted: null };
  const { before, exited, entered } = shadow.stepFrom(source, [transition]);
  const domain = domainOf(exited);
  const walk = { domain, entered };
  if (reachesHistory(transition, entered)) return { ...walk, interpreted: `what it enters depends on the history of '${source.id}'` };
  const left = exitedBy(domain, before);
  if (!isSameSet(left, exited)) return { ...walk, interpreted: `what it leaves does not follow from '${source.id}' alone` };
  return { ...walk, interpreted: null };
}

/** Does it depend on a history where it leads? */
function reachesHistory({ target }: Transition, entered: readonly Entered[]): boolean {
  const isHistory = (node: Node): boolean => node.type === 'history';
  return target?.some(isHistory) === true || entered.some(({ node }) => node.initial?.target.some(isHistory) === true);
}
