/** A coverage as a picture: the machine's own diagram, coloured by hits. */
import { layOut } from '../../charts/layout.js';
import { loadElk } from '../../charts/load-elk.js';
import { escaped } from '../../charts/markup.js';
import { svgOf as chartSvg } from '../../charts/svg.js';
import type { Coverage } from '../model/coverage.js';
import { summary } from '../model/expect.js';
import { day, night, type Palette } from './colours.js';
import { remarksOf } from './remarks.js';

/** Below the diagram: what its signs mean. */
const legend = { width: 840, height: 34 } as const;

/**
 * @returns SVG that stands on its own: no scripts, no fonts, nothing from elsewhere; by day and by night as its reader's system is set
 * @throws EspalierError `testing/missing-peer` where elkjs is not installed
 */
export async function svgOf(coverage: Coverage): Promise<string> {
  const remarks = remarksOf(coverage);
  const layout = await layOut(coverage.definition, await loadElk('testing/missing-peer', 'pictures of a coverage'), { remarks });
  return chartSvg(layout, {
    title: `Coverage of ${coverage.machine.id}`,
    about: summary(coverage),
    overlay: {
      name: 'coverage',
      style: style(),
      stateClass: (state) => remarks.stateClass(state),
      arrowClass: (edges) => remarks.arrowClass(edges),
      foot: { ...legend, draw: drawLegend },
    },
  });
}

function drawLegend(top: number): readonly string[] {
  const entries = [
    ['covered h1', '×1'],
    ['covered h2', '×2 to 9'],
    ['covered h3', '×10 to 99'],
    ['covered h4', '×100 on'],
    ['open partly', 'in part'],
    ['open', 'never'],
    ['waived', 'waived'],
  ] as const;
  return entries.map(([name, text], index) => {
    const x = 16 + index * 116;
    const way = `<path class="way" d="M${x} ${Math.round(top + 12)}h28"/>`;
    return `<g class="sign ${name}">${way}<text class="line" x="${x + 34}" y="${Math.round(top + 16)}">${escaped(text)}</text></g>`;
  });
}

function style(): readonly string[] {
  return [
    '.coverage tspan{font-weight:600}.coverage tspan.waived{font-style:italic}',
    ...[1, 2, 3, 4].map((depth) => `.coverage .h${depth}>.way{stroke-width:${0.9 + depth * 0.4}}`),
    '.coverage .open>.way{stroke-width:2.2;stroke-dasharray:7 4}.coverage .partly>.way{stroke-dasharray:none}.coverage .waived>.way{stroke-width:1.3;stroke-dasharray:2 3}',
    ...colours(day),
    `@media (prefers-color-scheme:dark){${colours(night).join('')}}`,
  ];
}

function colours({ line, fills, strokes, words }: Palette): readonly string[] {
  const marks = (['open', 'waived'] as const).flatMap((mark) => [
    `.coverage .${mark}>.band{fill:${fills[mark]}}.coverage .${mark}>.body,.coverage .${mark}>.way,.coverage .${mark}>.label{stroke:${strokes[mark]}}`,
    `.coverage .${mark}>.head{fill:${strokes[mark]}}.coverage tspan.${mark}{fill:${words[mark]}}`,
  ]);
  const greens = fills.covered.map((fill, index) => {
    const name = `.coverage .h${index + 1}`;
    const stroke = strokes.covered[index] ?? line;
    return `${name}>.band{fill:${fill}}${name}>.body,${name}>.way,${name}>.label{stroke:${stroke}}${name}>.head{fill:${stroke}}`;
  });
  return [`.coverage .line tspan.covered{fill:${words.covered}}`, ...marks, ...greens];
}
