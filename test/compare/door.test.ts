import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Case, right, wrong } from '../../bench/compare/case.js';
import { type Comparison, enter } from '../../bench/compare/door.js';
import type { Subject } from '../../bench/compare/subject-process.js';
import { observed } from './observations.js';

const root = mkdtempSync(join(tmpdir(), 'espalier-compare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A case that calls right whoever got something onto the wire. */
const makeCase = (id: string): Case => ({
  id,
  title: `the case ${id}`,
  rule: 'something comes',
  model: 'm',
  tool: { takesMs: 0 },
  script: ['zero'],
  act: () => Promise.resolve(),
  watchMs: 1,
  judge: ({ wire }) => (wire.length > 0 ? right('it came', 5) : wrong('nothing came')),
});

const subject = (name: string): Subject => ({
  name,
  version: '1.2.3',
  start: () => {
    throw new Error('nobody is to be started here');
  },
});

interface Play {
  /** Whose messages reach the wire. */
  readonly good?: readonly string[];
  readonly skipped?: readonly string[];
  readonly tty?: boolean;
  readonly env?: { readonly NO_COLOR?: string };
}

async function entered(args: readonly string[], { good = ['espalier'], skipped = [], tty = false, env = {} }: Play = {}) {
  const said = { stdout: '', stderr: '' };
  const ran: string[] = [];
  const comparison: Comparison = {
    cases: [makeCase('A'), makeCase('B')],
    subjectNames: ['espalier', 'peer'],
    chooseSubjects: (names) =>
      Promise.resolve({
        subjects: names.filter((name) => !skipped.includes(name)).map(subject),
        skipped: skipped.map((name) => `${name}: skipped, no network`),
      }),
    runCell: ({ id }, { name }) => {
      ran.push(`${id} ${name}`);
      return Promise.resolve(observed(good.includes(name) ? { wire: [['setup', 5]] } : {}));
    },
  };
  const write = (name: 'stdout' | 'stderr') => ({ write: (text: string) => void (said[name] += text), isTTY: tty, columns: 200 });
  const code = await enter(args, comparison, { stdout: write('stdout'), stderr: write('stderr'), env });
  return { code, ran, ...said };
}

describe('the door of the comparison', () => {
  test('runs each subject in each case, and ends well where ours is right', async () => {
    const { code, ran, stdout } = await entered([]);
    expect({ code, ran }).toEqual({ code: 0, ran: ['A espalier', 'A peer', 'B espalier', 'B peer'] });
    expect(stdout).toContain('A  the case A\nright when something comes\n');
    expect(stdout).toMatch(/right: espalier 2 of 2, peer 0 of 2\n$/);
  });

  test('ends with 1 where ours is wrong in a case', async () => {
    expect(await entered([], { good: ['peer'] })).toMatchObject({ code: 1 });
    expect(await entered(['--only', 'A,espalier'], { good: [] })).toMatchObject({ code: 1, ran: ['A espalier'] });
  });

  test('does not mind what is wrong with others', async () => {
    expect(await entered(['--only', 'peer'], { good: [] })).toMatchObject({ code: 0, ran: ['A peer', 'B peer'] });
  });

  test('skips what cannot be had, and says so', async () => {
    const { code, ran, stdout } = await entered([], { skipped: ['peer'] });
    expect({ code, ran }).toEqual({ code: 0, ran: ['A espalier', 'B espalier'] });
    expect(stdout).toMatch(/\npeer: skipped, no network\n$/);
    expect(await entered(['--only', 'peer'], { skipped: ['peer'] })).toMatchObject({ code: 0, ran: [], stdout: 'peer: skipped, no network\n' });
  });

  test('writes all that was seen to a file', async () => {
    const file = join(root, 'seen.json');
    expect(await entered(['--only', 'A', '--json', file])).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([
      { case: 'A', subject: 'espalier', version: '1.2.3', right: true, why: 'it came', afterMs: 5, seen: { wire: [{ what: 'setup' }] } },
      { case: 'A', subject: 'peer', right: false, why: 'nothing came', afterMs: null },
    ]);
  });

  test('runs nothing where the file cannot be written', async () => {
    const { code, ran, stderr } = await entered(['--json', join(root, 'nowhere', 'seen.json')]);
    expect({ code, ran }).toEqual({ code: 2, ran: [] });
    expect(stderr).toMatch(/^compare: expected --json with a file that can be written, got: .*ENOENT/);
  });

  test('explains itself, and what is wrong with a command line', async () => {
    expect(await entered(['--help'])).toMatchObject({ code: 0, ran: [], stderr: '', stdout: expect.stringMatching(/^usage: npm run compare:live/) });
    expect(await entered(['--onyl', 'A'])).toMatchObject({
      code: 2,
      ran: [],
      stderr: expect.stringMatching(/^compare: Unknown option '--onyl'\n\nusage: npm run compare:live/),
    });
  });

  test('writes plain lines into a pipe', async () => {
    const { stdout, stderr } = await entered(['--only', 'A']);
    expect(stdout + stderr).not.toContain('\u001b');
    expect(stderr).toBe('compare: A, espalier (1 of 2)\ncompare: A, peer (2 of 2)\n');
  });

  test('shows on a terminal what it is at, in one line, and takes it away', async () => {
    const { stdout, stderr } = await entered(['--only', 'A'], { tty: true });
    const wipe = '\r\u001b[2K';
    expect(stderr.split(wipe)).toEqual(['', 'compare: A, espalier (1 of 2)', 'compare: A, peer (2 of 2)', '', '']);
    expect(stdout).toContain('\u001b[32mright');
    expect((await entered(['--only', 'A'], { tty: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
  });
});
