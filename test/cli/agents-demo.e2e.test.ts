/** `espalier demo --agents` as a process, as built: what happens in it, and that a seed says all of it. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { build, type Built, endAll, type Ran, run, type Running } from './built.js';

let built: Built;

beforeAll(() => {
  built = build();
}, 120_000);
afterAll(() => {
  endAll();
  built.remove();
});

const demo = (args: readonly string[] = [], env: Record<string, string> = {}): Running =>
  run(process.execPath, [built.main, 'demo', '--agents', ...args], { env });
const ran = (...given: Parameters<typeof demo>): Promise<Ran> => demo(...given).ended;
type Fact = Record<string, unknown> & { readonly type: string };
const factsOf = ({ stdout }: Ran): Fact[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Fact);

describe.concurrent('the demo of agents', { timeout: 60_000 }, () => {
  it('prints the same lines for the same seed, and others for another; no seed is the seed 1', async ({ expect }) => {
    const [first, again, other, none] = await Promise.all([ran(['--seed', '7']), ran(['--seed', '7']), ran(['--seed', '1']), ran()]);
    expect(again).toEqual(first);
    expect(none).toEqual(other);
    expect(other.stdout).not.toBe(first.stdout);
    expect(first).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/all went well\n$/) });
    expect(await ran(['--seed', '7', '--json'])).toEqual(await ran(['--seed', '7', '--json']));
  });

  it.for(['0', '2', '3', '11'])(
    'with seed %s the twelve elect, auction, vote, lose their leader, and finish under the next',
    async (seed, { expect }) => {
      const outcome = await ran(['--seed', seed, '--json']);
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      const facts = factsOf(outcome);
      const notes = facts.filter(({ type }) => type === 'note').map(({ who, words }) => `${String(who)} ${String(words)}`);
      const nth = (pattern: RegExp): number => notes.findIndex((note) => pattern.test(note));
      const order = [
        /leads, term 1: nothing is done yet/,
        /wins 'mow the lawn'/,
        /^\w+ it is \w+/,
        /is killed/,
        /leads, term 2: 4 of 7/,
        /wins 'sow'/,
      ];
      const places = [...order, /the plan is done/].map(nth);
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(places).not.toContain(-1);
      const registered = facts.filter(({ type }) => type === 'agent.registered').map(({ id }) => String(id));
      expect(new Set(registered).size).toBe(12);
      // Whoever led first is not who led next; each fault was met, and named.
      const leaders = facts.filter(({ type }) => type === 'leader.elected').map(({ from }) => String(from));
      expect([leaders.length, new Set(leaders).size]).toEqual([2, 2]);
      const [late = '', nonsense = ''] = [/too late/, /nonsense/].map((fault) => (notes[nth(fault)] ?? '').split(' ')[0]);
      const votes = notes.filter((note) => note.includes('without a vote'));
      expect(votes).toHaveLength(2);
      for (const vote of votes) expect(vote).toMatch(new RegExp(`${nonsense} invalid.*${late} late`));
      const crashed = facts.filter(({ type }) => type === 'agent.crashed').map(({ id }) => String(id));
      const crasher = (notes[nth(/crashes over a question/)] ?? '').split(' ')[0];
      expect(crashed.filter((id) => id === crasher).length).toBeGreaterThan(1);
      expect(new Set(crashed).size).toBe(2);
      expect(notes.at(-1)).toBe('agents 12 of 12 run, 0 have failed');
      expect(facts.at(-1)).toEqual({ type: 'end', ok: true, exitCode: 0, reason: null });
    },
  );

  it('has no colours in a pipe, unless they are asked for, and none with NO_COLOR', async ({ expect }) => {
    const [plain, coloured, without] = await Promise.all([ran(), ran([], { FORCE_COLOR: '1' }), ran([], { FORCE_COLOR: '1', NO_COLOR: '1' })]);
    expect([plain.stdout, without.stdout].map((text) => text.includes('\u001b'))).toEqual([false, false]);
    expect(coloured.stdout).toContain('\u001b');
  });

  it('is shown whole by the inspector, at the pace of the machine', async ({ expect }) => {
    const playing = demo(['--inspect', '--seed', '1']);
    const [, url = ''] = await playing.printed(/open (http:\S+)/);
    const watching = run(process.execPath, [built.main, 'watch', url]);
    await playing.printed(/leads, term 2/);
    const { stdout: tree } = await run(process.execPath, [built.main, 'tree', url]).ended;
    for (const name of ['ada', 'lea', 'candidacy', 'desk', 'channel.ada', 'coordinator', 'backend']) expect(tree).toContain(name);
    // Who leads, whom the restarts were for, and what the sessions came to, with the charts that their workers run.
    expect(tree.match(/candidate\.leading/g)).toHaveLength(1);
    for (const [name, words] of [
      ['gus#\\d+', 'after crash: Error: broke down over a question'],
      ['\\w+#2', 'after a kill'],
      ['auction', 'sold'],
      ['vote what is sown, term 1', 'decided'],
      ["auction of 'sow', term 1", 'cancelled'],
    ])
      expect(tree).toMatch(new RegExp(`── ${name} .*${words}`));
    await playing.printed(/Ctrl-C ends it/);
    playing.child.kill('SIGINT');
    expect(await playing.ended).toMatchObject({ code: 130 });
    expect(await watching.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/killed/) });
  });

  it.for([
    ['a seed that is none', ['--seed', 'x'], '--seed: a whole number'],
    ['a seed too large', ['--seed', '4294967296'], '--seed: a whole number'],
    ['a model', ['--live'], '--agents alone'],
    ['a recording', ['--replay', 'x'], '--agents alone'],
  ] as const)('refuses %s, with exit code 2', async ([, args, words], { expect }) => {
    const { code, stderr, stdout } = await ran(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('a seed is for agents, and help says so', async ({ expect }) => {
    const { code, stderr } = await run(process.execPath, [built.main, 'demo', '--seed', '1']).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('--agents where there is --seed')]);
    expect(await ran(['--help'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/--seed N +with --agents/) });
  });
});
