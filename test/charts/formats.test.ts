/** Whatever is drawn, and in whatever format: every state and every transition of the definition is there. */
import { describe, expect, it } from 'vitest';
import { type ChartDefinition, type ChartEdge, chartStates, type ChartState, definitionOf } from '../../src/charts/definition.js';
import { dotOf } from '../../src/charts/dot.js';
import { layOut } from '../../src/charts/layout.js';
import { escaped } from '../../src/charts/markup.js';
import { mermaidOf } from '../../src/charts/mermaid.js';
import { svgOf } from '../../src/charts/svg.js';
import { short } from '../../src/charts/text-width.js';
import { drawnMachines, elk, type NamedMachine } from './drawn-machines.js';
import { hostileNames, randomMachine } from './random-machine.js';
import { unclosed } from './xml.js';

const machines: readonly NamedMachine[] = [
  ...drawnMachines,
  ...[11, 23, 42, 77].map((seed) => [`a random machine with hostile names (${seed})`, randomMachine(seed, hostileNames)] as const),
];

const statesIn = (definition: ChartDefinition): readonly ChartState[] => chartStates(definition);
const edgesIn = (definition: ChartDefinition): readonly ChartEdge[] => chartStates(definition).flatMap(({ edges }) => edges);
/** A transition as its line begins, once for each target. */
const wordsOf = ({ event, guard, targets }: ChartEdge): readonly string[] => {
  const words = `${short(event)}${guard === undefined ? '' : ` [${short(guard)}]`}`;
  return (targets === null ? [''] : targets).map(() => words);
};
const count = (text: string, part: string): number => text.split(part).length - 1;

/** Parts that are found in a text less often than they are in the definition. */
function missing(text: string, parts: readonly string[]): readonly string[] {
  return [...new Set(parts)].filter((part) => count(text, part) < parts.filter((one) => one === part).length);
}

describe.each(machines)('the picture of %s', { timeout: 60_000 }, (_, machine) => {
  const definition = definitionOf(machine);

  /** Ids of states and transitions that the picture lacks. */
  const unnamed = (svg: string): readonly string[] => [
    ...missing(
      svg,
      statesIn(definition).map(({ id }) => `data-state="${escaped(id)}"`),
    ),
    ...missing(
      svg,
      edgesIn(definition).map(({ id }) => `data-edge="${escaped(id)}"`),
    ),
  ];

  it('as SVG has every state and every transition, by their ids', async () => {
    const layout = await layOut(definition, elk);
    const svg = svgOf(layout, { title: definition.id });
    expect(unclosed(svg)).toEqual([]);
    expect(unnamed(svg)).toEqual([]);
    expect(missing(svg, edgesIn(definition).flatMap(wordsOf).map(escaped))).toEqual([]);
  });

  it('as SVG has them in the grid too', async () => {
    const layout = await layOut(definition, { layout: () => Promise.reject(new Error('no ELK')) });
    const svg = svgOf(layout, { title: definition.id });
    // Regions without anything in them need no ELK.
    expect(layout.rung).toBe(layout.failures.length === 0 ? 'full' : 'grid');
    expect(unnamed(svg)).toEqual([]);
  });

  it('as Mermaid has every state and every transition, one thing a line', () => {
    const text = mermaidOf(definition);
    const shown = text.replaceAll(/#(\d+);/gu, (_match, code: string) => String.fromCharCode(Number(code)));
    const quoted = (word: string): string => word.replace(/\s+/g, ' ').trim();
    const below = statesIn(definition).filter((state) => state !== definition && state.type !== 'history');
    expect(
      missing(
        shown,
        below.map(({ key }) => `state "${quoted(short(key))}`),
      ),
    ).toEqual([]);
    expect(count(text, 'state "H')).toBeGreaterThanOrEqual(statesIn(definition).filter(({ type }) => type === 'history').length);
    expect(missing(shown, edgesIn(definition).flatMap(wordsOf).map(quoted))).toEqual([]);
    const known = /^(?:stateDiagram-v2|\[\*\] --> \w+|\w+ --> \[\*\]|\w+ --> \w+(?: : .*)?|state "[^"]*" as \w+(?: \{)?|\w+ : .*|--|\}|)$/u;
    expect(
      text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => !known.test(line)),
    ).toEqual([]);
    expect(count(text, ' {\n')).toBe(text.split('\n').filter((line) => line.trim() === '}').length);
  });

  it('as DOT has every state and every transition', () => {
    const text = dotOf(definition);
    const quoted = (word: string): string => word.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    expect(
      missing(
        text,
        statesIn(definition).map(({ id }) => `tooltip="${quoted(id)}`),
      ),
    ).toEqual([]);
    expect(
      missing(
        text,
        edgesIn(definition).map(({ id }) => quoted(id)),
      ),
    ).toEqual([]);
    expect(missing(text, edgesIn(definition).flatMap(wordsOf).map(quoted))).toEqual([]);
    expect(text.replaceAll(/"(?:[^"\\]|\\.)*"/gu, '')).toMatch(/^digraph \s*\{[\w\s.=;,[\]{}>-]*\}\n$/u);
  });

  it('is the same each time', async () => {
    const [one, other] = [await layOut(definition, elk), await layOut(definition, elk)].map((layout) => svgOf(layout, { title: 'm' }));
    expect(one).toBe(other);
    expect(mermaidOf(definition)).toBe(mermaidOf(definitionOf(machine)));
    expect(dotOf(definition)).toBe(dotOf(definitionOf(machine)));
  });
});
