/** `npm run fault:coordination`: what it finds, what it says of it, and what it takes for no proof. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/testing/network/schedule.js';
import { quorum, type QuorumWorld } from '../testing/network/planted.js';
import { readArguments } from './arguments.js';
import { worlds } from './catalogue.js';
import { enter } from './door.js';
import { faulted, type Faulting } from './faulted.js';
import { type Assignment, carryOut, type Finding } from './trials.js';

const folder = mkdtempSync(join(tmpdir(), 'espalier-fault-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const planted = { 'abstentions count': { defect: true, breaks: 'one value' } };

/** A quorum of those who agree; with a defect, of those who abstain, too. */
const vote = (more: Faulting<QuorumWorld> = {}, defects: Record<string, { readonly defect: boolean; readonly breaks: string }> = planted) =>
  faulted<QuorumWorld, boolean>((countsAbstentions = false) => quorum(countsAbstentions), defects, {
    tells: ({ decided }) => ({ decided: decided.length }),
    defectsIn: {},
    ...more,
  });

const sound = { vote: vote() };
/** The defect is in the world itself. */
const wrong = { vote: faulted<QuorumWorld, boolean>(() => quorum(true), {}) };

/** With an operation beside its own, so rare that it is never drawn. */
const offering = (run: ReturnType<typeof quorum>): ReturnType<typeof quorum> => ({
  ...run,
  world: (network) => {
    const world = run.world(network);
    return { ...world, operations: { ...world.operations, abdicate: { weight: 1e-9, run: () => {} } } };
  },
});

interface Scene {
  readonly worlds?: Readonly<Record<string, ReturnType<typeof vote>>>;
  readonly isTTY?: boolean;
  readonly env?: { readonly NO_COLOR?: string };
  readonly takeStray?: () => readonly unknown[];
  /** Ends the assignments in another order than that in which they were given. */
  readonly isBackwards?: boolean;
}

/** Runs the door, with no thread but this one. */
async function entered(
  args: readonly string[],
  { worlds: own = sound, isTTY = false, env = {}, takeStray = () => [], isBackwards = false }: Scene = {},
) {
  const said = { stdout: '', stderr: '' };
  const tried: Assignment[] = [];
  const write = (name: 'stdout' | 'stderr') => ({ isTTY, write: (text: string) => void (said[name] += text) });
  const tryAll = async (assignments: readonly Assignment[], _: number, onFinding: (assignment: Assignment) => void): Promise<Finding[]> => {
    const findings = new Map<Assignment, Finding>();
    for (const assignment of isBackwards ? assignments.toReversed() : assignments) {
      tried.push(assignment);
      const finding = await carryOut(own, assignment, takeStray);
      if (finding.broken !== undefined) throw new Error(finding.broken);
      findings.set(assignment, finding);
      onFinding(assignment);
    }
    return assignments.map((assignment) => findings.get(assignment) as Finding);
  };
  const code = await enter(args, { worlds: own, tryAll }, { stdout: write('stdout'), stderr: write('stderr'), env });
  return { code, tried, ...said };
}

/** The command line that a violation says to run, as a shell would read it. */
function saidAgain(stdout: string): string[] {
  const [, plain = '', quoted = ''] = /^ {4}again: npm run fault:coordination -- (.*) '(.*)'$/mu.exec(stdout) ?? [];
  return [...plain.split(' '), quoted.replaceAll(String.raw`'\''`, "'")];
}

describe('the fault runs of coordination', () => {
  it('end well where every claim holds and every defect is caught, and say what happened', async () => {
    const { code, stdout, stderr } = await entered(['--seeds', '25']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'fault:coordination: vote is done\n' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^vote: 25 seeds, \d+ events, 0 violations$/u);
    expect(lines[1]).toMatch(/^ {2}faults {6}drop \d+, duplicate \d+, partition \d+, pause \d+, reorder \d+, slow \d+$/u);
    expect(lines[2]).toMatch(/^ {2}operations {2}propose \d+$/u);
    expect(lines[3]).toMatch(/^ {2}came of it {2}decided \d+$/u);
    expect(lines[4]).toMatch(/^ {2}caught {6}abstentions count: by seed \d+ of 100, 'one value'$/u);
    expect(lines.slice(5)).toEqual([
      'fault:coordination: 1 of 1 planted defects caught',
      'fault:coordination: 25 seeds over 1 worlds, 0 violations',
      '',
    ]);
  });

  it('end with 1 where a claim is broken, and print the seed and a short schedule that breaks it again', async () => {
    const found = await entered(['--seeds', '10'], { worlds: wrong });
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /^ {2}VIOLATION {3}seed \d+, on calm links: one value: decided \w+ and \w+\n {4} +\d+ ms {2}propose on n\d "\w+"\n/mu,
    );
    expect(found.stdout).toMatch(/\nfault:coordination: 10 seeds over 1 worlds, [1-9]\d* violations\n$/u);
    expect(found.stderr).toMatch(/fault:coordination: vote: [1-9]\d* violations?\n$/u);
    const args = saidAgain(found.stdout);
    expect((JSON.parse(args.at(-1) ?? '') as Schedule).steps).toHaveLength(2);
    const again = await entered(args, { worlds: wrong });
    expect({ code: again.code, tried: again.tried.length }).toEqual({ code: 1, tried: 1 });
    const told = (stdout: string) => /^ {2}VIOLATION.*\n(?: {4}.*\n)*? {4}again: .*$/mu.exec(stdout)?.[0];
    expect(told(again.stdout)).toBe(told(found.stdout));
    // And what breaks it holds with the defect mended.
    expect(await entered(args)).toMatchObject({ code: 0, stderr: 'fault:coordination: vote is done\n' });
  });

  it('make the first violation of a claim short, and give a command line for each of the others', async () => {
    const { stdout, stderr, tried } = await entered(['--seeds', '10'], { worlds: wrong });
    const violations = stdout.split('\n').filter((line) => line.startsWith('  VIOLATION')).length;
    expect(violations).toBeGreaterThan(1);
    expect(stdout.match(/ --schedule '/gu)).toHaveLength(1);
    expect(stdout.match(/-- vote --seed=\d+ --seeds 1$/gmu)).toHaveLength(violations - 1);
    expect(stderr).toContain(`fault:coordination: vote: making 1 of ${violations} short\n`);
    expect(tried).toHaveLength(2);
  });

  it('say the same whichever seeds end first', async () => {
    const [forth, back] = [
      await entered(['--seeds', '30'], { worlds: wrong }),
      await entered(['--seeds', '30'], { worlds: wrong, isBackwards: true }),
    ];
    expect(back.stdout).toBe(forth.stdout);
  });

  it('show the trace of a violation with --verbose, and else not', async () => {
    const args = saidAgain((await entered(['--seeds', '10'], { worlds: wrong })).stdout);
    expect((await entered([...args, '--verbose'], { worlds: wrong })).stdout).toMatch(/^ {4}\d+ do n\d propose on n\d "\w+"$/mu);
    expect((await entered(args, { worlds: wrong })).stdout).not.toMatch(/^ {4}\d+ do /mu);
  });

  it('end with 1 where a defect is not caught, or by another claim than its own', async () => {
    const harmless = { vote: vote({ within: 3 }, { 'nothing is wrong': { defect: false, breaks: 'one value' } }) };
    expect(await entered(['--defects'], { worlds: harmless })).toMatchObject({
      code: 1,
      stdout:
        "vote: its defects\n  NOT CAUGHT  nothing is wrong: expected 'one value', and no seed of 3 breaks it\nfault:coordination: 0 of 1 planted defects caught\n",
      stderr: "fault:coordination: vote is done\nfault:coordination: vote: 'nothing is wrong' is planted, and no seed of 3 breaks 'one value'\n",
    });
    const other = { vote: vote({}, { 'abstentions count': { defect: true, breaks: 'progress' } }) };
    const { code, stdout } = await entered(['--defects'], { worlds: other });
    expect(code).toBe(1);
    expect(stdout).toMatch(/NOT CAUGHT {2}abstentions count: expected 'progress', and seed \d+ breaks 'one value': decided/u);
  });

  it('try the defects from seed 1 on, wherever the others begin', async () => {
    const { tried } = await entered(['--seeds', '3', '--seed', '77']);
    expect(tried.map(({ seed, count, defect }) => [seed, count, defect])).toEqual([
      [77, 3, undefined],
      [1, 100, 'abstentions count'],
    ]);
  });

  it('strike every second seed as they strike those with a defect, and the others as the world says', async () => {
    const own = { vote: vote({ defectsIn: { faults: ['crash'], faultShare: 1 } }) };
    const kinds = (stdout: string) => /^ {2}faults +(.*)$/mu.exec(stdout)?.[1]?.replaceAll(/ \d+/gu, '');
    expect(kinds((await entered(['--seeds', '1', '--seed', '2'], { worlds: own })).stdout)).toBe('crash');
    expect(kinds((await entered(['--seeds', '1', '--seed', '3'], { worlds: own })).stdout)).not.toContain('crash');
  });

  it.each<[string, Faulting<QuorumWorld>, string, () => ReturnType<typeof quorum>]>([
    ['nothing comes', { tells: () => ({ decided: 0 }) }, 'nothing came of it: decided', () => quorum(false)],
    [
      'a kind of fault never strikes',
      {},
      'no fault struck of the kinds: partition',
      () => ({ ...quorum(false), nodes: 1, faults: ['partition', 'pause'] }),
    ],
    ['nobody does', {}, 'no client has done: abdicate', () => offering(quorum(false))],
  ])('take for no proof of what %s, from 25 seeds on', async (_, more, complaint, run) => {
    const own = { vote: faulted<QuorumWorld, boolean>(run, {}, more) };
    const { code, stdout, stderr } = await entered(['--seeds', '25'], { worlds: own });
    expect({ code, stderr }).toEqual({ code: 1, stderr: `fault:coordination: vote is done\nfault:coordination: vote: ${complaint}\n` });
    expect(stdout).toContain(`  NO PROOF: ${complaint}\n`);
    expect((await entered(['--seeds', '5'], { worlds: own })).code).toBe(0);
  });

  it('take for no proof a world in which nothing happens, on one seed already', async () => {
    const idle = faulted(() => ({ nodes: 1, steps: 0, world: (network) => (network.boot(() => {}), { operations: {} }), invariants: {} }), {});
    expect(await entered(['--seeds', '1'], { worlds: { idle } })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('idle: nothing happened') as string,
    });
  });

  it('fail the seed after which an error surfaces that no node was told of', async () => {
    const stray = [new Error('nobody caught me')];
    const { code, stdout } = await entered(['--seeds', '2'], { takeStray: () => stray.splice(0) });
    expect(code).toBe(1);
    expect(stdout).toContain('  VIOLATION   seed 1: nothing throws: an error surfaced outside: Error: nobody caught me\n');
    expect(stdout).toContain('    again: npm run fault:coordination -- vote --seed=1 --seeds 1\n');
  });

  it('end with 1 where a world cannot be run', async () => {
    const broken = { vote: faulted(() => ({ ...quorum(false), steps: -1 }), {}) };
    expect(await entered([], { worlds: broken })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^fault:coordination: vote, seed 1: .*`steps`/u) as string,
    });
    const foreign = await entered(['--schedule', '{"steps":[{"atMs":0,"operation":"abdicate","node":"n1"}]}']);
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining('a schedule of the operations propose') as string });
  });

  it('write what was found, without traces', async () => {
    const file = join(folder, 'found.json');
    const { code } = await entered(['--seeds', '10', '--json', file], { worlds: wrong });
    const [result] = JSON.parse(readFileSync(file, 'utf8')) as { violations: object[]; complaints: string[] }[];
    expect(code).toBe(1);
    expect(result).toMatchObject({ world: 'vote', first: 1, defects: [] });
    expect(Object.keys(result?.violations[0] ?? {})).toEqual(['seed', 'claim', 'problem', 'schedule']);
    expect(result?.complaints).toEqual([`${result?.violations.length} violations`]);
    expect(await entered(['--json', join(folder, 'nowhere', 'out.json')])).toMatchObject({
      code: 2,
      tried: [],
      stderr: expect.stringContaining('expected --json with a file that can be written') as string,
    });
  });

  it('count on a terminal, in colour unless NO_COLOR is set', async () => {
    const onTerminal = await entered(['--seeds', '2'], { isTTY: true });
    expect(onTerminal.stderr).toContain('\r\u001b[Kfault:coordination: 100 %, vote\r\u001b[K');
    expect(onTerminal.stdout).toContain('\u001b[1mvote: 2 seeds');
    expect((await entered(['--seeds', '2'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
  });

  it('print their usage when asked, and with every refusal', async () => {
    expect(await entered(['--help'])).toMatchObject({
      code: 0,
      tried: [],
      stderr: '',
      stdout: expect.stringMatching(/^usage: npm run fault:coordination/u) as string,
    });
    expect(await entered(['vtoe'])).toMatchObject({
      code: 2,
      tried: [],
      stdout: '',
      stderr: expect.stringMatching(/^fault:coordination: expected one of vote, got: vtoe\n\nusage:/u) as string,
    });
  });
});

describe('the command line of the fault runs', () => {
  const read = (...args: string[]) => readArguments(args, ['leader', 'lock']);

  it('takes worlds, in the order of the catalogue, and all when none is named', () => {
    const usual = { worlds: ['leader', 'lock'], seeds: 100, seed: 1, defects: false, verbose: false, help: false };
    expect(read()).toEqual(usual);
    expect(read('lock', 'leader', '--seeds', '1000', '--seed=-3', '--jobs', '2')).toEqual({ ...usual, seeds: 1_000, seed: -3, jobs: 2 });
    expect(read('lock', '--schedule', '{"steps":[]}')).toEqual({ ...usual, worlds: ['lock'], seeds: 1, schedule: { steps: [] } });
  });

  it.each([
    [['lokc'], 'expected one of leader, lock, got: lokc'],
    [['--quick'], "Unknown option '--quick'"],
    [['--seeds', '0'], 'expected --seeds as a whole number from 1 to 9999999, got: 0'],
    [['--seed', '1.5'], 'expected --seed as a whole number of 32 bits, got: 1.5'],
    [['--jobs', '0'], 'expected --jobs as a whole number from 1 to 99, got: 0'],
    [['--json='], 'expected --json with the name of a file, got: an empty one'],
    [['--seeds', '1', '--seeds', '2'], 'expected --seeds once, got: 2'],
    [['lock', '--schedule', '[]'], 'expected --schedule as the JSON of a schedule, { "steps": […] }, got: []'],
    [['lock', '--schedule', '{'], 'expected --schedule as the JSON of a schedule, { "steps": […] }, got: {'],
    ...['[null]', '[1]', '[{"atMs":"x","operation":"use","node":"ann"}]', '[{"atMs":0,"operation":"use"}]', '[{"atMs":0,"fault":"none"}]'].map(
      (steps): [string[], string] => [
        ['lock', '--schedule', `{"steps":${steps}}`],
        `expected --schedule as the JSON of a schedule, { "steps": […] }, got: {"steps":${steps}}`,
      ],
    ),
    [['--schedule', '{"steps":[]}'], 'expected --schedule with one world, and neither --seeds nor --defects'],
    [['lock', '--seeds', '2', '--schedule', '{"steps":[]}'], 'expected --schedule with one world, and neither --seeds nor --defects'],
  ])('refuses %j', (args, complaint) => {
    expect(read(...args)).toBe(complaint);
  });
});

describe('the catalogue of the fault runs', () => {
  it('has every world that stands in a room of the tests', () => {
    const test = new URL('..', import.meta.url);
    const rooms = readdirSync(test, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'fault-runs');
    const found = rooms.flatMap(({ name }) => readdirSync(new URL(`${name}/`, test)).map((file) => `${name}/${file}`));
    const made = found.filter((path) => path.endsWith('-world.ts') && readFileSync(new URL(path, test), 'utf8').includes('FaultRunOptions<'));
    const catalogue = readFileSync(new URL('catalogue.ts', import.meta.url), 'utf8');
    expect(made).toContain('coordination/lock-world.ts');
    expect(made.filter((path) => !catalogue.includes(`'../${path.replace(/\.ts$/u, '.js')}'`))).toEqual([]);
  });

  it('runs each of its worlds', { timeout: 60_000 }, async () => {
    const all = Object.keys(worlds).map((world) => carryOut(worlds, { world, seed: 1, count: 1, endsAtFailure: false }, () => []));
    expect((await Promise.all(all)).map(({ sums, violations, broken }) => [sums.seeds, violations, broken])).toEqual(
      all.map(() => [1, [], undefined]),
    );
  });
});
