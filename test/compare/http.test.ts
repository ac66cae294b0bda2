/** The comparison over HTTP: ours is right in every row, the rules tell right from wrong, and the command says what it was told. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, test } from 'vitest';
import { type Case, ruleOf, type Seen, type Subject, verdictOf } from '../../bench/compare/http/case.js';
import { cases } from '../../bench/compare/http/cases.js';
import { compareHttp } from '../../bench/compare/http/command.js';
import { espalier } from '../../bench/compare/http/espalier.js';
import { run } from '../../bench/compare/http/run.js';
import { chooseSubjects, subjectNames } from '../../bench/compare/http/subjects.js';
import { nothingIsLeft } from '../testing/raw-client.js';

const scratch = mkdtempSync(join(tmpdir(), 'espalier-compare-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('ours, compared over HTTP', () => {
  afterEach(nothingIsLeft);

  test.each(cases.map((which) => [which.id, which] as const))('is right in the case %s', async (_, which) => {
    const seen = await run(which, espalier);
    expect({ verdict: verdictOf(which, seen), seen }).toMatchObject({ verdict: { right: true } });
  });
});

describe('the rule of a case', () => {
  const which = (texts: string[], end: Case['end']): Case => ({ id: 'x', title: 'x', answer: [], texts, end });
  const completed = { type: 'completed' } as const;
  const failed = (code: number | null): Seen['end'] => ({ type: 'failed', code, words: 'so' });

  it.each<[string, Case, Seen, string | true]>([
    ['all that was said, and the end', which(['a'], 'completed'), { texts: ['a'], end: completed }, true],
    ['any failure', which(['a'], 'failed'), { texts: ['a'], end: failed(null) }, true],
    ['the code', which([], 404), { texts: [], end: failed(404) }, true],
    ['a lost text', which(['a', 'b'], 'completed'), { texts: ['a'], end: completed }, 'completed, and of 2 texts 1 were seen'],
    ['no text at all', which(['a'], 'completed'), { texts: [], end: completed }, 'completed, and of 1 texts none was seen'],
    ['a text too many', which([], 'completed'), { texts: ['a'], end: completed }, 'completed, and of 0 texts 0 were seen'],
    ['a failure', which(['a'], 'completed'), { texts: ['a'], end: failed(null) }, 'failed: so'],
    ['a truncation that is not told', which(['a'], 'failed'), { texts: ['a'], end: completed }, 'completed, though it was cut'],
    ['an error that is not told', which(['a'], 499), { texts: ['a'], end: completed }, 'completed, though it failed with 499'],
    ['another code', which(['a'], 499), { texts: ['a'], end: failed(null) }, 'the code 499 is hidden: failed: so'],
  ])('judges %s', (_, one, seen, expected) => {
    expect(verdictOf(one, seen)).toEqual(expected === true ? { right: true, why: expect.any(String) as string } : { right: false, why: expected });
  });

  it('is said in words', () => {
    expect(ruleOf(which(['a'], 499))).toBe('the app sees "a" and is told of a failure with the code 499');
    expect(ruleOf(which([], 'failed'))).toBe('the app sees no text and is told of a failure');
  });
});

describe('compare:http', () => {
  const named = (name: string): Subject => ({ name, version: '1.2.3', stream: () => Promise.reject(new Error('nobody asks')) });

  async function entered(args: readonly string[], good: readonly string[] = ['espalier']) {
    const said = { stdout: '', stderr: '' };
    const ran: string[] = [];
    const world = { stdout: { write: (text: string) => (said.stdout += text) }, stderr: { write: (text: string) => (said.stderr += text) }, env: {} };
    const comparison = {
      cases: cases.slice(0, 2),
      subjectNames,
      chooseSubjects: (names: readonly string[]) => Promise.resolve({ subjects: names.map(named), skipped: ['peer: skipped, why'] }),
      run: ({ id, texts }: Case, { name }: Subject): Promise<Seen> => {
        ran.push(`${id} ${name}`);
        return Promise.resolve({ texts: good.includes(name) ? texts : [], end: { type: 'completed' } });
      },
    };
    return { code: await compareHttp(args, comparison, world), ran, ...said };
  }

  it('runs each subject in each case, and prints the rule, what was seen and the score', async () => {
    const { code, ran, stdout } = await entered([]);
    expect(ran).toEqual(['plain espalier', 'plain @google/genai', 'comment espalier', 'comment @google/genai']);
    expect(stdout).toContain(
      'right when the app sees "one ", "two" and is told of a completed stream\n  espalier       right  completed\n  @google/genai  WRONG',
    );
    expect(stdout).toContain('right: espalier 1.2.3 2 of 2, @google/genai 1.2.3 0 of 2\npeer: skipped, why\n');
    expect(code).toBe(0);
  });

  it('fails where ours is wrong, whatever others are', async () => {
    expect((await entered([], ['@google/genai'])).code).toBe(1);
  });

  it('runs what is named, and writes what was seen', async () => {
    const file = join(scratch, 'seen.json');
    const { code, ran } = await entered(['--only', 'comment,espalier', '--json', file]);
    expect([code, ran]).toEqual([0, ['comment espalier']]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([
      { case: 'comment', subject: 'espalier', right: true, seen: { texts: ['one ', 'two'] } },
    ]);
  });

  it.each([
    ['an unknown name', ['--only', 'nobody'], 'expected --only with some of'],
    ['a file that cannot be written', ['--json', join(scratch, 'no', 'folder')], 'expected --json with a file that can be written'],
  ])('refuses %s, and says how it is called', async (_, args, complaint) => {
    const { code, ran, stderr } = await entered(args);
    expect([code, ran]).toEqual([2, []]);
    expect(stderr).toContain(complaint);
    expect(stderr).toContain('usage: npm run compare:http');
  });

  it('skips a peer that cannot be installed, and says why', async () => {
    const chosen = await chooseSubjects(
      subjectNames,
      () => undefined,
      () => Promise.resolve({ ok: false, reason: 'no network' }),
    );
    expect(chosen.subjects.map(({ name }) => name)).toEqual(['espalier']);
    expect(chosen.skipped).toEqual(['@google/genai: skipped, no network']);
  });

  it('takes what a client throws past itself for a failure', async () => {
    const seen = await run({ answer: [{ drop: true }] }, { stream: () => Promise.reject(new Error('oh')) });
    expect(seen).toEqual({ texts: [], end: { type: 'failed', code: null, words: 'thrown: Error: oh' } });
  });
});
