/**
 * The script of a local Gemini Live server, as data: a list of steps, each with exactly one verb. Validated before the server starts.
 *
 * A step that waits fails when its deadline passes (`deadlineMs`, else the server's) or when the client has gone. The first step waits for
 * the first connection. Messages are received selectively: `expect` takes the oldest unread message of its kind and leaves the others.
 */
import { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { clientKindNames } from '../../wire/gemini/live-client.js';

/** Longest delay and deadline: a day. */
const longestMs = 86_400_000;
const deadlineMs = z.number().int().min(1).max(longestMs).optional();
const ids = z.array(z.string()).min(1);
const object = z.record(z.string(), z.unknown());
const closeCode = z.number().int().refine(isSendableCode, { message: 'expected a close code that may be sent: 1000–1003, 1007–1014 or 3000–4999' });
const closeReason = z.string().refine((reason) => Buffer.byteLength(reason) <= 123, { message: 'expected at most 123 bytes' });
const toolCall = z.strictObject({ id: z.string().optional(), name: z.string(), args: object.optional() });
const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/i, { message: 'expected bytes in hexadecimal' });

/** How a step that sends puts its messages on the wire. */
const wire = {
  /** The opcode of its frames; absent: the server's `frames`. */
  frame: z.enum(['text', 'binary']).optional(),
  /** Each message in this many WebSocket fragments, or in one for each byte where it has fewer; characters are cut. */
  fragments: z.number().int().min(1).max(1_000).optional(),
  /** Each message in TCP segments of this many bytes, one in each turn of the event loop, and not compressed. */
  chunkBytes: z.number().int().min(1).max(1_048_576).optional(),
  deadlineMs,
};

const verbs = {
  /** Waits for the next connection; the steps after it act on that one. With a `handle`: one whose setup resumes with it (null: with none); the setup stays unread. */
  accept: z.strictObject({ accept: z.union([z.literal(true), z.strictObject({ handle: z.string().min(1).nullable() })]), deadlineMs }),
  /** Waits for the next handshake and answers it with an HTTP status, or (`cut`) ends its socket without a word. Needs `handshakes: 'byScript'`. */
  refuse: z.strictObject({
    refuse: z.union([z.literal('cut'), z.strictObject({ status: z.number().int().min(400).max(599), message: z.string().max(1_000).optional() })]),
    deadlineMs,
  }),
  /** Waits for a client message of this kind (`unknown`: of none that is known) whose body contains `match`. */
  expect: z.strictObject({ expect: z.enum([...clientKindNames, 'unknown']), match: object.optional(), deadlineMs }),
  /** Waits until each of these calls has its final answer (`willContinue` is not final), in any order, in any number of messages. */
  awaitAnswers: z.strictObject({ awaitAnswers: ids, deadlineMs }),
  /** Waits until the client closes, with this code where one is given (1005: closed without a code; 1006: gone without closing). */
  expectClose: z.strictObject({ expectClose: z.union([z.literal(true), z.strictObject({ code: z.number().int() })]), deadlineMs }),
  /** Lets time pass, in ms. */
  waitMs: z.strictObject({ waitMs: z.number().int().min(0).max(longestMs) }),
  /** Sends messages as they are, back to back. */
  send: z.strictObject({ send: z.union([object, z.array(object).min(1)]), ...wire }),
  /** `toolCall`, all calls in one message. */
  callTools: z.strictObject({ callTools: z.array(toolCall).min(1), ...wire }),
  /** A turn of the model: one frame for each text, then `generationComplete` and `turnComplete` unless `turnComplete: false`. */
  say: z.strictObject({ say: z.union([z.string(), z.array(z.string()).min(1)]), turnComplete: z.boolean().optional(), ...wire }),
  /** The user spoke: `interrupted`, then `turnComplete`. */
  interrupt: z.strictObject({ interrupt: z.literal(true), ...wire }),
  /** `toolCallCancellation`. */
  cancel: z.strictObject({ cancel: ids, ...wire }),
  /** `goAway`; the close that follows is a step of its own. */
  goAway: z.strictObject({ goAway: z.strictObject({ timeLeftMs: z.number().min(0).max(longestMs) }), ...wire }),
  /** `sessionResumptionUpdate`; a null handle is the empty one of `resumable: false`. */
  resumption: z.strictObject({ resumption: z.strictObject({ handle: z.string().nullable() }), ...wire }),
  /** Sends this text as one frame, JSON or not; `encoding: 'hex'`: these bytes, UTF-8 or not. */
  garbage: z.strictObject({ garbage: z.string(), encoding: z.enum(['utf8', 'hex']).optional(), ...wire }),
  /** Writes these bytes (hexadecimal) beneath the WebSocket: half a frame, a frame that breaks RFC 6455, a close with a code that none may send. */
  bytes: z.strictObject({ bytes: hex, deadlineMs }),
  /**
   * From here on nothing is read (what the client sends fills the buffers of the network, then its own), nothing is written (frames, pongs and closes wait),
   * or both. Steps that send do not wait meanwhile.
   */
  stall: z.strictObject({ stall: z.enum(['reading', 'writing', 'both']) }),
  /** Ends what `stall` began: what waited is read and written. */
  resume: z.strictObject({ resume: z.literal(true) }),
  /** From here on a close frame of the client is not answered: it waits until it, or a later step, cuts the socket. */
  ignoreClose: z.strictObject({ ignoreClose: z.literal(true) }),
  /**
   * Closes with code (1000 where absent, without one where null) and reason, and waits for the client's own close frame; at the deadline the socket is cut.
   * A client that has closed already fails it, unless `unlessClosed`.
   */
  close: z.strictObject({
    close: z
      .strictObject({ code: closeCode.nullable().optional(), reason: closeReason.optional(), unlessClosed: z.boolean().optional() })
      .refine(({ code, reason }) => code !== null || reason === undefined || reason === '', { message: 'expected no reason where there is no code' }),
    deadlineMs,
  }),
  /** Cuts the socket without a close frame: the client sees 1006. */
  drop: z.strictObject({ drop: z.literal(true) }),
};

/** What a step does. */
export type Verb = keyof typeof verbs;

/** One step of a script: an object with one verb and that verb's options. */
export type Step = z.input<(typeof verbs)[Verb]>;

/** Whether a close frame may carry this code. @see RFC 6455 §7.4 */
export function isSendableCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

/** The verb of a valid step. */
export function verbOf(step: object): Verb | undefined {
  const found = Object.keys(step).filter((key): key is Verb => Object.hasOwn(verbs, key));
  return found.length === 1 ? found[0] : undefined;
}

/**
 * Checks a script, as it comes from code or from a JSON file.
 * @returns the same steps
 * @throws  EspalierError `gemini-server/invalid-script`: the place (`step 3 (close): close.code`), the expectation and the step
 */
export function readScript(script: unknown): readonly Step[] {
  if (!Array.isArray(script)) throw invalidScript('a list of steps', script);
  for (const [index, step] of script.entries()) {
    const verb = typeof step === 'object' && step !== null ? verbOf(step) : undefined;
    if (verb === undefined) throw invalidScript(`step ${index}: an object with exactly one of ${Object.keys(verbs).join(', ')}`, step);
    const result = verbs[verb].safeParse(step);
    if (result.success) {
      if ('garbage' in result.data && result.data.encoding === 'hex' && !hex.safeParse(result.data.garbage).success) {
        throw invalidScript(`step ${index} (garbage): garbage: expected bytes in hexadecimal`, step);
      }
      continue;
    }
    const issue = result.error.issues[0];
    throw invalidScript(`step ${index} (${verb}): ${issue?.path.join('.') || verb}: ${issue?.message ?? 'a valid step'}`, step);
  }
  return script as readonly Step[];
}

/** `gemini-server/invalid-script`. */
export function invalidScript(expected: string, got: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-script', { expected, got });
}
