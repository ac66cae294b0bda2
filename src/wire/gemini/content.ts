/**
 * What a conversation with Gemini is made of, on every protocol: contents, parts, function calls and their responses.
 *
 * Objects are loose: fields that are not named here stay on the value. Enumerations are open strings, since servers add members.
 *
 * @see Gemini API, Live API: WebSockets API reference; @google/genai 3.1.0 declarations: Content, Part, FunctionCall, FunctionResponse
 */
import { z } from 'zod';

/** int64 in protobuf's JSON: a string, though some gateways and Python's client send a number. */
export const int64 = z.union([z.string(), z.number().transform(String)]);

/** A field that is null is absent, as in protobuf's JSON. */
export const absent = <Schema extends z.ZodType>(schema: Schema) => schema.nullish();

/** Any object: its keys are the app's, or the protocol does not say what they are. */
export const anyObject = z.record(z.string(), z.unknown());

/** Bytes of one media type: `data` is base64, `mimeType` e.g. `audio/pcm;rate=16000`. */
export const blob = z.looseObject({ mimeType: z.string().optional(), data: z.string().optional(), displayName: z.string().optional() });
/** Media, read. @see {@link blob} */
export type Blob = z.infer<typeof blob>;

/** A file that the service has, or can fetch. */
const fileData = z.looseObject({ fileUri: z.string().optional(), mimeType: z.string().optional(), displayName: z.string().optional() });

/** What was heard or said, unordered with respect to the turn. Offsets are durations (`"1.5s"`) from the start of the audio. */
export const transcription = z.looseObject({
  text: z.string().optional(),
  finished: z.boolean().optional(),
  languageCode: z.string().optional(),
  speakerLabel: z.string().optional(),
  words: z.array(z.looseObject({ word: z.string().optional(), startOffset: z.string().optional(), endOffset: z.string().optional() })).optional(),
  startOffset: z.string().optional(),
  endOffset: z.string().optional(),
});
/** A transcription, read. @see {@link transcription} */
export type Transcription = z.infer<typeof transcription>;

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
  /** Vertex, where arguments are streamed: pieces of them, and whether more will come. */
  partialArgs: z.array(anyObject).optional(),
  willContinue: z.boolean().optional(),
});
/** A call, read. @see {@link functionCall} */
export type FunctionCall = z.infer<typeof functionCall>;

/**
 * One call among others: a misshapen one must not hide its neighbours, nor be run with arguments that it did not have. It becomes a call of no tool,
 * under its own id, so that it can be answered; `fault` says what was wrong.
 */
export const functionCallOrFault = z.preprocess(withoutNulls, functionCall).catch(({ value, issues }) => {
  const { id } = (typeof value === 'object' && value !== null ? value : {}) as { id?: unknown };
  const fault = `${issues[0]?.path?.join('.') ?? ''}: ${issues[0]?.message ?? 'no call'}`;
  return { ...(typeof id === 'string' ? { id } : {}), name: '', args: {}, fault };
});

/** A field that is null is absent, as in protobuf's JSON. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/**
 * The answer to one call. `response` must be an object (an array or a string closes the socket with 1007): by convention `{ output }` or
 * `{ error }`. `name` must be sent: extended-thinking models read an unnamed response as a failure. `scheduling` (`SILENT | WHEN_IDLE |
 * INTERRUPT`) and `willContinue` apply to NON_BLOCKING declarations only.
 */
export const functionResponse = z.looseObject({
  id: z.string().optional(),
  name: z.string().optional(),
  response: z.record(z.string(), z.unknown()),
  parts: z.array(z.looseObject({ inlineData: blob.optional(), fileData: fileData.optional() })).optional(),
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
  fileData: fileData.optional(),
  functionCall: functionCall.optional(),
  functionResponse: functionResponse.optional(),
  executableCode: z.looseObject({ language: z.string().optional(), code: z.string().optional(), id: z.string().optional() }).optional(),
  codeExecutionResult: z.looseObject({ outcome: z.string().optional(), output: z.string().optional(), id: z.string().optional() }).optional(),
  /** Tools that the server runs itself: nobody answers these. */
  toolCall: anyObject.optional(),
  toolResponse: anyObject.optional(),
  audioTranscription: transcription.optional(),
  videoMetadata: anyObject.optional(),
  mediaResolution: z.looseObject({ level: z.string().optional(), numTokens: z.number().optional() }).optional(),
  speechMetadata: z.looseObject({ speaker: z.string().optional(), style: z.string().optional() }).optional(),
  partMetadata: anyObject.optional(),
});
/** A part, read. @see {@link part} */
export type Part = z.infer<typeof part>;

/** One turn of one side: `role` is `user` or `model`, and often absent on what a Live server sends. */
export const content = z.looseObject({ role: z.string().optional(), parts: z.array(part).optional() });
/** A content, read. @see {@link content} */
export type Content = z.infer<typeof content>;
