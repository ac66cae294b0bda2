import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { supervisorMachine } from '../../../machines/supervision/supervisor.js';
import { type Box, boxesOf, chartOf, type Line, written } from '../../../src/charts/chart.js';
import { layOut } from '../../../src/charts/layout.js';
import { loadElk } from '../../../src/charts/load-elk.js';
import { escaped } from '../../../src/charts/markup.js';
import { Coverage } from '../../../src/testing/model/coverage.js';
import { day, night } from '../../../src/testing/report/colours.js';
import { remarksOf } from '../../../src/testing/report/remarks.js';
import { svgOf } from '../../../src/testing/report/svg.js';
import { contrast } from '../../charts/contrast.js';
import { faultsOf } from '../../charts/geometry.js';
import { unclosed } from '../../charts/xml.js';
import { kilnMachine } from '../model/kiln.js';
import { call, late, liftCoverage, odd, strange } from './lift.js';

function drawn(coverage: Coverage): { readonly boxes: readonly Box[]; readonly lines: readonly Line[] } {
  const chart = chartOf(coverage.definition, { remarks: remarksOf(coverage) });
  const boxes = boxesOf(chart.root);
  return { boxes, lines: [...boxes.flatMap(({ title, lines }) => [title, ...lines]), ...chart.arrows.flatMap(({ lines }) => lines)] };
}

describe('the remarks of a coverage on the chart of its machine', () => {
  const coverage = liftCoverage();
  const remarks = remarksOf(coverage);
  const { boxes, lines } = drawn(coverage);
  const box = (state: string): Box | undefined => boxes.find((one) => one.state === state);
  const title = (state: string): string => written(box(state)?.title ?? { parts: [], about: '' });
  const line = (about: string): Line | undefined => lines.find((one) => one.about.startsWith(about));

  it('tell of each state how often it was entered', () => {
    expect(['lift', 'lift.idle', 'lift.moving', 'lift.moving.door', 'lift.stopped'].map(title)).toEqual([
      'lift ×200',
      'idle ×1',
      'moving ×12',
      'door never',
      'stopped waived',
    ]);
    expect(['lift', 'lift.idle', 'lift.moving.door', 'lift.stopped'].map(remarks.stateClass)).toEqual(['covered h4', 'covered h1', 'open', 'waived']);
  });

  it('tell of each transition how often it was taken, and which outcomes of its guard are missing', () => {
    expect(written(line(call) ?? { parts: [], about: '' })).toBe('lift.call [doorShut: never false] ×12');
    expect(written(line('transition lift --lift.stop') ?? { parts: [], about: '' })).toBe('lift.stop never');
    const id = call.slice('transition '.length);
    expect([[id], [strange.slice('transition '.length)], [id, 'lift --lift.stop#0--> lift.stopped']].map(remarks.arrowClass)).toEqual([
      'open partly',
      'open',
      'open partly',
    ]);
  });

  it('tell what became of actors and of delays', () => {
    expect(box('lift.idle')?.lines.map(written)).toEqual(['after(patience): fired waived cancelled never', 'lift.ring ↻ never']);
    expect(box('lift.moving')?.lines.map(written)).toEqual([
      'invoke motor: done never error never stopped never',
      'lift.jump → up never',
      'lift.jump → open never',
    ]);
  });

  it('know more of each line than they show', () => {
    expect(box('lift.idle')?.title.about).toBe('state lift.idle\n1 hits\nby: a lift\nnobody waits');
    expect(line(call)?.about).toBe(`${call}\n12 hits\nby: a lift → call\nguard true: ×12\nguard false: never`);
    expect(box('lift.idle')?.lines[0]?.about).toContain(`waived: nobody is "so" <patient> & waits\nits state is reached by: a lift`);
  });

  it('draw each item of the machine once', () => {
    for (const machine of [supervisorMachine, kilnMachine] as readonly AnyStateMachine[]) {
      const coverage = new Coverage(machine, { endings: { firing: { done: true, error: true } } });
      const abouts = drawn(coverage)
        .lines.flatMap(({ about }) => about.split('\n'))
        .toSorted();
      const named = coverage.items.filter(({ kind }) => kind !== 'guard').map(({ id }) => id);
      expect(abouts.filter((about) => named.includes(about))).toEqual(named.toSorted());
    }
  });

  it('have room', async () => {
    const layout = await layOut(coverage.definition, await loadElk('testing/missing-peer', 'tests'), { remarks });
    expect({ rung: layout.rung, faults: faultsOf(layout) }).toEqual({ rung: 'full', faults: [] });
  });
});

describe('the picture', { timeout: 30_000 }, () => {
  it('is XML, whatever the machine calls its parts', async () => {
    const svg = await svgOf(liftCoverage());
    expect(unclosed(svg)).toEqual([]);
    expect(svg).toContain(escaped(strange));
    expect(svg).toContain('a&lt;b &amp; &quot;c&quot; &#39;d&#39;');
    expect(svg).not.toContain(odd);
  });

  it('says by class and by word what was reached, missed and waived, with the reason', async () => {
    const svg = await svgOf(liftCoverage());
    expect(svg).toMatch(/<g class="final waived" data-state="lift\.stopped">/u);
    expect(svg).toMatch(/<g class="state covered h3" data-state="lift\.moving">[\s\S]*?moving<tspan class="covered"> ×12<\/tspan>/u);
    expect(svg).toMatch(/<g class="region open" data-state="lift\.moving\.cabin">[\s\S]*?cabin<tspan class="open"> never<\/tspan>/u);
    expect(svg).toMatch(/<g class="words open partly">[\s\S]*?\[doorShut: <tspan class="open">never false<\/tspan>\]/u);
    expect(svg).toContain('waived: nobody is &quot;so&quot; &lt;patient&gt; &amp; waits');
    expect(svg).toContain(escaped(late));
  });

  it('loads nothing', async () => {
    const svg = await svgOf(liftCoverage());
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|<image|href=|url\(|@import/u);
  });
});

describe('the colours', () => {
  it.each([
    ['day', day],
    ['night', night],
  ])('of the %s leave all words readable (WCAG AA: 4.5 to 1)', (_, { paper, panel, ink, faint, fills, words }) => {
    const pairs: [string, string][] = [
      ...[paper, panel, fills.open, fills.waived, ...fills.covered].map((ground): [string, string] => [ink, ground]),
      ...[paper, panel].flatMap((ground) => [words.open, words.waived, words.covered, faint].map((word): [string, string] => [word, ground])),
      [words.open, fills.open],
      [words.waived, fills.waived],
    ];
    expect(pairs.filter(([word, ground]) => contrast(word, ground) < 4.5)).toEqual([]);
  });
});
