import { beforeAll, describe, expect, it } from 'vitest';
import { chartDay, chartNight } from '../../src/charts/colours.js';
import { definitionOf } from '../../src/charts/definition.js';
import type { Elk } from '../../src/charts/elk-graph.js';
import { type Layout, layOut } from '../../src/charts/layout.js';
import { loadElk } from '../../src/charts/load-elk.js';
import { escaped } from '../../src/charts/markup.js';
import { chartStyle, svgOf } from '../../src/charts/svg.js';
import { liftMachine, odd } from '../testing/report/lift.js';
import { contrast } from './contrast.js';
import { unclosed } from './xml.js';

let elk: Elk;
let layout: Layout;
beforeAll(async () => {
  elk = await loadElk('testing/missing-peer', 'tests');
  layout = await layOut(definitionOf(liftMachine), elk);
});

const call = 'lift.idle --lift.call[doorShut]#0--> lift.moving';

describe('a chart as SVG', { timeout: 30_000 }, () => {
  it('is XML that has a name and loads nothing, whatever the machine calls its parts', () => {
    const svg = svgOf(layout, { title: odd, about: `of ${odd}` });
    expect(unclosed(svg)).toEqual([]);
    expect(svg).toContain(`<title>${escaped(odd)}</title>\n<desc>of ${escaped(odd)}</desc>`);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" class="chart" role="img" width="\d+" height="\d+" viewBox="0 0 \d+ \d+">/u);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|<image|href=|url\(|@import/u);
    expect(svg).not.toContain(odd);
  });

  it('names the state and the edge of whatever is drawn', () => {
    const svg = svgOf(layout, { title: 'lift' });
    expect(svg).toMatch(/<g class="region" data-state="lift\.moving\.cabin">\n<rect class="body"/u);
    expect(svg).toMatch(/<g class="final" data-state="lift\.stopped">\n<rect class="body"[^\n]*\n<rect class="body"/u);
    expect(svg).toMatch(/<g class="history" data-state="lift\.moving\.last">/u);
    expect(svg).toMatch(/<circle class="start"/u);
    const edge = `<g class="edge" data-edge="${escaped(call)}">`;
    expect(svg).toContain(`${edge}<path class="way"`);
    expect(svg).toContain(`${edge}<text class="line"`);
  });

  it('lights states and edges by class, and writes counts, with every thing in its place', async () => {
    const roomy = await layOut(definitionOf(liftMachine), elk, { roomLetters: 6 });
    const [bare, lit] = [{}, { active: ['lift', 'lift.idle'], last: [call], counts: { [call]: 12 } }].map((highlights) =>
      svgOf(roomy, { title: 'lift', highlights }),
    );
    expect(lit).toContain('<g class="state active" data-state="lift.idle">');
    expect(lit).toContain(`<g class="edge last" data-edge="${escaped(call)}">`);
    expect(lit).toContain(`<tspan class="count" data-count="${escaped(call)}"> ×12</tspan>`);
    expect(lit).toMatch(/<tspan class="count" data-count="[^"]*"><\/tspan>/u);
    expect(lit?.replaceAll(/ active| last|<tspan class="count" [^>]*>[^<]*<\/tspan>/gu, '')).toBe(bare);
  });

  it('writes over the arrows, which may run into a state beneath its title', () => {
    const svg = svgOf(layout, { title: 'lift' });
    expect(svg.lastIndexOf('class="head"')).toBeLessThan(svg.indexOf('<text'));
    expect(svg.lastIndexOf('class="body"')).toBeLessThan(svg.indexOf('class="head"'));
  });

  it('has its colours by day and by night, and lets a page choose others', () => {
    const style = chartStyle();
    expect(style).toContain(`.chart .paper{fill:${chartDay.paper};fill:var(--chart-paper,${chartDay.paper})}`);
    expect(style).toContain(`@media (prefers-color-scheme:dark){.chart .paper{fill:${chartNight.paper};`);
    expect(svgOf(layout, { title: 'lift', style: false })).not.toContain('<style>');
  });

  it.each([
    ['day', chartDay],
    ['night', chartNight],
  ])('leaves all words of the %s readable (WCAG AA: 4.5 to 1)', (_, { paper, panel, band, ink, faint, accent, glow }) => {
    const pairs = [paper, panel, band, glow].map((ground) => [ink, ground] as const);
    const others = [paper, panel].flatMap((ground) => [faint, accent].map((word) => [word, ground] as const));
    expect([...pairs, ...others].filter(([word, ground]) => contrast(word, ground) < 4.5)).toEqual([]);
  });
});

describe('the markup', () => {
  it('replaces what XML cannot hold', () => {
    expect(escaped('a\u0000b\uD800c\u{1F600}\n')).toBe('a\uFFFDb\uFFFDc\u{1F600}\n');
  });
});
