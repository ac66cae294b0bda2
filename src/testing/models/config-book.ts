/** What the model of a configuration remembers by itself, beside the chart. */
import type { Failing, Kept } from '../../../machines/config/config-events.js';

export const none: Kept = { overrides: [], withheld: [] };

/** What the app and the parts know, by themselves: what the chart should remember. */
export interface Book {
  /** The next ticket and version. */
  ticket: number;
  version: number;
  isGood: boolean;
  /** Who waits, the first first; what is under way. */
  queue: readonly number[];
  /** Undefined: nothing is under way; null: what the sources say. */
  underWay: number | null | undefined;
  isStale: boolean;
  failing: Failing;
  isRefused: boolean;
  lost: readonly string[];
  kept: Kept;
  isLoaded: boolean;
  attempt: number;
  losses: readonly number[];
}

export const fresh: Book = {
  ...{ ticket: 0, version: 0, isGood: false, queue: [], underWay: undefined, isStale: false, failing: {}, isRefused: false },
  ...{ lost: [], kept: none, isLoaded: false, attempt: 0, losses: [] },
};

/** Is it all that it should be, by what it was told? */
export const isWhole = ({ failing, isRefused, lost }: Book): boolean => Object.keys(failing).length === 0 && !isRefused && lost.length === 0;
