/** The conformance command of compiled charts: what it plays, what it counts, what it says of what it skips, and that a defect shows. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { conformanceCompiled, type PlayAll } from './compiled/command.js';
import { type Defect, defects } from './compiled/defects.js';
import { planted } from './compiled/planted.js';
import { type Finding, play } from './compiled/play.js';
import { ran, type Ran } from './ran.js';

const charts = join(import.meta.dirname, '../fixtures/compiled/charts.mjs');
mkdirSync(join(process.cwd(), '.build'), { recursive: true });
const scratch = mkdtempSync(join(process.cwd(), '.build', 'compiled-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Here, one after the other; with as few steps as the test needs. */
const here =
  (only: number): PlayAll =>
  async (tasks, _, onFinding) => {
    const findings: Finding[] = [];
    for (const task of tasks.slice(0, only)) {
      const finding = await play(task, () => []);
      findings.push(finding);
      onFinding(task, finding);
    }
    return findings;
  };

const run = (args: string[], planting: readonly Defect[] = defects, playAll: PlayAll = here(99)): Promise<Ran> =>
  ran((ports) => conformanceCompiled(args, ports, playAll, planting));

const last = (out: readonly string[]): string => out.at(-1) ?? '';

describe('the conformance command of compiled charts', { timeout: 120_000 }, () => {
  it.each([
    ['a machine that there is not', ['nobody'], 'expected MODULE#export, or a machine out of supervisor,'],
    ['a flag that is none', ['--nonsense'], '--nonsense'],
    ['no steps', ['--steps', '0'], 'expected --steps with a whole number, got: 0'],
    ['machines for the defects', ['gate', '--defects'], 'expected --defects without machines, got: gate'],
  ])('refuses %s, and says how it is called', async (_, args, complaint) => {
    const { code, errors } = await run(args);
    expect([code, errors]).toEqual([2, expect.stringContaining(complaint)]);
    expect(errors).toContain('usage: npm run conformance:compiled');
  });

  it('plays machines of the catalogue by their models', async () => {
    const { code, out } = await run(['gate', 'channel', 'task', '--steps', '60']);
    expect(code).toBe(0);
    expect(last(out)).toMatch(/^compiled: \d\d+ passed, 0 failed, \d skipped$/);
  });

  it('plays every machine of a module that is not ours, and says of each that it skips why', async () => {
    const { code, out } = await run([charts, '--steps', '120', '--verbose']);
    expect(code).toBe(0);
    const text = out.join('\n');
    expect(text).toContain('charts.mjs#ownSteps (ownSteps)\n  it is interpreted: its `transition` is not that of XState');
    expect(text).toContain('charts.mjs#needsInput (needsInput)\n  it fails as it starts (give it an `input` that it can start with): TypeError');
    expect(last(out)).toMatch(/^compiled: \d+ passed, 0 failed, \d+ skipped$/);
  });

  it('plays one export by its samples', async () => {
    const { out } = await run([`${charts}#wizard`, '--steps', '60', '--json']);
    const runs = out.slice(0, -1).map((line) => (JSON.parse(line) as { run: string }).run);
    expect(runs).toEqual(expect.arrayContaining(["start 'fresh'", "start 'known'"]));
  });

  it.each([
    [
      'an export that is no machine',
      `${charts}#noMachine`,
      "expected a machine under 'noMachine', got: object; the module has: trafficLight, wizard,",
    ],
    ['a module without machines', 'empty.mjs', 'expected a module that exports machines, got: nothing'],
    ['a module that throws', 'throws.mjs', 'cannot be loaded'],
  ])('fails %s', async (_, word, reason) => {
    writeFileSync(join(scratch, 'empty.mjs'), 'export {};\n');
    writeFileSync(join(scratch, 'throws.mjs'), "throw new Error('it cannot be loaded');\n");
    const { code, out } = await run([word.startsWith('/') ? word : join(scratch, word), '--json']);
    expect([code, JSON.parse(out[0] ?? '')]).toEqual([
      1,
      expect.objectContaining({ status: 'failed', run: 'read', reason: expect.stringContaining(reason) }),
    ]);
    expect(last(out)).toBe('compiled: 0 passed, 1 failed, 0 skipped');
  });

  it('fails what differs, with the steps that lead to it', async () => {
    const defect = defects.find(({ what }) => what === 'a history is not kept') as Defect;
    const { verdicts } = await play(
      { source: { kind: 'module', path: charts, name: 'wizard' }, reach: { pathSteps: 200, walkSteps: 50, seed: 1 }, defect },
      () => [],
    );
    expect(verdicts.at(-1)).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^after fresh.* → .*: interpreted .*compiled /) });
  });
});

describe('the planted defects', { timeout: 120_000 }, () => {
  it('are each a line that stands in the compiler, and wrong in a way of its own', async () => {
    expect(new Set(defects.map(({ what }) => what)).size).toBe(defects.length);
    for (const defect of defects) (await planted(defect)).remove();
    await expect(planted({ what: 'none', file: 'step', from: 'nothing of the kind', to: '' })).rejects.toThrow(/stands there 0 times/);
  });

  it('are passed where a machine shows them, and failed where none does', async () => {
    const harmless: Defect = {
      what: 'nothing is wrong',
      file: 'step',
      from: "const stopEvent = 'xstate.stop';",
      to: "const stopEvent = 'xstate.' + 'stop';",
    };
    const some = defects.filter(({ what }) => /outlive a stop|left from the outside in|microsteps are not told/.test(what));
    // The first sources alone: that none shows the harmless one would take all of them.
    let asked = 0;
    const few: PlayAll = (tasks, jobs, onFinding) => here(asked++ < 3 ? 99 : 0)(tasks, jobs, onFinding);
    const { code, out } = await run(['--defects', '--json'], [...some, harmless], few);
    expect([code, last(out)]).toEqual([1, 'compiled: 3 passed, 1 failed, 0 skipped']);
    expect(JSON.parse(out.at(-2) ?? '')).toEqual({ name: 'nothing is wrong', run: 'all', status: 'failed', reason: 'no machine shows it' });
  });
});
