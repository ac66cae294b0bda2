/** How much is kept of one value. What is beyond stands as `{ "$cut": … }`. */

export interface ValueLimits {
  /** Levels of objects and lists. */
  readonly depth: number;
  /** Parts in all. */
  readonly values: number;
  /** Parts of one object, list, map or set. */
  readonly items: number;
  /** Code units of one text. */
  readonly textLength: number;
  /** Bytes of one array of bytes. */
  readonly bytes: number;
}

/** For files that are to be replayed, and for a value that somebody asked for: as good as whole. */
export const wholeLimits: ValueLimits = { depth: 64, values: 100_000, items: 100_000, textLength: 65_536, bytes: 65_536 };

/** For a stream that goes on for ever. A value that is too large by one row is written by the next, each cuts deeper. */
export const streamLimits: readonly ValueLimits[] = [
  { depth: 16, values: 2_000, items: 500, textLength: 4_096, bytes: 256 },
  { depth: 10, values: 500, items: 100, textLength: 1_024, bytes: 64 },
  { depth: 6, values: 200, items: 40, textLength: 200, bytes: 16 },
  { depth: 3, values: 60, items: 30, textLength: 80, bytes: 0 },
];

/** Most JSON of each part of a line in a stream, bytes: together less than 64 kB. */
export const streamBytes = { context: 24_000, event: 12_000, action: 1_500, actions: 12_000, other: 3_000 } as const;

/** What a line is beside its values, bytes. */
export const lineBytes = 160;

/** Most entries of a list in a line of a stream: actions, edges that were taken, children. */
export const streamItems = { actions: 100, taken: 100, children: 100 } as const;
