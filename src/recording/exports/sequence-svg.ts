/** A conversation as SVG: a lane for each actor, time from above, an arrow for each message. It stands on its own, as the charts do. */
import { chartDay, chartNight, type ChartPalette, colour } from '../../charts/colours.js';
import { escaped } from '../../charts/markup.js';
import { sizes, widthOf } from '../../charts/text-width.js';
import { pauseWords, type SequenceRow, type SequenceRows } from './sequence.js';

/** Most rows, the newest. */
const mostRows = 1_000;
/** Px. */
const size = { lane: 170, row: 24, head: 34, time: 76, margin: 16 } as const;

export interface SequenceSvgOptions {
  /** What it is called, for who cannot see it. */
  readonly title: string;
}

/** @returns the same text for the same rows */
export function sequenceSvg(sequence: Pick<SequenceRows, 'rows' | 'lanes' | 'laneOf'>, { title }: SequenceSvgOptions): string {
  const rows = sequence.rows.slice(-mostRows);
  const left = sequence.rows.length - rows.length;
  const shown = lanesOf(sequence, rows);
  const places = new Map(shown.map((lane, index) => [lane, size.time + size.lane * (index + 0.5)]));
  const width = size.time + size.lane * shown.length + size.margin;
  const top = size.head + (left > 0 ? size.row : 0);
  const height = top + rows.length * size.row + size.margin;
  const begin = rows.find((row) => 'at' in row)?.at ?? 0;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="sequence" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style()}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...shown.map((lane) => laneOf(sequence.lanes[lane] ?? '', places.get(lane) ?? 0, height)),
    ...(left > 0 ? [text(size.time, size.head + 16, `${left} earlier rows are left out`, 'faint')] : []),
    ...rows.flatMap((row, index) => rowOf(row, top + (index + 1) * size.row - 6, begin, (actor) => places.get(sequence.laneOf(actor)) ?? 0)),
    '</svg>',
    '',
  ].join('\n');
}

/** The lanes in which something is shown, in their order. */
function lanesOf(sequence: Pick<SequenceRows, 'laneOf'>, rows: readonly SequenceRow[]): readonly number[] {
  const used = new Set<number>();
  for (const row of rows) {
    if (row.kind === 'message') used.add(sequence.laneOf(row.from)).add(sequence.laneOf(row.to));
    else if ('actor' in row) used.add(sequence.laneOf(row.actor));
  }
  return [...used].toSorted((one, other) => one - other);
}

function laneOf(name: string, x: number, height: number): string {
  const plain = name.slice(name.lastIndexOf('/') + 1);
  const head = `<text class="name" x="${x}" y="20" text-anchor="middle"><title>${escaped(name)}</title>${escaped(fitting(plain, size.lane - 10, sizes.title))}</text>`;
  return `<g>${head}<path class="lane" d="M${x} ${size.head - 6}V${height - size.margin / 2}"/></g>`;
}

function rowOf(row: SequenceRow, y: number, begin: number, placeOf: (actor: string | null) => number): readonly string[] {
  if (row.kind === 'idle') return [text(size.time, y, `┄ ${pauseWords(row.ms)} ┄`, 'faint')];
  if (row.kind === 'missing') return [text(size.time, y, `┄ ${row.count} lines left out: ${row.why} ┄`, 'faint')];
  const time = text(size.time - 12, y, `${((row.at - begin) / 1_000).toFixed(3)} s`, 'faint', 'end');
  if (row.kind !== 'message') return [time, mark(row, placeOf(row.actor), y)];
  const [from, to] = [placeOf(row.from), placeOf(row.to)];
  const words = `${row.event}${row.delayMs === null ? '' : ` after ${row.delayMs} ms`}${row.isDead ? ': nobody reads it' : ''}`;
  const about = `${row.from ?? 'outside'} → ${row.to}: ${words}`;
  return [time, `<g class="message${row.isDead ? ' dead' : ''}"><title>${escaped(about)}</title>${arrow(from, to, y, words)}</g>`];
}

function arrow(from: number, to: number, y: number, words: string): string {
  if (from === to) {
    const loop = `<path class="way" d="M${from} ${y - 8}h14v8h-10"/><path class="head" d="M${from + 1} ${y}l8 -3.5v7z"/>`;
    return `${loop}${text(from + 20, y, fitting(words, size.lane - 26, sizes.line), 'words')}`;
  }
  const sign = to > from ? 1 : -1;
  const head = `<path class="head" d="M${to} ${y + 2}l${-8 * sign} -3.5v7z"/>`;
  const label = text((from + to) / 2, y - 3, fitting(words, Math.abs(to - from) - 12, sizes.line), 'words', 'middle');
  return `<path class="way" d="M${from} ${y + 2}H${to - 7 * sign}"/>${head}${label}`;
}

function mark({ kind, actor }: Extract<SequenceRow, { actor: string }>, x: number, y: number): string {
  const sign = { start: '●', restart: '↻', end: '○', crash: '✕' }[kind];
  const name = actor.slice(actor.lastIndexOf('/') + 1);
  const words = fitting(`${sign} ${kind} ${name}`, size.lane - 16, sizes.line);
  const width = widthOf(words, sizes.line) + 10;
  const box = `<rect class="mark" x="${x - width / 2}" y="${y - 13}" width="${width}" height="17" rx="8"/>`;
  return `<g class="${kind}"><title>${escaped(`${kind}: ${actor}`)}</title>${box}${text(x, y, words, 'words', 'middle')}</g>`;
}

/** As much of a text as there is room for, px. */
function fitting(words: string, px: number, letterPx: number): string {
  const letters = Array.from(words.replaceAll(/\s+/gu, ' '));
  if (widthOf(letters.join(''), letterPx) <= px) return letters.join('');
  while (letters.length > 1 && widthOf(`${letters.join('')}…`, letterPx) > px) letters.pop();
  return `${letters.join('')}…`;
}

function text(x: number, y: number, words: string, kind: string, anchor: 'start' | 'middle' | 'end' = 'start'): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function style(): string {
  return [
    `.sequence text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:${sizes.line}px}`,
    `.sequence .name{font-size:${sizes.title}px;font-weight:600}.sequence .way{fill:none}.sequence .dead .way{stroke-dasharray:4 3}`,
    '.sequence .lane{stroke-dasharray:2 4}.sequence .crash .mark{stroke-width:2.5}.sequence .restart .mark{stroke-dasharray:4 2}',
    ...colours(chartDay),
    `@media (prefers-color-scheme:dark){${colours(chartNight).join('')}}`,
  ].join('');
}

function colours(palette: ChartPalette): readonly string[] {
  const rule = (selector: string, property: 'fill' | 'stroke', name: keyof ChartPalette): string =>
    `.sequence ${selector}{${colour(property, name, palette)}}`;
  return [
    rule('.paper', 'fill', 'paper'),
    rule('text', 'fill', 'ink'),
    rule('.faint', 'fill', 'faint'),
    rule('.lane', 'stroke', 'line'),
    rule('.way', 'stroke', 'faint'),
    rule('.head', 'fill', 'faint'),
    rule('.mark', 'fill', 'band'),
    rule('.mark', 'stroke', 'line'),
  ];
}
