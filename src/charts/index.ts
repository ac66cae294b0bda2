/**
 * Pictures of machines, for programs: a machine as data, and that data as SVG, Mermaid or DOT. Runs in Node and in browsers.
 *
 * Experimental, all of it: until 1.0 a minor version may change names, and any version what a picture looks like.
 */
import { EspalierError } from '../errors.js';
import { type ChartDefinition, definitionOf } from './definition.js';
import { dotOf } from './dot.js';
import type { Elk } from './elk-graph.js';
import { type Layout, layOut, type LayoutOptions } from './layout.js';
import { mermaidOf } from './mermaid.js';
import { type SvgOptions, svgOf } from './svg.js';
import type { AnyStateMachine } from 'xstate';

export { activeStates } from './active.js';
export type { ChartDefinition, ChartEdge, ChartInvocation, ChartState } from './definition.js';
export type { Direction } from './framing.js';
export type { Layout, Rung } from './layout.js';
export type { Highlights } from './svg.js';

/** What lays graphs out: `new ELK()` of elkjs, whatever its version; what it answers is checked. */
export interface ChartElk {
  layout(graph: never, options?: never): Promise<unknown>;
}

/** How a chart is laid out: where its arrows run to, and letters that are kept free behind each transition for counts. */
export type ChartLayoutOptions = Pick<LayoutOptions, 'direction' | 'roomLetters'>;

/** What a picture is called, what it shows, and what of it is lit. */
export type ChartSvgOptions = Pick<SvgOptions, 'title' | 'about' | 'highlights' | 'style'>;

/**
 * A machine as data: plain JSON, without what is behind its names.
 * @param machine  any machine of XState 5
 * @throws EspalierError `charts/no-machine`
 */
export function chartDefinition(machine: AnyStateMachine): ChartDefinition {
  const { root, provide } = ((machine as unknown) ?? {}) as { readonly root?: unknown; readonly provide?: unknown };
  if (typeof root === 'object' && root !== null && typeof provide === 'function') return definitionOf(machine);
  throw new EspalierError('charts/no-machine', { expected: 'a machine of XState 5', got: machine });
}

/**
 * Gives a chart its places.
 * @param elk  `new ELK()` of the package elkjs, in this thread or in a worker
 * @returns never rejects: `rung` says how well it went
 */
export function layoutChart(definition: ChartDefinition, elk: ChartElk, options: ChartLayoutOptions = {}): Promise<Layout> {
  return layOut(definition, elk as Elk, options);
}

/** @returns SVG that stands on its own: no scripts, no fonts, nothing from elsewhere; by day and by night */
export function chartSvg(layout: Layout, options: ChartSvgOptions): string {
  return svgOf(layout, options);
}

/** @returns Mermaid `stateDiagram-v2` */
export function chartMermaid(definition: ChartDefinition): string {
  return mermaidOf(definition);
}

/** @returns DOT, for Graphviz */
export function chartDot(definition: ChartDefinition): string {
  return dotOf(definition);
}
