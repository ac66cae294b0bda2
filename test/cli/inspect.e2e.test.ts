/** The commands that look: `espalier inspect`, `tree`, `watch`, `replay`, and the demo with `--inspect`, as processes, as built. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { build, type Built, endAll, type Ran, run, type Running } from './built.js';

let built: Built;
let own: string;

beforeAll(() => {
  built = build();
  own = mkdtempSync(join(built.folder, 'own-'));
  writeFileSync(join(own, 'app.mjs'), app);
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
    ['an origin that is none', ['inspect', 'app.mjs', '--origin', 'stately'], 2, 'expected `origins`'],
    ['no address', ['tree'], 2, 'expected URL|FILE'],
    ['an address without a token', ['watch', 'http://127.0.0.1:4747/'], 2, 'with its token'],
    ['nobody there', ['tree', `http://127.0.0.1:1/#token=${'a'.repeat(43)}`], 1, 'expected an inspector at 127.0.0.1:1'],
    ['no file', ['tree', 'none.ndjson'], 2, 'expected a file that can be read'],
    ['no recording', ['replay', 'app.mjs'], 2, 'expected in app.mjs, line 1'],
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
