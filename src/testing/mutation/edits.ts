/** Where a machine's definition can be changed by one line: the places, and what stands there. */
import { type AnyMachineSnapshot, type AnyStateMachine, createMachine } from 'xstate';

export type AnyStateNode = AnyMachineSnapshot['_nodes'][number];

/** A piece of a definition: plain data, with functions where XState takes them. */
export type Piece = Record<string, unknown>;

/** One transition of a state's config, among the candidates for its event. */
export interface Spot {
  /** The keys and indexes that lead from the root's config to the state's. */
  readonly state: readonly string[];
  /** The keys and indexes that lead from the state's config to the candidates. */
  readonly candidates: readonly (string | number)[];
  readonly index: number;
  /** As the coverage calls the event: `child.exited`, `after(backoff)`, `always`, `done(job)`. */
  readonly event: string;
  readonly transition: Piece;
}

/** One list of actions. */
export interface ActionList {
  /** `<state id> <where in it>`: `entry`, `exit`, `initial`, or an event and the index of its candidate. */
  readonly at: string;
  readonly actions: readonly unknown[];
  /** A copy of the config in which the list is what `change` makes of it. */
  edit(config: Piece, change: (actions: readonly unknown[]) => readonly unknown[]): Piece;
}

/** The candidates for one event, however they were written: a target, one transition, or a list. */
export function candidatesOf(value: unknown): Piece[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.map((one) => (typeof one === 'string' ? { target: one } : { ...(one as Piece) }));
}

/** A list, however it was written. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Every state of a config with the names that lead to it, in document order. */
export function statesOfConfig(config: Piece, path: readonly string[] = []): { readonly path: readonly string[]; readonly state: Piece }[] {
  const inner = Object.entries((config['states'] ?? {}) as Record<string, Piece>);
  return [{ path, state: config }, ...inner.flatMap(([name, state]) => statesOfConfig(state, [...path, name]))];
}

/** Every transition of one state's config. @param id  of the state, as XState has it */
export function spotsOf(path: readonly string[], state: Piece, id: string): Spot[] {
  const groups: (Pick<Spot, 'candidates' | 'event'> & { readonly value: unknown })[] = [
    ...Object.entries((state['on'] ?? {}) as Piece).map(([event, value]) => ({ candidates: ['on', event], event, value })),
    ...Object.entries((state['after'] ?? {}) as Piece).map(([delay, value]) => ({ candidates: ['after', delay], event: `after(${delay})`, value })),
    { candidates: ['always'], event: 'always', value: state['always'] },
    { candidates: ['onDone'], event: 'done', value: state['onDone'] },
    ...listOf(state['invoke']).flatMap((invoke, index) => {
      const { id: name, onDone, onError, onSnapshot } = invoke as Piece;
      const called = typeof name === 'string' ? name : `${index}.${id}`;
      const at = Array.isArray(state['invoke']) ? ['invoke', index] : ['invoke'];
      return [
        { candidates: [...at, 'onDone'], event: `done(${called})`, value: onDone },
        { candidates: [...at, 'onError'], event: `error(${called})`, value: onError },
        { candidates: [...at, 'onSnapshot'], event: `snapshot(${called})`, value: onSnapshot },
      ];
    }),
  ];
  return groups.flatMap(({ value, ...group }) => candidatesOf(value).map((transition, index) => ({ ...group, state: path, index, transition })));
}

/** What a state does by itself: as it is entered, as it is left, and on the way into its initial state. */
export function ownActionsOf(path: readonly string[], state: Piece, id: string): ActionList[] {
  const moments = (['entry', 'exit'] as const).map((moment): ActionList => {
    const edit: ActionList['edit'] = (config, change) => editState(config, path, (piece) => ({ ...piece, [moment]: change(listOf(piece[moment])) }));
    return { at: `${id} ${moment}`, actions: listOf(state[moment]), edit };
  });
  const { initial } = state;
  if (typeof initial !== 'object' || initial === null) return moments;
  const edit: ActionList['edit'] = (config, change) =>
    editState(config, path, (piece) => {
      const before = piece['initial'] as Piece;
      return { ...piece, initial: { ...before, actions: change(listOf(before['actions'])) } };
    });
  return [...moments, { at: `${id} initial`, actions: listOf((initial as Piece)['actions']), edit }];
}

/** What a transition does. @param id  of its state */
export function actionsOfSpot(spot: Spot, id: string): ActionList {
  return {
    at: `${id} ${spot.event}#${spot.index}`,
    actions: listOf(spot.transition['actions']),
    edit: (config, change) => editSpot(config, spot, (transition) => ({ ...transition, actions: change(listOf(transition['actions'])) })),
  };
}

/** Every list of actions of a machine, in document order. */
export function actionListsOf(machine: AnyStateMachine): ActionList[] {
  return statesOfConfig(machine.config as Piece).flatMap(({ path, state }) => {
    const { id } = nodeAt(machine, path);
    return [...ownActionsOf(path, state, id), ...spotsOf(path, state, id).map((spot) => actionsOfSpot(spot, id))].filter(
      ({ actions }) => actions.length > 0,
    );
  });
}

/** The state node at the end of a path of names. */
export function nodeAt(machine: AnyStateMachine, path: readonly string[]): AnyStateNode {
  return path.reduce<AnyStateNode>((node, name) => node.states[name] as AnyStateNode, machine.root);
}

/** A copy of the config in which the state of that path is what `edit` makes of it. */
export function editState(config: Piece, path: readonly string[], edit: (state: Piece) => Piece): Piece {
  const [name, ...rest] = path;
  if (name === undefined) return edit(config);
  const states = config['states'] as Record<string, Piece>;
  return { ...config, states: { ...states, [name]: editState(states[name] as Piece, rest, edit) } };
}

/** A copy of the config in which the candidates of that spot are what `edit` makes of them. */
export function editCandidates(config: Piece, spot: Spot, edit: (candidates: Piece[]) => readonly Piece[]): Piece {
  const change = (piece: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
    if (key === undefined) return edit(candidatesOf(piece));
    if (Array.isArray(piece)) return piece.map((one: unknown, index) => (index === key ? change(one, rest) : one));
    return { ...(piece as Piece), [key]: change((piece as Piece)[key], rest) };
  };
  return editState(config, spot.state, (state) => change(state, spot.candidates) as Piece);
}

/** A copy of the config in which the transition of that spot is what `edit` makes of it. */
export function editSpot(config: Piece, spot: Spot, edit: (transition: Piece) => Piece): Piece {
  return editCandidates(config, spot, (candidates) => candidates.map((one, index) => (index === spot.index ? edit(one) : one)));
}

/** A machine of that config, with the implementations of the original unless others are given. */
export function remade<M extends AnyStateMachine>(machine: M, config: Piece, implementations: object = machine.implementations): M {
  return createMachine(config as never, implementations as never) as unknown as M;
}
