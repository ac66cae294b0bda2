/** The judge itself is judged: it must be able to say no. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { conformance, repositoryRoot } from './otp/command.js';
import type { Json, Line, Outcome } from './otp/line.js';
import { mostExclusions, playLine, readExclusions, readLine, skipReason } from './otp/play.js';
import { ran } from './ran.js';

const home = join(repositoryRoot(), 'test', 'conformance', 'otp');
const sets = ['hand', 'public', 'proc-hand', 'proc-public', 'elixir', 'own'];
const linesOf = (set: string): Line[] => textOf(set).map((row) => readLine(row) as Line);
const textOf = (set: string): string[] =>
  readFileSync(join(home, 'sets', `${set}.jsonl`), 'utf8')
    .split('\n')
    .filter((row) => row !== '');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'otp-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function fileOf(...rows: readonly unknown[]): string {
  const file = join(folder, 'some.jsonl');
  writeFileSync(file, `${rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')}\n`);
  return file;
}

async function run(...args: string[]): Promise<{ code: number; out: string[]; err: string }> {
  const { code, out, errors } = await ran((ports) => conformance(args, ports));
  return { code, out: out.flatMap((text) => text.split('\n')), err: errors };
}

const oneProcess: Line = {
  name: 'one',
  scenario: {
    kind: 'process',
    steps: [
      { at: 0, op: 'spawn', p: 'a' },
      { at: 50, op: 'exit', p: 'a', reason: 'boom' },
    ],
  },
  golden: {
    intervals: [
      { step: 0, procs: {}, reply: null },
      { step: 1, procs: { a: [['exit', 'boom']] }, reply: null },
    ],
    alive: [],
  },
};
const wrong: Line = { ...oneProcess, name: 'wrong', golden: { ...oneProcess.golden, alive: ['a'] } };
const quirky: Line = { ...oneProcess, name: 'quirky', scenario: { ...oneProcess.scenario, quirk: 'newer is better' } };

describe('the conformance command', () => {
  test('counts, says so in its last line, and ends well when nothing failed', async () => {
    const { code, out } = await run(fileOf(oneProcess, quirky, { ...oneProcess, name: 'two' }));
    expect(out).toEqual(['otp: 2 passed, 0 failed, 1 skipped']);
    expect(code).toBe(0);
  });

  test('ends badly when a line failed, and shows expected beside got when asked', async () => {
    const quiet = await run(fileOf(oneProcess, wrong));
    expect(quiet.out).toEqual(['otp: 1 passed, 1 failed, 0 skipped']);
    expect(quiet.code).toBe(1);
    const { out } = await run(fileOf(oneProcess, wrong, quirky), '--verbose');
    expect(out).toEqual([
      'failed some.jsonl wrong',
      '  at       alive',
      '  expected ["a"]',
      '  got      []',
      'skipped some.jsonl quirky',
      '  newer OTP differs: newer is better',
      'otp: 1 passed, 1 failed, 1 skipped',
    ]);
  });

  test('gives one JSON object for each line on demand', async () => {
    const { out } = await run(fileOf(oneProcess, wrong), '--json');
    expect(out.slice(0, -1).map((row) => JSON.parse(row) as { name: string; status: string })).toMatchObject([
      { file: 'some.jsonl', name: 'one', status: 'passed' },
      { file: 'some.jsonl', name: 'wrong', status: 'failed', difference: { at: 'alive', expected: ['a'], got: [] } },
    ]);
    expect(out.at(-1)).toBe('otp: 1 passed, 1 failed, 0 skipped');
  });

  test('plays only what it is asked to, and refuses a name that nobody has', async () => {
    expect((await run(fileOf(oneProcess, wrong), '--only', 'one')).out).toEqual(['otp: 1 passed, 0 failed, 0 skipped']);
    expect(await run(fileOf(oneProcess), '--only', 'nobody')).toMatchObject({ code: 2, err: expect.stringContaining('nobody') as string });
  });

  test('explains itself, and refuses a flag or a file that it does not know with usage and 2', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, err: '' });
    for (const args of [['--verbos'], [join(folder, 'missing.jsonl')], [folder], ['--only']]) {
      const { code, err, out } = await run(...args);
      expect([code, out]).toEqual([2, []]);
      expect(err).toContain('Usage: npm run conformance:otp');
    }
  });

  test('an unknown kind, a broken line and a scenario that makes the adapter throw are failed lines, never the end of the run', async () => {
    const odd = { ...oneProcess, name: 'odd', scenario: { ...oneProcess.scenario, kind: 'quantum' } };
    const mad = {
      ...oneProcess,
      name: 'mad',
      scenario: {
        kind: 'process',
        steps: [
          { at: 0, op: 'spawn', p: 'a' },
          { at: 1, op: 'fly', p: 'a' },
        ],
      },
    };
    const topless = { ...oneProcess, name: 'topless', scenario: { kind: 'supervisor', steps: [] } };
    const { code, out } = await run(fileOf(odd, '{"name":', mad, topless, { name: 'bare' }, oneProcess), '--verbose');
    expect(out.at(-1)).toBe('otp: 1 passed, 5 failed, 0 skipped');
    expect(out.join('\n')).toMatch(/unknown kind "quantum".*not JSON.*unknown op fly.*needs a `top`.*needs a `scenario`/s);
    expect(code).toBe(1);
  });

  test('a line that never settles fails by its bound of steps', async () => {
    const top = { id: 'top', sup: { intensity: 1_000_000_000, children: [{ id: 'a', start: ['ok', { do: 'error', reason: 'no' }] }] } };
    const steps = [
      { at: 0, op: 'start' },
      { at: 300, op: 'crash', id: 'top/a', reason: 'boom' },
    ];
    const { out } = await run(fileOf({ name: 'endless', scenario: { kind: 'supervisor', top, steps }, golden: { intervals: [] } }), '--verbose');
    expect(out.join('\n')).toContain('does not settle');
    expect(out.at(-1)).toBe('otp: 0 passed, 1 failed, 0 skipped');
  }, 60_000);

  test('a line that waits for nothing fails', async () => {
    const steps = [
      { op: 'supervisor' },
      { op: 'caller', c: 'c' },
      { op: 'async_nolink', c: 'c', t: 't', do: { return: 1 } },
      { op: 'await', c: 'c', t: 'u' },
    ];
    expect(await playLine({ name: 'lost', scenario: { kind: 'elixir', steps }, golden: { results: [] } })).toMatchObject({ status: 'failed' });
  });
});

/** Every way to change one golden line a little; each must be noticed. */
function mutants(golden: Json): Json[] {
  if (typeof golden === 'string') return golden.startsWith('$') || golden === 'busy' ? [] : [`${golden}x`];
  if (typeof golden === 'number') return [golden + 1];
  if (typeof golden === 'boolean') return [!golden];
  if (golden === null) return ['something'];
  if (isList(golden)) {
    const shorter = golden.length === 0 ? [] : [golden.slice(1)];
    return [...shorter, ...golden.flatMap((item, index) => mutants(item).map((changed) => golden.with(index, changed)))];
  }
  // Without `unordered` a line may pass still, when the order happens to agree.
  return Object.entries(golden)
    .filter(([key]) => key !== 'unordered')
    .flatMap(([key, value]) => mutants(value).map((changed) => ({ ...golden, [key]: changed })));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The part of a golden trace that is compared. */
function comparedOf(line: Line): string[] {
  return line.scenario.kind === 'elixir' ? ['results'] : ['intervals', ...(line.scenario.kind === 'process' ? ['alive'] : [])];
}

describe('a golden line that was changed fails', () => {
  for (const set of sets) {
    test(`of the set ${set}, wherever it was changed`, async () => {
      const lines = linesOf(set).filter((line) => skipReason(line, []) === null);
      const sample = lines.filter((_line, index) => index % Math.ceil(lines.length / 7) === 0);
      let random = 1;
      for (const line of sample) {
        const all = comparedOf(line).flatMap((key) =>
          mutants(line.golden[key] ?? null).map((changed): Line => ({ ...line, golden: { ...line.golden, [key]: changed } })),
        );
        const outcomes: Outcome[] = [];
        for (let count = 0; count < 5; count++) {
          random = (random * 48_271) % 2_147_483_647;
          outcomes.push(await playLine(all[random % all.length] as Line));
        }
        expect(outcomes.filter(({ status }) => status !== 'failed')).toEqual([]);
      }
    }, 60_000);
  }
});

describe('excluded.json', () => {
  const rows = readExclusions(readFileSync(join(home, 'excluded.json'), 'utf8'));

  test('names lines that exist, none of kind supervisor, at most ten', () => {
    const lines = new Map(sets.flatMap((set) => linesOf(set)).map((line) => [line.name, line]));
    expect(rows.length).toBeLessThanOrEqual(mostExclusions);
    for (const { name } of rows) expect(lines.get(name)?.scenario.kind).toMatch(/^(process|elixir)$/);
  });

  test('more than ten rows, or a row without a rule or a reason, are refused', () => {
    const row = { name: 'a', rule: 'b', reason: 'c' };
    expect(readExclusions(JSON.stringify([row]))).toEqual([row]);
    expect(() => readExclusions(JSON.stringify(Array.from({ length: 11 }, () => row)))).toThrow(/at most 10/);
    expect(() => readExclusions(JSON.stringify([{ name: 'a', rule: 'b' }]))).toThrow(/name, rule and reason/);
    expect(() => readExclusions('{}')).toThrow(/list/);
  });

  test('a line of kind supervisor is played though it be named there', () => {
    const line = linesOf('hand')[0] as Line;
    expect(skipReason(line, [{ name: line.name, rule: 'any', reason: 'none' }])).toBeNull();
    expect(skipReason(oneProcess, [{ name: 'one', rule: 'any', reason: 'none' }])).toBe('JavaScript cannot: any (none)');
  });
});
