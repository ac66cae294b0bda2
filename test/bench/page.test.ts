import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { fileOf, keepFigures, readKept, textOf, type KeptFigures } from '../../bench/kept-figures.js';
import type { Limit } from '../../bench/limits.js';
import { median } from '../../bench/limits.js';
import { benchesOfPage, keptFigures, page } from '../../bench/page/files.js';
import { renderPage } from '../../bench/page/render.js';
import type { Row } from '../../bench/rounds.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'espalier-page-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const row = (metric: string, figure: number): Row => ({
  bench: 'quick',
  subject: 'one',
  metric,
  unit: 'µs',
  median: figure,
  p25: figure,
  p75: figure,
});

const run = (node: string, rows: readonly Row[]): KeptFigures => ({ bench: 'quick', node, cores: 2, rounds: 5, on: '2026-01-02', rows });

const limits: readonly Limit[] = [
  { what: 'a task / another', unit: 'times', atMost: 2.5, figure: (rows) => median(rows, 'one', 'task') },
  { what: 'what stays', unit: 'bytes', atLeast: -1, atMost: 1, figure: (rows) => median(rows, 'one', 'kept') },
];

const empty = `# A page\n\nBefore.\n\n<!-- Made of docs/figures by \`npm run bench:page\`. -->\n<!-- Up to here. -->\n\nAfter.\n`;

describe('the page of figures', () => {
  const benches = [
    { name: 'quick', limits },
    { name: 'never run', limits },
  ];
  const kept = [run('24.1.0', [row('task', 2.5), row('kept', 0.25)]), run('20.3.0', [row('task', 3)])];
  const made = renderPage(empty, benches, kept);

  test('has a column for each Node, oldest first, and says of each figure that was missed or is missing', () => {
    expect(made.split('\n')).toEqual([
      '# A page',
      '',
      'Before.',
      '',
      '<!-- Made of docs/figures by `npm run bench:page`. -->',
      '',
      '### quick',
      '',
      'Node 20.3.0: 5 rounds on 2 cores, 2026-01-02; Node 24.1.0: 5 rounds on 2 cores, 2026-01-02.',
      '',
      '|  | promised | Node 20.3.0 | Node 24.1.0 |',
      '| --- | ---: | ---: | ---: |',
      '| a task / another | ≤ 2.50 × | 3.00 ×, missed | 2.50 × |',
      '| what stays | -1.00 to 1.00 bytes | not measured | 0.250 bytes |',
      '',
      '<!-- Up to here. -->',
      '',
      'After.',
      '',
    ]);
  });

  test('is the same when it is made again, and follows figures that change', () => {
    expect(renderPage(made, benches, kept)).toBe(made);
    expect(renderPage(made, benches, [])).not.toContain('quick\n');
  });

  test('is refused where it does not say where its tables go', () => {
    expect(() => renderPage('# Nothing\n', benches, kept)).toThrow("expected a page with '<!-- Made of docs/figures");
  });

  test('that is kept is what the kept figures make', () => {
    const text = readFileSync(join(root, page), 'utf8');
    expect(renderPage(text, benchesOfPage, keptFigures(root))).toBe(text);
  });
});

describe('kept figures', () => {
  test('are read as they were kept, a line for each row, in five digits', async () => {
    expect(await keepFigures(folder, 'quick', 3, [row('task', 1.23456789), row('kept', 0)])).toBeUndefined();
    const file = fileOf(folder, 'quick');
    expect(file).toMatch(/quick-node\d+\.json$/);
    expect(readKept(file)).toMatchObject({ bench: 'quick', node: process.versions.node, rounds: 3, rows: [{ median: 1.2346 }, { median: 0 }] });
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(4);
    expect(textOf(readKept(file))).toBe(readFileSync(file, 'utf8'));
  });

  test('that cannot be kept are a reason, in words', async () => {
    expect(await keepFigures(join(folder, 'nowhere'), 'quick', 3, [])).toContain('ENOENT');
  });
});
