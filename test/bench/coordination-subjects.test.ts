/** What the coordination bench measures does what it is measured for: one at a time is in a room, one leads, agents run, and tasks are with the agents. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openBalance, openRoom, strategies } from '../../bench/coordination/agents.js';
import { espalierSubject } from '../../bench/coordination/espalier.js';
import { contended, free, successions } from '../../bench/coordination/measure.js';
import { line, type Subject } from '../../bench/coordination/subject.js';
import { coordinationBench } from '../../bench/coordination.js';
import { peersFolder } from '../../bench/install-peers.js';
import { judge } from '../../bench/limits.js';
import type { Row } from '../../bench/rounds.js';
import { most } from './looks.js';

// The peers are installed by the bench command, not by the root: where they are missing, their fixtures are not tested.
const peers = peersFolder();
const mutexes = existsSync(join(peers, 'node_modules', 'async-mutex'))
  ? ((await import(/* @vite-ignore */ pathToFileURL(join(peers, 'mutexes.js')).href)) as { mutexes(of: typeof line): Subject[] }).mutexes(line)
  : [];
const subjects = [espalierSubject, ...mutexes];

describe.each(subjects.map((subject) => [subject.name, subject] as const))('the fixture of %s', (_, subject) => {
  test('lets one agent at a time into a room, in the end each, and rooms do not wait for each other', async () => {
    const rig = await subject.open(2, 4);
    const elsewhere = await rig.enter(1, 0);
    let [inside, crowd, through] = [0, 0, 0];
    await Promise.all(
      [0, 1, 2, 3].map(async (agent) => {
        const leave = await rig.enter(0, agent);
        crowd = Math.max(crowd, ++inside);
        await Promise.resolve();
        inside--;
        through++;
        await leave();
      }),
    );
    expect([crowd, through]).toEqual([1, 4]);
    await elsewhere();
    await rig.close();
  });

  test('has another lead as often as one gives up', async () => {
    const elections = await subject.elect(2, 3);
    for (const election of [0, 1, 0, 0, 0, 1]) await elections.succeed(election);
    await elections.close();
  });

  test('is measured', async () => {
    const rig = await subject.open(2, 3);
    for (const measure of [() => free(rig, 2, 50), () => contended(rig, 2, 3)]) expect(await most(measure)).toBeGreaterThan(0);
    await rig.close();
    const elections = await subject.elect(2, 3);
    expect(await most(() => successions(elections, 2, 20))).toBeGreaterThan(0);
    await elections.close();
  });
});

test('of the agents of a room those run that live there, and who visits is gone afterwards', async () => {
  const room = await openRoom(3, 2);
  const took = await room.visit(2);
  expect(Object.keys(took)).toEqual(['register', 'start', 'stop', 'unregister']);
  expect(room.agents.list().map(({ id, state }) => [id, state])).toEqual([0, 1, 2].map((index) => [`agent ${index}`, 'running']));
  await room.close();
});

test.each(strategies)('tasks are balanced over many agents, fifty in hand at a time, and all are done (%s)', async (strategy) => {
  const { balancer, run } = openBalance(strategy, 60);
  let inHand = 0;
  let mostInHand = 0;
  const given = new Set<string>();
  balancer.on('balancer.assigned', ({ agent }) => {
    given.add(agent);
    mostInHand = Math.max(mostInHand, ++inHand);
  });
  balancer.on('balancer.ended', () => inHand--);
  await run(100);
  const { assigned, done, failed, refused, tasks } = balancer.status();
  expect({ assigned, done, failed, refused, tasks, mostInHand }).toEqual({
    assigned: 150,
    done: 150,
    failed: 0,
    refused: 0,
    tasks: 0,
    mostInHand: 50,
  });
  expect(given.size).toBeGreaterThan(1);
  await balancer.close();
});

test('the limits hold all that is measured at many agents to few', () => {
  const names = coordinationBench.limits.map(({ what }) => what.split(', at 10 000')[0] as string);
  expect(names.length).toBe(11);
  const row = (metric: string, live: number, value: number): Row => ({
    ...{ bench: 'coordination', subject: 'espalier', metric, unit: 'µs', live, median: value, p25: value, p75: value },
  });
  const rows = names.flatMap((metric, index) => [row(metric, 100, 10), row(metric, 10_000, index === 0 ? 16 : 15)]);
  expect(judge(coordinationBench.limits, rows).map(({ holds }) => holds)).toEqual(names.map((_, index) => index > 0));
});
