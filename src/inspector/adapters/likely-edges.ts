/**
 * Which edges a machine has probably taken, where only the states before and after are known, as `@statelyai/inspect` tells them: for each active state,
 * the innermost first, the first candidate for the event that leads to a state which is active after. Guards cannot be asked, and transitions that always
 * happen are not seen.
 */
import { takes } from '../../charts/descriptor.js';
import type { RecordedChart } from '../../wire/recording/chart.js';
import type { Portable } from '../../wire/recording/portable-shape.js';
import { activeStates } from './active-states.js';

/** @returns ids of edges; undefined where one of the values is none of the machine's */
export function likelyEdges(chart: RecordedChart, before: Portable | undefined, after: Portable | undefined, type: string): string[] | undefined {
  const [from, to] = [activeStates(chart, before), activeStates(chart, after)];
  if (from === undefined || to === undefined) return undefined;
  const active = new Set(to);
  const byId = new Map<string, RecordedChart>();
  index(chart, byId);
  const found = new Set<string>();
  for (const path of leafPaths(chart, new Set(from))) {
    for (const state of path) {
      const candidates = state.edges.filter(({ descriptor }) => takes(descriptor, type));
      const taken = candidates.find(({ targets }) => targets === null || targets.every((id) => leadsInto(byId.get(id), active, byId)));
      if (taken === undefined) continue;
      found.add(taken.id);
      break;
    }
  }
  return [...found];
}

function leadsInto(target: RecordedChart | undefined, active: ReadonlySet<RecordedChart>, byId: ReadonlyMap<string, RecordedChart>): boolean {
  if (target === undefined) return false;
  if (target.type !== 'history') return active.has(target);
  // What it remembers is not known; it lies in the state around it.
  return [...byId.values()].some((state) => state.states.includes(target) && active.has(state));
}

/** From each innermost active state up to the machine. */
function leafPaths(state: RecordedChart, active: ReadonlySet<RecordedChart>): readonly (readonly RecordedChart[])[] {
  const inner = state.states.filter((child) => active.has(child)).flatMap((child) => leafPaths(child, active));
  return inner.length === 0 ? [[state]] : inner.map((path) => [...path, state]);
}

function index(state: RecordedChart, byId: Map<string, RecordedChart>): void {
  byId.set(state.id, state);
  for (const child of state.states) index(child, byId);
}
