/** What tasks may be told, and the refusal of everything else: at the call, before anything starts. */
import type { AnyActorRef } from 'xstate';

import type { RestartType, ShutdownMs } from '../../machines/supervision/child-spec.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { requireOptions } from './supervisors.js';
import type { TaskOutcome, TaskPlan } from './task-run.js';
import type { StreamOptions } from './task-stream.js';

/** What every task may be told. */
export interface TaskOptions {
  /** From its start, ms; past it the task has timed out and its signal is aborted. Default none. */
  readonly deadlineMs?: number;
  /** Cancels the task when it aborts. */
  readonly signal?: AbortSignal;
  /** How long a task that traps exits may take to settle once told to end. Default 5 000 ms. */
  readonly shutdownMs?: ShutdownMs;
  /** Told to end, does it settle by itself (its signal is aborted), or is it over at once? Default over at once. */
  readonly trapExit?: boolean;
  /** For people: shown by inspectors and exit reports. */
  readonly name?: string;
}

/** Options of `TaskSupervisor.async`. */
export interface AsyncOptions extends TaskOptions {
  /** The actor on whose behalf it runs. */
  readonly owner?: AnyActorRef;
  /**
   * Link the two: the crash of the task ends its owner, an end of the owner other than `normal` ends the task. Default true where there is an owner.
   */
  readonly link?: boolean;
}

/** Options of `TaskSupervisor.start`. */
export interface StartOptions extends TaskOptions {
  /** Default `temporary`: never restarted. */
  readonly restart?: RestartType;
  /** Called once with its outcome, when the task has ended for good: at a part of the price of a promise. What it throws is printed, and goes no further. */
  readonly onEnd?: (outcome: TaskOutcome<unknown>) => void;
}

/** Of a call without options; known by its identity. */
export const noOptions = Object.freeze({}) satisfies StartOptions;

const ofAll = { deadlineMs: true, signal: true, shutdownMs: true, trapExit: true, name: true } as const;

/** What each call may be told. */
const known = {
  run: keysOf<TaskOptions>(ofAll),
  async: keysOf<AsyncOptions>({ ...ofAll, owner: true, link: true }),
  start: keysOf<StartOptions>({ ...ofAll, restart: true, onEnd: true }),
  stream: keysOf<StreamOptions>({ maxConcurrency: true, ordered: true, deadlineMs: true, onTimeout: true, signal: true, owner: true, link: true }),
};

/** What may be told to one call or another. */
type AnyOptions = StartOptions & AsyncOptions & StreamOptions;

function refuseTask(expected: string, got: unknown): never {
  throw new EspalierError('supervision/invalid-task', { expected, got });
}

/**
 * Refuses what cannot be run, and what cannot be told to a task.
 * @param call  whose options they are
 * @throws EspalierError `supervision/invalid-task` for what is no function and for a value that is out of range, `supervision/invalid-options` for
 *   options that are no object and for names that nobody knows
 */
export function requireTask(fn: unknown, options: AnyOptions, call: keyof typeof known): void {
  if (typeof fn !== 'function') refuseTask('a function', fn);
  if (options === noOptions) return;
  requireOptions(options, known[call], `the options of ${call}()`);
  requireTimes(options);
  const { signal, restart, owner, name, onEnd } = options;
  if (restart !== undefined && !['temporary', 'transient', 'permanent'].includes(restart))
    refuseTask('`restart` to be temporary, transient or permanent', restart);
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.addEventListener !== 'function')
    refuseTask('`signal` to be an AbortSignal', signal);
  if (owner !== undefined && typeof (owner as AnyActorRef | null)?.subscribe !== 'function') refuseTask('`owner` to be an actor', owner);
  if (name !== undefined && typeof name !== 'string') refuseTask('`name` to be text', name);
  if (onEnd !== undefined && typeof onEnd !== 'function') refuseTask('`onEnd` to be a function', onEnd);
  requireFlag('link', options.link);
  requireFlag('trapExit', options.trapExit);
}

/** Is there a function to be run, and no more to be looked at but the one option that is given to a hundred thousand tasks a second? */
export function isPlain(fn: unknown, options: StartOptions): boolean {
  if (typeof fn !== 'function') return false;
  if (options === noOptions) return true;
  if (options === null || typeof options !== 'object') return false;
  for (const key in options) if (key !== 'onEnd') return false;
  return typeof options.onEnd === 'function' && !Array.isArray(options);
}

/** Of a task without options. */
export const plainPlan: TaskPlan = Object.freeze({
  restart: 'temporary',
  shutdownMs: 5_000,
  trapExit: false,
  deadlineMs: undefined,
  signal: undefined,
  name: undefined,
  owner: undefined,
});

/** How a task with these options is to be run. */
export function planOf(options: StartOptions & AsyncOptions): TaskPlan {
  if (options === noOptions) return plainPlan;
  const { restart = 'temporary', shutdownMs = 5_000, trapExit = false, deadlineMs, signal, name } = options;
  const owner = options.link === false ? undefined : options.owner;
  return { restart, shutdownMs, trapExit, deadlineMs, signal, name, owner };
}

/** How each task of a stream with these options is to be run. */
export function planOfStream({ deadlineMs, signal, owner, link }: StreamOptions): TaskPlan {
  return { ...plainPlan, deadlineMs, signal, owner: link === false ? undefined : owner };
}

function requireTimes({ deadlineMs, shutdownMs }: TaskOptions): void {
  if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs > 0)) refuseTask('`deadlineMs` above 0', deadlineMs);
  if (shutdownMs !== undefined && !isTime(shutdownMs) && shutdownMs !== 'infinity' && shutdownMs !== 'brutalKill')
    refuseTask('`shutdownMs` of at least 0, infinity or brutalKill', shutdownMs);
}

function requireFlag(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') refuseTask(`\`${name}\` to be true or false`, value);
}

/** What {@link requireTask} asks of a task, and what a stream of them is told besides. @throws EspalierError as there */
export function requireStream(items: unknown, fn: unknown, options: StreamOptions): void {
  requireTask(fn, options, 'stream');
  const { maxConcurrency = 1, onTimeout = 'killTask', ordered } = options;
  const isIterable = items !== null && items !== undefined && (Symbol.asyncIterator in Object(items) || Symbol.iterator in Object(items));
  if (!isIterable) refuseTask('an iterable or an async iterable', items);
  if (!(Number.isInteger(maxConcurrency) && maxConcurrency > 0)) refuseTask('`maxConcurrency` to be a whole number above 0', maxConcurrency);
  if (onTimeout !== 'killTask' && onTimeout !== 'exit') refuseTask('`onTimeout` to be killTask or exit', onTimeout);
  requireFlag('ordered', ordered);
}

/** Refuses what is no time to wait. @throws EspalierError `supervision/invalid-task` */
export function requireWait(timeoutMs: unknown): void {
  if (!isTime(timeoutMs)) refuseTask('`timeoutMs` of at least 0; Infinity for no limit', timeoutMs);
}

/** Refuses what is no way to end a task. @throws EspalierError `supervision/invalid-task` */
export function requireHow(how: unknown): void {
  if (how !== 'brutalKill' && !isTime(how)) refuseTask('ms of at least 0, or brutalKill', how);
}

/** Refuses what is no task. @throws EspalierError `supervision/invalid-task` */
export function requireStarted(task: { readonly ref?: unknown } | null | undefined): void {
  if (typeof (task?.ref as AnyActorRef | null | undefined)?.subscribe !== 'function')
    refuseTask('a task, with the actor that runs it as `ref`', task);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
