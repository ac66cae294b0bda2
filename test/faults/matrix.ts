/** What a fault matrix is made of: the steps that stories take, and everybody who can be struck at each. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { Chance } from '../../src/testing/world/chance.js';
import { type Strike, strikes } from './strikes.js';
import { moments, nameOf, type Step, type Story, Tower } from './tower.js';

/** A step to be struck at, in the first story that takes it. */
export interface Row {
  readonly story: Story;
  readonly step: Step;
}

/** Stories of which nobody was struck. */
export interface Calm {
  readonly rows: readonly Row[];
  /** What was not as it must be, all the same. */
  readonly problems: readonly string[];
}

export const seed = Number(process.env['FAULT_SEED'] ?? 5);

/** Tells each story to its end. */
export async function calmOf(stories: readonly Story[]): Promise<Calm> {
  // XState warns, in its development build, of each event to an actor that has ended.
  const quiet = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const rows = new Map<string, Row>();
  const problems: string[] = [];
  for (const story of stories) {
    const tower = new Tower(story);
    problems.push(...(await tower.end()).map((problem) => `${story.name}: ${problem}`));
    for (const step of tower.steps) {
      const name = `${nameOf(step)}, with ${step.living.join(' ')}`;
      if (!rows.has(name)) rows.set(name, { story, step });
    }
  }
  quiet.mockRestore();
  return { rows: [...rows.values()], problems };
}

/**
 * Has each test of a file fail where an error was printed, or a promise was left rejected.
 * @returns takes those that there have been so far, for a test that tells whose they are
 */
export function hearFaults(): () => unknown[] {
  const faults: unknown[] = [];
  const note = (fault: unknown): void => void faults.push(fault);
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.spyOn(console, 'error').mockImplementation((...words) => void faults.push(words));
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
    expect(faults.splice(0)).toEqual([]);
  });
  return () => faults.splice(0);
}

/** Strikes so at each of these steps, each blow in a tower of its own. @returns what is not as it must be, with what was done */
export async function struckAt(rows: readonly Row[], kind: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const row of rows) for (const strike of strikesAt(row, kind)) found.push(...(await struck(row, strike)));
  return found;
}

async function struck({ step, story }: Row, { name, strike }: Strike): Promise<readonly string[]> {
  const wanted = nameOf(step);
  const living = step.living.join(' ');
  const moment = new Chance(seed, `${story.name}:${wanted}:${living}:${name}`).pick(moments);
  let hasStruck = false;
  const tower = new Tower(story, [
    {
      at: (taken) => nameOf(taken) === wanted && taken.living.join(' ') === living,
      act: (hit) => {
        hasStruck = true;
        strike(hit);
      },
      moment,
    },
  ]);
  const problems = await tower.end();
  const all = hasStruck ? problems : ['the step was not taken', ...problems];
  return all.map((problem) => `${story.name}; at ${wanted}; ${moment}: ${name}: ${problem}`);
}

/** Everybody who can be struck so at that step; of what differs little, one by chance. */
function strikesAt({ step, story }: Row, kind: string): readonly Strike[] {
  const all = strikes[kind]?.(step.living) ?? [];
  const isOneEnough =
    kind === 'an actor of a worker is told to end by a stranger' || (kind === 'an actor of the gate is killed' && step.machine !== 'gate');
  return isOneEnough && all.length > 0 ? [new Chance(seed, `${story.name}:${nameOf(step)}:${kind}`).pick(all)] : all;
}
