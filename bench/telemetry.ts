/**
 * What telemetry costs: a record, beside a bare Map of numbers and the bare API of OpenTelemetry with its SDK; and a fact of an app that is watched.
 *
 * The fixture of every subject is tested in test/bench/telemetry-subjects.test.ts.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.js';
import { sweep } from './heap.js';
import { median, type Limit } from './limits.js';
import { interleave, type Row, Samples } from './rounds.js';
import { espalierSubject, mirroredSubject } from './telemetry/espalier.js';
import { facts, watchers } from './telemetry/facts.js';
import { mapSubject } from './telemetry/map.js';
import { counts, times } from './telemetry/measure.js';
import { openTelemetrySubject } from './telemetry/opentelemetry.js';
import type { Rig, Subject } from './telemetry/subject.js';

interface Sizes {
  readonly records: number;
  readonly facts: number;
}

const full: Sizes = { records: 1_000_000, facts: 100_000 };
const smoke: Sizes = { records: 200, facts: 20 };

const subjects: readonly Subject[] = [mapSubject, openTelemetrySubject, espalierSubject, mirroredSubject];
const watcherNames = Object.keys(watchers) as (keyof typeof watchers)[];

const metrics: readonly { readonly name: string; measure(rig: Rig, sizes: Sizes): Promise<number> }[] = [
  { name: 'count one', measure: (rig, { records }) => counts(rig, records) },
  { name: 'time one', measure: (rig, { records }) => times(rig, records) },
];

/** How many times what the other costs this one may. */
const against = (one: string, other: string, metric: string, atMost: number): Limit => ({
  what: `${metric}: ${one}, against ${other}`,
  unit: 'times',
  atMost,
  figure: (rows: readonly Row[]) => {
    const [ours, theirs] = [one, other].map((name) => median(rows, name, metric));
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  },
});

export const telemetryBench: Bench = {
  name: 'telemetry',
  about: 'a record beside a bare Map and the bare API of OpenTelemetry; a fact of an app that is watched',
  subjects: [...subjects.map(({ name }) => name), ...watcherNames],
  limits: [
    against(espalierSubject.name, mapSubject.name, 'count one', 4),
    against(espalierSubject.name, openTelemetrySubject.name, 'count one', 0.5),
    against(espalierSubject.name, openTelemetrySubject.name, 'time one', 0.5),
    against(mirroredSubject.name, openTelemetrySubject.name, 'count one', 2),
    against('instrumented', 'a listener', 'a fact', 2),
  ],
  run,
};

async function run(options: BenchOptions): Promise<BenchResult> {
  const sizes = options.smoke ? smoke : full;
  const isWanted = (name: string): boolean => options.only === undefined || options.only.includes(name);
  const samples = new Samples('telemetry');
  for (const { name, measure } of metrics) {
    const once = async (subject: Subject): Promise<number> => {
      const rig = subject.open();
      sweep();
      const ns = await measure(rig, sizes);
      await rig.close();
      return ns;
    };
    const wanted = subjects.filter((subject) => isWanted(subject.name));
    options.progress(`warming up: ${name}`);
    for (const subject of wanted) await once(subject);
    await interleave(options.rounds, wanted, async (subject, round) => {
      options.progress(`${name}, round ${round + 1} of ${options.rounds}: ${subject.name}`);
      samples.add(subject.name, name, 'ns', await once(subject));
    });
  }
  const wanted = watcherNames.filter(isWanted);
  for (const watcher of wanted) facts(watcher, sizes.facts);
  await interleave(options.rounds, wanted, async (watcher, round) => {
    options.progress(`a fact, round ${round + 1} of ${options.rounds}: ${watcher}`);
    sweep();
    samples.add(watcher, 'a fact', 'ns', facts(watcher, sizes.facts));
  });
  const notes = [
    'One label, of twenty values. opentelemetry: its API with sdk-metrics behind it, nothing exported meanwhile.',
    'a fact: an event to a machine that emits one; XState’s own part is in all three. instrumented: counted, measured and offered to handlers; no spans, no log.',
  ];
  return { rows: samples.rows(), notes };
}
