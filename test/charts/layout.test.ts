import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { catalogue } from '../../machines/index.js';
import { boxesOf, written } from '../../src/charts/chart.js';
import { definitionOf } from '../../src/charts/definition.js';
import type { Elk, ElkNode } from '../../src/charts/elk-graph.js';
import { type Layout, layOut, type Rung } from '../../src/charts/layout.js';
import type { Place } from '../../src/charts/places.js';
import { drawnMachines, elk } from './drawn-machines.js';
import { liftMachine } from '../testing/report/lift.js';
import { boxFaults, faultsOf } from './geometry.js';
import { hostileNames, randomMachine } from './random-machine.js';

const placeOf = (layout: Layout, state: string): Place => {
  const box = boxesOf(layout.chart.root).find((one) => one.state === state);
  return layout.boxes.get(box?.key ?? '') ?? { x: Number.NaN, y: Number.NaN, width: Number.NaN, height: Number.NaN };
};

describe('the layout of a chart', { timeout: 120_000 }, () => {
  it.each(drawnMachines)('of %s lays nothing on anything, and everything into what holds it, downwards and to the right', async (_, machine) => {
    for (const direction of ['down', 'right'] as const) {
      const layout = await layOut(definitionOf(machine), elk, { direction });
      expect({ direction, rung: layout.rung, failures: layout.failures, faults: faultsOf(layout) }).toEqual({
        direction,
        rung: 'full',
        failures: [],
        faults: [],
      });
    }
  });

  it('holds for machines that nobody would draw by hand, whatever their parts are called', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), fc.boolean(), fc.boolean(), async (seed, isRight, isHostile) => {
        const machine = randomMachine(seed, isHostile ? hostileNames : ['']);
        const layout = await layOut(definitionOf(machine), elk, { direction: isRight ? 'right' : 'down' });
        expect(faultsOf(layout)).toEqual([]);
        expect(layout.rung).not.toBe('grid');
      }),
      { numRuns: 40, seed: 6 },
    );
  });

  it('is the same each time, and in rounded numbers', async () => {
    const once = async (): Promise<string> => {
      const { boxes, arrows, width, height } = await layOut(definitionOf(catalogue.httpStream), elk);
      return JSON.stringify([width, height, [...boxes], [...arrows]]);
    };
    const text = await once();
    expect(await once()).toBe(text);
    expect(text).not.toMatch(/\d\.\d\d/u);
  });

  it('stacks regions in their order, beside each other across the arrows, at equal length', async () => {
    const definition = definitionOf(catalogue.gate);
    const down = await layOut(definition, elk);
    const [admission, watch] = ['gate.serving.admission', 'gate.serving.watch'].map((id) => placeOf(down, id));
    expect(watch).toMatchObject({ y: admission?.y, height: admission?.height });
    expect(watch?.x).toBeGreaterThan((admission?.x ?? 0) + (admission?.width ?? 0));
    const right = await layOut(definition, elk, { direction: 'right' });
    const [upper, lower] = ['gate.serving.admission', 'gate.serving.watch'].map((id) => placeOf(right, id));
    expect(lower).toMatchObject({ x: upper?.x, width: upper?.width });
    expect(lower?.y).toBeGreaterThan((upper?.y ?? 0) + (upper?.height ?? 0));
  });

  it('lets small regions that no arrow leaves share a row', async () => {
    const layout = await layOut(definitionOf(catalogue.liveSession), elk);
    const [tall, ...small] = ['connection', 'rotation', 'tools', 'microphone', 'life'].map((key) => placeOf(layout, `liveSession.open.${key}`));
    expect(new Set(small.map(({ x }) => x)).size).toBe(1);
    expect(new Set(small.map(({ width }) => width)).size).toBe(1);
    expect(small.map(({ y }) => y)).toEqual(small.map(({ y }) => y).toSorted((a, b) => a - b));
    expect((small.at(-1)?.y ?? 0) + (small.at(-1)?.height ?? 0)).toBeCloseTo((tall?.y ?? 0) + (tall?.height ?? 0), 0);
  });

  it('keeps the order of the file: what comes first stands first', async () => {
    const layout = await layOut(definitionOf(catalogue.liveSession), elk);
    const tops = ['connecting', 'settingUp', 'ready', 'rotating'].map((key) => placeOf(layout, `liveSession.open.connection.online.${key}`).y);
    expect(tops).toEqual(tops.toSorted((a, b) => a - b));
  });

  it('of many arrows is made in a time that one can wait for, and of far too many in none: as a grid, which says so', async () => {
    const ring = (count: number): Promise<Layout> => {
      const states = Array.from({ length: count }, (_, at) => [
        `s${at}`,
        { on: { next: `s${(at + 1) % count}`, jump: `s${(at * 37 + 11) % count}` } },
      ]);
      return layOut(
        definitionOf(
          createMachine({ id: 'ring', initial: 's0', states: Object.fromEntries(states) as Record<string, { on: Record<string, string> }> }),
        ),
        elk,
      );
    };
    const many = await ring(60);
    expect({ rung: many.rung, faults: faultsOf(many) }).toEqual({ rung: 'full', faults: [] });
    const tooMany = await ring(300);
    expect(tooMany.rung).toBe('grid');
    expect(tooMany.failures[0]).toMatch(/^full: 60[01] arrows in ring, and at most 400 can be laid out$/u);
    expect(boxFaults(tooMany)).toEqual([]);
  });

  it('keeps room for counts that come later', async () => {
    const definition = definitionOf(createMachine({ id: 'm', initial: 'a', states: { a: { on: { a_rather_long_name: 'b' } }, b: {} } }));
    const label = (layout: Layout): number => Math.max(...[...layout.arrows.values()].map((arrow) => arrow.label?.width ?? 0));
    const [bare, roomy] = [await layOut(definition, elk), await layOut(definition, elk, { roomLetters: 6 })];
    expect(label(roomy) - label(bare)).toBeGreaterThanOrEqual(6 * 7);
  });
});

describe('the ladder', { timeout: 60_000 }, () => {
  const definition = definitionOf(liftMachine);
  const optionsOf = (graph: ElkNode, given: Record<string, string> = {}): string =>
    JSON.stringify([given, ...(graph.children ?? []).map(({ layoutOptions }) => layoutOptions)]);
  const failing = (fails: (options: string) => boolean, how: () => Promise<ElkNode>): Elk => ({
    layout: (graph, options) => (fails(optionsOf(graph, options?.layoutOptions)) ? how() : elk.layout(graph, options)),
  });
  const throwing = (): Promise<ElkNode> => Promise.reject(new TypeError("Cannot read properties of undefined (reading 'a')"));
  const rungs: readonly [Rung, (options: string) => boolean, number][] = [
    ['full', () => false, 0],
    ['withoutModelOrder', (options) => options.includes('considerModelOrder'), 1],
    ['bare', (options) => options.includes('nodePlacement'), 2],
    ['grid', () => true, 3],
  ];

  it.each(rungs)('comes to %s where ELK throws above it, and says what it threw', async (rung, fails, count) => {
    const layout = await layOut(definition, failing(fails, throwing));
    expect(layout.rung).toBe(rung);
    expect(layout.failures).toHaveLength(count);
    for (const failure of layout.failures) expect(failure).toContain("(reading 'a')");
    expect(boxFaults(layout)).toEqual([]);
    if (rung !== 'bare') expect(faultsOf(layout)).toEqual([]);
  });

  it.each([
    [
      'throws at once',
      () => {
        throw new Error('at once');
      },
    ],
    ['answers without places', () => Promise.resolve({ id: 'sheet' })],
    ['answers with places that are none', () => Promise.resolve({ id: 'sheet', width: Number.NaN, height: 1, children: [], edges: [] })],
    ['throws what is no error', () => Promise.reject('no')], // oxlint-disable-line typescript/prefer-promise-reject-errors -- what ELK throws is its own affair
  ] as const)('ends in a grid where ELK %s', async (_, how) => {
    const layout = await layOut(
      definition,
      failing(() => true, how),
    );
    expect(layout.rung).toBe('grid');
    expect(layout.failures).toHaveLength(3);
    expect(faultsOf(layout)).toEqual([]);
  });

  it('loses no transition in the grid: each is a line in its state', async () => {
    const { chart } = await layOut(
      definition,
      failing(() => true, throwing),
    );
    const lines = boxesOf(chart.root).flatMap((box) =>
      box.lines.filter(({ edge }) => edge !== undefined).map((line) => `${box.state ?? ''}: ${written(line)}`),
    );
    expect(lines).toEqual(
      expect.arrayContaining(['lift.idle: lift.call [doorShut] → moving', 'lift.moving: lift.jump → up', 'lift.moving: lift.jump → open']),
    );
    expect(boxesOf(chart.root).map((box) => written(box.title))).toContain('idle (begins here)');
  });
});
