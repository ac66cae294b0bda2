/**
 * Mutants of a machine: the same machine with one line wrong. A model that does not notice one of them proves less than it seems to.
 *
 * Four kinds, after what people get wrong in charts: a transition that is missing, one that leads to a neighbour of its target, a guard that
 * answers the opposite, an action that is forgotten.
 */
import { type AnyMachineSnapshot, type AnyStateMachine, createMachine, not } from 'xstate';
import { eventName } from '../model/coverage-items.js';
import { editCandidates, editState, listOf, type Piece, type Spot, spotsOf, statesOfConfig } from './edits.js';

export type MutantKind = 'transition dropped' | 'target changed' | 'guard flipped' | 'action dropped';

/** A machine with one line wrong. */
export interface Mutant<M extends AnyStateMachine = AnyStateMachine> {
  /** `<state id> <event>#<index>: <what is wrong>`; the same as long as that line of the machine is. */
  readonly id: string;
  readonly kind: MutantKind;
  /** @returns a new machine with the implementations of the original */
  make(): M;
}

type AnyStateNode = AnyMachineSnapshot['_nodes'][number];

/**
 * All mutants of a machine, in document order.
 * @param machine  made by `createMachine` or `setup().createMachine`; what it was given by `.provide()` is kept
 */
export function mutantsOf<M extends AnyStateMachine>(machine: M): Mutant<M>[] {
  const config = machine.config as Piece;
  const made = (id: string, kind: MutantKind, edit: () => Piece): Mutant<M> => ({
    id,
    kind,
    make: () => createMachine(edit() as never, machine.implementations as never) as unknown as M,
  });
  return statesOfConfig(config).flatMap(({ path, state }) => {
    const node = nodeAt(machine, path);
    const spots = spotsOf(path, state, node.id);
    return [
      ...(['entry', 'exit'] as const).flatMap((moment) =>
        listOf(state[moment]).map((action, index) =>
          made(`${node.id} ${moment}: without ${nameOf(action, index)}`, 'action dropped', () =>
            editState(config, path, (piece) => ({ ...piece, [moment]: without(listOf(piece[moment]), index) })),
          ),
        ),
      ),
      ...spots.flatMap((spot) => mutantsOfSpot(config, node, spot, made)),
    ];
  });
}

type Make<M extends AnyStateMachine> = (id: string, kind: MutantKind, edit: () => Piece) => Mutant<M>;

function mutantsOfSpot<M extends AnyStateMachine>(config: Piece, node: AnyStateNode, spot: Spot, made: Make<M>): Mutant<M>[] {
  const { transition, index, event } = spot;
  const where = `${node.id} ${event}#${index}`;
  const change = (with_: Piece): Piece =>
    editCandidates(config, spot, (candidates) => candidates.map((one, at) => (at === index ? { ...one, ...with_ } : one)));
  const wrong = wrongTarget(node, spot);
  return [
    made(`${where}: dropped`, 'transition dropped', () => editCandidates(config, spot, (candidates) => without(candidates, index))),
    ...(wrong === undefined ? [] : [made(`${where}: to ${wrong.says}`, 'target changed', () => change({ target: wrong.target }))]),
    ...(transition['guard'] === undefined
      ? []
      : [made(`${where}: unless ${nameOf(transition['guard'], 0)}`, 'guard flipped', () => change({ guard: not(transition['guard'] as never) }))]),
    ...listOf(transition['actions']).map((action, at) =>
      made(`${where}: without ${nameOf(action, at)}`, 'action dropped', () => change({ actions: without(listOf(transition['actions']), at) })),
    ),
  ];
}

/** The neighbour of a transition's target: the next state of the same parent; a target without neighbours is left out. */
function wrongTarget(node: AnyStateNode, spot: Spot): { readonly target: unknown; readonly says: string } | undefined {
  const known = spot.event === 'always' ? node.always : [...node.transitions].find(([key]) => eventName(key, node) === spot.event)?.[1];
  const [target] = known?.[spot.index]?.target ?? [];
  if (target === undefined) return undefined;
  const neighbours = Object.values<AnyStateNode>(target.parent?.states ?? {});
  const next = neighbours[(neighbours.indexOf(target) + 1) % neighbours.length];
  if (next === undefined || next === target) return { target: undefined, says: 'nowhere' };
  return { target: `#${next.id}`, says: next.id };
}

function nodeAt(machine: AnyStateMachine, path: readonly string[]): AnyStateNode {
  return path.reduce<AnyStateNode>((node, name) => node.states[name] as AnyStateNode, machine.root);
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
