/**
 * What a name costs, beside a bare Map, which forgets nobody, and a Map with a listener for each actor, which is the least that forgets the dead.
 *
 * The fixture of every subject is tested in test/bench/registry-subjects.test.ts.
 */
import type { AnyActorRef } from 'xstate';
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { median, type Limit } from './limits.js';
import { espalierSubject } from './registry/espalier.js';
import { mapSubject, watchedMapSubject } from './registry/map.js';
import { actors, deaths, furnish, lookups, registrations, searches, type Stage } from './registry/measure.js';
import type { Subject } from './registry/subject.js';
import { interleave, type Row, Samples } from './rounds.js';

interface Sizes {
  /** Names that are there all the time. */
  readonly live: number;
  /** Names that come and go. */
  readonly passing: number;
  readonly rounds: number;
  readonly searches: number;
}

const full: Sizes = { live: 10_000, passing: 10_000, rounds: 20, searches: 20_000 };
const smoke: Sizes = { live: 100, passing: 20, rounds: 1, searches: 2 };

interface Metric {
  readonly name: string;
  measure(stage: Stage, sizes: Sizes, passing: readonly AnyActorRef[]): number;
}

const metrics: readonly Metric[] = [
  { name: 'whereis', measure: (stage, { rounds }) => lookups(stage, rounds) },
  { name: 'register, unregister', measure: (stage, { rounds }, passing) => registrations(stage, passing, Math.ceil(rounds / 4)) },
  { name: 'register, die', measure: (stage, _, passing) => deaths(stage, passing) },
  { name: 'search by a field', measure: (stage, sizes) => searches(stage, Math.ceil(sizes.searches * stage.rig.share)) },
];

/** How many times what `other` costs we may. */
const against = (other: Subject, name: string, atMost: number): Limit => ({
  what: `${name}, against ${other.name}`,
  unit: 'times',
  atMost,
  figure: (rows: readonly Row[]) => {
    const [ours, theirs] = [espalierSubject, other].map((subject) => median(rows, subject.name, name));
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  },
});

export const registryBench: Bench = {
  name: 'registry',
  about: 'a name beside a bare Map and one that watches its actors: found, given and taken, lost by death, searched for by a field',
  subjects: [mapSubject.name, watchedMapSubject.name, espalierSubject.name],
  limits: [
    against(mapSubject, 'whereis', 4),
    against(watchedMapSubject, 'register, unregister', 3),
    against(watchedMapSubject, 'register, die', 3),
    against(mapSubject, 'search by a field', 0.1),
  ],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const subjects = [mapSubject, watchedMapSubject, espalierSubject].filter(({ name }) => options.only === undefined || options.only.includes(name));
  const samples = new Samples('registry');
  const refs = actors(sizes.live);
  for (const { name, measure } of metrics) {
    const once = (subject: Subject): number => {
      const stage = furnish(subject.open(), refs);
      const passing = actors(sizes.passing);
      sweep();
      const us = measure(stage, sizes, passing);
      stage.rig.close();
      return us;
    };
    options.progress(`warming up: ${name}`);
    for (const subject of subjects) once(subject);
    await interleave(options.rounds, subjects, async (subject, round) => {
      options.progress(`${name}, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      samples.add(subject.name, name, 'µs', once(subject));
    });
  }
  for (const ref of refs) (ref as AnyActorRef & { stop(): void }).stop();
  const notes = [
    `${sizes.live} names are there all the time. whereis: one of them is found; espalier looks too whether it lives.`,
    'register, unregister: both together, by calls. register, die: both together, with what XState needs to stop an actor; the bare Map is told by hand.',
    'search by a field: ten of them, of a thousand zones; the bare Map looks at all, the other keeps a Map of zones, espalier an index.',
  ];
  return { rows: samples.rows(), notes };
}
