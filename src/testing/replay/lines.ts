/**
 * The lines of a recording: NDJSON, one object a line, in the order in which things came about.
 *
 *   1     {"type":"recording","v":1, …}      what it is, and which keys were redacted
 *   2…    {"type":"@xstate.actor", …}        an actor starts: its name, its machine, its input, what it starts with
 *         {"type":"@xstate.event", …}        an event is on its way to an actor
 *         {"type":"@xstate.transition", …}   what a machine has made of an event
 *   last  {"type":"end", …}                  how many lines there were, and whether more was to come
 *
 * Names and shapes follow XState 6's inspection protocol (`@xstate.actor`, one `@xstate.transition` with its actions) where that has a word.
 * `seq` counts the lines after the first, without a gap; `at` is monotonic ms of the system's clock. Values are {@link Portable}.
 */
import { z } from 'zod';

import type { Portable } from './portable.js';
import { isPortable } from './portable-shape.js';

/** The version of the format; another one is refused. */
export const recordingVersion = 1;

const portable = z.custom<Portable>(isPortable, 'no value that a recorder writes');
const path = z.string().min(1);
const seq = z.int().min(1);
const at = z.number();

/** What a machine actor is in. `context` is left out where it is what it was in its line before. */
const state = z.strictObject({
  status: z.enum(['active', 'done', 'error', 'stopped']),
  value: portable.optional(),
  context: portable.optional(),
  output: portable.optional(),
  error: portable.optional(),
});

/** An effect that the machine ordered. Built-ins by what they do; `run` is an action of the app's own. Sends to itself without delay are no effect. */
const action = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('emit'), event: portable }),
  z.strictObject({ kind: z.literal('send'), to: path.nullable(), event: portable, delay: portable.optional(), id: z.string().optional() }),
  z.strictObject({ kind: z.literal('raise'), event: portable, delay: portable, id: z.string().optional() }),
  z.strictObject({ kind: z.literal('spawn'), actor: path.nullable(), src: z.string(), input: portable.optional() }),
  z.strictObject({ kind: z.literal('stop'), actor: path.nullable() }),
  z.strictObject({ kind: z.literal('cancel'), id: portable }),
  z.strictObject({ kind: z.literal('run'), name: z.string(), params: portable.optional() }),
]);

export const headLine = z.strictObject({
  type: z.literal('recording'),
  v: z.literal(recordingVersion),
  /** The keys whose values were redacted, as a regular expression without case; null: none. */
  secret: z.string().nullable(),
});

export const actorLine = z.strictObject({
  type: z.literal('@xstate.actor'),
  seq,
  at,
  actor: path,
  parent: path.nullable(),
  id: z.string(),
  systemId: z.string().optional(),
  /** The machine's id; null for an actor that is no machine, or is not recorded in detail. */
  machine: z.string().nullable(),
  /**
   * What it starts from. `input`: its input. `bound`: an input that its logic was given beforehand, which nobody sees. `snapshot`: it was restored.
   * `joined`: it had started before the recording.
   */
  from: z.enum(['input', 'bound', 'snapshot', 'joined']),
  input: portable.optional(),
  /** Machines only. */
  state: state.optional(),
  /** The children it starts with, by id: kept unless it starts from its input. */
  children: z.record(z.string(), path).optional(),
  /** What its history states remember: ids of states by id. Kept unless it starts from its input. */
  history: z.record(z.string(), z.array(z.string())).optional(),
});

export const eventLine = z.strictObject({
  type: z.literal('@xstate.event'),
  seq,
  at,
  /** To whom. */
  actor: path,
  /** From whom; null: from outside. */
  source: path.nullable(),
  event: portable,
  /** The actor had ended: nobody reads it. */
  dead: z.literal(true).optional(),
});

export const transitionLine = z.strictObject({
  type: z.literal('@xstate.transition'),
  seq,
  at,
  actor: path,
  /** The `seq` of the event's line; the event itself where it has none (`xstate.init`, `xstate.stop`). */
  event: z.union([seq, portable]),
  state,
  actions: z.array(action),
});

export const endLine = z.strictObject({
  type: z.literal('end'),
  /** How many lines lie between the first and this one. */
  lines: z.int().min(0),
  /** Why the recording stops before the app did, and how many facts came after; null: it does not. */
  cut: z.strictObject({ why: z.string(), dropped: z.int().min(0) }).nullable(),
});

export const anyLine = z.discriminatedUnion('type', [actorLine, eventLine, transitionLine, endLine]);

export type RecordingHead = z.infer<typeof headLine>;
export type RecordedActor = z.infer<typeof actorLine>;
export type RecordedEvent = z.infer<typeof eventLine>;
export type RecordedTransition = z.infer<typeof transitionLine>;
export type RecordedState = z.infer<typeof state>;
export type RecordedAction = z.infer<typeof action>;
export type RecordingEnd = z.infer<typeof endLine>;
export type RecordedLine = RecordedActor | RecordedEvent | RecordedTransition;
