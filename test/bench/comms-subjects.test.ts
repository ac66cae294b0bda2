/** What the comms bench measures does what it is measured for: each is answered once, hears once, and a stalled agent is stalled. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { espalierSubject, openStage } from '../../bench/comms/espalier.js';
import { eventEmitterSubject } from '../../bench/comms/event-emitter.js';
import { costToOthers, notices, publications, requests } from '../../bench/comms/measure.js';
import type { Subject } from '../../bench/comms/subject.js';
import { commsBench } from '../../bench/comms.js';
import { peersFolder } from '../../bench/install-peers.js';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { most } from './looks.js';

// The peers are installed by the bench command, not by the root: where they are missing, their fixtures are not tested.
const peers = peersFolder();
const { queues } = existsSync(join(peers, 'node_modules', 'p-queue'))
  ? ((await import(/* @vite-ignore */ pathToFileURL(join(peers, 'queues.js')).href)) as { queues: Subject })
  : { queues: undefined };
const subjects = [espalierSubject, eventEmitterSubject, ...(queues === undefined ? [] : [queues])];

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('answers each question with the answer to it', async () => {
    const rig = await subject.open(3, 0);
    expect(await Promise.all([0, 1, 2, 0].map((agent, index) => rig.request(agent, index)))).toEqual([1, 2, 3, 4]);
    await rig.close();
  });

  test('has each notice heard once, and what is published once by each subscriber', async () => {
    const rig = await subject.open(3, 5);
    for (const agent of [0, 1, 2]) await rig.notify(agent, 1);
    expect(rig.heard()).toBe(3);
    await rig.publish(1);
    expect(rig.heard()).toBe(8);
    await rig.close();
  });

  test('is measured', async () => {
    const rig = await subject.open(3, 5);
    for (const measure of [() => requests(rig, 3, 500), () => notices(rig, 3, 500), () => publications(rig, 200)])
      expect(await most(measure)).toBeGreaterThan(0);
    await rig.close();
  });
});

test('a stalled agent has a full mailbox until it goes on, also while it crawls, and the others answer', async () => {
  const stage = await openStage(2);
  expect(stage.backlog()).toBe(0);
  stage.stall();
  expect(stage.backlog()).toBe(116);
  expect(await stage.rig.request(1, 4)).toBe(5);
  await stage.crawl();
  expect(await stage.rig.request(0, 4)).toBe(5);
  expect(stage.backlog()).toBe(116);
  await stage.resume();
  expect(stage.backlog()).toBe(0);
  await stage.rig.close();
});

test.each([false, true])('what a stalled agent costs the others is measured, and leaves nothing behind (it crawls: %s)', async (crawls) => {
  const stages = [await openStage(2), await openStage(2)] as const;
  // A slice of no time at all, which another process may make of it, has no ratio.
  expect(await most(() => costToOthers(stages, { agents: 2, turns: 2, pairs: 3, slice: 200, crawls }))).toBeGreaterThan(0);
  expect(stages.map((stage) => stage.backlog())).toEqual([0, 0]);
  for (const { rig } of stages) await rig.close();
});

test('the limits hold what is measured at many agents to few, and the others of a stalled one to themselves', () => {
  const row = (metric: string, live: number, value: number): Row => ({
    ...{ bench: 'comms', subject: 'espalier', metric, unit: 'µs', live, median: value, p25: value, p75: value },
  });
  const measures = ['request and reply', 'notify', 'publish to 1 000'];
  const rows = [...measures.flatMap((metric, index) => [row(metric, 100, 10), row(metric, 10_000, 14 + index)])];
  rows.push(row('others, one is paused', 100, 1.005), row('others, one is slow', 100, 1.02));
  expect(judge(commsBench.limits, rows).map(({ holds }) => holds)).toEqual([true, true, false, true, false]);
});
