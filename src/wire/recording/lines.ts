/**
 * The lines of a recording: NDJSON, one object a line, in the order in which things came about.
 *
 *   1     {"type":"recording","v":2, …}        what it is, and which keys were redacted
 *   2…    {"type":"@espalier.machine", …}      a machine, as data: before the first actor that runs it
 *         {"type":"@xstate.actor", …}          an actor starts: its name, its machine, its input, what it starts with, whom it replaces
 *         {"type":"@xstate.event", …}          an event is on its way to an actor
 *         {"type":"@xstate.transition", …}     what a machine has made of an event
 *         {"type":"@espalier.exit", …}         an actor has ended, and why
 *         {"type":"@espalier.dropped", …}      what was left out here
 *         {"type":"@espalier.keyframe", …}     all that there is at this moment, in the lines that follow
 *   last  {"type":"end", …}                    how many lines there were, and whether more was to come
 *
 * Names and shapes follow XState 6's inspection protocol (`@xstate.actor`, one `@xstate.transition` with its actions) where that has a word. The same
 * lines go over the wire to a viewer, and lie in a file.
 *
 * **Numbers.** Each line's `seq` is one more than that of the line before. Two exceptions: `@espalier.dropped` has the number of the last line that it
 * stands for (that of the line before it, plus `count`); `@espalier.keyframe` and its lines tell no news, and have the number of the last line before
 * them (0 where there is none). So a recording may begin in the midst of things, and a line that is missing is found. What names a line that lies before
 * the beginning names nothing.
 *
 * **Time.** `at` is monotonic ms of the clock of the system; `wallAt` of the head is the wall time of `at` 0.
 *
 * **Values** are {@link Portable}: JSON, with marks (`{"$actor": path}`, `{"$cut": …}`) for what JSON has no word for. A recorder that writes
 * `contexts: "patches"` cuts what is deep or long, so that no line but that of a machine is larger than 64 kB.
 */
import { z } from 'zod';

import { chartDefinition } from './chart.js';
import { isPortable, type Portable } from './portable-shape.js';

/** The version of the format; another one is refused. */
export const recordingVersion = 2;
/** Most bytes of a file, unless told otherwise: what is written by default is read by default. */
export const mostFileBytes = 256 * 1024 * 1024;

const portable = z.custom<Portable>(isPortable, 'no value that a recorder writes');
const path = z.string().min(1);
/** The number of this line. */
const seq = z.int().min(0);
/** The number of another line, which comes before this one. */
const earlier = z.int().min(1);
const at = z.number();
const count = z.int().min(0);

/** One change of a context, as RFC 6902 has it. `path` is a JSON pointer into the portable context. */
const change = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('add'), path: z.string(), value: portable }),
  z.strictObject({ op: z.literal('replace'), path: z.string(), value: portable }),
  z.strictObject({ op: z.literal('remove'), path: z.string() }),
]);

/** What a machine actor is in. With neither `context` nor `patch` the context is what it was in its line before. */
const state = z.strictObject({
  status: z.enum(['active', 'done', 'error', 'stopped']),
  value: portable.optional(),
  context: portable.optional(),
  /** What has changed in the context, in order. In a transition of a recording with `contexts: "patches"`, in place of `context`. */
  patch: z.array(change).optional(),
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

/** A delayed event that an actor has ordered, and that has neither come nor been cancelled. */
const timer = z.strictObject({
  id: z.string(),
  /** To whom it will go. */
  to: path,
  /** The type of the event. */
  event: z.string(),
  /** How long it waits in all, ms. */
  ms: z.number(),
  /** When it is due, on the clock of `at`. */
  dueAt: z.number(),
});

export const headLine = z.strictObject({
  type: z.literal('recording'),
  v: z.literal(recordingVersion),
  /** The keys whose values were redacted, as a regular expression without case; null: none. */
  secret: z.string().nullable(),
  /** Ms since the epoch at `at` 0. Left out by the test kit, whose files are the same in each run. */
  wallAt: z.number().optional(),
  /** How the context of a transition is told: whole whenever it is another, or what has changed in it. */
  contexts: z.enum(['whole', 'patches']),
});

export const machineLine = z.strictObject({
  type: z.literal('@espalier.machine'),
  seq,
  at,
  /** By which actors name it: the machine's id; `id~2` for the second definition with that id. */
  machine: z.string().min(1),
  definition: chartDefinition,
});

/** What an actor runs. A `supervisor` and a `machine` are machines; a `pool` carries the children of a supervisor. */
export const logicKinds = ['machine', 'supervisor', 'pool', 'promise', 'callback', 'observable', 'transition', 'other'] as const;

export const actorLine = z.strictObject({
  type: z.literal('@xstate.actor'),
  seq,
  at,
  actor: path,
  parent: path.nullable(),
  id: z.string(),
  systemId: z.string().optional(),
  logic: z.enum(logicKinds),
  /** The name under which its parent had its logic; null for a root, and for logic without a name. */
  src: z.string().nullable(),
  /** The machine that it runs, as an `@espalier.machine` before has named it; null for an actor that is none, or is not recorded in detail. */
  machine: z.string().nullable(),
  /**
   * What it starts from. `input`: its input. `bound`: an input that its logic was given beforehand, which nobody sees. `snapshot`: it was restored.
   * `joined`: it had started before; what it is in now.
   */
  from: z.enum(['input', 'bound', 'snapshot', 'joined']),
  /** Nobody watched: neither its input nor its state was looked at, and no transitions follow, until a keyframe tells of it. */
  brief: z.literal(true).optional(),
  /** The actor whose place it takes: the one before with its id, below its parent. Which may end only after this line. */
  replaces: path.nullable(),
  /** Which of its id below its parent; 1 for the first. */
  run: z.int().min(1),
  /** The line in whose processing it was started: of an event, or of an actor's start. */
  cause: earlier.optional(),
  input: portable.optional(),
  /** Machines only. */
  state: state.optional(),
  /** The children it starts with, by id: kept unless it starts from its input, or they are too many. */
  children: z.record(z.string(), path).optional(),
  /** What its history states remember: ids of states by id. Kept unless it starts from its input. */
  history: z.record(z.string(), z.array(z.string())).optional(),
  /**
   * What waits, for one that had started before. Whose scheduler does not know when something is due (XState's own, in a system that no supervisor has
   * made), that is reckoned by the wall.
   */
  timers: z.array(timer).optional(),
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
  /** The line in whose processing it was sent: of an event, or of an actor's start. Left out: from outside, by a timer, or by what an actor waited for. */
  cause: earlier.optional(),
  /** It was ordered earlier: how long before, and in the processing of which line (null: not known). `id` is that of the timer. */
  delay: z.strictObject({ ms: z.number(), by: earlier.nullable(), id: z.string().optional() }).optional(),
  /** The actor had ended: nobody reads it. */
  dead: z.literal(true).optional(),
});

export const transitionLine = z.strictObject({
  type: z.literal('@xstate.transition'),
  seq,
  at,
  actor: path,
  /** The `seq` of the event's line; the event itself where it has none (`xstate.init`, `xstate.stop`). */
  event: z.union([earlier, portable]),
  /** Ids of the edges of its machine that were taken, in order. Empty, neither start nor stop, no `error` in the state: the machine did not handle the event. */
  taken: z.array(z.string()),
  state,
  actions: z.array(action),
  /** How many of `taken` and of `actions` a bound has left out, where it has. */
  left: z.strictObject({ taken: count.optional(), actions: count.optional() }).optional(),
});

export const exitLine = z.strictObject({
  type: z.literal('@espalier.exit'),
  seq,
  at,
  actor: path,
  /** `"normal"`, `"shutdown"`, `"killed"`, `["shutdown", term]` or `{"crash": error}`. */
  reason: portable,
});

export const droppedLine = z.strictObject({
  type: z.literal('@espalier.dropped'),
  /** The number of the last line that it stands for. */
  seq,
  at,
  /** How many lines were left out; 0 where nobody counted. */
  count,
  /** A sentence for people. */
  why: z.string(),
});

export const keyframeLine = z.strictObject({
  type: z.literal('@espalier.keyframe'),
  seq,
  at,
  /** How many lines follow that belong to it: machines, then actors that joined, parents before their children. Who is not among them has ended. */
  lines: count,
});

export const endLine = z.strictObject({
  type: z.literal('end'),
  /** How many lines lie between the first and this one. */
  lines: count,
  /** Why the recording stops before the app did, and how many facts came after; null: it does not. */
  cut: z.strictObject({ why: z.string(), dropped: count }).nullable(),
});

export const anyLine = z.discriminatedUnion('type', [
  machineLine,
  actorLine,
  eventLine,
  transitionLine,
  exitLine,
  droppedLine,
  keyframeLine,
  endLine,
]);

export type RecordingHead = z.infer<typeof headLine>;
export type RecordedMachine = z.infer<typeof machineLine>;
export type RecordedActor = z.infer<typeof actorLine>;
export type RecordedEvent = z.infer<typeof eventLine>;
export type RecordedTransition = z.infer<typeof transitionLine>;
export type RecordedExit = z.infer<typeof exitLine>;
export type RecordedGap = z.infer<typeof droppedLine>;
export type RecordedKeyframe = z.infer<typeof keyframeLine>;
export type RecordedState = z.infer<typeof state>;
export type RecordedChange = z.infer<typeof change>;
export type RecordedAction = z.infer<typeof action>;
export type RecordedTimer = z.infer<typeof timer>;
export type RecordingEnd = z.infer<typeof endLine>;
export type LogicKind = (typeof logicKinds)[number];
/** A line between the first and the last. */
export type RecordedLine = RecordedMachine | RecordedActor | RecordedEvent | RecordedTransition | RecordedExit | RecordedGap | RecordedKeyframe;
/** A line that tells of one actor. */
export type ActorLine = RecordedActor | RecordedEvent | RecordedTransition | RecordedExit;
