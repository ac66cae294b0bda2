/** `espalier run`, as a process, as built: signals, a kill in the midst of work, a tree that is saved and goes on, dead letters. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, type Built, endAll, type Ran, run, type Running } from './built.js';

let built: Built;
let own: string;

beforeAll(() => {
  built = build();
  own = mkdtempSync(join(built.folder, 'own-'));
  writeFileSync(join(own, 'work.mjs'), work);
}, 120_000);
afterAll(() => {
  endAll();
  rmSync(own, { recursive: true, force: true });
  built.remove();
});

/** One that counts and says so, on what the one before it has; one that ends at once, and is written to all the same; and some whose flush takes long. */
const work = `
import { application, orchestrator } from '../dist/src/index.js';
import { assign, createMachine, fromCallback } from 'xstate';
let gone;
const brief = fromCallback(({ self }) => { gone = self; });
const counter = (more) => createMachine({
  id: 'counter', initial: 'counting', context: { n: 0 },
  states: { counting: { entry: [assign({ n: ({ context }) => context.n + 1 }), ({ context, self }) => {
    console.log('n=' + context.n);
    if (context.n === 3 && process.env.LETTERS !== undefined) { gone?.send({ type: 'any' }); gone?._stop?.(); gone?.send({ type: 'late', n: 3, apiKey: 'k-1234', from: 'http://a/?token=t-5678' }); }
  }], after: { 20: { target: 'counting', reenter: true } } }, ...more },
});
const count = counter(process.env.OTHER === undefined ? {} : { other: {} });
const idle = fromCallback(() => {});
export const app = () => application({ services: [
  { id: 'brief', src: brief, restart: 'temporary' },
  { id: 'count', src: count, dependsOn: [{ id: 'brief', optional: true }], flush: ({ ref }) => console.log('flushed at ' + ref.getSnapshot().context.n) },
] });
export const stubborn = () => application({ services: [
  { id: 'deaf', src: idle, flushMs: 60_000, flush: () => new Promise(() => {}) },
  { id: 'slow', src: idle, dependsOn: ['deaf'], flushMs: 300, flush: () => new Promise(() => {}) },
] });
const bomb = createMachine({ id: 'bomb', initial: 'armed', states: { armed: { after: { 50: 'boom' } }, boom: { entry: () => { throw new Error('boom'); } } } });
export const fails = () => application({ services: [{ id: 'bomb', src: bomb }], intensity: 0 });
const slowly = createMachine({ id: 'slowly', initial: 'up', on: { 'supervisor.shutdown': '.ending' }, states: { up: {}, ending: { after: { 400: 'done' } }, done: { type: 'final' } } });
const told = fromCallback(({ sendBack }) => { process.once('SIGUSR2', () => sendBack({ type: 'break' })); });
const broken = () => { throw new Error('broken'); };
const open = createMachine({ id: 'open', initial: 's', states: {
  s: { tags: 'starting', always: { guard: () => process.env.FIXED !== undefined, target: 'r' }, invoke: { src: told }, on: { break: { actions: broken } } }, r: {},
} });
export const stuck = () => application({ startAttempts: 1, services: [{ id: 'slowly', src: slowly }, { id: 'open', src: open, dependsOn: ['slowly'] }] });
let last;
const rude = createMachine({ id: 'rude', initial: 'armed', states: {
  armed: { entry: ({ self }) => { last = self; }, after: { 1: 'boom' } },
  boom: { entry: () => { throw new Error('a\\u001b[2Jb\\nc'); } },
} });
export const heard = () => application({
  services: [{ id: 'rude', src: rude, restart: 'temporary' }],
  onFact: ({ type }) => { if (type === 'application.serviceLost') last.send({ type: 'late', csi: '\\u009b2J' }); },
});
const mapped = createMachine({ id: 'mapped', context: () => ({ seen: new Map([['a', 1]]) }) });
export const lossy = () => application({ services: [{ id: 'mapped', src: mapped }] });
export const tree = orchestrator({ actors: { count }, children: [{ id: 'count', src: 'count' }] });
`;

const espalier = (args: readonly string[], env: Record<string, string> = {}): Running =>
  run(process.execPath, [built.main, 'run', ...args], { cwd: own, env });
const linesOf = ({ stdout }: Ran): { readonly type: string; readonly [field: string]: unknown }[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
const counts = ({ stderr }: Ran): number[] => [...stderr.matchAll(/^n=(\d+)$/gm)].map(([, n]) => Number(n));

describe('espalier run', { timeout: 60_000 }, () => {
  it('runs an application until SIGTERM, stops it in order, flushed, and says how it ended', async ({ expect }) => {
    const running = espalier(['work.mjs', '--json']);
    await running.printed(/"run\.ready","services":{"brief":"running","count":"running"}/);
    running.child.kill('SIGTERM');
    const ran = await running.ended;
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/flushed at \d+\n/) });
    expect(linesOf(ran).map(({ type, id }) => (id === undefined ? type : `${type} ${JSON.stringify(id)}`))).toEqual([
      ...['run.started', 'run.ready', 'application.stopping', 'application.flushed "count"', 'application.serviceStopped "count"'],
      ...['application.serviceStopped "brief"', 'run.ended'],
    ]);
  });

  it('goes on after a kill -9 where it was saved, and keeps what was sent to the dead', async ({ expect }) => {
    const args = ['work.mjs', '--store', 'work.db', '--snapshot-every', '10', '--json'];
    const first = espalier(args, { LETTERS: '1' });
    await first.printed(/(?:"run\.saved"[^]*){8}/);
    first.child.kill('SIGKILL');
    const killed = await first.ended;
    expect(killed.signal).toBe('SIGKILL');
    const reached = Math.max(...counts(killed));
    expect(reached).toBeGreaterThan(3);

    const again = espalier(args);
    // The first is of what was restored; each that follows, of a count.
    await again.printed(/(?:"run\.saved"[^]*){4}/);
    again.child.kill('SIGTERM');
    const ran = await again.ended;
    expect(ran.code).toBe(0);
    expect(linesOf(ran)[0]).toMatchObject({ type: 'run.started', isRestored: true });
    // At most what was counted since the last save is counted again.
    expect(counts(ran)[0]).toBeGreaterThan(1);
    expect(counts(ran)[0]).toBeLessThanOrEqual(reached + 1);

    const letters = linesOf(await espalier(['--letters', '--store', 'work.db', '--json']).ended);
    expect(letters).toMatchObject([
      {
        to: 'app/pool/application/tree/pool/brief',
        event: { type: 'late', n: 3, apiKey: '[hidden]', from: 'http://a/?token=[hidden]' },
        reason: 'shutdown',
      },
    ]);
  });

  it('refuses a tree of other machines, by name, until it is told to begin anew', async ({ expect }) => {
    const args = ['work.mjs', '--store', 'other.db', '--json'];
    const first = espalier(args);
    await first.printed(/"run\.saved"/);
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(0);
    const refused = await espalier(args, { OTHER: '1' }).ended;
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/--fresh forgets it.*others: actors\/count/) });
    const fresh = espalier([...args, '--fresh'], { OTHER: '1' });
    await fresh.printed(/"run\.saved"/);
    fresh.child.kill('SIGTERM');
    const ran = await fresh.ended;
    expect(ran.code).toBe(0);
    expect(counts(ran)[0]).toBe(1);
  });

  it('does not save how it failed, and begins where it was well', async ({ expect }) => {
    const args = ['work.mjs#stuck', '--store', 'stuck.db', '--snapshot-every', '5', '--json'];
    const first = espalier(args);
    await first.printed(/"run\.saved"/);
    first.child.kill('SIGUSR2');
    const failed = await first.ended;
    expect(failed.code).toBe(1);
    expect(linesOf(failed).at(-1)).toMatchObject({ failure: expect.stringMatching(/^open: .*broken/) });
    // Saved on the way to its end, as it stopped, it would begin anew.
    const again = espalier(args, { FIXED: '1' });
    await again.printed(/"run\.ready","services":{"slowly":"running","open":"running"}/);
    again.child.kill('SIGTERM');
    const ran = await again.ended;
    expect(ran.code).toBe(0);
    expect(linesOf(ran)[0]).toMatchObject({ isRestored: true, resumed: ['slowly'], anew: ['open'] });
    expect(Number(linesOf(ran).at(-1)?.['tookMs'])).toBeGreaterThanOrEqual(399);
  });

  it('does not save what JSON would not give back, and says of whom, once', async ({ expect }) => {
    const running = espalier(['work.mjs#lossy', '--store', 'lossy.db', '--snapshot-every', '5', '--json']);
    await running.printed(/"run\.saveFailed"/);
    running.child.kill('SIGTERM');
    const failures = linesOf(await running.ended).filter(({ type }) => type.startsWith('run.save'));
    const values = [{ service: 'application/tree/mapped', path: 'context.seen', sort: 'a Map' }];
    expect(failures).toMatchObject([{ type: 'run.saveFailed', values }]);
    expect(await espalier(['--letters', '--store', 'typo.db']).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a file that is there'),
    });
  });

  it('tells a terminal what an app says of itself, and lets nobody steer it', async ({ expect }) => {
    const running = espalier(['work.mjs#heard', '--store', 'heard.db']);
    await running.printed(/serviceLost.*\n/);
    running.child.kill('SIGTERM');
    const { stdout } = await running.ended;
    expect(stdout).toContain('application.serviceLost id=rude why=crash: Error: a\\x1b[2Jb⏎c willRestart=false\n');
    const letters = await espalier(['--letters', '--store', 'heard.db']).ended;
    expect(letters.stdout).toMatch(/ to app\/\S+\/rude \(crash: Error: a\\x1b\[2Jb⏎c\) {2}\{"type":"late","csi":"\\x9b2J"\}\n$/);
    // oxlint-disable-next-line no-control-regex -- these are what it is about
    expect(stdout + letters.stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('waits no longer at the second %s, and ends %i', async (signal, code) => {
    const running = espalier(['work.mjs#stubborn', '--json']);
    await running.printed(/"run\.ready"/);
    running.child.kill(signal);
    await running.printed(/"application\.flushed","id":"slow","ok":false,"why":"timeout"/);
    running.child.kill(signal);
    expect((await running.ended).code).toBe(code);
  });

  it('refuses a store that another process runs with, until that has ended or was killed', async ({ expect }) => {
    const args = ['work.mjs', '--store', 'one.db', '--json'];
    const first = espalier(args);
    await first.printed(/"run\.saved"/);
    const refused = await espalier(args).ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(new RegExp(`no other process runs a tree of.*process ${first.child.pid}, since \\d{4}-`));
    first.child.kill('SIGKILL');
    await first.ended;
    const second = espalier(args);
    await second.printed(/"run\.saved"/);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
    const third = espalier(args);
    await third.printed(/"run\.saved"/);
    third.child.kill('SIGTERM');
    expect((await third.ended).code).toBe(0);
  });

  it('kills who has not ended within --grace, and fails when the application does', async ({ expect }) => {
    const running = espalier(['work.mjs#stubborn', '--grace', '50', '--json']);
    await running.printed(/"run\.ready"/);
    running.child.kill('SIGTERM');
    const ran = await running.ended;
    expect(ran.stdout).toMatch(/"application\.killed"/);
    expect(ran.code).toBe(1);
    const failed = await espalier(['work.mjs#fails', '--json']).ended;
    expect(failed.code).toBe(1);
    expect(linesOf(failed).at(-1)).toMatchObject({ type: 'run.ended', failure: 'bomb: crash: Error: boom' });
  });

  it('runs a tree of supervisors as well, and says what is wrong with the command line', async ({ expect }) => {
    const running = espalier(['work.mjs#tree', '--store', 'tree.db', '--snapshot-every', '5', '--json']);
    await running.printed(/(?:"run\.saved"[^]*){3}/);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    expect(await espalier(['work.mjs#nothing']).ended).toMatchObject({ code: 2, stderr: expect.stringContaining('exports as `nothing`') });
    expect(await espalier(['work.mjs', '--fresh']).ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--store FILE beside --fresh') });
    expect(await espalier(['work.mjs', '--grace', 'soon']).ended).toMatchObject({ code: 2 });
  });
});
