/** What is promised of a supervised task; each figure from medians of one and the same run. */
import { median, type Limit } from '../limits.js';
import type { Row } from '../rounds.js';
import { smallYoung } from './subject.js';
import { fastestPeer, floor } from './subjects.js';

/** Live children, fewest first. The limits speak of the first, the third and the last. */
export const lives = [0, 100, 10_000, 100_000] as const;

/** Tasks whose ends must leave nothing. */
export const keptTasks = 1_000_000;

/** Tasks handed over at once. */
export const burstTasks = 100_000;

const many = lives[3];
const siblings = lives[2];

type Figure = Limit['figure'];

const of =
  (subject: string, metric: string, live?: number): Figure =>
  (rows) =>
    median(rows, subject, metric, live);

/** One figure in times of another; undefined when either was not measured. */
const over =
  (upper: Figure, lower: Figure): Figure =>
  (rows) => {
    const [above, below] = [upper(rows), lower(rows)];
    return above === undefined || below === undefined ? undefined : above / below;
  };

/** The worst of them; undefined when one was not measured. */
const worst =
  (figures: readonly Figure[]): Figure =>
  (rows: readonly Row[]) => {
    const all = figures.map((figure) => figure(rows));
    return all.every((one) => one !== undefined) ? Math.max(...all) : undefined;
  };

const latency = (words: string, metric: string, percentile: 'p50' | 'p99', atMost: number): Limit => ({
  what: `${words}, ${percentile}, at the worst number of live tasks from 0 to 100 000`,
  unit: 'µs',
  atMost,
  figure: worst(lives.map((live) => of('espalier', `${metric} ${percentile}`, live))),
});

const task = (subject: string, live: number): Figure => of(subject, 'task', live);

export const limits: readonly Limit[] = [
  { what: 'a supervised task / a bare promise, sustained', unit: 'times', atMost: 2.5, figure: over(task('espalier', 0), task(floor, 0)) },
  {
    what: 'a supervised task / a bare promise, sustained, with 100 000 live',
    unit: 'times',
    atMost: 3.5,
    figure: over(task('espalier', many), task(floor, many)),
  },
  { what: 'a supervised task / Effect `FiberSet`', unit: 'times', atMost: 0.45, figure: over(task('espalier', 0), task(fastestPeer, 0)) },
  latency('from the start to the first line', 'start-to-entry', 'p50', 1),
  latency('from the start to the first line', 'start-to-entry', 'p99', 5),
  latency('from the end to the notice of it', 'end-to-notice', 'p50', 1),
  latency('from the end to the notice of it', 'end-to-notice', 'p99', 5),
  { what: 'a task with 100 000 live / with none', unit: 'times', atMost: 1.5, figure: over(task('espalier', many), task('espalier', 0)) },
  {
    what: 'bytes of a live task, its promise included / Effect `FiberSet`',
    unit: 'times',
    atMost: 0.6,
    figure: over(of('espalier', 'bytes', many), of(fastestPeer, 'bytes', many)),
  },
  {
    what: 'a forced full collection with 100 000 live / Effect `FiberSet`',
    unit: 'times',
    atMost: 1,
    figure: over(of('espalier', 'collection', many), of(fastestPeer, 'collection', many)),
  },
  { what: 'from a crash to the restarted task, among 10 000, p50', unit: 'µs', atMost: 3, figure: of('espalier', 'restart p50', siblings) },
  { what: 'from a crash to the restarted task, among 10 000, p99', unit: 'µs', atMost: 10, figure: of('espalier', 'restart p99', siblings) },
  {
    what: 'from a crash to the restarted machine, among 10 000, p99',
    unit: 'µs',
    atMost: 250,
    figure: of('espalier', 'restart of a machine p99', siblings),
  },
  { what: 'stop of 100 000', unit: 'ms', atMost: 25, figure: of('espalier', 'stop-all', many) },
  {
    what: 'kept of a finished task, after 1 000 000 with names of their own',
    unit: 'bytes',
    atLeast: -1,
    atMost: 1,
    figure: of('espalier', 'kept'),
  },
  {
    what: 'a task made by `createActor` throughout / a bare promise',
    unit: 'times',
    atMost: 25,
    figure: over(task('espalier-full', 0), task(floor, 0)),
  },
  { what: 'the same with 100 000 live', unit: 'µs', atMost: 60, figure: task('espalier-full', many) },
  ...held('begin', 'starts'),
  ...held('begin and end', 'starts and ends'),
];

/** How long a burst may hold the loop: all in all, where V8 copies little that is young at once, and by what we do ourselves. */
function held(what: string, metric: string): readonly Limit[] {
  const hold = (where: string, subject: string, kind: string): Limit => ({
    what: `the longest hold of the event loop while 100 000 tasks ${what}, handed over at once${where}`,
    unit: 'ms',
    atMost: 5,
    figure: of(subject, `${kind}, ${metric}`, burstTasks),
  });
  return [
    hold('', 'espalier', 'longest hold'),
    hold(', in a process of `--max-semi-space-size=1`', smallYoung, 'longest hold'),
    hold(', without the collections of the heap that fall into it', 'espalier', 'longest hold without collections'),
  ];
}
