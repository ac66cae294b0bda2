/**
 * Recordings of the past, replayed through the machines of today.
 *
 * A change of behaviour that is meant: `UPDATE_RECORDINGS=1 npx vitest run test/testing/replay/committed-recordings.test.ts` records all of them again;
 * the difference of the files is then part of the commit.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { expectReplay } from '../../../src/testing/replay/expect-replay.js';
import { allMachines, crashingTree, liveConversation, tasksAtWork } from './real-trees.js';

const folder = new URL('recordings/', import.meta.url);
const plays: Readonly<Record<string, () => Promise<string>>> = {
  'crashing-tree.ndjson': crashingTree,
  'live-conversation.ndjson': liveConversation,
  'tasks-at-work.ndjson': tasksAtWork,
};

it.each(Object.entries(plays))('%s replays', async (name, play) => {
  const file = new URL(name, folder);
  if (process.env['UPDATE_RECORDINGS'] === '1') writeFileSync(file, await play());
  const { transitions, cut } = expectReplay(readFileSync(file, 'utf8'), { machines: allMachines });
  expect(transitions).toBeGreaterThan(5);
  expect(cut).toBeNull();
});

it('there is no recording that nobody replays', () => {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(plays));
});
