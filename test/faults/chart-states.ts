/** The steps that charts have, read from the charts themselves: a state that is new there is new here. */
import type { AnyStateMachine, AnyStateNode, StateValue } from 'xstate';
import { catalogue } from '../../machines/index.js';

/** The machines whose steps are struck, by their ids. */
export const struckMachines = ['httpStream', 'interaction', 'gate', 'conversation', 'round', 'execution'] as const;

export type StruckMachine = (typeof struckMachines)[number];

/** Those, and the session's, which has a file of its own. */
const notedMachines = [...struckMachines, 'liveSession'] as const;

export type NotedMachine = (typeof notedMachines)[number];

export function isNoted(id: string): id is NotedMachine {
  return (notedMachines as readonly string[]).includes(id);
}

/** The states that a machine can be found in: those without states of their own, but for those that it leaves as it enters them. */
export function statesOfChart(id: NotedMachine): readonly string[] {
  return leaves((catalogue[id] as AnyStateMachine).root)
    .filter((node) => !isPassed(node))
    .map(({ path }) => path.join('.'));
}

/** The events that a machine names, without XState's own. */
export function eventsOfChart(id: StruckMachine): readonly string[] {
  const { events } = catalogue[id] as unknown as { readonly events: readonly string[] };
  return events.filter((type) => !type.startsWith('xstate.'));
}

/** The states that a snapshot is in, in the same words. */
export function statesIn(value: StateValue, path: readonly string[] = []): readonly string[] {
  if (typeof value === 'string') return [[...path, value].join('.')];
  return Object.entries(value).flatMap(([key, below]) => (below === undefined ? [] : statesIn(below, [...path, key])));
}

function leaves(node: AnyStateNode): readonly AnyStateNode[] {
  const below = Object.values(node.states);
  return below.length === 0 ? [node] : below.flatMap(leaves);
}

function isPassed({ always = [] }: AnyStateNode): boolean {
  return always.some(({ guard }) => guard === undefined);
}
