/**
 * Mutants of a machine: the same machine with one line wrong. A model that does not notice one of them proves less than it seems to.
 *
 * Five kinds, after what people get wrong in charts: a transition that is missing, one that leads to a neighbour of its target, a guard that
 * answers the opposite, an action that is forgotten, and one that forgets a part of what it enqueues.
 */
import { type AnyStateMachine, not } from 'xstate';
import { eventName } from '../../charts/edges.js';
import {
  type ActionList,
  actionsOfSpot,
  type AnyStateNode,
  editCandidates,
  editSpot,
  listOf,
  nodeAt,
  ownActionsOf,
  type Piece,
  remade,
  type Spot,
  spotsOf,
  statesOfConfig,
} from './edits.js';
import { type Effects, sieved } from './effects.js';

export type MutantKind = 'transition dropped' | 'target changed' | 'guard flipped' | 'action dropped' | 'effect dropped';

/** A machine with one line wrong. */
export interface Mutant<M extends AnyStateMachine = AnyStateMachine> {
  /** `<state id> <event>#<index>: <what is wrong>`, `<machine id> action <name>: without <effect>`; the same as long as that line of the machine is. */
  readonly id: string;
  readonly kind: MutantKind;
  /** @returns a new machine with the implementations of the original */
  make(): M;
}

/**
 * All mutants of a machine: of its chart in document order, then of what its actions enqueue.
 * @param machine  made by `createMachine` or `setup().createMachine`; what it was given by `.provide()` is kept
 * @param effects  what its actions enqueue; by default nothing is known of that, for it is not written in the chart
 */
export function mutantsOf<M extends AnyStateMachine>(machine: M, effects: Effects = {}): Mutant<M>[] {
  const config = machine.config as Piece;
  const made: Make<M> = (id, kind, edit) => ({ id, kind, make: () => remade(machine, edit()) });
  const ofChart = statesOfConfig(config).flatMap(({ path, state }) => {
    const node = nodeAt(machine, path);
    return [
      ...ownActionsOf(path, state, node.id).flatMap((list) => mutantsOfActions(config, list, made)),
      ...spotsOf(path, state, node.id).flatMap((spot) => mutantsOfSpot(config, node, spot, made)),
    ];
  });
  return [...ofChart, ...mutantsOfEffects(machine, effects)];
}

type Make<M extends AnyStateMachine> = (id: string, kind: MutantKind, edit: () => Piece) => Mutant<M>;

function mutantsOfActions<M extends AnyStateMachine>(config: Piece, { at, actions, edit }: ActionList, made: Make<M>): Mutant<M>[] {
  return actions.map((action, index) =>
    made(`${at}: without ${nameOf(action, index)}`, 'action dropped', () => edit(config, (list) => without(list, index))),
  );
}

function mutantsOfSpot<M extends AnyStateMachine>(config: Piece, node: AnyStateNode, spot: Spot, made: Make<M>): Mutant<M>[] {
  const { transition, index } = spot;
  const list = actionsOfSpot(spot, node.id);
  const change = (with_: Piece): Piece => editSpot(config, spot, (one) => ({ ...one, ...with_ }));
  return [
    made(`${list.at}: dropped`, 'transition dropped', () => editCandidates(config, spot, (candidates) => without(candidates, index))),
    ...wrongTargets(node, spot).map(({ says, target }) => made(`${list.at}: to ${says}`, 'target changed', () => change({ target }))),
    ...(transition['guard'] === undefined
      ? []
      : [made(`${list.at}: unless ${nameOf(transition['guard'], 0)}`, 'guard flipped', () => change({ guard: not(transition['guard'] as never) }))]),
    ...mutantsOfActions(config, list, made),
  ];
}

/** Of an action that enqueues one thing only there is none: without that, it is the action that is dropped. */
function mutantsOfEffects<M extends AnyStateMachine>(machine: M, effects: Effects): Mutant<M>[] {
  return Object.entries(effects).flatMap(([action, all]) =>
    all.length < 2
      ? []
      : all.map((effect): Mutant<M> => {
          const make = (): M => sieved(machine, (other) => (other === action ? (one) => one !== effect : undefined));
          return { id: `${action}: without ${effect}`, kind: 'effect dropped', make };
        }),
  );
}

interface WrongTarget {
  readonly target: unknown;
  readonly says: string;
}

/** For each target of a transition its neighbour, the next state of the same parent; one without neighbours is left out. */
function wrongTargets(node: AnyStateNode, spot: Spot): WrongTarget[] {
  const known = spot.event === 'always' ? node.always : [...node.transitions].find(([key]) => eventName(key, node) === spot.event)?.[1];
  const targets: readonly AnyStateNode[] = known?.[spot.index]?.target ?? [];
  const written = listOf(spot.transition['target']);
  return targets.map((target, index) => {
    const neighbours = Object.values<AnyStateNode>(target.parent?.states ?? {});
    const next = neighbours[(neighbours.indexOf(target) + 1) % neighbours.length];
    const wrong = next === undefined || next === target ? undefined : next;
    const says = wrong === undefined ? 'nowhere' : wrong.id;
    if (targets.length === 1) return { target: wrong === undefined ? undefined : `#${wrong.id}`, says };
    const others = written.flatMap((one, at) => (at !== index ? [one] : wrong === undefined ? [] : [`#${wrong.id}`]));
    return { target: others, says: `${says} in place of ${target.id}` };
  });
}

function without<Item>(list: readonly Item[], index: number): Item[] {
  return list.filter((_, at) => at !== index);
}

/** A name for an action or a guard: its own, or its place. */
function nameOf(one: unknown, index: number): string {
  if (typeof one === 'string') return one;
  if (typeof one === 'object' && one !== null && 'type' in one) {
    const { type, params } = one as { type: unknown; params?: unknown };
    return params === undefined || typeof params === 'function' ? String(type) : `${String(type)}(${JSON.stringify(params)})`;
  }
  if (typeof one === 'function') {
    const parts = (one as { guards?: readonly unknown[] }).guards;
    if (parts !== undefined) return `${one.name}(${parts.map(nameOf).join(', ')})`;
    const { type } = one as { type?: unknown };
    if (typeof type === 'string') return `${type}#${index}`;
  }
  return `#${index}`;
}
