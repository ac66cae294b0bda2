import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseSubjects, subjectNames } from '../../bench/compare/subjects.js';
import { peersFolder } from '../../bench/install-peers.js';

const live = join(peersFolder(), 'live');
const noInstall = () => Promise.reject(new Error('nothing was to be installed'));

describe('the subjects of the comparison', () => {
  test('are ours, and the peers that the package of the peers pins', () => {
    const { dependencies } = JSON.parse(readFileSync(join(live, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    expect([...subjectNames].sort()).toEqual([...Object.keys(dependencies), 'espalier'].sort());
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const file of ['genai.js', 'adk.js']) expect(existsSync(join(live, file))).toBe(true);
  });

  test('need no peers where none is asked for', async () => {
    const { subjects, skipped } = await chooseSubjects(['espalier'], () => {}, noInstall);
    expect({ names: subjects.map(({ name }) => name), skipped }).toEqual({ names: ['espalier'], skipped: [] });
  });

  test('do without peers that cannot be installed, and say which and why', async () => {
    const folders: (string | undefined)[] = [];
    const { subjects, skipped } = await chooseSubjects(
      subjectNames,
      () => {},
      (_, folder) => {
        folders.push(folder);
        return Promise.resolve({ ok: false, reason: 'npm ci failed: ENOTFOUND' });
      },
    );
    expect(folders).toEqual([live]);
    expect(subjects.map(({ name }) => name)).toEqual(['espalier']);
    expect(skipped).toEqual(['@google/genai: skipped, npm ci failed: ENOTFOUND', '@google/adk: skipped, npm ci failed: ENOTFOUND']);
  });
});
