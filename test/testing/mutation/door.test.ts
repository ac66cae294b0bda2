import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { AnyModel } from '../../../src/testing/model/model.js';
import type { WaivedMutants } from '../../../src/testing/mutation/mutation-test.js';
import { mutantsOf } from '../../../src/testing/mutation/mutants.js';
import { enter } from '../../mutants/door.js';
import { readArguments } from '../../mutants/arguments.js';
import { workOff } from '../../mutants/threads.js';
import { type Trial, tryAll } from '../../mutants/trials.js';
import { taskModel } from '../../../src/testing/models/task.js';
import { equivalent, turnstileModel } from './turnstile.js';

const folder = mkdtempSync(join(tmpdir(), 'espalier-mutants-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 13 mutants, and 11. */
const models = { turnstile: turnstileModel as unknown as AnyModel, task: taskModel as AnyModel };
const waiver = { turnstile: { [equivalent]: 'it is ignored as well' } };

interface Scene {
  readonly models?: Readonly<Record<string, AnyModel>>;
  readonly waived?: Readonly<Record<string, WaivedMutants>>;
  /** Ids of mutants that nothing catches. */
  readonly survive?: readonly string[];
  readonly isTTY?: boolean;
  readonly env?: { readonly NO_COLOR?: string };
}

/** Runs the door over two machines, whose mutants are caught at once. */
async function entered(
  args: readonly string[],
  { models: own = models, waived = waiver, survive = [equivalent], isTTY = false, env = {} }: Scene = {},
) {
  const said = { stdout: '', stderr: '' };
  const tried: Trial[] = [];
  const write = (name: 'stdout' | 'stderr') => ({ isTTY, write: (text: string) => void (said[name] += text) });
  const tryAtOnce: typeof tryAll = (trials, _, onFinding) => {
    for (const trial of trials) {
      tried.push(trial);
      onFinding(trial, survive.includes(trial.id) ? undefined : 'a claim');
    }
    return Promise.resolve();
  };
  const code = await enter(args, { models: own, waived, tryAll: tryAtOnce }, { stdout: write('stdout'), stderr: write('stderr'), env });
  return { code, tried: tried.length, ...said };
}

describe('the door of the mutants', () => {
  test('ends well when all are caught or waived with a reason, and says so', async () => {
    const { code, stdout, stderr } = await entered([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'mutants: turnstile is done\nmutants: task is done\n' });
    expect(stdout).toBe(
      [
        'turnstile: 12 of 13 caught',
        `  waived    ${equivalent}`,
        '            it is ignored as well',
        'task: 11 of 11 caught',
        'mutants: 23 caught, 0 survived, 1 waived',
        '',
      ].join('\n'),
    );
  });

  test('ends with 1 when one survives without a reason', async () => {
    const { code, stdout, stderr } = await entered([], { waived: {} });
    expect(code).toBe(1);
    expect(stdout).toContain(`  SURVIVED  ${equivalent}\ntask: 11 of 11 caught\nmutants: 23 caught, 1 survived, 0 waived\n`);
    expect(stderr).toContain('mutants: turnstile: 1 survived without a reason in test/mutants/waived.json\n');
  });

  test('ends with 1 when fewer than 95 % are caught, waived or not', async () => {
    const survive = mutantsOf(turnstileModel.machine)
      .map(({ id }) => id)
      .slice(-2);
    const waived = { turnstile: Object.fromEntries(survive.map((id) => [id, 'a reason'])) };
    const { code, stderr } = await entered([], { waived, survive });
    expect(code).toBe(1);
    expect(stderr).toContain('mutants: 22 of 24 are caught, fewer than 95 %\n');
  });

  test('ends with 1 when a waiver is for nothing', async () => {
    const { code, stderr } = await entered([], { survive: [] });
    expect(code).toBe(1);
    expect(stderr).toContain(`'${equivalent}' is waived, and caught by: a claim`);
  });

  test('tries nothing of a machine that does not pass its own tests', async () => {
    const invariants = { 'it never opens': ({ snapshot }: { snapshot: { value: unknown } }) => (snapshot.value === 'open' ? 'it is' : undefined) };
    const broken = { ...models, turnstile: { ...models.turnstile, invariants } as unknown as AnyModel };
    const { code, tried, stderr } = await entered([], { models: broken });
    expect({ code, tried }).toEqual({ code: 1, tried: 0 });
    expect(stderr).toMatch(/^mutants: turnstile does not pass its own tests: it never opens: it is/u);
  });

  test.each([
    ['of no machine', { turnstyle: {} }, 'expected machines out of turnstile, task, got: turnstyle'],
    ['of no mutant', { turnstile: { melted: 'why' } }, "expected waivers of mutants of 'turnstile', got: melted"],
    ['without a reason', { turnstile: { [equivalent]: '' } }, `expected a reason for the waiver of '${equivalent}', got: ""`],
  ])('tries nothing with waivers %s', async (_, waived, complaint) => {
    const { code, tried, stdout, stderr } = await entered([], { waived });
    expect({ code, tried, stdout }).toEqual({ code: 2, tried: 0, stdout: '' });
    expect(stderr).toContain(`mutants: waived.json: ${complaint}\n\nusage: npm run mutants`);
  });

  test('tries nothing when the verdicts could not be written', async () => {
    const { code, tried, stderr } = await entered(['--json', join(folder, 'nowhere', 'out.json')]);
    expect({ code, tried }).toEqual({ code: 2, tried: 0 });
    expect(stderr).toContain('expected --json with a file that can be written');
  });

  test('writes the verdicts, and tells each with --verbose', async () => {
    const file = join(folder, 'out.json');
    const { stdout } = await entered(['turnstile', '--verbose', '--json', file]);
    expect(stdout).toContain('  caught    turnstile.locked arm.pushed#0: dropped\n            a claim\n');
    const [result] = JSON.parse(readFileSync(file, 'utf8')) as { machine: string; caught: number; verdicts: object[] }[];
    expect(result).toMatchObject({ machine: 'turnstile', caught: 12, survived: 0, waived: 1 });
    expect(result?.verdicts).toHaveLength(13);
    expect(result?.verdicts[0]).toEqual({
      id: 'turnstile.locked coin.inserted#0: dropped',
      kind: 'transition dropped',
      fate: 'caught',
      by: 'a claim',
    });
  });

  test('counts on a terminal, in colour unless NO_COLOR is set', async () => {
    const onTerminal = await entered([], { isTTY: true });
    expect(onTerminal.stderr).toContain('\r\u001b[Kmutants: 24 of 24, task');
    expect(onTerminal.stdout).toContain('\u001b[1mturnstile: 12 of 13 caught');
    expect((await entered([], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
  });

  test('prints its usage when asked, and with every refusal', async () => {
    expect(await entered(['--help'])).toMatchObject({ code: 0, tried: 0, stderr: '', stdout: expect.stringMatching(/^usage: npm run mutants/) });
    expect(await entered(['kiln'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^mutants: expected one of turnstile, task, got: kiln\n\nusage:/),
    });
  });
});

describe('its command line', () => {
  const read = (...args: string[]) => readArguments(args, ['supervisor', 'task']);

  test('takes machines, in the order of the catalogue, and all when none is named', () => {
    expect(read('task', 'supervisor', '--seed=-7', '--jobs', '1')).toEqual({
      machines: ['supervisor', 'task'],
      seed: -7,
      jobs: 1,
      verbose: false,
      help: false,
    });
    expect(read()).toEqual({ machines: ['supervisor', 'task'], seed: 1, verbose: false, help: false });
    expect(read('task')).toMatchObject({ machines: ['task'] });
  });

  test.each([
    [['tsk'], 'expected one of supervisor, task, got: tsk'],
    [['--quick'], "Unknown option '--quick'"],
    [['--seed', '1.5'], 'expected --seed as a whole number of 32 bits, got: 1.5'],
    [['--seed', '4294967296'], 'expected --seed as a whole number of 32 bits, got: 4294967296'],
    [['--jobs', '0'], 'expected --jobs as a whole number from 1 to 99, got: 0'],
    [['--json='], 'expected --json with the name of a file, got: an empty one'],
    [['--seed', '1', '--seed', '2'], 'expected --seed once, got: 2'],
  ])('refuses %j', (args, complaint) => {
    expect(read(...args)).toBe(complaint);
  });
});

describe('its threads', () => {
  const trials: readonly Trial[] = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ machine: 'm', id }));
  const thread = (body: string): URL =>
    new URL(
      `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; parentPort.on('message', ({ id, seed }) => { ${body} });`)}`,
    );

  test('try each mutant once, whoever is free the next, and tell what came of it', async () => {
    const found: Record<string, string | undefined> = {};
    await tryAll(trials, { seed: 4, jobs: 2, script: thread("parentPort.postMessage(id === 'c' ? {} : { by: id + seed })") }, ({ id }, by) => {
      expect(found).not.toHaveProperty(id);
      found[id] = by;
    });
    expect(found).toEqual({ a: 'a4', b: 'b4', c: undefined, d: 'd4', e: 'e4' });
  });

  test('give their findings in the order of the tasks, and none may take for ever', async () => {
    const script = thread("if (id !== 'e') parentPort.postMessage({ by: id })");
    const order: string[] = [];
    const four = await workOff(trials.slice(0, 4), { jobs: 2, script }, ({ id }) => void order.push(id));
    expect(four).toEqual([{ by: 'a' }, { by: 'b' }, { by: 'c' }, { by: 'd' }]);
    expect(order.toSorted()).toEqual(['a', 'b', 'c', 'd']);
    const last = workOff(trials.slice(4), { jobs: 2, script, withinMs: 1 }, () => {});
    await expect(last).rejects.toThrow('no answer in 1 ms to {"machine":"m","id":"e"}');
  });

  test.each([
    ['a machine that does not pass its own tests', "parentPort.postMessage({ broken: 'task does not pass' })", /task does not pass/],
    ['a thread that dies', "throw new Error('boom')", /boom/],
    ['a thread that leaves', 'process.exit(3)', /a worker ended with 3/],
  ])('end the run at %s', async (_, body, says) => {
    await expect(tryAll(trials, { seed: 1, jobs: 2, script: thread(body) }, () => {})).rejects.toThrow(says);
  });
});
