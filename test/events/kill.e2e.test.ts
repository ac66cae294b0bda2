/** Killed with -9 while it appends ten thousand events: what it had acknowledged is there, whole and in order, for each of fifty seeds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventStore } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { findDriver } from '../../src/events/sqlite-drivers.js';
import { buildPackage } from '../browser/package.js';
import { root } from '../browser/guide-programs.js';
import { allOf, good } from '../../src/testing/event-store/looks.js';
import { drivers, newFile, removeFiles } from './store-world.js';

/** Appends in groups of which the seed makes the sizes, to eight streams; says of each append, after it was acknowledged, where it stands. */
const program = `
import { writeSync } from 'node:fs';
import { sqliteEvents } from './dist/src/events/sqlite.js';
const [path, driver, seed] = [process.argv[2], process.argv[3], Number(process.argv[4])];
let state = seed >>> 0;
const below = (most) => (state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0) % most;
const store = await sqliteEvents({ path, driver });
writeSync(1, 'ready\\n');
const token = { name: 'writer', token: seed };
let appended = 0;
while (appended < 10_000) {
  const group = Math.min(10_000 - appended, 1 + below(64));
  const all = [];
  for (let n = 0; n < group; n++) {
    const id = 'e' + appended++;
    const size = 1 + below(3);
    const events = Array.from({ length: size }, (_, part) => ({ type: 'part', id: id + '.' + part, correlation: id, data: { size, text: 'x'.repeat(below(400)) } }));
    all.push(store.append('s' + below(8), events, { fence: token }).then((outcome) => writeSync(1, outcome.ok ? id + ' ' + outcome.position + '\\n' : 'not ' + outcome.reason + '\\n')));
  }
  if (below(20) === 0) all.push(store.save('progress', { appended }).then(() => {}));
  await Promise.all(all);
}
writeSync(1, 'done\\n');
`;

let folder = '';

beforeAll(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  folder = mkdtempSync(join(root, '.build', 'kill-'));
  buildPackage(folder, [join(root, 'src/events/sqlite.ts')]);
  writeFileSync(join(folder, 'appender.js'), program);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(removeFiles);

/**
 * Runs the program and kills it as soon as so many appends are acknowledged. Settles when the process has ended, and with it its locks on the file.
 * @returns where each of those stands, by id; rejects for a process that could not start, or ended otherwise
 */
async function killedAfter(path: string, driver: string, seed: number, count: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [join(folder, 'appender.js'), path, driver, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const acknowledged = new Map<string, number>();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (line === 'ready' && count === 0) child.kill('SIGKILL');
    const [id = '', position] = line.split(' ');
    if (position === undefined) return;
    acknowledged.set(id, Number(position));
    if (acknowledged.size === count) child.kill('SIGKILL');
  });
  const [[code, signal]] = await Promise.all([once(child, 'exit') as Promise<[number | null, string | null]>, once(lines, 'close')]);
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`expected a process that was killed, got: ${signal ?? `exit ${code}`}\n${said}`);
  return acknowledged;
}

/** Each append is there whole or not at all; streams have no gaps; all that was acknowledged is where it was said to be. */
async function check(store: EventStore, acknowledged: ReadonlyMap<string, number>): Promise<number> {
  const events = await allOf(store, { limit: 1_000 });
  const [parts, versions] = [new Map<string, number>(), new Map<string, number>()];
  const last = new Map<string, number>();
  const faults: unknown[] = [];
  for (const [index, { position, stream, version, correlation, data }] of events.entries()) {
    if (position !== index + 1 || version !== (versions.get(stream) ?? 0) + 1) faults.push({ index, position, stream, version });
    versions.set(stream, version);
    const id = correlation as string;
    const left = (parts.get(id) ?? (data as { size: number }).size) - 1;
    parts.set(id, left);
    last.set(id, position);
  }
  expect([...parts.values()].filter((left) => left !== 0)).toEqual([]);
  for (const [id, position] of acknowledged) if (last.get(id) !== position) faults.push({ id, position, there: last.get(id) });
  expect(faults).toEqual([]);
  for (const [stream, version] of versions) expect((await good(store.version(stream))).version).toBe(version);
  expect((await good(store.status())).events).toBe(events.length);
  return events.length;
}

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

describe.each(drivers.slice(0, 1))('a process that appends by %s', (driver) => {
  it.each(seeds)('killed (seed %i), has lost nothing that it had acknowledged, and the store goes on', { timeout: 120_000 }, async (seed) => {
    const path = newFile();
    const count = Math.imul(seed, 0x9e3779b1) >>> 0;
    const acknowledged = await killedAfter(path, driver, seed, seed === 1 ? 0 : (count % 9_900) + 1);
    const raw = (await findDriver(driver))(path);
    expect(raw.prepare('PRAGMA integrity_check').all()[0]).toMatchObject({ integrity_check: 'ok' });
    raw.close();
    const store = await sqliteEvents({ path, driver });
    const there = await check(store, acknowledged);
    const fenced = await store.append('s0', [{ type: 'late' }], { fence: { name: 'writer', token: seed - 1 } });
    if (acknowledged.size > 0) expect(fenced).toMatchObject({ ok: false, reason: 'fenced', highest: seed });
    expect((await good(store.append('next', [{ type: 'after' }]))).position).toBe(fenced.ok ? there + 2 : there + 1);
    await store.close();
  });
});
