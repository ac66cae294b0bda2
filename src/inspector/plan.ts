/** What an inspector can be told, checked before anything starts. */
import { EspalierError } from '../errors.js';
import type { SchemasOfMachines } from '../charts/event-schemas.js';
import { isRedact, redactWords, shownRedact } from '../recording/redact.js';
import { areSchemas } from './options.js';
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
   * May those who look have an actor's recorded events replayed? No action, no child, no timer of it is executed, but guards and assigns of the app's own
   * machines run. Default: as `control`.
   */
  readonly replay?: boolean;
  /**
   * Origins of pages that may connect beside the inspector's own, as a browser sends them: `https://stately.ai`; `null` for a page of a file. Default
   * none.
   */
  readonly origins?: readonly string[];
  /** What the app is called. Default: the id of its root. */
  readonly title?: string;
  /** Most viewers at once. Default 16. */
  readonly maxViewers?: number;
  /**
   * What may wait for one slow viewer, bytes; beyond it, details are dropped and counted. A keyframe that it gets instead comes on
   * top, one at a time; who has so much to read is not listened to meanwhile. Default 1 MiB.
   */
  readonly maxQueueBytes?: number;
  /** A viewer that takes nothing for so long is cut off, ms. Default 10 000. */
  readonly stallMs?: number;
  /** What happens within so long is told together, ms. Default 33. */
  readonly flushMs?: number;
  /** Keys whose values nobody sees, wherever they stand; `false`: none. Default: those that look like a password, a key, a token. Not beside `recorder`. */
  readonly redact?: RegExp | false;
  /** Of the events of machines, as a recorder's; where a `recorder` is given, they are given to that. */
  readonly schemas?: SchemasOfMachines;
  /** A recorder that was attached before the app started, and is disposed of by who made it; it redacts by itself. Default: one of its own, from now on. */
  readonly recorder?: Recorder;
}

/** Options with their defaults filled in. */
export type InspectorPlan = Required<Omit<InspectorOptions, 'redact' | 'replay' | 'title' | 'recorder' | 'schemas'>> &
  Pick<InspectorOptions, 'redact' | 'replay' | 'title' | 'recorder' | 'schemas'>;

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isCount = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const checks: Readonly<Record<keyof InspectorOptions, Check>> = {
  port: ['`port` to be a whole number from 0 to 65535', isCount(0, 65_535)],
  orNext: ['`orNext` to be a whole number from 0 to 100', isCount(0, 100)],
  control: ['`control` to be true or false', (value) => typeof value === 'boolean'],
  replay: ['`replay` to be true or false', (value) => typeof value === 'boolean'],
  origins: ['`origins` to be a list of origins (`https://example.org`, `null`)', (value) => Array.isArray(value) && value.every(isOrigin)],
  title: ['`title` to be a text', (value) => typeof value === 'string'],
  maxViewers: ['`maxViewers` to be a whole number from 1 to 1000', isCount(1, 1_000)],
  maxQueueBytes: ['`maxQueueBytes` to be a whole number of at least 131072', isCount(131_072, Number.MAX_SAFE_INTEGER)],
  stallMs: ['`stallMs` to be a number of at least 1', (value) => typeof value === 'number' && value >= 1],
  flushMs: ['`flushMs` to be a number of at least 1', (value) => typeof value === 'number' && value >= 1],
  redact: [redactWords, isRedact],
  schemas: ['`schemas`: { machine: { event: schema } }', areSchemas],
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
    if (!holds(value)) throw invalid(expected, shownRedact(value));
  }
  if (options.redact !== undefined && options.recorder !== undefined)
    throw invalid('`redact` or `recorder`, and not both: a recorder redacts as it was told itself', 'both');
  if (options.schemas !== undefined && options.recorder !== undefined)
    throw invalid('`schemas` or `recorder`, not both: the recorder takes `schemas`', 'both');
  return { ...defaults, ...(Object.fromEntries(given) as InspectorOptions) };
}

function isOrigin(value: unknown): boolean {
  if (value === 'null') return true;
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('inspector/invalid-options', { expected, got });
}
