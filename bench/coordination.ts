/**
 * What it costs to agree, beside a bare mutex and a queue that does one thing at a time: a lock that is free, one that twenty want, and the next leader; and
 * what an agent more costs in a room of many, and a task that is balanced over them.
 *
 * The peers exclude within one process, for as long as nobody dies; espalier's lock and leader have leases, tokens and a queue on a backend, whose memory is
 * that of the process too. So the ratio is the price of that. The fixture of every subject is tested in test/bench/coordination-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { openBalance, openRoom, strategies } from './coordination/agents.js';
import { espalierSubject } from './coordination/espalier.js';
import { contended, free, successions } from './coordination/measure.js';
import { line, type Subject } from './coordination/subject.js';
import { sweep } from './heap.js';
import { preparePeers } from './install-peers.js';
import { flat } from './limits.js';
import { interleave, Samples } from './rounds.js';

interface Sizes {
  /** Agents that are there, few and many. */
  readonly live: readonly [few: number, many: number];
  /** Agents of each room, and candidates of each election. */
  readonly crowd: number;
  readonly candidates: number;
  readonly times: number;
  /** Agents that come to a room and go, and tasks. */
  readonly passing: number;
  readonly tasks: number;
}

const full: Sizes = { live: [100, 10_000], crowd: 20, candidates: 5, times: 400, passing: 300, tasks: 10_000 };
const smoke: Sizes = { live: [20, 40], crowd: 10, candidates: 5, times: 4, passing: 3, tasks: 20 };

const peerNames = ['async-mutex', 'p-queue'];

interface Metric {
  readonly name: string;
  measure(subject: Subject, live: number, sizes: Sizes): Promise<number>;
}

const metrics: readonly Metric[] = [
  {
    name: 'lock, free',
    measure: async (subject, live, { times }) => {
      const rig = await subject.open(live, 1);
      sweep();
      const us = await free(rig, live, times);
      await rig.close();
      return us;
    },
  },
  {
    name: 'lock, contended',
    measure: async (subject, live, { crowd, times }) => {
      const rooms = live / crowd;
      const rig = await subject.open(rooms, crowd);
      sweep();
      const us = await contended(rig, Math.min(rooms, Math.ceil(times / crowd)), crowd);
      await rig.close();
      return us;
    },
  },
  {
    name: 'next leader',
    measure: async (subject, live, { candidates, times }) => {
      const count = live / candidates;
      const elections = await subject.elect(count, candidates);
      sweep();
      const us = await successions(elections, count, Math.ceil(times / candidates));
      await elections.close();
      return us;
    },
  },
];

/** What is measured of a room, and of a balancer with each strategy. */
const visits = ['register', 'start', 'stop', 'unregister'] as const;
const visitName = (visit: (typeof visits)[number]): string => `agent: ${visit}`;
const balanceName = (strategy: (typeof strategies)[number]): string => `task, ${strategy}`;

export const coordinationBench: Bench = {
  name: 'coordination',
  about: 'a lock and the next leader beside a bare mutex and p-queue; agents registered, started and balanced; all at 100 and at 10 000 agents',
  subjects: [...peerNames, espalierSubject.name],
  limits: [...metrics.map(({ name }) => name), ...visits.map(visitName), ...strategies.map(balanceName)].map((name) =>
    flat(espalierSubject.name, name, full.live),
  ),
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const { subjects, notes } = await chooseSubjects(options);
  const samples = new Samples('coordination');
  for (const { name, measure } of metrics) {
    options.progress(`warming up: ${name}`);
    for (const subject of subjects) await measure(subject, sizes.live[0], sizes);
    await interleave(options.rounds, subjects, async (subject, round) => {
      for (const live of sizes.live) {
        options.progress(`${name}, round ${round + 1} of ${options.rounds}: ${subject.name}, ${live} agents`);
        samples.add(subject.name, name, 'µs', await measure(subject, live, sizes), live);
      }
    });
  }
  if (subjects.includes(espalierSubject)) {
    await agents(options, sizes, samples);
    await balanced(options, sizes, samples);
  }
  return { rows: samples.rows(), notes };
}

/** The rooms stay for all rounds: ten thousand agents take their time to come. */
async function agents({ rounds, progress }: BenchOptions, { live, passing }: Sizes, samples: Samples): Promise<void> {
  const rooms = [];
  for (const count of live) {
    progress(`agents: ${count} come`);
    const room = await openRoom(count, passing);
    await room.visit(passing);
    rooms.push({ count, room });
  }
  await interleave(rounds, rooms, async ({ count, room }, round) => {
    progress(`agents, round ${round + 1} of ${rounds}: ${count} agents`);
    sweep();
    const took = await room.visit(passing);
    for (const visit of visits) samples.add(espalierSubject.name, visitName(visit), 'µs', took[visit], count);
  });
  for (const { room } of rooms) await room.close();
}

async function balanced({ rounds, progress }: BenchOptions, { live, tasks }: Sizes, samples: Samples): Promise<void> {
  for (const strategy of strategies) {
    const balances = live.map((count) => ({ count, balance: openBalance(strategy, count) }));
    for (const { balance } of balances) await balance.run(tasks);
    await interleave(rounds, balances, async ({ count, balance }, round) => {
      progress(`${balanceName(strategy)}, round ${round + 1} of ${rounds}: ${count} agents`);
      sweep();
      samples.add(espalierSubject.name, balanceName(strategy), 'µs', await balance.run(tasks), count);
    });
    for (const { balance } of balances) await balance.balancer.close();
  }
}

async function chooseSubjects(options: BenchOptions): Promise<{ subjects: Subject[]; notes: string[] }> {
  const notes = [
    'lock, free: in and out, one agent after the other; lock, contended: twenty agents of one room at once, µs for each.',
    'next leader: from where one of five gives up to where the next one leads; for the peers, to where the next in line is in.',
    'espalier: each has a lease on the embedded backend, its own deadline and a fencing token; whoever dies gives way. The peers have none of it.',
    'agent: one more, in a room where so many run, with a supervisor and a restart budget of its own; 300 come and go in a round.',
    'task: assigned to one of so many agents, of which fifty have one in hand, by each strategy, and completed.',
  ];
  const wanted = ({ name }: Subject) => options.only === undefined || options.only.includes(name);
  let peers: Subject[] = [];
  if (options.only === undefined || peerNames.some((name) => options.only?.includes(name))) {
    const prepared = await preparePeers(options.progress);
    if (prepared.ok) peers = ((await prepared.import('mutexes.js')) as { mutexes(of: typeof line): Subject[] }).mutexes(line);
    else notes.push(`${peerNames.join(', ')}: skipped, ${prepared.reason}`);
  }
  return { subjects: [...peers, espalierSubject].filter(wanted), notes };
}
