/**
 * A coverage as remarks on the machine's chart: how often each state was entered and each transition taken, which outcomes of guards are missing, how
 * invoked actors ended, whether delays passed.
 */
import { invocations, statesOf } from '../../charts/edges.js';
import type { Line, Part, Remarks } from '../../charts/chart.js';
import type { ChartEdge, ChartState } from '../../charts/definition.js';
import type { Coverage } from '../model/coverage.js';
import { guardId, invocationOf } from '../model/coverage-items.js';
import { countOf, facts, type Mark, shade, type Standing, standing, together } from './standing.js';

export interface CoverageRemarks extends Required<Remarks> {
  /** Classes of a state, by its id. */
  stateClass(state: string): string;
  /** Classes of an arrow, by the ids of its edges. */
  arrowClass(edges: readonly string[]): string;
}

export function remarksOf(coverage: Coverage): CoverageRemarks {
  const items = new Map(coverage.items.map((item) => [item.id, item]));
  const nodes = new Map(statesOf(coverage.machine).map((node) => [node.id, node]));
  const standingOf = (id: string): Standing | undefined => {
    const item = items.get(id);
    return item === undefined ? undefined : standing(coverage, item);
  };
  const edgeStanding = (id: string): Standing | undefined => standingOf(`transition ${id}`);
  const outcomes = (id: string): readonly (Standing & { readonly is: boolean })[] =>
    [true, false].flatMap((is) => {
      const own = standingOf(guardId(`transition ${id}`, is));
      return own === undefined ? [] : [{ ...own, is }];
    });
  const ways = (stem: string, names: readonly string[]): { readonly parts: readonly Part[]; readonly about: string } => {
    const known = names.flatMap((name) => {
      const own = standingOf(`${stem} ${name}`);
      return own === undefined ? [] : [{ name, own }];
    });
    const parts: Part[] = known.map(({ name, own }) => ({ text: ` ${name} ${countOf(own)}`, tone: own.mark }));
    if (known.length > 0) parts.unshift({ text: ':' });
    return { parts, about: known.length === 0 ? stem : known.map(({ own }) => facts(own)).join('\n\n') };
  };
  return {
    state({ id }: ChartState) {
      const own = standingOf(`state ${id}`);
      return own === undefined ? { parts: [], about: id } : { parts: [{ text: ` ${countOf(own)}`, tone: own.mark }], about: facts(own) };
    },
    edge({ id }: ChartEdge) {
      const own = edgeStanding(id);
      if (own === undefined) return { parts: [], about: id };
      const guards = outcomes(id);
      const missing = guards.filter(({ mark }) => mark !== 'covered');
      const inside = missing.flatMap(({ is, mark }, index): Part[] => [
        { text: index === 0 ? ': ' : ', ' },
        { text: mark === 'open' ? `never ${is}` : `${is} waived`, tone: mark },
      ]);
      const known = guards.map((one) => `guard ${one.is}: ${countOf(one)}${one.waived === undefined ? '' : `, waived: ${one.waived}`}`);
      return { parts: [{ text: ` ${countOf(own)}`, tone: own.mark }], guard: inside, about: [facts(own), ...known].join('\n') };
    },
    invoke({ id }: ChartState, index: number) {
      const node = nodes.get(id);
      const invocation = node === undefined ? undefined : invocations(node)[index];
      if (node === undefined || invocation === undefined) return { parts: [], about: id };
      return ways(invocationOf(node, invocation), ['done', 'error', 'stopped']);
    },
    lines({ id, edges }: ChartState) {
      const delays = new Set(edges.filter(({ descriptor }) => descriptor.startsWith('xstate.after.')).map(({ event }) => event));
      return [...delays].map((event): Line => {
        const { parts, about } = ways(`delay ${id} ${event}`, ['fired', 'cancelled']);
        return { parts: [{ text: event }, ...parts], about };
      });
    },
    stateClass: (state) => classOf(standingOf(`state ${state}`)),
    arrowClass(edges) {
      const own = edges.flatMap((id) => edgeStanding(id) ?? []);
      const { mark } = together([...own, ...edges.flatMap(outcomes)]);
      return classOf({ mark, hits: together(own).hits });
    },
  };
}

function classOf(one: { readonly mark: Mark; readonly hits: number } | undefined): string {
  if (one === undefined) return '';
  if (one.mark === 'covered') return `covered h${shade(one.hits)}`;
  return one.mark === 'open' && one.hits > 0 ? 'open partly' : one.mark;
}
