/** What the chart of a configuration is told, orders and emits; what it is given and remembers. No value of a secret is in any of it. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';

/** Input of the config machine. */
export interface ConfigInput {
  /** How long sources may take to be read, ms. */
  readonly readMs: number;
  /** How long the schema may take with one candidate, ms. */
  readonly checkMs: number;
  /** How long after a change of a source it is read: several changes are one, ms. */
  readonly settleMs: number;
  /** Between attempts to read a source that fails. */
  readonly retry: Backoff;
  /** Losses of its parts within the period that it survives; one more, and it fails. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** What is wrong with one place of a candidate. */
export interface Issue {
  /** As in an update; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** An update that holds, as it may be seen and stored: never one of a secret. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** The updates that hold, without those of secrets, whose paths are in `withheld`. */
export interface Kept {
  readonly overrides: readonly Override[];
  readonly withheld: readonly string[];
}

/** Why there is a new version. */
export type Because = 'loaded' | 'source' | 'update' | 'reset' | 'rollback';

/** Why a candidate was refused. */
export type CheckFault =
  /** The schema has something against it: `issues`. */
  | 'invalid'
  /** The schema threw. */
  | 'schemaFailed'
  | 'timeout'
  /** It is larger than a configuration may be. */
  | 'tooLarge'
  /** A path leads through something that is no object. */
  | 'invalidPath'
  /** The version is not the one that was expected. */
  | 'conflict'
  | 'unknownVersion'
  /** Nobody waits for it any more. */
  | 'gone';

/** Faults of sources by their names: `ENOENT`, `timeout`, `unwatched` … */
export type Failing = Readonly<Record<string, string>>;

/** What a configuration may be told. */
export type ConfigEvent =
  /** Of the actor `sources`: it runs. `version` 0: nothing is known yet. `requests`: who waits, in order. */
  | {
      readonly type: 'sources.opened';
      readonly version: number;
      readonly requests: readonly number[];
      readonly kept: Kept;
      readonly lost: readonly string[];
    }
  /** Each was read, or has failed. `isComplete`: each was read at some time. `isNew`: something was read that no check has passed. */
  | { readonly type: 'sources.told'; readonly failing: Failing; readonly isComplete: boolean; readonly isNew: boolean }
  | { readonly type: 'source.changed' }
  /** Of the actor `check`. `ticket` null: of what the sources say. */
  | {
      readonly type: 'check.passed';
      readonly ticket: number | null;
      readonly version: number;
      readonly paths: readonly string[];
      readonly because: Because;
      /** Of a rollback: the version that is there again. */
      readonly to: number | null;
      readonly kept: Kept;
      /** Updates of secrets that a snapshot does not hold, and nobody has made again. */
      readonly lost: readonly string[];
    }
  | { readonly type: 'check.refused'; readonly ticket: number | null; readonly fault: CheckFault; readonly issues: readonly Issue[] }
  /** A part was ended, by nobody's order here. `at`: monotonic ms. */
  | { readonly type: 'part.ended'; readonly at: number }
  /** Somebody waits for an update, a reset, a rollback. */
  | { readonly type: 'config.request'; readonly ticket: number }
  /** Reads all sources again. */
  | { readonly type: 'config.reload' }
  | { readonly type: 'config.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What the chart orders of the actor `sources`. */
export type SourcesCommand =
  /** `version`, `kept`: what a snapshot holds, for one that knows nothing. */
  | { readonly type: 'sources.read'; readonly version: number; readonly kept: Kept }
  /** Whatever is not read by now has failed. */
  | { readonly type: 'sources.giveUp' };

/** What the chart orders of the actor `check`. */
export interface CheckCommand {
  readonly type: 'check.giveUp';
}

/** Input of the actor `check`. */
export interface CheckInput {
  readonly ticket: number | null;
}

/** What a configuration emits: paths and versions, never values. */
export type ConfigEmitted =
  | { readonly type: 'config.loaded'; readonly version: number }
  | { readonly type: 'config.updated'; readonly version: number; readonly paths: readonly string[]; readonly because: Exclude<Because, 'loaded'> }
  | { readonly type: 'config.rolledBack'; readonly version: number; readonly to: number; readonly paths: readonly string[] }
  | {
      readonly type: 'config.refused';
      readonly because: 'source' | 'request';
      readonly fault: CheckFault;
      readonly issues: readonly Issue[];
    }
  | ({ readonly type: 'config.degraded' } & Causes)
  | { readonly type: 'config.recovered'; readonly version: number }
  /** It has come back, and takes these first, in order. */
  | { readonly type: 'config.replayed'; readonly count: number }
  | { readonly type: 'config.subscriberForgotten'; readonly subscriber: string }
  | { readonly type: 'config.partsRestarted'; readonly attempt: number };

/** Every fact of a configuration, with its fields. */
export const configFacts: Readonly<Record<ConfigEmitted['type'], Readonly<Record<string, string>>>> = {
  'config.loaded': { version: 'the first version of this start' },
  'config.updated': { version: 'the new one', paths: 'what has changed', because: 'source, update, reset' },
  'config.rolledBack': { version: 'the new one', to: 'the version whose content it has', paths: 'what has changed' },
  'config.refused': { because: 'source or request', fault: 'why', issues: 'path and message of each' },
  'config.degraded': { failing: 'faults of sources, by name', isRefused: 'what the sources say is not valid', lost: 'paths of secrets to set again' },
  'config.recovered': { version: 'the present one' },
  'config.replayed': { count: 'requests that had waited for it to come back' },
  'config.subscriberForgotten': { subscriber: 'id of the actor that has ended' },
  'config.partsRestarted': { attempt: 'how many times within the period' },
};

/** Why what is served is not what it should be. */
export interface Causes {
  readonly failing: Failing;
  /** What the sources say was refused: the last good value is served. */
  readonly isRefused: boolean;
  readonly lost: readonly string[];
}

/** What a configuration knows. */
export interface ConfigContext extends ConfigInput, Causes {
  /** 0: none yet. */
  readonly version: number;
  /** Is there a good value? After a restoration there is a version, and none. */
  readonly isGood: boolean;
  readonly kept: Kept;
  /** Tickets, the first first. */
  readonly queue: readonly number[];
  /** What is under way: a ticket; null is what the sources say. */
  readonly ticket: number | null;
  /** A source has changed since it was last read. */
  readonly isStale: boolean;
  /** Has this start told that it is loaded? */
  readonly isLoaded: boolean;
  /** Failed readings in a row. */
  readonly attempt: number;
  /** The causes that were told last, as JSON; null while it is whole. */
  readonly told: string | null;
  /** Losses of its parts within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  readonly reason: ExitReason;
}

/** Why it is degraded. */
export function causesOf({ failing, isRefused, lost }: Causes): Causes {
  return { failing, isRefused, lost };
}

/** Is it all that it should be? @throws never */
export function isWhole({ failing, isRefused, lost }: Causes): boolean {
  return Object.keys(failing).length === 0 && !isRefused && lost.length === 0;
}

/** Issues in one line. @throws never */
export function wordsOf(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}
