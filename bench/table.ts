/** The report on the terminal: one block per metric, a line per subject, a column per number of live children. */
import type { Verdict } from './limits.js';
import type { Row } from './rounds.js';

/** How to mark text; {@link plain} leaves it alone. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

const same = (text: string): string => text;
const sgr = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;

/** For pipes, files and NO_COLOR. */
export const plain: Paint = { bold: same, dim: same, red: same, green: same };

/** For terminals. */
export const coloured: Paint = { bold: sgr(1, 22), dim: sgr(2, 22), red: sgr(31, 39), green: sgr(32, 39) };

/** Colours only on a terminal, and not when NO_COLOR is set to anything (https://no-color.org). */
export function paintFor(stream: { isTTY?: boolean }, env: { NO_COLOR?: string | undefined }): Paint {
  return stream.isTTY === true && !env.NO_COLOR ? coloured : plain;
}

/** A figure with three significant digits: `0.432`, `24.1`, `1 234`; thousands are set apart by a space. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size < 0.0005) return '0';
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  const [whole = '', fraction] = value.toFixed(decimals).split('.');
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** The rows as aligned text, metrics and subjects in the order in which they first appear. */
export function renderRows(rows: readonly Row[], paint: Paint): string {
  return groupBy(rows, (row) => `${row.metric}, ${row.unit}`)
    .map(([title, group]) => renderMetric(title, group, paint))
    .join('\n\n');
}

/** The limits as lines, each with its figure. */
export function renderVerdicts(verdicts: readonly Verdict[], paint: Paint): string {
  return verdicts
    .map(({ limit, figure: value, holds }) => {
      const range = limit.atLeast === undefined ? `at most ${figure(limit.atMost)}` : `${figure(limit.atLeast)} to ${figure(limit.atMost)}`;
      const found = value === undefined ? 'not measured' : `${figure(value)} ${limit.unit}`.trimEnd();
      return `${holds ? paint.green('met   ') : paint.red('MISSED')}  ${limit.what}: ${found} (${`${range} ${limit.unit}`.trimEnd()})`;
    })
    .join('\n');
}

function renderMetric(title: string, rows: readonly Row[], paint: Paint): string {
  const lives = [...new Set(rows.map((row) => row.live))].sort((a, b) => (a ?? 0) - (b ?? 0));
  const header = ['', ...lives.map((live) => (live === undefined ? '' : `${live.toLocaleString('en').replaceAll(',', ' ')} live`))];
  const body = groupBy(rows, (row) => row.subject).map(([subject, own]) => [
    subject,
    ...lives.map((live) => cell(own.find((row) => row.live === live))),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...body].map((line) => (line[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('   ');
  const head = header.some((text) => text !== '') ? [paint.dim(line(header))] : [];
  return [paint.bold(title), ...head, ...body.map((cells) => line(cells).trimEnd())].join('\n');
}

function cell(row: Row | undefined): string {
  return row === undefined ? '–' : `${figure(row.median)} [${figure(row.p25)} to ${figure(row.p75)}]`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return [...groups];
}
