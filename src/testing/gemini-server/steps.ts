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
const closeCode = z
  .number()
  .int()
  .refine((code) => (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999), {
    message: 'expected a close code that may be sent: 1000–1003, 1007–1014 or 3000–4999',
  });
const closeReason = z.string().refine((reason) => Buffer.byteLength(reason) <= 123, { message: 'expected at most 123 bytes' });
const toolCall = z.strictObject({ id: z.string().optional(), name: z.string(), args: object.optional() });

const verbs = {
  /** Waits for the next connection; the steps after it act on that one. */
  accept: z.strictObject({ accept: z.literal(true), deadlineMs }),
  /** Waits for a client message of this kind (`unknown`: of none that is known) whose body contains `match`. */
  expect: z.strictObject({ expect: z.enum([...clientKindNames, 'unknown']), match: object.optional(), deadlineMs }),
  /** Waits until each of these calls has its final answer (`willContinue` is not final), in any order, in any number of messages. */
  awaitAnswers: z.strictObject({ awaitAnswers: ids, deadlineMs }),
  /** Waits until the client closes, with this code where one is given (1005: closed without a code; 1006: gone without closing). */
  expectClose: z.strictObject({ expectClose: z.union([z.literal(true), z.strictObject({ code: z.number().int() })]), deadlineMs }),
  /** Lets time pass, in ms. */
  waitMs: z.strictObject({ waitMs: z.number().int().min(0).max(longestMs) }),
  /** Sends messages as they are, back to back. */
  send: z.strictObject({ send: z.union([object, z.array(object).min(1)]), deadlineMs }),
  /** `toolCall`, all calls in one message. */
  callTools: z.strictObject({ callTools: z.array(toolCall).min(1), deadlineMs }),
  /** A turn of the model: one frame for each text, then `generationComplete` and `turnComplete` unless `turnComplete: false`. */
  say: z.strictObject({ say: z.union([z.string(), z.array(z.string()).min(1)]), turnComplete: z.boolean().optional(), deadlineMs }),
  /** The user spoke: `interrupted`, then `turnComplete`. */
  interrupt: z.strictObject({ interrupt: z.literal(true), deadlineMs }),
  /** `toolCallCancellation`. */
  cancel: z.strictObject({ cancel: ids, deadlineMs }),
  /** `goAway`; the close that follows is a step of its own. */
  goAway: z.strictObject({ goAway: z.strictObject({ timeLeftMs: z.number().min(0).max(longestMs) }), deadlineMs }),
  /** `sessionResumptionUpdate`; a null handle is the empty one of `resumable: false`. */
  resumption: z.strictObject({ resumption: z.strictObject({ handle: z.string().nullable() }), deadlineMs }),
  /** Sends this text as one frame, JSON or not. */
  garbage: z.strictObject({ garbage: z.string(), frame: z.enum(['text', 'binary']).optional(), deadlineMs }),
  /** Closes with code (1000 where absent) and reason, and waits for the client's own close frame; at the deadline the socket is cut. */
  close: z.strictObject({ close: z.strictObject({ code: closeCode.optional(), reason: closeReason.optional() }), deadlineMs }),
  /** Cuts the socket without a close frame: the client sees 1006. */
  drop: z.strictObject({ drop: z.literal(true) }),
};

/** What a step does. */
export type Verb = keyof typeof verbs;

/** One step of a script: an object with one verb and that verb's options. */
export type Step = z.input<(typeof verbs)[Verb]>;

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
  if (!Array.isArray(script)) throw invalid('a list of steps', script);
  for (const [index, step] of script.entries()) {
    const verb = typeof step === 'object' && step !== null ? verbOf(step) : undefined;
    if (verb === undefined) throw invalid(`step ${index}: an object with exactly one of ${Object.keys(verbs).join(', ')}`, step);
    const result = verbs[verb].safeParse(step);
    if (result.success) continue;
    const issue = result.error.issues[0];
    throw invalid(`step ${index} (${verb}): ${issue?.path.join('.') || verb}: ${issue?.message ?? 'a valid step'}`, step);
  }
  return script as readonly Step[];
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-script', { expected, got });
}
