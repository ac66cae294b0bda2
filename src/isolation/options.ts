/** What an isolation pool is asked for, checked, and turned into the input of its chart and the numbers of its threads. */
import { availableParallelism } from 'node:os';
import type { AnyActorRef } from 'xstate';
import type { Backoff } from '../../machines/backoff.js';
import type { IsolationInput } from '../../machines/isolation/isolation-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { isActor, sortOf } from '../option-checks.js';
import { count, duration, invalid, requireOptions, requireSignal } from './refusal.js';

/** Options of an isolation pool; each may be left out. A name that is not here is refused. */
export interface IsolationOptions {
  /** How many threads at most, 1 to 1 000. Default: one less than the machine has processors, at least 1. They begin with the first jobs. */
  readonly threads?: number;
  /**
   * `process`, the default: each thread in a process of its own, so that nothing that a job does to memory reaches the app. `thread`: threads of this process,
   * cheaper to begin and to be given much; a job that asks for far more than its ceiling at once takes the app along.
   */
  readonly inside?: 'process' | 'thread';
  /** The ceiling of a thread's heap, MiB, at least 16. Default 256. */
  readonly heapMb?: number;
  /** The ceiling of a thread's process, MiB, with its buffers. Default: twice `heapMb` and 128. With `inside: 'thread'` there is none. */
  readonly processMb?: number;
  /** How many jobs may wait for a thread; one more is refused, `full`. Default 1 000; 0: none. */
  readonly maxQueue?: number;
  /** How long a job may take, ms, from being asked for to its outcome, where it does not say itself. Default 60 000. */
  readonly deadlineMs?: number;
  /** After so many jobs a thread makes place for a new one; so does one that keeps more than half of its heap. 1: a thread for each. Default 100. */
  readonly jobsPerThread?: number;
  /** A thread without a job ends after so long, ms. Default 30 000. */
  readonly idleMs?: number;
  /** Losses of threads within `periodMs` that are made good at once. Default 5 in 60 000 ms. */
  readonly intensity?: number;
  readonly periodMs?: number;
  /** The pause, beyond that, before a thread is tried again. Default: 100 ms, doubling up to 30 s, a quarter of it by chance. */
  readonly backoff?: Partial<Backoff>;
  /** Trials in a row that may be lost before the pool fails, which to its supervisor is a crash. Default 5. */
  readonly maxTrials?: number;
  /** How long jobs may go on when it closes, ms. Default 3 000. */
  readonly drainMs?: number;
  /** How long its threads may then take to end, ms. Default 1 000. */
  readonly endMs?: number;
}

/** What is to be done. */
export interface Job {
  /** Where the function is: an absolute URL, such as `new URL('./work.js', import.meta.url)`. */
  readonly module: URL | string;
  /** Under which name it is exported. Default `default`. */
  readonly export?: string;
  /** Its argument, copied at the call, by structured clone. */
  readonly input?: unknown;
}

/** Beside a job. */
export interface JobOptions {
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** How long it may take, ms, from now to its outcome. Default: the pool's. */
  readonly deadlineMs?: number;
  /** For whom it is: when that actor ends, the job is cancelled. */
  readonly from?: AnyActorRef;
  /** Its name, in the outcome and in facts, up to 200 characters. Default: a new one. */
  readonly ref?: string;
}

/** What the options come to. */
export interface IsolationPlan {
  readonly input: IsolationInput;
  readonly inside: 'process' | 'thread';
  readonly threads: number;
  readonly heapMb: number;
  readonly processMb: number;
  readonly maxQueue: number;
  readonly deadlineMs: number;
  readonly jobsPerThread: number;
  readonly idleMs: number;
}

const defaultBackoff: Backoff = { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.25, resetAfterMs: 60_000 };
const sizes = ['threads', 'inside', 'heapMb', 'processMb', 'maxQueue', 'deadlineMs', 'jobsPerThread', 'idleMs'];
const losses = ['intensity', 'periodMs', 'backoff', 'maxTrials', 'drainMs', 'endMs'];

/** @throws EspalierError `isolation/invalid-options`, with the option's name */
export function planIsolation(options: IsolationOptions): IsolationPlan {
  requireOptions('the options of an isolation pool', options, [...sizes, ...losses]);
  const { inside = 'process', backoff = {} } = options;
  if (inside !== 'process' && inside !== 'thread') throw invalid('inside', "'process' or 'thread'", sortOf(inside));
  if (inside === 'thread' && options.processMb !== undefined) throw invalid('processMb', "nothing with inside: 'thread'", 'a ceiling');
  const heapMb = count('heapMb', options.heapMb, 256);
  if (heapMb < 16) throw invalid('heapMb', 'at least 16 MiB, or no thread begins', heapMb);
  const processMb = count('processMb', options.processMb, 2 * heapMb + 128);
  if (processMb < heapMb + 64) throw invalid('processMb', `at least ${heapMb + 64} MiB, 64 more than heapMb`, processMb);
  requireOptions('backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  const pauses = { ...defaultBackoff, ...backoff };
  if (!isBackoff(pauses)) throw invalid('backoff', `${wholeBackoff}, all numbers, with seed a whole one`, 'another');
  return {
    input: {
      intensity: orNone('intensity', options.intensity, 5),
      periodMs: duration('periodMs', options.periodMs, 60_000),
      backoff: pauses,
      maxTrials: orNone('maxTrials', options.maxTrials, 5),
      drainMs: duration('drainMs', options.drainMs, 3_000),
      endMs: duration('endMs', options.endMs, 1_000),
    },
    ...{ inside, heapMb, processMb },
    threads: count('threads', options.threads, Math.max(1, availableParallelism() - 1), 1_000),
    maxQueue: orNone('maxQueue', options.maxQueue, 1_000),
    deadlineMs: duration('deadlineMs', options.deadlineMs, 60_000),
    jobsPerThread: count('jobsPerThread', options.jobsPerThread, 100),
    idleMs: duration('idleMs', options.idleMs, 30_000),
  };
}

function orNone(name: string, value: number | undefined, byDefault: number): number {
  return value === 0 ? 0 : count(name, value, byDefault);
}

/** A job as it is asked for, checked. */
export interface PlannedJob {
  readonly module: string;
  readonly name: string;
  readonly input: unknown;
  readonly ref: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly from: AnyActorRef | undefined;
}

let asked = 0;

/** @throws EspalierError `isolation/invalid-options` */
export function planJob(job: Job, options: JobOptions, byDefaultMs: number): PlannedJob {
  if (typeof job === 'function') throw invalid('job', '{ module, export, input }: a closure cannot go to another thread', 'a function');
  requireOptions('a job', job, ['module', 'export', 'input']);
  requireOptions('the options of a job', options, ['signal', 'deadlineMs', 'from', 'ref']);
  const { signal, from, ref = `job.${++asked}` } = options;
  const { export: name = 'default', module, input } = job;
  requireSignal(signal);
  if (from !== undefined && !isActor(from)) throw invalid('from', 'an actor', sortOf(from));
  for (const [key, text] of Object.entries({ export: name, ref }))
    if (typeof text !== 'string' || text === '' || text.length > 200) throw invalid(key, 'a text of 1 to 200 characters', sortOf(text));
  return { module: urlOf(module), name, input, ref, deadlineMs: duration('deadlineMs', options.deadlineMs, byDefaultMs), signal, from };
}

function urlOf(module: unknown): string {
  const href = module instanceof URL ? module.href : module;
  if (typeof href === 'string' && URL.canParse(href)) return href;
  const expected = "an absolute URL, such as new URL('./work.js', import.meta.url)";
  throw invalid('module', expected, typeof href === 'string' ? 'a text that is none' : sortOf(href));
}
