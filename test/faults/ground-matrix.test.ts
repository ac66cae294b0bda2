/**
 * The fault matrix of the ground floor: at each step of an application with all its services, everybody who lives is killed. Either all runs again, in order,
 * and nothing that was acknowledged is lost; or the application has failed, and says of what. `FAULT_SEED=7` draws the moments anew.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Chance } from '../../src/testing/world/chance.js';
import { kill, permitted, played } from './ground-claims.js';
import { type GroundStep, servicesPath } from './ground.js';
import { hearFaults, seed } from './matrix.js';
import { moments } from './tower.js';

const calm = await played();
const takeFaults = hearFaults();
const paths = victims([...new Set(calm.ground.steps.flatMap(({ living }) => living))].sort());

/** Of a monitor's watchers, which differ by whom they watch alone, one by chance. */
function victims(all: readonly string[]): readonly string[] {
  const isWatcher = (path: string): boolean => /\/table\/[^/]+$/.test(path);
  const tables = [...new Set(all.filter(isWatcher).map((path) => path.slice(0, path.lastIndexOf('/'))))];
  const one = (table: string): string => new Chance(seed, table).pick(all.filter((path) => path.startsWith(`${table}/`)));
  return [...all.filter((path) => !isWatcher(path)), ...tables.map(one)];
}

describe('the ground floor', () => {
  it('is played to its end, and leaves nothing', () => {
    expect(calm.problems).toEqual([]);
  });

  it.each(paths)('whoever is killed: %s', { timeout: 120_000 }, async (path) => {
    expect(await struckAtEach(calm.ground.steps, path), `seed ${seed}`).toEqual([]);
  });

  it.each(['events', 'events/engine'])('in a file nothing acknowledged is lost: %s', { timeout: 120_000 }, async (id) => {
    const folder = mkdtempSync(join(tmpdir(), 'ground-'));
    try {
      const file = join(folder, 'calm.db');
      const { ground, problems } = await played(undefined, file);
      expect(problems).toEqual([]);
      // However long a file takes: nothing of it is told by the clock.
      expect(ground.steps.map(({ name }) => name)).toEqual(calm.ground.steps.map(({ name }) => name));
      expect(await struckAtEach(ground.steps, servicesPath + id, (at) => join(folder, `${at}.db`)), `seed ${seed}`).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Is it a part of a service? Those are killed at half of the steps, by chance. */
function isPart(path: string): boolean {
  return path.startsWith(servicesPath) && path.slice(servicesPath.length).includes('/');
}

/** Kills whoever is at that path at each step at which he lives, each time on a ground of its own. @returns what is not as it must be */
async function struckAtEach(steps: readonly GroundStep[], path: string, fileAt?: (at: number) => string): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [at, { living, name }] of steps.entries()) {
    if (!living.includes(path) || (isPart(path) && new Chance(seed, `${path}:${at}`).pick([true, false]))) continue;
    const moment = new Chance(seed, `${at}:${path}`).pick(moments);
    const struck = await played({ at, moment, strike: kill(path) }, fileAt?.(at), permitted(path));
    const found = [...struck.problems, ...takeFaults().map((fault) => `printed: ${String(fault)}`)];
    if (struck.ground.steps[at]?.name !== name) found.push('the step was not taken');
    problems.push(...found.map((problem) => `${at} ${name}; ${moment}: ${problem}`));
  }
  return problems;
}
