/** Killed with -9 while it writes: what it had acknowledged is there, no revision is given twice, and leases end in the next life. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { memoryBackend } from '../../src/backend/memory.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { root } from '../browser/guide-programs.js';
import { buildPackage } from '../browser/package.js';
import { drivers, newFile, removeFiles } from '../events/store-world.js';

/** Four who count one number up by compare-and-set, each with a lease of its own; it says of each change, after it was acknowledged, what it was. */
const program = `
import { writeSync } from 'node:fs';
import { memoryBackend } from './dist/src/backend/memory.js';
import { sqliteEvents } from './dist/src/events/sqlite.js';
const [path, driver] = process.argv.slice(2);
const clock = { now: () => performance.now(), setTimeout: (fn, ms) => setTimeout(fn, ms), clearTimeout: (id) => clearTimeout(id) };
const backend = memoryBackend({ clock, store: await sqliteEvents({ path, driver }) });
const say = (...words) => writeSync(1, words.join(' ') + '\\n');
const count = async (by) => {
  const granted = await backend.grant(600_000);
  const own = await backend.compareAndSet('alive/' + by, 0, by, { lease: granted.lease });
  say('set', 'alive/' + by, own.revision, by);
  let [expected, value] = [0, 0];
  for (;;) {
    const outcome = await backend.compareAndSet('n', expected, value + 1);
    if (outcome.outcome === 'ok') {
      [expected, value] = [outcome.revision, value + 1];
      say('set', 'n', outcome.revision, value);
    } else if (outcome.outcome === 'conflict') [expected, value] = [outcome.entry?.revision ?? 0, outcome.entry?.value ?? 0];
    const made = await backend.compareAndSet('t/' + by, 0, value);
    if (made.outcome === 'ok') {
      const gone = await backend.delete('t/' + by, made.revision);
      say('deleted', 't/' + by, gone.revision, made.revision);
    }
  }
};
say('ready');
await Promise.all(['0', '1', '2', '3'].map(count));
`;

let folder = '';

beforeAll(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  folder = mkdtempSync(join(root, '.build', 'kill-backend-'));
  buildPackage(folder, [join(root, 'src/backend/memory.ts'), join(root, 'src/events/sqlite.ts')]);
  writeFileSync(join(folder, 'counter.js'), program);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(removeFiles);

interface Acknowledged {
  readonly what: string;
  readonly key: string;
  readonly revision: number;
  readonly value: number;
}

/** Runs the program, kills it as soon as so many changes are acknowledged, and waits for its end. */
async function killedAfter(path: string, driver: string, count: number): Promise<readonly Acknowledged[]> {
  const child = spawn(process.execPath, [join(folder, 'counter.js'), path, driver], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged: Acknowledged[] = [];
  const lines = createInterface({ input: child.stdout });
  const read = once(lines, 'close');
  lines.on('line', (line) => {
    const [what = '', key = '', revision, value] = line.split(' ');
    if (revision !== undefined) acknowledged.push({ what, key, revision: Number(revision), value: Number(value) });
    if (acknowledged.length >= count) child.kill('SIGKILL');
  });
  await Promise.all([exited, read]);
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

describe.each(drivers.slice(0, 1))('a process that counts, on a store by %s', (driver) => {
  it.each([0, 1, 7, 40, 160])('killed after %i changes, twice over, has lost none of them', { timeout: 120_000 }, async (count) => {
    const path = newFile();
    let highest = 0;
    for (let life = 0; life < 2; life++) {
      const acknowledged = await killedAfter(path, driver, count);
      const revisions = acknowledged.map(({ revision }) => revision);
      expect(new Set(revisions).size).toBe(revisions.length);
      // Of the lives before nothing is given twice.
      expect(Math.min(Infinity, ...revisions)).toBeGreaterThan(highest);
      const clock = new VirtualClock();
      const store = await sqliteEvents({ path, driver });
      const backend = memoryBackend({ clock, store });
      const there = await backend.get('n');
      expect(there.outcome).toBe('ok');
      const entry = there.outcome === 'ok' ? there.entry : null;
      const counted = acknowledged.filter(({ key }) => key === 'n');
      const last = counted.reduce((best, one) => (one.revision > best.revision ? one : best), { revision: 0, value: 0 });
      expect(entry?.revision ?? 0).toBeGreaterThanOrEqual(last.revision);
      expect(Number(entry?.value ?? 0)).toBeGreaterThanOrEqual(last.value);
      for (const { key, revision, what } of acknowledged) {
        if (what === 'set' && key !== 'n') expect(await backend.get(key)).toMatchObject({ entry: { revision } });
        if (what === 'deleted') expect((await backend.compareAndSet(key, revision, 'late')).outcome).toBe('conflict');
      }
      // Whoever lived then is dead: their leases end, with all that was bound to them.
      await clock.advanceByAsync(600_000);
      expect(await backend.list('alive/')).toMatchObject({ outcome: 'ok', entries: [] });
      const status = await backend.status();
      expect(status).toMatchObject({ outcome: 'ok', leases: 0 });
      highest = status.outcome === 'ok' ? status.revision : 0;
      expect(highest).toBeGreaterThanOrEqual(Math.max(0, ...revisions));
      await backend.close();
      await store.close();
    }
  });
});
