/** A coverage as a picture: the machine's own diagram, coloured by hits. */
import type { Coverage } from '../model/coverage.js';
import { summary } from '../model/expect.js';
import { type Arrow, type Box, chartOf, type Line } from './chart.js';
import { day, night, type Palette } from './colours.js';
import { type Layout, layOut, padding, type Place, type Point, written } from './layout.js';
import { escaped } from './markup.js';
import { shade } from './standing.js';
import { rowPx, sizes, widthOf } from './text-width.js';

/** Below the diagram: what its signs mean. */
const legendPx = 34;

/**
 * @returns SVG that stands on its own: no scripts, no fonts, nothing from elsewhere; by day and by night as its reader's system is set
 * @throws EspalierError `testing/missing-peer` where elkjs is not installed
 */
export async function svgOf(coverage: Coverage): Promise<string> {
  const chart = chartOf(coverage);
  const layout = await layOut(chart);
  const width = Math.ceil(Math.max(layout.width, 840));
  const height = Math.ceil(layout.height + legendPx);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="coverage" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(`Coverage of ${coverage.machine.id}`)}</title>`,
    `<desc>${escaped(summary(coverage))}</desc>`,
    `<style>${style()}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...drawBody(chart.root, layout),
    ...chart.arrows.map((arrow) => drawWay(arrow, layout)),
    ...drawTexts(chart.root, layout),
    ...chart.arrows.flatMap((arrow) => drawLabel(arrow, layout)),
    ...drawLegend(layout.height),
    '</svg>',
    '',
  ].join('\n');
}

function classOf({ mark, hits }: { readonly mark: Box['mark']; readonly hits: number }): string {
  if (mark === 'covered') return `covered h${shade(hits)}`;
  return mark === 'open' && hits > 0 ? 'open partly' : mark;
}

/** The box itself. What is written in it comes after the arrows, which may run into a state beneath its title. */
function drawBody(box: Box, layout: Layout): readonly string[] {
  const place = layout.boxes.get(box.id);
  if (place === undefined) return [];
  const { x, y, width, height } = place;
  if (box.kind === 'start') return [`<circle class="start" cx="${at(x + width / 2)}" cy="${at(y + height / 2)}" r="${at(width / 2)}"/>`];
  const radius = box.kind === 'any' || box.kind === 'history' ? 13 : 6;
  const shapes = [`<rect class="body" ${places(place)} rx="${radius}"/>`];
  if (box.kind === 'final') shapes.push(`<rect class="body" ${places(inset(place, 3))} rx="4"/>`);
  return [`<g class="${box.kind} ${classOf(box)}">`, ...shapes, '</g>', ...box.boxes.flatMap((inner) => drawBody(inner, layout))];
}

function drawTexts(box: Box, layout: Layout): readonly string[] {
  const place = layout.boxes.get(box.id);
  if (place === undefined || box.kind === 'start') return [];
  const { x, y, width } = place;
  const drawn: string[] = [];
  const band = { x, y, width, height: rowPx.title + padding.y };
  if (box.kind === 'state' || box.kind === 'region') drawn.push(`<rect class="band" ${places(band)} rx="4"/>`);
  if (box.kind === 'final') drawn.push(`<rect class="band" ${places(inset(band, 3))} rx="4"/>`);
  drawn.push(drawLine(box.title, x + padding.x, y + rowPx.title - 2, 'title'));
  if (box.lines.length > 0) {
    const widest = Math.max(...box.lines.map((line) => widthOf(written(line), sizes.line)));
    const back = { x: x + padding.x - 3, y: y + band.height + 2, width: widest + 6, height: box.lines.length * rowPx.line + 2 };
    if (box.boxes.length > 0) drawn.push(`<rect class="back" ${places(back)}/>`);
    box.lines.forEach((line, index) => drawn.push(drawLine(line, x + padding.x, y + band.height + (index + 1) * rowPx.line - 2, 'line')));
  }
  return [`<g class="${box.kind} ${classOf(box)}">`, ...drawn, '</g>', ...box.boxes.flatMap((inner) => drawTexts(inner, layout))];
}

function drawWay(arrow: Arrow, layout: Layout): string {
  const { points = [] } = layout.arrows.get(arrow.id) ?? {};
  return `<g class="arrow ${classOf(arrow)}"><path class="way" d="${wayOf(points)}"/><path class="head" d="${headOf(points)}"/></g>`;
}

function drawLabel(arrow: Arrow, layout: Layout): readonly string[] {
  const { label } = layout.arrows.get(arrow.id) ?? {};
  if (label === undefined) return [];
  const lines = arrow.lines.map((line, index) => drawLine(line, label.x + padding.label, label.y + (index + 1) * rowPx.line - 1, 'line'));
  return [`<g class="arrow ${classOf(arrow)}">`, `<rect class="label" ${places(label)} rx="3"/>`, ...lines, '</g>'];
}

function drawLine(line: Line, x: number, y: number, kind: 'title' | 'line'): string {
  const about = line.about === '' ? '' : `<title>${escaped(line.about)}</title>`;
  const parts = line.parts.map(({ text, mark }) => (mark === 'plain' ? escaped(text) : `<tspan class="${mark}">${escaped(text)}</tspan>`));
  return `<text class="${kind}" x="${at(x)}" y="${at(y)}" xml:space="preserve">${about}${parts.join('')}</text>`;
}

/** Lines with their corners taken off. */
function wayOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const last = rest.length - 1;
  return rest.reduce(
    (way, corner, index) => {
      const before = points[index] as Point;
      const after = rest[index + 1];
      if (index === last || after === undefined) return `${way}L${spot(corner)}`;
      return `${way}L${spot(towards(corner, before, 6))}Q${spot(corner)} ${spot(towards(corner, after, 6))}`;
    },
    `M${spot(first)}`,
  );
}

function headOf(points: readonly Point[]): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (end === undefined || before === undefined) return '';
  const foot = towards(end, before, 9, true);
  const [sideX, sideY] = [(end.y - foot.y) * 0.45, (end.x - foot.x) * 0.45];
  return `M${spot(end)}L${spot({ x: foot.x + sideX, y: foot.y - sideY })}L${spot({ x: foot.x - sideX, y: foot.y + sideY })}Z`;
}

/** A point on the way from one to another, at most half of it off unless it may be `far`. */
function towards(from: Point, to: Point, px: number, far = false): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  const part = far ? px / length : Math.min(px / length, 0.5);
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
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
    const way = `<path class="way" d="M${x} ${at(top + 12)}h28"/>`;
    return `<g class="arrow ${name}">${way}<text class="line" x="${x + 34}" y="${at(top + 16)}">${text}</text></g>`;
  });
}

function inset({ x, y, width, height }: Place, px: number): Place {
  return { x: x + px, y: y + px, width: width - 2 * px, height: height - 2 * px };
}

function places({ x, y, width, height }: Place): string {
  return `x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}"`;
}

function spot({ x, y }: Point): string {
  return `${at(x)} ${at(y)}`;
}

/** A number to a tenth, so that the bytes do not hang on the last digits of a sum. */
function at(px: number): string {
  return String(Math.round(px * 10) / 10);
}

function style(): string {
  return [
    ".coverage text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}",
    `.coverage .title{font-size:${sizes.title}px;font-weight:600}.coverage .line{font-size:${sizes.line}px}`,
    '.coverage .way{fill:none}.coverage tspan{font-weight:600}.coverage tspan.waived{font-style:italic}',
    '.coverage .region>.body{stroke-dasharray:6 4}',
    ...[1, 2, 3, 4].map((depth) => `.coverage .h${depth}>.way{stroke-width:${0.9 + depth * 0.4}}`),
    '.coverage .open>.way{stroke-width:2.2;stroke-dasharray:7 4}.coverage .partly>.way{stroke-dasharray:none}.coverage .waived>.way{stroke-width:1.3;stroke-dasharray:2 3}',
    ...colours(day),
    `@media (prefers-color-scheme:dark){${colours(night).join('')}}`,
  ].join('');
}

/** Written out, not by custom properties: pictures are also shown by what knows none. */
function colours({ paper, panel, ink, faint, line, fills, strokes, words }: Palette): readonly string[] {
  const marks = (['open', 'waived'] as const).flatMap((mark) => [
    `.coverage .${mark}>.band{fill:${fills[mark]}}.coverage .${mark}>.body,.coverage .${mark}>.way,.coverage .${mark}>.label{stroke:${strokes[mark]}}`,
    `.coverage .${mark}>.head{fill:${strokes[mark]}}.coverage tspan.${mark}{fill:${words[mark]}}`,
  ]);
  const greens = fills.covered.map((fill, index) => {
    const name = `.coverage .h${index + 1}`;
    const stroke = strokes.covered[index] ?? line;
    return `${name}>.band{fill:${fill}}${name}>.body,${name}>.way,${name}>.label{stroke:${stroke}}${name}>.head{fill:${stroke}}`;
  });
  return [
    `.coverage .paper{fill:${paper}}.coverage text{fill:${ink}}.coverage .body{fill:${panel};stroke:${line}}.coverage .back{fill:${panel}}`,
    `.coverage .start,.coverage .plain>.head{fill:${faint}}.coverage .plain>.way{stroke:${faint}}.coverage .any text{fill:${faint}}`,
    `.coverage .label{fill:${paper};stroke:${line}}.coverage .line tspan.covered{fill:${words.covered}}`,
    ...marks,
    ...greens,
  ];
}
