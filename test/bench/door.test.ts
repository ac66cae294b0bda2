import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../bench/bench.js';
import { enter } from '../../bench/door.js';
import { fileOf, readKept } from '../../bench/kept-figures.js';
import type { Row } from '../../bench/rounds.js';

const root = mkdtempSync(join(tmpdir(), 'espalier-bench-'));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'run-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const rows: Row[] = [{ bench: 'quick', subject: 'one', metric: 'task', unit: 'µs', median: 2, p25: 1, p75: 3 }];

/** Runs the door over one benchmark that measures at once. `measuring` is called when it does. */
async function entered(args: readonly string[], measuring: () => void = () => {}) {
  const said = { stdout: '', stderr: '' };
  let runs = 0;
  const quick: Bench = {
    name: 'quick',
    about: 'measures nothing',
    subjects: ['one'],
    limits: [],
    run() {
      runs++;
      measuring();
      return Promise.resolve({ rows, notes: [] });
    },
  };
  const write = (name: 'stdout' | 'stderr') => ({ write: (text: string) => void (said[name] += text) });
  const code = await enter(args, [quick], { stdout: write('stdout'), stderr: write('stderr'), env: {} });
  return { code, runs, ...said };
}

describe('the door of the benchmarks', () => {
  test('runs what is named, and writes the figures to the file', async () => {
    const file = join(folder, 'out.json');
    expect(await entered(['quick', '--json', file])).toMatchObject({ code: 0, runs: 1, stderr: '', stdout: expect.stringContaining('task, µs') });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(rows);
  });

  test.each([
    ['a folder that is not there', ['nowhere', 'out.json'], 'ENOENT'],
    ['a folder', [], 'EISDIR'],
    ['a file beneath a file', ['there.json', 'out.json'], 'ENOTDIR'],
  ])('measures nothing where the figures are to go to %s', async (_, path, reason) => {
    writeFileSync(join(folder, 'there.json'), 'kept');
    const { code, runs, stdout, stderr } = await entered(['quick', '--json', join(folder, ...path)]);
    expect({ code, runs, stdout }).toEqual({ code: 2, runs: 0, stdout: '' });
    expect(stderr).toMatch(/^bench: expected --json with a file that can be written, got: /);
    expect(stderr).toContain(reason);
    expect(stderr).toContain('usage: npm run bench');
  });

  test('leaves a file alone until it has measured', async () => {
    const file = join(folder, 'out.json');
    writeFileSync(file, 'earlier figures');
    const seen: string[] = [];
    await entered(['quick', '--json', file], () => void seen.push(readFileSync(file, 'utf8')));
    expect(seen).toEqual(['earlier figures']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(rows);
  });

  test('makes no file before it has measured, not even at the end of a link', async () => {
    symlinkSync(join(folder, 'target.json'), join(folder, 'link.json'));
    let seen: string[] = [];
    expect(await entered(['quick', '--json', join(folder, 'link.json')], () => (seen = readdirSync(folder)))).toMatchObject({ code: 0 });
    expect(seen).toEqual(['link.json']);
    expect(JSON.parse(readFileSync(join(folder, 'target.json'), 'utf8'))).toEqual(rows);
  });

  test.skipIf(process.platform === 'win32')(
    'does not wait for the reader of a pipe before it has measured (skipped where there are no named pipes)',
    async () => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const reader: Promise<string>[] = [];
      expect(await entered(['quick', '--json', pipe], () => reader.push(readFile(pipe, 'utf8')))).toMatchObject({ code: 0, runs: 1 });
      expect(JSON.parse((await reader[0]) ?? '')).toEqual(rows);
    },
  );

  test('says in one line that the figures could not be written in the end', async () => {
    const file = join(folder, 'gone', 'out.json');
    mkdirSync(join(folder, 'gone'));
    const outcome = await entered(['quick', '--json', file], () => rmSync(join(folder, 'gone'), { recursive: true }));
    expect(outcome).toMatchObject({ code: 1, runs: 1, stdout: expect.stringContaining('task, µs') });
    expect(outcome.stderr).toMatch(/^bench: the figures could not be written to .*out\.json: ENOENT[^\n]*\n$/);
  });

  test('keeps the figures of each bench in a folder, and measures nothing where they could not be kept', async () => {
    expect(await entered(['quick', '--keep', folder])).toMatchObject({ code: 0, runs: 1, stderr: '' });
    expect(readKept(fileOf(folder, 'quick'))).toMatchObject({ bench: 'quick', rounds: 5, rows });
    const { code, runs, stderr } = await entered(['quick', '--keep', join(folder, 'nowhere')]);
    expect({ code, runs }).toEqual({ code: 2, runs: 0 });
    expect(stderr).toMatch(/^bench: expected --keep with a file that can be written, got: .*ENOENT/);
  });

  test('says what is wrong with the command line, and how to use it', async () => {
    expect(await entered(['quick', '--json', 'a', '--json', 'b'])).toMatchObject({
      code: 2,
      runs: 0,
      stderr: expect.stringMatching(/^bench: expected --json once, got: 2\n\nusage: npm run bench/),
    });
  });
});
