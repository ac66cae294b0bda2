import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { supervisorMachine } from '../../../machines/supervision/supervisor.js';
import { Coverage } from '../../../src/testing/model/coverage.js';
import { type Box, type Chart, chartOf } from '../../../src/testing/report/chart.js';
import { day, night } from '../../../src/testing/report/colours.js';
import { type Layout, layOut, padding, type Place, written } from '../../../src/testing/report/layout.js';
import { escaped } from '../../../src/testing/report/markup.js';
import { svgOf } from '../../../src/testing/report/svg.js';
import { sizes, widthOf } from '../../../src/testing/report/text-width.js';
import { kilnMachine } from '../model/kiln.js';
import { call, late, liftCoverage, odd, strange } from './lift.js';
import { randomMachine } from './random-charts.js';

const allBoxes = (box: Box): readonly Box[] => [box, ...box.boxes.flatMap(allBoxes)];
const titleOf = (box: Box | undefined): string => (box === undefined ? '' : written(box.title));

describe('the chart of a machine', () => {
  const chart = chartOf(liftCoverage());
  const boxes = allBoxes(chart.root);
  const box = (id: string): Box | undefined => boxes.find((one) => one.id === id);
  const arrows = chart.arrows.map(({ from, to, mark, lines }) => `${from} → ${to} (${mark}): ${lines.map(written).join(' | ')}`);

  it('nests its states as the machine does, each with its hits', () => {
    expect(box('box lift')?.boxes.map((inner) => `${inner.kind} ${titleOf(inner)}`)).toEqual([
      'start ',
      'any in any state',
      'state idle ×1',
      'state moving ×12',
      'final stopped waived',
    ]);
    expect(box('box lift.moving')?.boxes.map((inner) => `${inner.kind} ${titleOf(inner)}`)).toEqual([
      'any in any state',
      'region cabin never',
      'region door never',
      'history H*',
    ]);
    expect([box('box lift')?.mark, box('box lift.stopped')?.mark, box('box lift.moving.door')?.mark]).toEqual(['covered', 'waived', 'open']);
  });

  it('has an arrow to each target, from and to the inside where it stays inside, and where a state begins', () => {
    expect(arrows).toEqual(
      expect.arrayContaining([
        'box lift.idle → box lift.moving (open): lift.call [doorShut: never false] ×12',
        'any lift → box lift.stopped (open): lift.stop never',
        'box lift.idle → box lift.stopped (open): after(patience) never',
        'any lift.moving → box lift.moving.cabin.up (open): lift.jump never',
        'any lift.moving → box lift.moving.door.open (open): lift.jump (also) never',
        'box lift.moving.cabin.up → start lift.moving.cabin (open): lift.again never',
        'box lift.moving.cabin.down → any lift.moving (open): lift.all never',
        'start lift → box lift.idle (plain): ',
        'box lift.idle → box lift.moving.last (open): lift.rest never',
      ]),
    );
  });

  it('lists in a state what stays there, what it invokes and what it waits for', () => {
    expect(box('box lift')?.lines.map(written)).toEqual(['lift.ask never']);
    expect(box('box lift.idle')?.lines.map(written)).toEqual(['after(patience): fired waived cancelled never', 'lift.ring ↻ never']);
    expect(box('box lift.moving')?.lines.map(written)).toEqual(['invoke motor: done never error never stopped never']);
  });

  it('knows more of each line than it shows', () => {
    expect(box('box lift.idle')?.title.about).toBe('state lift.idle\n1 hits\nby: a lift\nnobody waits');
    const line = chart.arrows.flatMap(({ lines }) => lines).find(({ about }) => about.startsWith(call));
    expect(line?.about).toBe(`${call}\n12 hits\nby: a lift → call\nguard true: ×12\nguard false: never`);
    expect(box('box lift.idle')?.lines[0]?.about).toContain(`waived: nobody is "so" <patient> & waits\nits state is reached by: a lift`);
  });

  it('draws each item of the machine once', () => {
    for (const machine of [supervisorMachine, kilnMachine] as readonly AnyStateMachine[]) {
      const coverage = new Coverage(machine, { endings: { firing: { done: true, error: true } } });
      const drawn = chartOf(coverage);
      const abouts = [...allBoxes(drawn.root).flatMap(({ title, lines }) => [title, ...lines]), ...drawn.arrows.flatMap(({ lines }) => lines)]
        .flatMap(({ about }) => about.split('\n'))
        .toSorted();
      const named = coverage.items.filter(({ kind }) => kind !== 'guard').map(({ id }) => id);
      expect(abouts.filter((about) => named.includes(about))).toEqual(named.toSorted());
    }
  });

  it('cuts names that would fill the picture, and lets none break a line', () => {
    const machine = createMachine({ id: 'm', initial: 'a', states: { a: { on: { [`call\n${'e'.repeat(60)}`]: {} } } } });
    const coverage = new Coverage(machine);
    const [line] = allBoxes(chartOf(coverage).root).flatMap(({ lines }) => lines);
    expect(written(line ?? { parts: [], about: '' })).toBe(`call ${'e'.repeat(42)}… never`);
    expect(line?.about).toContain('e'.repeat(60));
  });

  it('gives letters of double width their room', () => {
    expect(widthOf('日本', 10)).toBe(widthOf('abcd', 10));
  });
});

describe('the layout', { timeout: 60_000 }, () => {
  const overlap = (left: Place, right: Place): boolean =>
    left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
  const inside = (inner: Place, outer: Place): boolean =>
    inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height;

  /** What is wrong with a picture: texts that are too wide, things that lie on each other, arrows that are nowhere. */
  function faultsOf(chart: Chart, layout: Layout): readonly string[] {
    const faults: string[] = [];
    const place = (id: string): Place => layout.boxes.get(id) ?? { x: Number.NaN, y: 0, width: 0, height: 0 };
    const boxes = allBoxes(chart.root);
    for (const box of boxes) {
      const room = place(box.id).width - 2 * padding.x + 1;
      const texts = [widthOf(written(box.title), sizes.title), ...box.lines.map((line) => widthOf(written(line), sizes.line))];
      if (box.kind !== 'start' && !texts.every((width) => width <= room)) faults.push(`${box.id} is too narrow`);
      for (const [index, inner] of box.boxes.entries()) {
        if (!inside(place(inner.id), place(box.id))) faults.push(`${inner.id} is not inside ${box.id}`);
        for (const other of box.boxes.slice(index + 1)) if (overlap(place(inner.id), place(other.id))) faults.push(`${inner.id} lies on ${other.id}`);
      }
    }
    const labels: [string, Place][] = [];
    for (const { id, from, to, lines } of chart.arrows) {
      const { points = [], label } = layout.arrows.get(id) ?? {};
      if (points.length < 2 || points.some(({ x, y }) => !Number.isFinite(x + y))) faults.push(`${from} → ${to} has no way`);
      if (lines.length === 0) continue;
      if (label === undefined) faults.push(`${from} → ${to} has no label`);
      else labels.push([`the label of ${from} → ${to}`, label]);
    }
    const leaves = boxes.filter((box) => box.boxes.length === 0);
    for (const [index, [name, label]] of labels.entries()) {
      for (const leaf of leaves) if (overlap(label, place(leaf.id))) faults.push(`${name} lies on ${leaf.id}`);
      for (const [other, place] of labels.slice(index + 1)) if (overlap(label, place)) faults.push(`${name} lies on ${other}`);
    }
    return faults;
  }

  it.each([
    ['lift', () => liftCoverage()],
    ['kiln', () => new Coverage(kilnMachine)],
    ['supervisor', () => new Coverage(supervisorMachine)],
  ])('of %s has room for every text, and lays nothing on anything', async (_, coverage) => {
    const chart = chartOf(coverage());
    expect(faultsOf(chart, await layOut(chart))).toEqual([]);
  });

  it('finds a way for every arrow of machines that nobody would draw by hand', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const chart = chartOf(new Coverage(randomMachine(seed)));
      expect([seed, faultsOf(chart, await layOut(chart))]).toEqual([seed, []]);
    }
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
    expect(svg).toMatch(/<g class="final waived">/u);
    expect(svg).toMatch(/<g class="state covered h3">[\s\S]*?moving<tspan class="covered"> ×12<\/tspan>/u);
    expect(svg).toMatch(/<g class="region open">[\s\S]*?cabin<tspan class="open"> never<\/tspan>/u);
    expect(svg).toMatch(/<g class="arrow open partly">[\s\S]*?\[doorShut: <tspan class="open">never false<\/tspan>\]/u);
    expect(svg).toContain('waived: nobody is &quot;so&quot; &lt;patient&gt; &amp; waits');
    expect(svg).toContain(escaped(late));
  });

  it('writes over the arrows, which may run into a state beneath its title', async () => {
    const svg = await svgOf(liftCoverage());
    const first = svg.indexOf('<text');
    expect(svg.lastIndexOf('class="head"')).toBeLessThan(first);
    expect(svg.lastIndexOf('class="body"')).toBeLessThan(svg.indexOf('class="head"'));
    expect(svg.match(/class="back"/gu)).toHaveLength(2);
  });

  it('loads nothing', async () => {
    const svg = await svgOf(liftCoverage());
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|<image|href=|url\(|@import/u);
  });
});

describe('the markup', () => {
  it('replaces what XML cannot hold', () => {
    expect(escaped('a\u0000b\uD800c\u{1F600}\n')).toBe('a\uFFFDb\uFFFDc\u{1F600}\n');
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

/** @see WCAG 2.2, contrast ratio and relative luminance */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((left, right) => right - left);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** What keeps a text from being XML: tags that do not match, signs that had to be escaped. */
function unclosed(xml: string): readonly string[] {
  const faults: string[] = [];
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(\/?)>/gu;
  for (const [, closing, name = '', , single] of xml.matchAll(tag)) {
    if (closing === '/') {
      const last = open.pop();
      if (last !== name) faults.push(`</${name}> closes <${last}>`);
    } else if (single === '') open.push(name);
  }
  const rest = xml.replaceAll(tag, '').replace(/@media[^\n]*/u, '');
  faults.push(...(rest.match(/<.{0,20}|&(?!amp;|lt;|gt;|quot;|#39;).{0,10}/gu) ?? []));
  return [...faults, ...open.map((name) => `<${name}> is left open`)];
}
