/**
 * A chart with its places as SVG. Each state and each edge carries its id (`data-state`, `data-edge`: some are drawn in several elements), so that a page
 * can light them by the classes `active` and `last`, and write counts into `[data-count]`, without a new layout.
 */
import type { Arrow, Box, Line } from './chart.js';
import { chartDay, chartNight, type ChartPalette, colour } from './colours.js';
import type { Layout } from './layout.js';
import { escaped } from './markup.js';
import { padding, type Place, type Point, rounded, widestOf } from './places.js';
import { rowPx, sizes } from './text-width.js';

/** What of the machine is seen at one moment. */
export interface Highlights {
  /** Ids of states. */
  readonly active?: readonly string[];
  /** Ids of the edges that were taken last. */
  readonly last?: readonly string[];
  /** How often edges were taken, by id. Their words need the room that the layout was given by `roomLetters`. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** What a picture of something else than the bare machine adds. */
export interface Overlay {
  /** A class of the picture. */
  readonly name: string;
  readonly style: readonly string[];
  /** Classes of a state, by its id. */
  stateClass(state: string): string;
  /** Classes of an arrow, by the ids of its edges. */
  arrowClass(edges: readonly string[]): string;
  /** Below the chart. */
  readonly foot: { readonly width: number; readonly height: number; draw(top: number): readonly string[] };
}

export interface SvgOptions {
  /** What the picture is called, for who cannot see it. */
  readonly title: string;
  /** What it shows. */
  readonly about?: string;
  readonly highlights?: Highlights;
  readonly overlay?: Overlay;
  /** False where the page around it has {@link chartStyle} once for all its charts. */
  readonly style?: boolean;
}

/**
 * @returns SVG that stands on its own: no scripts, no fonts, nothing from elsewhere; by day and by night as its reader's system is set
 * @throws never
 */
export function svgOf(layout: Layout, options: SvgOptions): string {
  return new Drawing(layout, options).svg();
}

class Drawing {
  readonly #layout: Layout;
  readonly #options: SvgOptions;
  readonly #active: ReadonlySet<string>;
  readonly #last: ReadonlySet<string>;

  constructor(layout: Layout, options: SvgOptions) {
    this.#layout = layout;
    this.#options = options;
    this.#active = new Set(options.highlights?.active);
    this.#last = new Set(options.highlights?.last);
  }

  svg(): string {
    const { chart } = this.#layout;
    const { title, about, overlay, style = true } = this.#options;
    const width = Math.ceil(Math.max(this.#layout.width, overlay?.foot.width ?? 0));
    const height = Math.ceil(this.#layout.height + (overlay?.foot.height ?? 0));
    const classes = ['chart', ...(overlay === undefined ? [] : [overlay.name])].join(' ');
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" class="${classes}" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
      `<title>${escaped(title)}</title>`,
      ...(about === undefined || about === '' ? [] : [`<desc>${escaped(about)}</desc>`]),
      ...(style ? [`<style>${[chartStyle(), ...(overlay?.style ?? [])].join('')}</style>`] : []),
      `<rect class="paper" width="${width}" height="${height}"/>`,
      ...this.#bodies(chart.root),
      ...chart.arrows.flatMap((arrow) => this.#ways(arrow)),
      ...this.#texts(chart.root),
      ...chart.arrows.flatMap((arrow) => this.#label(arrow)),
      ...(overlay?.foot.draw(this.#layout.height) ?? []),
      '</svg>',
      '',
    ].join('\n');
  }

  /** How a box opens: what it is, how it stands, whose it is. */
  #open({ kind, state }: Box): string {
    if (state === undefined) return `<g class="${kind}">`;
    const classes = [kind, this.#options.overlay?.stateClass(state) ?? '', this.#active.has(state) ? 'active' : ''];
    return `<g class="${classOf(classes)}" data-state="${escaped(state)}">`;
  }

  #edge(edge: string, classes: string): string {
    return `<g class="${classOf(['edge', classes, this.#last.has(edge) ? 'last' : ''])}" data-edge="${escaped(edge)}">`;
  }

  #arrowClass(arrow: Arrow): string {
    return this.#options.overlay?.arrowClass(arrow.lines.flatMap(({ edge }) => (edge === undefined ? [] : [edge]))) ?? '';
  }

  /** The box itself. What is written in it comes after the arrows, which may run into a state beneath its title. */
  #bodies(box: Box): readonly string[] {
    const place = this.#layout.boxes.get(box.key);
    if (place === undefined) return [];
    const { x, y, width, height } = place;
    if (box.kind === 'start') return [`<circle class="start" cx="${at(x + width / 2)}" cy="${at(y + height / 2)}" r="${at(width / 2)}"/>`];
    const radius = box.kind === 'any' || box.kind === 'history' ? 13 : 6;
    const shapes = [`<rect class="body" ${places(place)} rx="${radius}"/>`];
    if (box.kind === 'final') shapes.push(`<rect class="body" ${places(inset(place, 3))} rx="4"/>`);
    return [this.#open(box), ...shapes, '</g>', ...box.boxes.flatMap((inner) => this.#bodies(inner))];
  }

  #texts(box: Box): readonly string[] {
    const place = this.#layout.boxes.get(box.key);
    if (place === undefined || box.kind === 'start') return [];
    const { x, y, width } = place;
    const drawn: string[] = [];
    const band = { x, y, width, height: rowPx.title + padding.y };
    const isWhole = place.height <= band.height;
    if (isWhole && (box.kind === 'state' || box.kind === 'region')) drawn.push(`<rect class="band" ${places(inset(band, 0.5))} rx="5.5"/>`);
    else if (box.kind === 'state' || box.kind === 'region') drawn.push(`<path class="band" d="${roundedAbove(inset(band, 0.5), 5.5)}"/>`);
    if (box.kind === 'final') drawn.push(`<rect class="band" ${places(inset(band, 3))} rx="4"/>`);
    drawn.push(this.#line(box.title, x + padding.x, y + rowPx.title - 2, 'title'));
    const back = { x: x + padding.x - 3, y: y + band.height + 2, width: widestOf(box.lines, 0) + 6, height: box.lines.length * rowPx.line + 2 };
    if (box.lines.length > 0 && box.boxes.length > 0) drawn.push(`<rect class="back" ${places(back)}/>`);
    for (const [index, line] of box.lines.entries()) {
      const text = this.#line(line, x + padding.x, y + band.height + (index + 1) * rowPx.line - 2, 'line');
      drawn.push(...(line.edge === undefined ? [text] : [this.#edge(line.edge, ''), text, '</g>']));
    }
    return [this.#open(box), ...drawn, '</g>', ...box.boxes.flatMap((inner) => this.#texts(inner))];
  }

  /** One way for each edge, one on the other where several share an arrow: each can be lit alone. */
  #ways(arrow: Arrow): readonly string[] {
    const { points = [] } = this.#layout.arrows.get(arrow.key) ?? {};
    const shapes = `<path class="way" d="${wayOf(points)}"/><path class="head" d="${headOf(points)}"/></g>`;
    if (arrow.lines.length === 0) return [`<g class="first">${shapes}`];
    const classes = this.#arrowClass(arrow);
    return arrow.lines.map(({ edge }) => (edge === undefined ? `<g class="edge">${shapes}` : `${this.#edge(edge, classes)}${shapes}`));
  }

  #label(arrow: Arrow): readonly string[] {
    const { label } = this.#layout.arrows.get(arrow.key) ?? {};
    if (label === undefined) return [];
    const classes = this.#arrowClass(arrow);
    const lines = arrow.lines.flatMap((line, index) => {
      const text = this.#line(line, label.x + padding.label, label.y + (index + 1) * rowPx.line - 1, 'line');
      return line.edge === undefined ? [text] : [`${this.#edge(line.edge, classes)}${text}</g>`];
    });
    return [`<g class="${classOf(['words', classes])}">`, `<rect class="label" ${places(label)} rx="3"/>`, ...lines, '</g>'];
  }

  #line(line: Line, x: number, y: number, kind: 'title' | 'line'): string {
    const about = line.about === '' ? '' : `<title>${escaped(line.about)}</title>`;
    const parts = line.parts.map(({ text, tone }) => (tone === undefined ? escaped(text) : `<tspan class="${tone}">${escaped(text)}</tspan>`));
    return `<text class="${kind}" x="${at(x)}" y="${at(y)}" xml:space="preserve">${about}${parts.join('')}${this.#count(line)}</text>`;
  }

  #count({ edge }: Line): string {
    const { counts } = this.#options.highlights ?? {};
    if (edge === undefined || counts === undefined) return '';
    const count = Object.hasOwn(counts, edge) ? (counts[edge] ?? 0) : 0;
    return `<tspan class="count" data-count="${escaped(edge)}">${count === 0 ? '' : escaped(` ×${count}`)}</tspan>`;
  }
}

function classOf(names: readonly string[]): string {
  return names.filter((name) => name !== '').join(' ');
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

function roundedAbove({ x, y, width, height }: Place, radius: number): string {
  const bend = `a${radius} ${radius} 0 0 1 ${radius}`;
  return `M${at(x)} ${at(y + height)}v${at(radius - height)}${bend} -${radius}h${at(width - 2 * radius)}${bend} ${radius}v${at(height - radius)}z`;
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
  return String(rounded(px));
}

/** The style of every chart, for a page that has several. */
export function chartStyle(): string {
  return [
    ".chart text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}",
    `.chart .title{font-size:${sizes.title}px;font-weight:600}.chart .line{font-size:${sizes.line}px}`,
    '.chart .way{fill:none}.chart .region>.body{stroke-dasharray:6 4}.chart .active>.body{stroke-width:2.5;stroke-dasharray:none}',
    '.chart .last>.way{stroke-width:2.5}.chart .last>.line,.chart .count{font-weight:600}',
    ...colours(chartDay),
    `@media (prefers-color-scheme:dark){${colours(chartNight).join('')}}`,
  ].join('');
}

function colours(palette: ChartPalette): readonly string[] {
  const rule = (selectors: readonly string[], ...declarations: readonly [property: 'fill' | 'stroke', name: keyof ChartPalette][]): string =>
    `${selectors.map((selector) => `.chart ${selector}`).join(',')}{${declarations.map(([property, name]) => colour(property, name, palette)).join(';')}}`;
  return [
    rule(['.paper'], ['fill', 'paper']),
    rule(['text'], ['fill', 'ink']),
    rule(['.body'], ['fill', 'panel'], ['stroke', 'line']),
    rule(['.band'], ['fill', 'band']),
    rule(['.back'], ['fill', 'panel']),
    rule(['.label'], ['fill', 'paper'], ['stroke', 'line']),
    rule(['.way'], ['stroke', 'faint']),
    rule(['.head', '.start', '.any text'], ['fill', 'faint']),
    rule(['.active>.body', '.last>.way'], ['stroke', 'accent']),
    rule(['.active>.band'], ['fill', 'glow']),
    rule(['.last>.head', '.last>.line', '.count'], ['fill', 'accent']),
  ];
}
