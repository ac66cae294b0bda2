/** Charts with the names that people give, and those that only an enemy would. */
import fc from 'fast-check';

import type { RecordedChart } from '../../../src/wire/recording/chart.js';

export const hostileNames = [
  'a',
  'a.b',
  '#',
  '',
  '/',
  '$cut',
  '$object',
  'constructor',
  '__proto__',
  '*',
  '\u001f',
  '🦊',
  '"\n',
  'xstate.after.1.a',
  '0',
  'x:1',
];

/** A chart of up to three levels whose ids are all different. @param names  for keys, events, guards, actions */
export function charts(names: readonly string[]): fc.Arbitrary<RecordedChart> {
  const name = fc.constantFrom(...names);
  interface Shape {
    key: string;
    isParallel: boolean;
    edges: { event: string; guard: string | null; to: number; reenter: boolean; action: string }[];
    states: Shape[];
  }
  const edge = fc.record({ event: name, guard: fc.option(name), to: fc.nat(20), reenter: fc.boolean(), action: name });
  const level = (depth: number): fc.Arbitrary<Shape> =>
    fc.record({
      key: name,
      isParallel: fc.boolean(),
      edges: fc.array(edge, { maxLength: 3 }),
      states: depth === 0 ? fc.constant([]) : fc.uniqueArray(level(depth - 1), { maxLength: 3, selector: ({ key }) => key }),
    });
  return level(3).map((shape) => {
    const ids: string[] = [];
    const number = (of: Shape): string => {
      const id = `${of.key}-${ids.length}`;
      ids.push(id);
      return id;
    };
    const build = (of: Shape): RecordedChart => {
      const id = number(of);
      const states = of.states.map(build);
      const type = states.length === 0 ? 'atomic' : of.isParallel ? 'parallel' : 'compound';
      const [first] = states;
      return {
        id,
        key: of.key,
        type,
        tags: [of.key],
        ...(type === 'compound' && first !== undefined ? { initial: first.id } : {}),
        invoke: [{ id: of.key, src: of.key }],
        entry: [of.key],
        exit: [],
        edges: of.edges.map(({ event, guard, to, reenter, action }, index) => ({
          id: `${id} ${index}`,
          event,
          descriptor: event,
          ...(guard === null ? {} : { guard }),
          targets: [String(to)],
          reenter,
          actions: [action],
        })),
        states,
      };
    };
    const chart = build(shape);
    // Where an edge leads is known when all ids are.
    const aim = (state: RecordedChart): void => {
      for (const one of state.edges) one.targets = [ids[Number(one.targets?.[0]) % ids.length] as string];
      for (const child of state.states) aim(child);
    };
    aim(chart);
    return chart;
  });
}

/** What a machine of the chart begins with. */
export function initialValue(chart: RecordedChart): unknown {
  if (chart.type === 'parallel') return Object.fromEntries(chart.states.map((state) => [state.key, initialValue(state)]));
  const [first] = chart.states;
  if (first === undefined) return {};
  return first.type === 'atomic' ? first.key : Object.fromEntries([[first.key, initialValue(first)]]);
}

/** Every state, the machine first. */
export function statesOf(chart: RecordedChart): readonly RecordedChart[] {
  return [chart, ...chart.states.flatMap(statesOf)];
}
