/** What of a chart is lit: the ids of its states and edges, found in the definition. Pure. */
import type { Portable } from '../wire/recording/portable-shape.js';
import { stateParts } from '../wire/recording/state-value.js';
import type { ChartDefinition, ChartEdge, ChartState } from './definition.js';

/** Ids of the states that a state value means, the machine itself first; a value that does not fit the definition lights what fits. */
export function activeStates(definition: ChartDefinition, value: Portable | undefined): readonly string[] {
  return value === undefined ? [] : [definition.id, ...statesWithin(definition, value)];
}

function statesWithin(state: ChartState, value: Portable): readonly string[] {
  return (stateParts(value) ?? []).flatMap(([key, inner]) => {
    const child = state.states.find((one) => one.key === key);
    return child === undefined ? [] : [child.id, ...statesWithin(child, inner)];
  });
}

/** An event that the machine may be sent now, with the edges that it could take. */
export interface NextEvent {
  /** As it is sent; `*` and `a.*` name no event of their own. */
  readonly type: string;
  readonly edges: readonly ChartEdge[];
}

/** The events that active states handle, those of inner states first. What XState sends by itself (delays, ends, `always`) is none of them. */
export function nextEvents(definition: ChartDefinition, active: readonly string[]): readonly NextEvent[] {
  const lit = new Set(active);
  const found = new Map<string, ChartEdge[]>();
  const visit = (state: ChartState): void => {
    for (const child of state.states) if (lit.has(child.id)) visit(child);
    for (const edge of state.edges) {
      if (edge.descriptor === '' || edge.descriptor.startsWith('xstate.')) continue;
      const edges = found.get(edge.descriptor);
      if (edges === undefined) found.set(edge.descriptor, [edge]);
      else edges.push(edge);
    }
  };
  visit(definition);
  return [...found].map(([type, edges]) => ({ type, edges }));
}

/** Edges in words: `on accept → ready`, for those whose ids are known. */
export function edgeWords(definition: ChartDefinition, ids: readonly string[]): readonly string[] {
  const edges = new Map<string, { readonly edge: ChartEdge; readonly from: string }>();
  const names = new Map<string, string>();
  const visit = (state: ChartState): void => {
    names.set(state.id, state.key);
    for (const edge of state.edges) edges.set(edge.id, { edge, from: state.key });
    for (const child of state.states) visit(child);
  };
  visit(definition);
  return ids.map((id) => {
    const known = edges.get(id);
    if (known === undefined) return id;
    const { edge, from } = known;
    const guard = edge.guard === undefined ? '' : ` [${edge.guard}]`;
    const to = edge.targets === null ? 'stays' : edge.targets.map((target) => names.get(target) ?? target).join(', ');
    return `${from} — ${edge.event}${guard} → ${to}`;
  });
}
