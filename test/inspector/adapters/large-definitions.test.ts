/** Definitions from elsewhere that are as large as they may be: reading one must not cost the square of its length. */
import { describe, expect, it, vi } from 'vitest';
import * as xstate from 'xstate';
import { chartOf } from '../../../src/charts/chart.js';
import { layOut } from '../../../src/charts/layout.js';
import { svgOf } from '../../../src/charts/svg.js';
import { ChartsByText } from '../../../src/inspector/adapters/charts-by-text.js';
import { otlpTrace } from '../../../src/recording/exports/otel.js';
import { v4Machine } from '../../../src/inspector/adapters/v4-machine.js';
import { chartOfConfig, v5Config } from '../../../src/inspector/adapters/v5-config.js';
import type { RecordedChart } from '../../../src/wire/recording/chart.js';
import type { RecordedEvent } from '../../../src/wire/recording/lines.js';
import { head, started } from './small.js';

vi.mock('xstate', { spy: true });

/** How many members of lists were walked over while something was done: a list that is copied for each of its members is walked over again and again. */
function walked(todo: () => unknown): number {
  const real = Array.prototype[Symbol.iterator];
  let count = 0;
  const counting = function (this: unknown[]) {
    count += this.length;
    return real.call(this);
  };
  const { prototype } = Array;
  const set = (value: unknown): unknown => Reflect.defineProperty(prototype, Symbol.iterator, { value, configurable: true, writable: true });
  set(counting);
  try {
    todo();
  } finally {
    set(real);
  }
  return count;
}

function crowded(candidates: number): RecordedChart {
  const chart = chartOfConfig({ id: 'crowded', on: { go: Array.from({ length: candidates }, () => ({})) } });
  if (chart === null) throw new Error('not read');
  return chart;
}

describe('a definition with very many candidates for one event', () => {
  const candidates = 2_000;

  it('is read, made a chart of and written again in as many steps as it has parts', () => {
    const chart = crowded(candidates);
    const most = 50 * candidates;
    expect(walked(() => crowded(candidates))).toBeLessThan(most);
    expect(walked(() => expect(chartOf(chart).root.lines).toHaveLength(candidates))).toBeLessThan(most);
    expect(walked(() => v5Config(chart))).toBeLessThan(most);
    expect(walked(() => v4Machine(chart))).toBeLessThan(most);
  });

  it('is made a chart of where it would fill the longest text that is read', () => {
    expect(crowded(80_000).edges).toHaveLength(80_000);
  });

  it('is made a chart of in as many steps as it has states and arrows', () => {
    const states = Object.fromEntries(Array.from({ length: candidates }, (_, index) => [`s${index}`, { on: { go: `s${index + 1}` } }]));
    const chart = chartOfConfig({ id: 'm', initial: 's0', states: { ...states, [`s${candidates}`]: {} } }) as RecordedChart;
    const values = vi.spyOn(Map.prototype, 'values');
    expect(chartOf(chart).arrows).toHaveLength(candidates + 1);
    // Not once for each state.
    expect(values.mock.calls.length).toBeLessThan(10);
  });
});

describe('a state with more lines than a call takes arguments', () => {
  it('is laid out and drawn', async () => {
    const edge = { event: 'go', descriptor: 'go', targets: null, reenter: false, actions: [] };
    const edges = Array.from({ length: 130_000 }, (_, index) => ({ ...edge, id: `go#${index}` }));
    const inner: RecordedChart = { id: 'm.a', key: 'a', type: 'atomic', tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] };
    const chart: RecordedChart = { ...inner, id: 'm', key: 'm', type: 'compound', edges, states: [inner] };
    const layout = await layOut(chart, { layout: () => Promise.reject(new Error('no ELK')) });
    expect(layout.rung).toBe('grid');
    expect(svgOf(layout, { title: 'm' }).split('data-edge=')).toHaveLength(edges.length + 1);
  });
});

describe('a trace', () => {
  it('has very many letters to the dead in as many steps', () => {
    const letter = (seq: number): RecordedEvent => ({
      type: '@xstate.event',
      seq,
      at: seq,
      actor: 'a',
      source: null,
      event: { type: 'x' },
      dead: true,
    });
    const lines = [started(1, 0, 'a'), ...Array.from({ length: 2_000 }, (_, index) => letter(index + 2))];
    expect(walked(() => otlpTrace({ head, lines }))).toBeLessThan(100_000);
  });
});

describe('charts by the texts that describe them', () => {
  it('leave room for machines, however many definitions describe none', () => {
    const charts = new ChartsByText();
    for (let index = 0; index < 200; index++) expect(charts.read(JSON.stringify({ id: `promise${index}` }))).toBeNull();
    const text = JSON.stringify({ id: 'm', initial: 'a', states: { a: {} } });
    expect(charts.read(text)).toMatchObject({ key: 'm', isNew: true });
    expect(charts.read(text)).toMatchObject({ key: 'm', isNew: false });
  });

  it('are of a thousand states and ten thousand values at most: nothing is made of more', () => {
    const made = vi.mocked(xstate.createMachine).mockClear();
    const read = (states: number, candidates = 0): unknown => {
      const inner = Object.fromEntries(Array.from({ length: states - 1 }, (_, index) => [`b${index}`, {}]));
      const on = { go: Array.from({ length: candidates }, () => ({})) };
      return new ChartsByText().read(JSON.stringify({ id: 'm', initial: 'a', states: { a: { initial: 'b0', on, states: inner } } }));
    };
    expect(read(1_000)).not.toBeNull();
    expect(read(2, 9_000)).not.toBeNull();
    expect(made).toHaveBeenCalledTimes(2);
    expect(read(1_001)).toBeNull();
    expect(read(2, 10_001)).toBeNull();
    expect(made).toHaveBeenCalledTimes(2);
  });

  it('are two hundred at most', () => {
    const charts = new ChartsByText();
    const text = (index: number): string => JSON.stringify({ id: 'm', initial: `a${index}`, states: { [`a${index}`]: {} } });
    for (let index = 0; index < 200; index++) expect(charts.read(text(index))).not.toBeNull();
    expect(charts.read(text(200))).toBeNull();
    expect(charts.read(text(0))).toMatchObject({ key: 'm', isNew: false });
  });
});
