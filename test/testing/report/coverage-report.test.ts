import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMachine } from 'xstate';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { type CoverageFormat, coverageReport, type CoverageReportOptions } from '../../../src/testing/report/coverage-report.js';
import { writeCoverageReport } from '../../../src/testing/report/write-report.js';
import { reported } from '../../model/reports.js';
import { kilnModel } from '../model/kiln.js';
import { call, coverageOf, late, liftCoverage, strange } from './lift.js';

const few = { maxStates: 20, minStates: 20 };

describe('a report of a coverage', { timeout: 60_000 }, () => {
  it.each(['svg', 'html', 'json', 'text'] as const)('as %s is the same for the same coverage, byte for byte', async (format) => {
    const report = (): Promise<string> => coverageReport(testPaths(kilnModel, few).coverage, { format });
    const first = await report();
    expect(await report()).toBe(first);
    expect(first).toMatch(/\n$/u);
    expect(await coverageReport(testPaths(kilnModel, { maxStates: 3, minStates: 3 }).coverage, { format })).not.toBe(first);
  });

  it('as json is the data of the coverage', async () => {
    const coverage = liftCoverage();
    expect(JSON.parse(await coverageReport(coverage, { format: 'json' }))).toEqual(coverage.toJSON());
  });

  it('as text lists every item: first what is missing, then what is waived, each with the nearest path', async () => {
    const coverage = liftCoverage();
    const text = await coverageReport(coverage, { format: 'text' });
    const rows = text.split('\n').filter((line) => /^(?:never|waived|×)/u.test(line));
    expect(rows).toHaveLength(coverage.items.length);
    const words = rows.map((row) => row.slice(0, 1));
    expect(words.join('')).toMatch(/^n+w+×+$/u);
    expect(text).toContain(`machine 'lift': 3 of 10 states entered`);
    expect(text).toContain(`waived  ${late}\n        waived: nobody is "so" <patient> & waits\n        its state is reached by: a lift\n`);
    expect(text).toContain(`×12     ${call}\n        by: a lift → call\n`);
    expect(text).toContain('never   state lift.moving.door.open\n        no executed path reaches its state\n');
  });

  it('tells of waivers that are for nothing', async () => {
    const idle = coverageOf(
      createMachine({ id: 'a', initial: 'b', states: { b: {} } }),
      { 'state a.b': { hits: 1, path: ['start'] } },
      {
        'state a.b': 'cannot be',
        'state <typo>': 'who knows',
      },
    );
    const text = await coverageReport(idle, { format: 'text' });
    expect(text).toContain('waived, but the machine has no such item: state <typo>');
    expect(text).toContain('waived, but reached: cannot be');
    const html = await coverageReport(idle, { format: 'html' });
    expect(html).toContain('no such item:</strong> <code>state &lt;typo&gt;</code>');
    expect(html).toContain('<td>reached all the same: cannot be</td>');
  });
});

describe('the page', { timeout: 30_000 }, () => {
  it('loads nothing, runs nothing, and forbids both', async () => {
    const html = await coverageReport(liftCoverage(), { format: 'html' });
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|<link|<img|href=|src=|url\(|@import| on[a-z]+=/u);
  });

  it('has the picture and a table of every item, missing ones first, in words and in both lights', async () => {
    const coverage = liftCoverage();
    const html = await coverageReport(coverage, { format: 'html' });
    expect(html).toContain((await coverageReport(coverage, { format: 'svg' })).trimEnd());
    const rows = [...html.matchAll(/<tr class="(open|waived|covered)"[^>]*><td class="count"><span>([^<]*)<\/span>/gu)].map(
      ([, mark, word]) => `${mark} ${word}`,
    );
    expect(rows).toHaveLength(coverage.items.length);
    expect(rows).toEqual([
      ...coverage.open().map(() => 'open never'),
      'waived waived',
      'waived waived',
      'covered ×200',
      'covered ×1',
      'covered ×12',
      'covered ×12',
      'covered ×12',
    ]);
    expect(html).toContain('<td>a lift → call</td>');
    expect(html).toContain('<td>nobody is &quot;so&quot; &lt;patient&gt; &amp; waits</td>');
    expect(html).toMatch(/prefers-color-scheme:dark/u);
    expect(html).toMatch(/<html lang="en">[\s\S]*<caption>[\s\S]*<th scope="col">hits<\/th>[\s\S]*<th scope="row">/u);
  });

  it('shows ids as they are', async () => {
    const html = await coverageReport(liftCoverage(), { format: 'html' });
    const shown = strange.slice('transition '.length).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    expect(html).toContain(`<code>${shown.replaceAll('"', '&quot;').replaceAll("'", '&#39;')}</code>`);
    expect(html).not.toContain('a<b');
  });
});

describe('asking for a report', () => {
  it.each([
    ['no options', undefined, /an object of options, got: undefined/u],
    ['a format that there is not', { format: 'pdf' }, /`format`, one of svg, html, json, text, got: "pdf"/u],
    ['an option that there is not', { format: 'svg', colour: 'red' }, /options out of format, got: "colour"/u],
  ])('is refused for %s', async (_, options, words) => {
    const asked = coverageReport(liftCoverage(), options as CoverageReportOptions);
    await expect(asked).rejects.toMatchObject({ code: 'testing/invalid-options', message: expect.stringMatching(words) as string });
  });

  it('is refused for what only has a coverage', async () => {
    const result = testPaths(kilnModel, { maxStates: 3, minStates: 3 });
    const asked = coverageReport(result as never, { format: 'text' });
    await expect(asked).rejects.toThrow(/a Coverage, as in `const \{ coverage \} = testPaths\(model\)`, got: "an object of coverage, states/u);
  });

  describe('without elkjs', () => {
    beforeEach(() => {
      vi.doMock('elkjs', () => {
        throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' });
      });
    });
    afterEach(() => vi.doUnmock('elkjs'));

    it.each(['svg', 'html'] as const)('says what %s needs', async (format) => {
      await expect(coverageReport(liftCoverage(), { format })).rejects.toMatchObject({
        code: 'testing/missing-peer',
        message: expect.stringContaining('the package elkjs (^0.12) for pictures of a coverage: npm install --save-dev elkjs') as string,
      });
    });

    it.each(['json', 'text'] as const)('writes %s all the same', async (format: CoverageFormat) => {
      await expect(coverageReport(liftCoverage(), { format })).resolves.toContain('lift');
    });
  });
});

describe('reports as files', { timeout: 60_000 }, () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coverage-report-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are a picture, a page and data, in a folder that is made', async () => {
    const coverage = liftCoverage();
    const written = await writeCoverageReport(coverage, join(folder, 'deep', 'er'));
    expect(readdirSync(join(folder, 'deep', 'er')).toSorted()).toEqual(['lift.html', 'lift.json', 'lift.svg']);
    for (const format of ['svg', 'html', 'json'] as const) {
      expect(readFileSync(written[format], 'utf8')).toBe(await coverageReport(coverage, { format }));
    }
  });

  it('stay in their folder, whatever the machine is called', async () => {
    await writeCoverageReport(coverageOf(createMachine({ id: '../a/b*' }), {}), folder);
    expect(readdirSync(folder).toSorted()).toEqual(['..%2Fa%2Fb%2A.html', '..%2Fa%2Fb%2A.json', '..%2Fa%2Fb%2A.svg']);
  });

  it('are refused without a folder', async () => {
    await expect(writeCoverageReport(liftCoverage(), '')).rejects.toThrow(/writeCoverageReport: the path of a folder, got: ""/u);
  });

  it('are written by the model tests when asked for, above all of a model that does not pass', async () => {
    const pass = (): ReturnType<typeof testPaths> => testPaths(kilnModel, { maxStates: 2, minStates: 2 });
    await reported(pass, undefined);
    expect(readdirSync(folder)).toEqual([]);
    await reported(pass, join(folder, 'passed'));
    expect(readdirSync(join(folder, 'passed'))).toContain('kiln.html');
    const fail = (): ReturnType<typeof testPaths> => expectFullCoverage(kilnModel, { maxStates: 2, minStates: 1 });
    await expect(reported(fail, join(folder, 'failed'))).rejects.toThrow(/never: /u);
    expect(readdirSync(join(folder, 'failed'))).toContain('kiln.html');
  });
});
