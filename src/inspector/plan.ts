/** What an inspector can be told, checked before anything starts. */
import { EspalierError } from '../errors.js';
import { Recorder } from './recorder.js';

/** Options of `inspect` and `inspector`. */
export interface InspectorOptions {
  /** On 127.0.0.1. Default 0: any that is free. */
  readonly port?: number;
  /** How many ports after `port` are tried when it is taken. Default 0. */
  readonly orNext?: number;
  /** May those who look send events, and stop, kill and restart supervised actors? Default false, and then nothing of it works. */
  readonly control?: boolean;
  /**
   * Origins of pages that may connect beside the inspector's own, as a browser sends them: `https://stately.ai`; `null` for a page of a file. Default
   * none.
   */
  readonly origins?: readonly string[];
  /** What the app is called. Default: the id of its root. */
  readonly title?: string;
  /** Most viewers at once. Default 16. */
  readonly maxViewers?: number;
  /** What may wait for one slow viewer, bytes; beyond it, details are dropped and counted. A keyframe that it gets instead comes on top. Default 1 MiB. */
  readonly maxQueueBytes?: number;
  /** A viewer that takes nothing for so long is cut off, ms. Default 10 000. */
  readonly stallMs?: number;
  /** What happens within so long is told together, ms. Default 33. */
  readonly flushMs?: number;
  /** Keys whose values nobody sees, wherever they stand; `false`: none. Default: those that look like a password, a key, a token. */
  readonly redact?: RegExp | false;
  /** A recorder that was attached before the app started, and is disposed of by who made it. Default: one of its own, from now on. */
  readonly recorder?: Recorder;
}

/** Options with their defaults filled in. */
export type InspectorPlan = Required<Omit<InspectorOptions, 'redact' | 'title' | 'recorder'>> &
  Pick<InspectorOptions, 'redact' | 'title' | 'recorder'>;

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isCount = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const checks: Readonly<Record<keyof InspectorOptions, Check>> = {
  port: ['`port` to be a whole number from 0 to 65535', isCount(0, 65_535)],
  orNext: ['`orNext` to be a whole number from 0 to 100', isCount(0, 100)],
  control: ['`control` to be true or false', (value) => typeof value === 'boolean'],
  origins: ['`origins` to be a list of origins (`https://example.org`, `null`)', (value) => Array.isArray(value) && value.every(isOrigin)],
  title: ['`title` to be a text', (value) => typeof value === 'string'],
  maxViewers: ['`maxViewers` to be a whole number from 1 to 1000', isCount(1, 1_000)],
  maxQueueBytes: ['`maxQueueBytes` to be a whole number of at least 131072', isCount(131_072, Number.MAX_SAFE_INTEGER)],
  stallMs: ['`stallMs` to be a number of at least 1', (value) => typeof value === 'number' && value >= 1],
  flushMs: ['`flushMs` to be a number of at least 1', (value) => typeof value === 'number' && value >= 1],
  redact: ['`redact` to be a regular expression or false', (value) => value === false || value instanceof RegExp],
  recorder: ['`recorder` to be what recorder() makes', (value) => value instanceof Recorder],
};

const defaults = {
  port: 0,
  orNext: 0,
  control: false,
  origins: [],
  maxViewers: 16,
  maxQueueBytes: 1_048_576,
  stallMs: 10_000,
  flushMs: 33,
} satisfies Partial<InspectorPlan>;

/** @throws EspalierError `inspector/invalid-options` */
export function planInspector(options: InspectorOptions = {}): InspectorPlan {
  if (typeof options !== 'object' || options === null) throw invalid('the options of an inspector to be an object', options);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof InspectorOptions] : undefined;
    if (check === undefined) throw invalid(`options of an inspector with the keys ${Object.keys(checks).join(', ')}`, name);
    const [expected, holds] = check;
    if (!holds(value)) throw invalid(expected, value);
  }
  return { ...defaults, ...(Object.fromEntries(given) as InspectorOptions) };
}

function isOrigin(value: unknown): boolean {
  if (value === 'null') return true;
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('inspector/invalid-options', { expected, got });
}
