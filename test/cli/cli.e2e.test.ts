/** The command `espalier` as a process, as built: what it prints, how it ends, and that it ends. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { build, type Built, endAll, type Ran, run, type Running } from './built.js';

const logs = join(import.meta.dirname, '../fixtures/live-logs');
/** Recordings of real sessions, where ../shared/corpus is present: the suite runs without. */
const corpus = join(process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus'), 'live-logs');
const recorded = existsSync(corpus) ? readdirSync(corpus) : [];
const hasScript = existsSync('/usr/bin/script');
const own = mkdtempSync(join(tmpdir(), 'espalier-cli-'));
let built: Built;

beforeAll(() => {
  built = build();
}, 120_000);
afterAll(() => {
  endAll();
  built.remove();
  rmSync(own, { recursive: true, force: true });
});

const espalier = (args: readonly string[], options: Parameters<typeof run>[2] = {}): Running => run(process.execPath, [built.main, ...args], options);
const ran = (args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<Ran> => espalier(args, options).ended;

/** How to use it: the usage, or where it is. */
const help = /\n(?:\nUsage: espalier |See 'espalier (?:[\w-]+ )?--help'\.\n$)/;

/** A file with this text. */
function file(name: string, text: string): string {
  writeFileSync(join(own, name), text);
  return join(own, name);
}

type Event = { readonly type: string; readonly [field: string]: unknown };
const events = ({ stdout }: Ran): Event[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);

describe.concurrent('the command line', { timeout: 60_000 }, () => {
  it('--help prints the usage, and that of a command', async ({ expect }) => {
    expect(await ran(['--help'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: espalier <command>/) });
    expect(await ran(['demo', '--help'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: espalier demo/) });
    expect(await ran(['gemini-server', '--help'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: espalier gemini-server/) });
  });

  it('--version prints the version of the package', async ({ expect }) => {
    expect(await ran(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.for([
    ['no command', [], 'expected a command'],
    ['an unknown command', ['dmeo'], 'expected a command among demo, gemini-server, draw, run, inspect, tree, watch, replay, got: "dmeo"'],
    ['an unknown flag', ['demo', '--fast'], "Unknown option '--fast'"],
    ['an unknown flag of its own', ['--fast'], "Unknown option '--fast'"],
    ['an argument', ['demo', 'log'], 'expected options only, got: "log"'],
    ['a flag without its value', ['demo', '--replay'], "'--replay <value>' argument missing"],
    ['flags that exclude each other', ['demo', '--replay', 'x', '--live'], '--replay or --live, not both'],
    ['a model for nobody', ['demo', '--model', 'x'], '--live where there is --model'],
    ['--live without a key', ['demo', '--live'], 'GEMINI_API_KEY'],
    ['an impossible port', ['gemini-server', '--port', '70000'], 'from 0 to 65535'],
    ['a flag given twice', ['demo', '--replay', 'a.log', '--replay=b.log'], 'expected --replay once, got: 2'],
    ['a flag of the server given twice', ['gemini-server', '--port', '0', '--port', '0'], 'expected --port once, got: 2'],
    ['a model without a name', ['demo', '--live', '--model', ''], 'expected --model: the name of a model, got: ""'],
    ['a base URL of another kind', ['demo', '--live', '--base-url', 'ftp://x'], 'expected --base-url: an http(s) or ws(s) URL, got: "ftp://x"'],
  ] as const)('with %s says what is wrong and how to use it, with exit code 2', async ([what, args, words], { expect }) => {
    const { code, stdout, stderr } = await ran(args, { env: what === '--live without a key' ? {} : { GEMINI_API_KEY: 'k' } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^espalier: /);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(help);
  });

  it('prints the usage where something is missing or unknown, and of a wrong value where the usage is', async ({ expect }) => {
    expect((await ran(['demo', '--fast'])).stderr).toMatch(/^espalier: Unknown option '--fast'\n\nUsage: espalier demo /);
    expect((await ran([])).stderr).toMatch(/^espalier: expected a command, .*\n\nUsage: espalier <command>/);
    expect((await ran(['gemini-server', '--port', '70000'])).stderr).toMatch(
      /^espalier: expected --port.*\nSee 'espalier gemini-server --help'\.\n$/,
    );
    expect((await ran(['dmeo'])).stderr).toMatch(/^espalier: expected a command.*\nSee 'espalier --help'\.\n$/);
  });

  it.for([
    ['a log that is not there', ['demo', '--replay', 'nowhere.log'], /expected a file that can be read, got: ".*nowhere\.log"/],
    ['what is no log', ['demo', '--replay', join(logs, 'README.md')], /expected in .*README\.md, byte 0: /],
    ['a script that is no JSON', ['gemini-server', '--script', join(logs, 'README.md')], /expected JSON in .*README\.md/],
    ['a script that is none', ['gemini-server', '--script', 'package.json'], /expected in package\.json, a list of steps/],
  ] as const)('names %s and says how to use it, with exit code 2', async ([, args, words], { expect }) => {
    const { code, stdout, stderr } = await ran(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(help);
    expect(stderr).not.toContain('\n    at ');
  });

  it.for([
    ['in a base URL', ['demo', '--live', '--base-url', 'https://user:SEKRET@host/path'], '--base-url: a URL without query, fragment and credentials'],
    ['in the query of a base URL', ['demo', '--live', '--base-url=https://host/?key=SEKRET'], '--base-url: a URL without query'],
    ['in a base URL of another kind', ['demo', '--live', '--base-url', 'us er:SEKRET@host?x'], '--base-url: an http(s) or ws(s) URL'],
    ['in a base URL that cannot be read', ['demo', '--live', '--base-url', 'https://user:SEK/RET@host'], '--base-url: an http(s) or ws(s) URL'],
    ['beside a flag that is missing', ['demo', '--base-url', 'user:SEK@RET@host'], '--live where there is --base-url, got: "--base-url"'],
    ['in an argument', ['demo', 'https://user:SEK RET@host'], 'expected options only'],
    ['in a command', ['https://host/?key=SEKRET'], 'expected a command'],
    // Longer than a message shows of a value.
    ['in a long argument', ['demo', `user:${'SEKRET'.repeat(99)}@host`], 'expected options only'],
    ['in a long command', [`user:${'SEKRET'.repeat(99)}@host`], 'expected a command'],
    ['in a long port', ['gemini-server', '--port', `user:${'SEKRET'.repeat(99)}@host:80`], '--port: a number'],
    ['in the name of a file', ['demo', '--replay', 'https://SEK RET@host/log'], 'expected a file that can be read'],
    ['in the name of a flag', ['demo', '--https://user:SEKRET@host'], 'Unknown option'],
    ['in a value that belongs nowhere', ['demo', '--live=https://user:SEKRET@host'], "'--live' does not take an argument"],
  ] as const)('does not print a secret %s', async ([, args, words], { expect }) => {
    const outcome = await ran(args, { env: { GEMINI_API_KEY: 'SEKRET-KEY' } });
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
    expect(outcome.stderr).not.toMatch(/SEK|RET/);
  });
});

describe.concurrent('espalier demo', { timeout: 60_000 }, () => {
  it('holds its conversation, draws the tree, and ends with the exit report', async ({ expect }) => {
    const { code, stdout, stderr } = await ran(['demo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Two tools at once, the worker between two lives, the worker back, and how each tool ended.
    expect(stdout).toMatch(/├── weather +running.*\n.*└── time +running/);
    expect(stdout).toMatch(/├── call\.1 +running +a call of weather\n[\s\S]*└── call\.2 +running +a call of time\n/);
    expect(stdout).toMatch(/├── voice +ready .*\n.*├── uplink +running +what waits to be sent\n/);
    expect(stdout).toMatch(/└── prices +restarting +0/);
    expect(stdout).toMatch(/├── workers +running +1 of 3 in 5 s.*\n.*└── prices +running +1/);
    expect(stdout).toMatch(/├── time +succeeded.*\n.*├── weather +succeeded.*\n.*├── shares_price +failed.*\n.*└── library_search +cancelled/);
    expect(stdout).toContain('failed; answered with {"error":"the stock exchange is closed"}');
    expect(stdout).toMatch(/library_search +its signal aborted/);
    expect(stdout).toMatch(/library_search +cancelled by the server: not answered/);
    expect(stdout).toMatch(
      /exit report: app ended normal[\s\S]*tasks\/archive .*killed[\s\S]*\nvoice [\s\S]*\ngemini [\s\S]*\nkilled: tasks\/archive · left behind: none/,
    );
    expect(stdout).not.toContain('\u001B');
  });

  it('--json prints one object a line: facts, trees, the exit report and the end', async ({ expect }) => {
    const outcome = await ran(['demo', '--json']);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const all = events(outcome);
    const of = (type: string): Event[] => all.filter((event) => event.type === type);
    const named = (type: string): unknown[] => of(type).map(({ name }) => name);
    expect(all[0]).toMatchObject({ type: 'begin' });
    expect(named('tool.called')).toEqual(['weather', 'time', 'shares_price', 'library_search']);
    expect(named('tool.answered')).toEqual(['time', 'weather', 'shares_price']);
    expect(named('tool.cancelled')).toEqual(['library_search']);
    expect(of('tool.answered')[2]).toMatchObject({ response: { error: 'the stock exchange is closed' } });
    expect(of('child.exited')).toMatchObject([{ from: 'app/workers', id: 'prices', willRestart: true, reason: { crash: { name: 'SyntaxError' } } }]);
    expect(of('child.restarted')).toMatchObject([{ from: 'app/workers', id: 'prices', run: 2, attempt: 1 }]);
    expect(of('report')).toMatchObject([{ report: { reason: 'normal', killed: ['tasks/archive'], orphans: [] } }]);
    expect(of('report')).toMatchObject([{ report: { children: ['tasks', 'workers', 'voice', 'gemini'].map((id) => ({ id })) } }]);
    expect(all.at(-1)).toEqual({ type: 'end', ok: true, exitCode: 0, reason: null });
    const states = JSON.stringify(of('tree').map(({ tree }) => tree));
    for (const state of ['running', 'ready', 'restarting', 'succeeded', 'failed', 'cancelled']) expect(states).toContain(`"state":"${state}"`);
  });

  it.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle stops the tree in order, with exit code %i', async ([signal, code], { expect }) => {
    const running = espalier(['demo', '--json']);
    await running.printed(/"tool\.called"/);
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(outcome).toMatchObject({ code, signal: null, stderr: '' });
    const all = events(outcome);
    const stopped = all.filter(({ type, from }) => type === 'child.stopped' && from === 'app').map(({ id }) => id);
    expect(stopped).toEqual(['tasks', 'workers', 'voice', 'gemini']);
    expect(all.filter(({ type }) => type === 'tool.abandoned')).toHaveLength(2);
    expect(all.at(-2)).toMatchObject({ type: 'report', report: { reason: 'normal', killed: [] } });
    expect(all.at(-1)).toMatchObject({ type: 'end', ok: false, exitCode: code });
  });

  it('SIGINT does not wait for a session that cannot connect', async ({ expect }) => {
    const silent = createServer();
    const connected = once(silent, 'connection');
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const running = espalier(['demo', '--live', '--base-url', `http://127.0.0.1:${port}`, '--json'], { env: { GEMINI_API_KEY: 'k' } });
    const [socket] = (await connected) as [Socket];
    running.child.kill('SIGINT');
    const outcome = await running.ended;
    socket.destroy();
    silent.close();
    expect(outcome).toMatchObject({ code: 130, stderr: '' });
    // It waits for the end of the session neither: nobody had to be ended by a deadline.
    expect(events(outcome).filter(({ type }) => type === 'report')).toMatchObject([{ report: { killed: [], orphans: [] } }]);
  });

  it('ends when nobody reads what it prints', async ({ expect }) => {
    const running = espalier(['demo']);
    await running.printed(/app +running/);
    running.child.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 141, stderr: '' });
  });

  it('has colours where they are asked for, and not where they are not wanted', async ({ expect }) => {
    const replay = ['demo', '--replay', join(logs, 'spoken-turn.websocket.log')];
    expect((await ran(replay, { env: { FORCE_COLOR: '1' } })).stdout).toContain('\u001B[32mready');
    expect((await ran(replay, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stdout).not.toContain('\u001B');
    expect((await ran([...replay, '--no-color'], { env: { FORCE_COLOR: '1' } })).stdout).not.toContain('\u001B');
  });

  it.skipIf(!hasScript)('redraws on a terminal, and gives the cursor back (skipped where there is no script(1))', async ({ expect }) => {
    const command = `${process.execPath} ${built.main} demo --replay ${join(logs, 'parallel-tools.websocket.log')}`;
    const { code, stdout } = await run('/usr/bin/script', ['-qec', command, '/dev/null'], { env: { TERM: 'xterm' } }).ended;
    expect(code).toBe(0);
    expect(stdout.startsWith('\u001B[?25l')).toBe(true);
    expect(stdout.trimEnd().endsWith('\u001B[?25h')).toBe(true);
    // oxlint-disable-next-line no-control-regex -- the cursor goes up
    expect(stdout).toMatch(/\u001B\[\d+A/);
  });
});

describe.concurrent('espalier demo --replay', { timeout: 60_000 }, () => {
  it('plays a log from where the user stands, and its tools answer as recorded', async ({ expect }) => {
    const npm = { npm_package_name: 'espalier', npm_lifecycle_event: 'start', INIT_CWD: logs };
    const outcome = await ran(['demo', '--json', '--replay', 'parallel-tools.websocket.log'], { cwd: own, env: npm });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const all = events(outcome);
    const said = all.filter(({ type }) => type === 'said').map(({ by, text }) => [by, text]);
    expect(said).toEqual([
      ['user', 'Weather and time?'],
      ['model', '10 C at noon.'],
    ]);
    const answers = all.filter(({ type }) => type === 'tool.answered').map(({ name, response }) => [name, response]);
    expect(answers).toEqual([
      ['time', { output: '12:00' }],
      ['weather', { output: '10 C' }],
    ]);
    expect(all.at(-1)).toMatchObject({ type: 'end', ok: true });
  });

  it('plays audio, kinds that it does not know and frames that nobody can read', async ({ expect }) => {
    const { code, stdout } = await ran(['demo', '--replay', join(logs, 'realtime-audio.websocket.log')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/you +\(begins to speak\)\n.*you +\(audio\/pcm;rate=16000, 1 kB\)\n.*you +\(has spoken\)/);
    expect(stdout).toContain('cannot read a frame');
  });

  it('says why a log cannot be played to its end, with exit code 1', async ({ expect }) => {
    const log = file('unaccepted.log', '>31 {"setup":{"model":"models/m"}}\n<3 {}\n');
    const { code, stdout, stderr } = await ran(['demo', '--replay', log]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^espalier: the tree could not start: setupTimeout/);
    expect(stdout).toContain('exit report: app');
  });

  it.skipIf(recorded.length === 0)('plays every recorded session (skipped where ../shared/corpus is missing)', async ({ expect }) => {
    const outcomes = await Promise.all(recorded.map((name) => ran(['demo', '--replay', join(corpus, name)])));
    expect(outcomes.map(({ code, stderr }) => ({ code, stderr }))).toEqual(recorded.map(() => ({ code: 0, stderr: '' })));
    for (const { stdout } of outcomes) expect(stdout).toMatch(/voice +ready[\s\S]*\n\nexit report: app ended normal[\s\S]*all went well\n$/);
  });
});

describe.concurrent('espalier demo --live with espalier gemini-server', { timeout: 60_000 }, () => {
  it('converse, and the key is never printed', async ({ expect }) => {
    const server = espalier(['gemini-server']);
    const [, url = ''] = await server.printed(/listens on (\S+)/);
    const env = { GEMINI_API_KEY: 'the-secret-key' };
    const talk = await ran(['demo', '--live', '--base-url', url, '--model', 'gemini-x'], { env });
    server.child.kill('SIGINT');
    const served = await server.ended;
    expect(talk).toMatchObject({ code: 0, stderr: '' });
    expect(talk.stdout).toMatch(/model +It is 14:05 in Oslo[\s\S]*model +I cannot tell you/);
    expect(served).toMatchObject({ code: 130, stderr: '' });
    expect(served.stdout).toMatch(/client 0 +setup .*models\/gemini-x[\s\S]*client 0 +toolResponse [\s\S]*exit report: app/);
    expect(JSON.stringify([talk, served])).not.toContain('the-secret-key');
  });

  it('say what is wrong, with exit code 1', async ({ expect }) => {
    const server = espalier(['gemini-server', '--json']);
    const [, port = ''] = await server.printed(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
    const second = await ran(['gemini-server', '--port', port]);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('port: one that is free') });
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 143 });
    const talk = await ran(['demo', '--live', '--base-url', `http://127.0.0.1:${port}`], { env: { GEMINI_API_KEY: 'k' } });
    expect(talk).toMatchObject({ code: 1, stderr: expect.stringContaining('the tree could not start: connectFailed') });
  });
});

describe.concurrent('the example', { timeout: 60_000 }, () => {
  it('embed-a-supervisor runs its task beside a worker that crashes, and stops', async ({ expect }) => {
    const { code, stdout, stderr } = await run(process.execPath, [join(built.folder, 'examples', 'embed-a-supervisor.js')]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^(?:prices is back, attempt [12]\n){0,2}42\nstopped in \d+ ms, killed: 0\n$/);
  });
});
