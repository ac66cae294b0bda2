/**
 * What a conversation with Gemini is made of, on every protocol: contents, parts, function calls and their responses.
 *
 * Objects are loose: fields that are not named here stay on the value. Enumerations are open strings, since servers add members.
 *
 * @see Gemini API, Live API: WebSockets API reference; @google/genai 3.1.0 declarations
 */
import { z } from 'zod';

/** Bytes of one media type: `data` is base64, `mimeType` e.g. `audio/pcm;rate=16000`. */
export const blob = z.looseObject({ mimeType: z.string().optional(), data: z.string().optional() });
/** Media, read. @see {@link blob} */
export type Blob = z.infer<typeof blob>;

/**
 * A call the model wants made. `id` is absent on Vertex. A call without a name has the name `''`, so that it is answered as an unknown tool
 * instead of being lost; absent `args` are `{}`.
 */
export const functionCall = z.looseObject({
  id: z.string().optional(),
  name: z.string().default(''),
  args: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((args) => args ?? {}),
});
/** A call, read. @see {@link functionCall} */
export type FunctionCall = z.infer<typeof functionCall>;

/**
 * One call among others: a misshapen one must not hide its neighbours, nor be run with arguments that it did not have. It becomes a call of no tool,
 * under its own id, so that it can be answered; `fault` says what was wrong.
 */
export const functionCallOrFault = functionCall.catch(({ value, issues }) => {
  const { id } = (typeof value === 'object' && value !== null ? value : {}) as { id?: unknown };
  const fault = `${issues[0]?.path?.join('.') ?? ''}: ${issues[0]?.message ?? 'no call'}`;
  return { ...(typeof id === 'string' ? { id } : {}), name: '', args: {}, fault };
});

/**
 * The answer to one call. `response` must be an object (an array or a string closes the socket with 1007): by convention `{ output }` or
 * `{ error }`. `name` must be sent: extended-thinking models read an unnamed response as a failure. `scheduling` (`SILENT | WHEN_IDLE |
 * INTERRUPT`) and `willContinue` apply to NON_BLOCKING declarations only.
 */
export const functionResponse = z.looseObject({
  id: z.string().optional(),
  name: z.string().optional(),
  response: z.record(z.string(), z.unknown()),
  parts: z.array(z.unknown()).optional(),
  scheduling: z.string().optional(),
  willContinue: z.boolean().optional(),
});
/** An answer, read. @see {@link functionResponse} */
export type FunctionResponse = z.infer<typeof functionResponse>;

/** One piece of a content; usually exactly one field is set. `thoughtSignature` (base64) must be echoed verbatim. */
export const part = z.looseObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  inlineData: blob.optional(),
  functionCall: functionCall.optional(),
  functionResponse: functionResponse.optional(),
});
/** A part, read. @see {@link part} */
export type Part = z.infer<typeof part>;

/** One turn of one side: `role` is `user` or `model`, and often absent on what a Live server sends. */
export const content = z.looseObject({ role: z.string().optional(), parts: z.array(part).optional() });
/** A content, read. @see {@link content} */
export type Content = z.infer<typeof content>;
