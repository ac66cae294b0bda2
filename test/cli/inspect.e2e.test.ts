/** The commands that look: `espalier inspect`, `tree`, `watch`, `replay`, and the demo with `--inspect`, as processes, as built. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { build, type Built, endAll, type Ran, run, type Running } from './built.js';

let built: Built;
let own: string;

beforeAll(() => {
  built = build();
  own = mkdtempSync(join(built.folder, 'own-'));
  writeFileSync(join(own, 'app.mjs'), app);
  writeFileSync(join(own, 'crashes.mjs'), crashes);
  writeFileSync(join(own, 'stoppable.mjs'), stoppable);
  writeFileSync(join(own, 'late.ndjson'), late.map((line) => JSON.stringify(line)).join('\n'));
}, 120_000);
afterAll(() => {
  endAll();
  rmSync(own, { recursive: true, force: true });
  built.remove();
});

/** An app: a lamp that goes on and off by itself, and a bomb that goes off again and again. */
const app = `
import { orchestrator } from '../dist/src/index.js';
import { createMachine, assign } from 'xstate';
export const lamp = createMachine({
  id: 'lamp', initial: 'off', context: { times: 0, apiKey: 'a very secret key' },
  states: { off: { after: { 50: 'on' } }, on: { entry: assign({ times: ({ context }) => context.times + 1 }), after: { 50: 'off' } } },
});
const bomb = createMachine({
  id: 'bomb', initial: 'armed',
  states: { armed: { after: { 300: 'boom' } }, boom: { entry: () => { throw new Error('boom'); } } },
});
console.log('loaded');
export default orchestrator({ intensity: 1_000, actors: { lamp, bomb }, children: [{ id: 'lamp', src: 'lamp' }, { id: 'bomb', src: 'bomb' }] });
`;

/** One that says when it is loaded, and when it has been stopped. */
const stoppable = `
import { createActor, fromCallback } from 'xstate';
console.log('loaded');
export default createActor(fromCallback(() => () => console.log('stopped')));
`;

/** A recording that begins in the midst of things. */
const late = [
  { type: 'recording', v: 2, secret: null, contexts: 'whole' },
  { type: '@espalier.keyframe', seq: 3, at: 0, lines: 0 },
  { type: 'end', lines: 1, cut: null },
];

/** Two that print, and crash when they are sent SIGUSR2; and one that is done then. */
const crashes = `
import { orchestrator } from '../dist/src/index.js';
import { createActor, createMachine, fromCallback } from 'xstate';
const told = fromCallback(({ sendBack }) => { process.once('SIGUSR2', () => sendBack({ type: 'go' })); });
const bomb = createMachine({
  id: 'bomb', initial: 'armed',
  states: { armed: { invoke: { src: told }, on: { go: 'boom' } }, boom: { entry: () => { console.log('going off'); throw new Error('boom'); } } },
});
const brief = createMachine({ id: 'brief', initial: 'here', states: { here: { invoke: { src: told }, on: { go: 'over' } }, over: { type: 'final' } } });
const ways = {
  supervised: () => orchestrator({ intensity: 0, actors: { bomb }, children: [{ id: 'bomb', src: 'bomb' }] }),
  alone: () => createActor(bomb),
  brief: () => createActor(brief),
};
export default () => ways[process.env.WAY]();
`;

const espalier = (args: readonly string[]): Running => run(process.execPath, [built.main, ...args], { cwd: own });
const ran = (args: readonly string[]): Promise<Ran> => espalier(args).ended;
const linesOf = ({ stdout }: Ran): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The app, inspected; and where. */
async function inspected(args: readonly string[] = []): Promise<{ readonly running: Running; readonly url: string }> {
  const running = espalier(['inspect', 'app.mjs', '--port', '0', '--json', ...args]);
  const [line] = await running.printed(/^\{.*\}$/m);
  return { running, url: (JSON.parse(line) as { url: string }).url };
}

/** A recording that is kept with the project. */
const kept = join(import.meta.dirname, '../testing/replay/recordings/crashing-tree.ndjson');

describe('the commands that look', { timeout: 60_000 }, () => {
  it('inspect runs an app of the user, tree shows it, and Ctrl-C ends it in order', async ({ expect }) => {
    const { running, url } = await inspected();
    const tree = await ran(['tree', url]);
    expect(tree).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^actor +state +restarts\napp +running +\d+ of 1000 in 5 s\n├── lamp +o/),
    });
    const [scene] = linesOf(await ran(['tree', url, '--json']));
    expect(scene).toMatchObject({
      type: 'scene',
      actors: expect.arrayContaining([expect.objectContaining({ path: 'app/pool/lamp', machine: 'lamp' })]),
    });
    expect(JSON.stringify(scene)).not.toContain('a very secret key');
    running.child.kill('SIGINT');
    await expect(running.ended).resolves.toMatchObject({ code: 130, stderr: 'loaded\n' });
  });

  it('inspect stops the app where it cannot listen, and fails', async ({ expect }) => {
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, stdout, stderr } = await ran(['inspect', 'stoppable.mjs', '--port', String(port)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^loaded\nespalier: the inspector is not there: .*EADDRINUSE.*\nstopped\n$/);
  });

  it('inspect loads nothing where its own options are wrong', async ({ expect }) => {
    const { code, stdout, stderr } = await ran(['inspect', 'stoppable.mjs', '--origin', 'stately']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('expected `origins`');
    expect(stderr).not.toContain('loaded');
  });

  it.for([
    ['supervised', 1, /^going off\nespalier: the app has ended: shutdown; it gave up on bomb, crash: boom\n$/],
    ['alone', 1, /^going off\nespalier: the app has ended: crash: boom\n$/],
    ['brief', 0, /^espalier: the app has ended: normal\n$/],
  ] as const)('inspect says how an app ended, and keeps what it prints apart: %s', async ([way, code, stderr], { expect }) => {
    const args = [built.main, 'inspect', 'crashes.mjs', '--port', '0', '--json'];
    const running = run(process.execPath, args, { cwd: own, env: { WAY: way } });
    await running.printed(/inspector\.listening/);
    running.child.kill('SIGUSR2');
    const ended = await running.ended;
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(stderr) });
    expect(linesOf(ended)).toMatchObject([{ type: 'inspector.listening' }]);
  });

  it('watch tells what happens, and as JSON a recording that can be replayed', async ({ expect }) => {
    const { running, url } = await inspected();
    const watching = espalier(['watch', url]);
    await watching.printed(/bomb +restarted/);
    watching.child.kill('SIGINT');
    await expect(watching.ended).resolves.toMatchObject({ code: 130, stdout: expect.stringMatching(/bomb(#\d+)? +crash: boom/) });
    const recording = espalier(['watch', url, '--json']);
    await recording.printed(/"@espalier.exit"/);
    running.child.kill('SIGINT');
    const recorded = await recording.ended;
    expect(recorded).toMatchObject({ code: 0, stderr: expect.stringContaining('the inspector is gone') });
    writeFileSync(join(own, 'run.ndjson'), recorded.stdout);
    await expect(ran(['replay', 'run.ndjson', '--machines', 'app.mjs'])).resolves.toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/came out as they were recorded/),
    });
    const first = linesOf(recorded).find(({ type }) => type === '@xstate.transition') as { seq: number };
    const [scene] = linesOf(await ran(['replay', 'run.ndjson', '--at', String(first.seq), '--json']));
    expect(scene).toMatchObject({ type: 'scene', seq: first.seq });
  });

  it('replay names the first difference, and fails', async ({ expect }) => {
    const { running, url } = await inspected();
    const recording = espalier(['watch', url, '--json']);
    await recording.printed(/"actor":"app\/pool\/lamp","event":\d+.*"value":"on"/);
    running.child.kill('SIGINT');
    writeFileSync(join(own, 'other.ndjson'), (await recording.ended).stdout);
    writeFileSync(join(own, 'changed.mjs'), readFileSync(join(own, 'app.mjs'), 'utf8').replace('context.times + 1', 'context.times + 2'));
    const failed = await ran(['replay', 'other.ndjson', '--machines', 'changed.mjs']);
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^line \d+ of the recording does not replay: app\/pool\/lamp/) });
    const [outcome] = linesOf(await ran(['replay', 'other.ndjson', '--machines', 'changed.mjs', '--json']));
    expect(outcome).toMatchObject({ type: 'replay', ok: false, machine: 'lamp' });
  });

  it('replay names whom it had no machine for, and fails where only its own were replayed', async ({ expect }) => {
    writeFileSync(join(own, 'idle.mjs'), 'export const nothing = 1;');
    const idle = await ran(['replay', kept, '--machines', 'idle.mjs']);
    expect(idle).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("not replayed: app/pool/third#2, no machine with the id 'worker' was given"),
    });
    expect(idle.stdout).toContain("none of the app's own machines was replayed");
    const [outcome] = linesOf(await ran(['replay', kept, '--machines', 'idle.mjs', '--json']));
    expect(outcome).toMatchObject({ ok: false, isIdle: true, skipped: expect.arrayContaining([{ actor: 'app/pool/third#2', machine: 'worker' }]) });
    // Of facts alone nobody's steps are known.
    writeFileSync(join(own, 'facts.ndjson'), `${readFileSync(kept, 'utf8').split('\n')[0]}\n`);
    const empty = await ran(['replay', 'facts.ndjson', '--machines', 'app.mjs']);
    expect(empty).toMatchObject({ code: 1, stdout: expect.stringContaining('nothing was replayed') });
  });

  it('replay shows one actor at a moment, as people and as programs read it', async ({ expect }) => {
    const told = await ran(['replay', kept, '--actor', 'app/pool/third#2', '--at', '60']);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(
      /^actor +app\/pool\/third#2\nruns +worker, machine\nstate +working\nstatus +active\nrun +2, in place of app\/pool\/third\n/,
    );
    expect(told.stdout).toMatch(/^next events +.*crash/m);
    expect(told.stdout).toMatch(/^run 1 +app\/pool\/third: ended at line 35: crash: Error: boom$/m);
    const [data] = linesOf(await ran(['replay', kept, '--actor', 'app/pool/third#2', '--at', '60', '--json']));
    expect(data).toMatchObject({
      type: 'actor',
      seq: 60,
      value: 'working',
      run: 2,
      lineage: [
        { run: 2, exit: null },
        { run: 1, exit: { seq: 35 } },
      ],
    });
    expect(linesOf(await ran(['tree', kept, '--actor', 'app', '--json']))[0]).toMatchObject({ type: 'actor', budget: { intensity: 2 } });
  });

  it('replay prints the sequence with causes and reasons, of all or of a branch, up to a moment', async ({ expect }) => {
    const { code, stdout } = await ran(['replay', kept, '--sequence']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ 35 +app\/pool\/third +crashed: Error: boom\n/);
    expect(stdout).toMatch(/ 36 +app\/pool\/third → app\/pool +xstate\.error\.actor\.third +\(because of 32\)\n/);
    expect(stdout).toMatch(/started again in place of app\/pool\/third\n/);
    expect(stdout).not.toContain('\u001B[');
    const rows = linesOf(await ran(['replay', kept, '--sequence', '--json', '--actor', 'app/pool/third', '--at', '35']));
    expect(rows.at(-1)).toMatchObject({
      type: 'sequence',
      kind: 'crash',
      seq: 35,
      actor: 'app/pool/third',
      reason: { crash: { $error: { message: 'boom' } } },
    });
    expect(rows).toContainEqual(expect.objectContaining({ kind: 'message', seq: 32, from: null, event: 'crash', message: { type: 'crash' } }));
  });

  it('replay gives a recording in every form that the page does', async ({ expect }) => {
    const of = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await ran(['replay', kept, '--export', ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    expect(JSON.parse(await of('trace'))).toContainEqual(expect.objectContaining({ ph: 'X', name: 'app/pool/third' }));
    expect(JSON.parse(await of('otel'))).toHaveProperty('resourceSpans');
    expect(await of('mermaid')).toMatch(/^sequenceDiagram\n {2}participant /);
    expect(await of('svg', '--actor', 'app/pool/third')).toMatch(/^<svg [^]*crash third[^]*<\/svg>\n$/);
    expect(await of('chart-mermaid', '--actor', 'app/pool/third')).toMatch(/^stateDiagram-v2/);
    expect(await of('chart-dot', '--actor', 'app/pool/third')).toMatch(/^digraph "worker"/);
    expect(await of('chart-svg', '--actor', 'app/pool/third#2', '--at', '60')).toContain('class="state active" data-state="worker.working"');
    expect(await of('ndjson', '--at', '60', '--out', 'cut.ndjson')).toBe('');
    expect(linesOf(await ran(['replay', 'cut.ndjson', '--json']))[0]).toMatchObject({ type: 'scene', seq: 60 });
    expect(readFileSync(join(own, 'cut.ndjson'), 'utf8')).toMatch(/"cut":\{"why":"exported up to line 60","dropped":\d+\}\}\n$/);
  });

  it('the demo with --inspect waits for somebody who looks, and is shown', async ({ expect }) => {
    const demo = espalier(['demo', '--inspect']);
    const [, url = ''] = await demo.printed(/open (http:\S+)/);
    const watching = espalier(['watch', url]);
    await watching.printed(/prices +restarted/);
    await demo.printed(/Ctrl-C ends it/);
    demo.child.kill('SIGINT');
    await expect(demo.ended).resolves.toMatchObject({ code: 130 });
    await expect(watching.ended).resolves.toMatchObject({ code: 0, stdout: expect.stringMatching(/call\.1/) });
  });

  it.for([
    ['no module', ['inspect'], 2, 'expected MODULE'],
    ['a module that is none', ['inspect', 'none.mjs'], 2, 'expected a module that can be read'],
    ['a port that is none', ['inspect', 'app.mjs', '--port', '99999'], 2, 'expected --port'],
    ['no address', ['tree'], 2, 'expected URL|FILE'],
    ['an address without a token', ['watch', 'http://127.0.0.1:4747/'], 2, 'with its token'],
    ['nobody there', ['tree', `http://127.0.0.1:1/#token=${'a'.repeat(43)}`], 1, 'expected an inspector at 127.0.0.1:1'],
    ['no file', ['tree', 'none.ndjson'], 2, 'expected a file that can be read'],
    ['no recording', ['replay', 'app.mjs'], 2, 'expected in app.mjs, line 1'],
    ['a form that is none', ['replay', kept, '--export', 'pdf'], 2, 'expected --export: one of trace'],
    ['a chart of nobody', ['replay', kept, '--export', 'chart-svg'], 2, 'expected --actor PATH'],
    ['a trace of one actor', ['replay', kept, '--export', 'trace', '--actor', 'app'], 2, 'without --actor'],
    ['an actor that is none', ['replay', kept, '--actor', 'app/none'], 2, 'there are app, app/pool'],
    ['two things at once', ['replay', kept, '--sequence', '--export', 'svg'], 2, '--export or --sequence'],
    ['a file without an export', ['replay', kept, '--out', 'a.svg'], 2, 'expected --export'],
    ['a file that cannot be written', ['replay', kept, '--export', 'svg', '--out', 'no/such/folder.svg'], 2, 'a file that can be written'],
    ['a moment before the file begins', ['replay', 'late.ndjson', '--at', '2'], 2, 'expected --at: 3, where the file begins, or later, got: 2'],
    ['a moment that is none', ['replay', 'app.mjs', '--at', 'noon'], 2, 'expected --at'],
  ] as const)('refuses %s', async ([, args, code, words], { expect }) => {
    const { stderr, ...rest } = await ran(args);
    expect(rest).toMatchObject({ code, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('aaaa');
  });

  it.for(['inspect', 'tree', 'watch', 'replay'])('%s --help prints its usage', async (command, { expect }) => {
    expect(await ran([command, '--help'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(new RegExp(`^Usage: espalier ${command}`)),
    });
  });
});
