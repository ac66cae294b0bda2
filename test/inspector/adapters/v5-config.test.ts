import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';

import { catalogue } from '../../../machines/index.js';
import { definitionOf } from '../../../src/charts/definition.js';
import { chartOfConfig, v5Config } from '../../../src/inspector/adapters/v5-config.js';
import type { RecordedChart } from '../../../src/wire/recording/chart.js';
import { kettle } from './kettle.js';

/** What a guard that is made of others is called in an id of an edge is not what it is called in words; and edges stand in groups. */
function comparable(chart: RecordedChart): unknown {
  const edges = chart.edges.map((edge) => JSON.stringify({ ...edge, id: edge.id.replace(/\[.*\]/, '[]') }));
  return { ...chart, edges: edges.toSorted(), states: chart.states.map(comparable) };
}

function chartAfter(chart: RecordedChart): RecordedChart | null {
  return chartOfConfig(JSON.parse(JSON.stringify(v5Config(chart))));
}

describe('the configuration of a recorded machine', () => {
  const machines: [string, AnyStateMachine][] = [...Object.entries<AnyStateMachine>(catalogue as never), ['kettle', kettle]];

  it.each(machines)('makes the same chart of %s', (_, machine) => {
    const chart = definitionOf(machine) as RecordedChart;
    expect(comparable(chartAfter(chart) as RecordedChart)).toEqual(comparable(chart));
  });

  it('has the ends, the delays and what always happens under their own words', () => {
    const config = v5Config(definitionOf(kettle) as RecordedChart);
    expect(config).toMatchObject({
      id: 'kettle',
      type: 'parallel',
      states: {
        water: {
          onDone: [{ actions: [{ type: 'ring' }] }],
          states: {
            heating: { after: { toBoil: [{ target: ['#kettle.water.boiled'] }], 30000: [{ target: ['#kettle.water.cold'] }] } },
            boiled: { invoke: [{ id: 'cool', src: 'cool', onDone: [{ target: ['#kettle.water.done'] }] }] },
            last: { type: 'history', history: 'shallow', target: '#kettle.water.cold' },
          },
        },
        lid: { states: { seen: { always: [{ guard: 'isFull', target: ['#kettle.lid.open'] }] } } },
      },
    });
  });

  it.each([
    null,
    1,
    'text',
    [],
    { states: 1 },
    { initial: 'a' },
    { states: { a: null } },
    { id: {}, states: { a: {} } },
    { on: { a: { target: '#no' } } },
  ])('is refused where it describes no machine: %j', (config) => {
    const chart = chartOfConfig(config);
    expect(chart === null || typeof chart.id === 'string').toBe(true);
  });
});
