/** What the comms bench measures does what it is measured for: each is answered once, hears once, and a stalled agent is stalled. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { espalierSubject, openStage, type Stage } from '../../bench/comms/espalier.js';
import { eventEmitterSubject } from '../../bench/comms/event-emitter.js';
import { costToOthers, notices, publications, requests } from '../../bench/comms/measure.js';
import type { Rig, Subject } from '../../bench/comms/subject.js';
import { commsBench } from '../../bench/comms.js';
import { peersFolder } from '../../bench/install-peers.js';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { medianBounds, summarise } from '../../bench/stats.js';
import { machineTime } from '../../bench/stopwatch.js';
import { hash } from '../../machines/hash.js';
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
  const sizes = { agents: 2, turns: 2, samples: 3, fours: 2, slice: 200, crawls };
  // Slices of no time at all, which another process may make of them, have no figure.
  expect(await most(async () => (await costToOthers(stages, sizes)).length)).toBeGreaterThan(0);
  expect(stages.map((stage) => stage.backlog())).toEqual([0, 0]);
  for (const { rig } of stages) await rig.close();
});

test('the limits hold what is measured at many agents to few, and the others of a stalled one to themselves', () => {
  const row = (metric: string, live: number, value: number): Row => ({
    ...{ bench: 'comms', subject: 'espalier', metric, unit: 'µs', live, median: value, p25: value, p75: value },
  });
  const measures = ['request and reply', 'notify', 'publish to 1 000'];
  const rows = [...measures.flatMap((metric, index) => [row(metric, 100, 10), row(metric, 10_000, 14 + index)])];
  // What it seems to cost is not looked at, but what it may: a measure that is off by 2 % says nothing of 1.
  rows.push(row('others, one is paused', 100, 0.4), row('others, one is paused: at the most', 100, 0.9));
  rows.push(row('others, one is slow', 100, 0), row('others, one is slow: at the most', 100, 2));
  expect(judge(commsBench.limits, rows).map(({ holds }) => holds)).toEqual([true, true, false, true, false]);
});

test('what a stalled agent costs is found where it costs something, to a part of a per cent, however unsteady the machine is', async () => {
  // A machine that says how long a question takes: drifting by a third, ten times as long now and then, and 0.8 % more beside a stalled agent.
  let [now, asked, busy] = [0, 0, 0];
  const stageOf = (): Stage => {
    let isStalled = false;
    const request = async (): Promise<void> => {
      asked++;
      const drift = 1 + Math.sin(asked / 5_000) / 3;
      now += drift * (hash(`${asked}`) % 1_000 === 0 ? 10 : 1) * (isStalled ? 1.008 : 1);
    };
    const stall = (): void => void ((isStalled = true), busy++);
    const resume = async (): Promise<void> => void (isStalled = false);
    return { rig: { request } as unknown as Rig, stall, resume, crawl: async () => {}, backlog: () => 0 };
  };
  vi.spyOn(machineTime, 'now').mockImplementation(() => now);
  vi.spyOn(machineTime, 'waited').mockReturnValue(0);
  const figures = await costToOthers([stageOf(), stageOf()], { agents: 2, turns: 20, samples: 20, fours: 1, slice: 50, crawls: false });
  const { low, high } = medianBounds(figures);
  expect([figures.length, busy]).toEqual([20, 40]);
  expect(summarise(figures).median).toBeCloseTo(0.8, 1);
  expect(high - low).toBeLessThan(0.2);
  expect(low).toBeLessThanOrEqual(0.8);
  expect(high).toBeGreaterThanOrEqual(0.8);
});
