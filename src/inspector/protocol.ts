/**
 * What the inspector and those who look say to each other: version 1. JSON, one object in each text frame of a WebSocket.
 *
 * The way in: `ws://127.0.0.1:PORT/socket`, `Sec-WebSocket-Protocol: espalier.1, token.<token>`. A page has the token from the fragment of its address
 * (`http://127.0.0.1:PORT/#token=<token>`).
 *
 *   server → viewer                                     viewer → server
 *   welcome    once, first                              watch     a branch of the tree, as a summary or in full
 *   keyframe   all that there is in a branch, in parts  unwatch   it
 *   lines      what came after, of branches in full     value     the whole context of an actor
 *   summary    how actors of other branches are now     history   lines that the ring still holds
 *   dropped    what a slow viewer was not told          control   send, stop, kill, restart: only where the app allows it
 *   result     the answer to a request                  replay    an actor's recorded events through its machine: where the app allows it
 *   bye        why the socket will be closed
 *   part       a piece of a message above 64 kB
 *
 * **Branches.** A branch is an actor by its path, and all below it; `''` is the whole. Nothing is told before something is watched. Of several watched
 * branches the longest counts for an actor. A watch is answered by its `result`, then a keyframe of the branch. From then on the viewer is told:
 * starts, ends and restarts (`@xstate.actor`, `@espalier.exit`) of all that it watches in any way; of branches in full every line; of others at most one
 * summary for each actor in 33 ms, however much happens. Lines come in the order of their `seq`, with gaps where others are not told.
 *
 * **Keyframes.** The lines of all parts, in order: for the whole an `@espalier.keyframe` line first; then machines (of a branch: those that this
 * connection was not told of), then actors that joined, parents before children. Actors that are not watched in full are `brief`, and their state comes in the summaries right after. Who was below the branch and
 * is not among the lines has ended. A keyframe that comes unasked stands for details that were dropped.
 * A connection is told none before the next flush, nor before ten times what the last one took of the app's time has passed. A `watch` or `unwatch` that
 * comes before waits, one a flush in their order; of those that wait for one branch the last counts, each is answered, and one keyframe stands for all.
 *
 * Runs in browsers as well.
 */
import { z } from 'zod';

import { headLine, type RecordedLine } from '../wire/recording/lines.js';
import { isPortable, type Portable } from '../wire/recording/portable-shape.js';
import { replayOutcome } from '../wire/recording/replay-outcome.js';

/** The version of the protocol. */
export const protocolVersion = 1;
/** The subprotocol of the socket. */
export const subprotocol = `espalier.${protocolVersion}`;
/** Where the socket is. */
export const socketPath = '/socket';
/** No frame is larger in either direction, bytes of UTF-8. */
export const maxFrameBytes = 65_536;
/** The longest message that comes in parts, characters. */
export const maxMessageLength = 64 * 1024 * 1024;

/** What a viewer offers as subprotocols: the version, and the token, which no address shows. */
export function subprotocolsOf(token: string): [string, string] {
  return [subprotocol, `token.${token}`];
}

export { isIn } from '../wire/recording/branch.js';

const portable = z.custom<Portable>(isPortable, 'no value that a recorder writes');
const path = z.string().min(1).max(4_096);
/** A path, or `''` for the whole tree. */
const branch = z.string().max(4_096);
const count = z.int().min(0);
/** Chosen by the viewer; its result has the same. */
const id = z.int().min(0);

// ---- viewer → server

const watch = z.strictObject({ type: z.literal('watch'), id, branch, detail: z.enum(['summary', 'full']) });
const unwatch = z.strictObject({ type: z.literal('unwatch'), id, branch });
/** Answered with the actor's context, whole but redacted; `pointer` (RFC 6901) names a part of it. */
const value = z.strictObject({ type: z.literal('value'), id, actor: path, pointer: z.string().max(4_096).exactOptional() });
/** Answered with the lines from one number to another, both included: those that are still there, half a megabyte of them at most. From 0 on they
 *  begin with all that there was, as a recording does. `skip`: so many lines of the number `from` have come already. */
const history = z.strictObject({ type: z.literal('history'), id, from: count, to: count, skip: count.exactOptional() });
const control = z.discriminatedUnion('action', [
  z.strictObject({
    type: z.literal('control'),
    id,
    action: z.literal('send'),
    actor: path,
    event: z.looseObject({ type: z.string().min(1).max(1_024) }),
  }),
  z.strictObject({ type: z.literal('control'), id, action: z.enum(['stop', 'kill', 'restart']), actor: path }),
]);

/** Answered with what comes of the actor's recorded events, up to the line `to`, taken by its machine in the pure; a path is of one run of an actor. With
 *  `event`: what would come of that at this moment. One at a time. */
const replay = z.strictObject({
  type: z.literal('replay'),
  id,
  actor: path,
  to: count.exactOptional(),
  event: z.looseObject({ type: z.string().min(1).max(1_024) }).exactOptional(),
});

/** What a viewer may say. */
export const viewerMessage = z.discriminatedUnion('type', [watch, unwatch, value, history, control, replay]);

// ---- server → viewer

/** A line as an object; its fields are checked by those who read it (`anyLine`). */
const line = z.custom<RecordedLine>(
  (held) => typeof held === 'object' && held !== null && typeof (held as { type?: unknown }).type === 'string',
  'a line of a recording',
);

const welcome = z.object({
  type: z.literal('welcome'),
  v: z.literal(protocolVersion),
  /** May this viewer control? */
  control: z.boolean(),
  /** May this viewer ask for a replay? */
  replay: z.boolean().default(false),
  app: z.object({
    /** For people; the id of the root where the app was given none. */
    title: z.string(),
    /** The path of the root; null before it has started. */
    root: z.string().nullable(),
    pid: z.number().nullable(),
    /** The runtime: `Node 24.1.0`. */
    runtime: z.string(),
    /** The version of Espalier. */
    version: z.string(),
  }),
  /** The first line of a recording of what follows. */
  head: headLine,
  /** Ms since the epoch at `at` 0. */
  wallAt: z.number(),
  /** What `at` would be now, ms. */
  at: z.number(),
  /** The number of the latest line. */
  seq: count,
});

const keyframe = z.object({
  type: z.literal('keyframe'),
  branch: z.string(),
  detail: z.enum(['summary', 'full']),
  /** From 0. */
  part: count,
  last: z.boolean(),
  /** How things are after the line with this number. */
  seq: count,
  at: z.number(),
  lines: z.array(line),
});

const lines = z.object({
  type: z.literal('lines'),
  lines: z.array(line),
  /** The `id` of the request for history that they belong to; left out for what has just happened. */
  history: id.optional(),
});

const summarised = z.object({
  actor: z.string(),
  status: z.enum(['active', 'done', 'error', 'stopped']),
  /** The state value of a machine. */
  value: portable.optional(),
  /** Events that have come to it since the summary before. */
  events: count,
});

const summary = z.object({
  type: z.literal('summary'),
  seq: count,
  at: z.number(),
  actors: z.array(summarised),
});

const dropped = z.object({ type: z.literal('dropped'), seq: count, at: z.number(), count, why: z.string() });

/** Why a request was refused. */
export const refusals = [
  'invalid-frame',
  'too-many',
  'read-only',
  'unknown-actor',
  'ended',
  'unknown-event',
  'invalid-event',
  'not-supervised',
  'refused',
  'unavailable',
] as const;

const result = z.discriminatedUnion('ok', [
  z.object({
    type: z.literal('result'),
    id,
    ok: z.literal(true),
    /** Of `value`: the value. */
    value: portable.optional(),
    /** Of a value that was cut (`$cut`): how to have more of it, for people. */
    words: z.string().optional(),
    /** Of `history`: how many lines came, */
    count: count.optional(),
    /** and from which number on to ask for more; null: there are none. */
    next: count.nullable().optional(),
    /** and how many lines of that number have come: those of a keyframe have all the same. Left out where it is none. */
    skip: count.optional(),
    /** Of `replay`: what came of it. */
    replay: replayOutcome.optional(),
  }),
  z.object({
    type: z.literal('result'),
    /** Null: of a frame that could not be read. */
    id: id.nullable(),
    ok: z.literal(false),
    error: z.object({ code: z.enum(refusals), words: z.string() }),
  }),
]);

const bye = z.object({ type: z.literal('bye'), why: z.string() });
const part = z.object({ type: z.literal('part'), index: count, last: z.boolean(), text: z.string() });

/** What the inspector may say. */
export const serverMessage = z.discriminatedUnion('type', [welcome, keyframe, lines, summary, dropped, result, bye]);

export type ViewerMessage = z.infer<typeof viewerMessage>;
export type ControlRequest = z.infer<typeof control>;
export type Detail = z.infer<typeof watch>['detail'];
export type ServerMessage = z.infer<typeof serverMessage>;
export type Welcome = z.infer<typeof welcome>;
export type Keyframe = z.infer<typeof keyframe>;
export type Lines = z.infer<typeof lines>;
export type SummarisedActor = z.infer<typeof summarised>;
export type Result = z.infer<typeof result>;
export type RefusalCode = (typeof refusals)[number];

/** A frame that was read, or what is wrong with it. */
export type ReadFrame<Message> = { readonly ok: true; readonly message: Message } | { readonly ok: false; readonly problem: string };

/** Reads a frame of a viewer. Never throws. */
export function readViewerFrame(text: string): ReadFrame<ViewerMessage> {
  return checked(viewerMessage, text);
}

/** Reads what the inspector says: frame by frame, messages that come in parts put together. */
export class ServerFrames {
  #parts: string[] = [];
  #length = 0;

  /** @returns the message; null where parts are still to come. Never throws. */
  read(text: string): ReadFrame<ServerMessage> | null {
    if (!text.startsWith('{"type":"part"')) return checked(serverMessage, text);
    const read = checked(part, text);
    if (!read.ok) return read;
    const { index, last, text: piece } = read.message;
    if (index === 0) this.#forget();
    if (index !== this.#parts.length) return { ok: false, problem: `part ${this.#parts.length} of a message, got: ${index}` };
    this.#parts.push(piece);
    this.#length += piece.length;
    if (this.#length > maxMessageLength) {
      this.#forget();
      return { ok: false, problem: `a message of at most ${maxMessageLength} characters` };
    }
    if (!last) return null;
    const whole = this.#parts.join('');
    this.#forget();
    return checked(serverMessage, whole);
  }

  #forget(): void {
    this.#parts = [];
    this.#length = 0;
  }
}

function checked<Message>(schema: z.ZodType<Message>, text: string): ReadFrame<Message> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, problem: 'JSON' };
  }
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, message: result.data };
  const [issue] = result.error.issues;
  return { ok: false, problem: `${issue?.path.join('.') || 'the message'}: ${issue?.message ?? ''}`.slice(0, 300) };
}
