/** `espalier/charts`: pictures of a user's machine, from a program. */
import { createActor, createMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import * as door from '../../src/charts/index.js';
import { elk } from './drawn-machines.js';
import { unclosed } from './xml.js';

const kettle = createMachine({ id: 'kettle', initial: 'cold', states: { cold: { on: { heat: 'hot' } }, hot: { type: 'final' } } });

describe('the door of the charts', () => {
  it('makes a machine data, and of that data every picture', async () => {
    const definition = door.chartDefinition(kettle);
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
    expect(door.chartMermaid(definition)).toContain('cold --> hot : heat');
    expect(door.chartDot(definition)).toMatch(/^digraph "kettle" \{/u);
    const layout = await door.layoutChart(definition, elk, { direction: 'right' });
    const svg = door.chartSvg(layout, { title: 'A kettle', highlights: { active: door.activeStates(definition, 'cold') } });
    expect(unclosed(svg)).toEqual([]);
    expect(svg).toContain('class="state active" data-state="kettle.cold"');
  });

  it('has no more than it says', () => {
    expect(Object.keys(door).toSorted()).toEqual(['activeStates', 'chartDefinition', 'chartDot', 'chartMermaid', 'chartSvg', 'layoutChart']);
  });

  it.each([[null], [{}], [createActor(kettle)], [{ id: 'a', states: {} }]])('refuses what is no machine: %#', (value) => {
    expect(() => door.chartDefinition(value as never)).toThrow(expect.objectContaining({ code: 'charts/no-machine' }));
  });
});
