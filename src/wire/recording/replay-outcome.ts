/**
 * What came of a replay of one actor: its recorded events, taken again by its machine in the pure, and compared with what was recorded.
 *
 * Runs in browsers as well.
 */
import { z } from 'zod';

import { isPortable, type Portable } from './portable-shape.js';

const portable = z.custom<Portable>(isPortable, 'no value that a recorder writes');
const count = z.int().min(0);
const seq = z.int().min(0);

/** What a machine was in after a step. */
const replayedState = z.object({
  status: z.enum(['active', 'done', 'error', 'stopped']),
  value: portable.optional(),
  /** What it has thrown. */
  error: portable.optional(),
});

/** One place at which the recording and the replay differ. Left out: it is not there. */
const difference = z.object({ path: z.string(), expected: portable.optional(), replayed: portable.optional() });

/** What one more event would have brought. */
const supposition = z.object({
  type: z.string(),
  state: replayedState,
  /** Was there a transition for it? */
  handled: z.boolean(),
  /** The parts of the context that would be others, by their paths, at most ten. */
  changed: z.array(z.string()),
  /** What it would have ordered, by name, at most twenty: nothing of it was done. */
  actions: z.array(z.string()),
});

/** Why a replay could not go on. */
export const replayObstacles = ['noMachine', 'notRecorded', 'lost', 'redacted', 'tooLong', 'timeout', 'shared'] as const;

export const replayOutcome = z.discriminatedUnion('outcome', [
  z.object({
    /** Every step came out as it was recorded. */
    outcome: z.literal('same'),
    /** Events that were taken; a start from its input is none. */
    steps: count,
    /** The number of the line it began with, and of the last that was compared. */
    from: seq,
    to: seq,
    /** What could not be compared, for people; at most five. */
    notes: z.array(z.string()),
    /** Where an event was asked about. */
    next: supposition.optional(),
  }),
  z.object({
    /** The first step that did not. */
    outcome: z.literal('differs'),
    /** Events that had come out as they were. */
    steps: count,
    from: seq,
    /** The line that tells what came of it then. */
    seq,
    /** The type of the event; `xstate.init` for the start. */
    event: z.string(),
    expected: replayedState,
    replayed: replayedState,
    /** At most ten. */
    changes: z.array(difference),
    /** What may explain it. */
    notes: z.array(z.string()),
  }),
  z.object({
    /** Whether it would is not known. */
    outcome: z.literal('unknown'),
    /** Events that had come out as they were. */
    steps: count,
    code: z.enum(replayObstacles),
    /** The line at which it ended; null: it has not begun. */
    seq: seq.nullable(),
    words: z.string(),
  }),
]);

export type ReplayOutcome = z.infer<typeof replayOutcome>;
export type ReplayObstacle = (typeof replayObstacles)[number];
export type ReplayedState = z.infer<typeof replayedState>;
