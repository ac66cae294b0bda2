/**
 * Messages of a Gemini Live server (BidiGenerateContent): schemas, types, and the reader of its frames.
 *
 * The server sends one JSON object per frame, in text or in binary frames, pretty-printed or not. Several kinds may share a frame
 * (`usageMetadata` rides along with others). Unknown fields and unknown messages are passed on.
 * What a client sends is in live-client.ts, where it connects is in live-url.ts; both are re-exported here.
 *
 * @see Gemini API, Live API: WebSockets API reference
 */
import { z } from 'zod';

import { content, functionCallOrFault } from './content.js';
import { type Frame, type ReadFrame, type UnreadableFrame, readKinds, readObject } from './frame.js';

export type { Blob, Content, FunctionCall, FunctionResponse, Part } from './content.js';
export type { Fault, Frame, ReadFrame, UnreadableFrame } from './frame.js';
export { type ClientKind, type ClientMessage, type ClientMessageResult, type LiveSetup, parseClientMessage } from './live-client.js';
export { type LiveEndpointOptions, liveEndpoint, type LiveUrlOptions, liveUrl, modelPath } from './live-url.js';

/** int64 in protobuf's JSON: a string, though some gateways send a number. */
const int64 = z.union([z.string(), z.number().transform(String)]);

/** What was heard or said, unordered with respect to the turn. */
const transcription = z.looseObject({
  text: z.string().optional(),
  finished: z.boolean().optional(),
  languageCode: z.string().optional(),
});

/**
 * Progress of the model's turn. An interrupted turn goes `interrupted → turnComplete`, without `generationComplete`; otherwise
 * `generationComplete` precedes `turnComplete` by the assumed playback time.
 */
const serverContent = z.looseObject({
  modelTurn: content.optional(),
  turnComplete: z.boolean().optional(),
  generationComplete: z.boolean().optional(),
  interrupted: z.boolean().optional(),
  inputTranscription: transcription.optional(),
  interimInputTranscription: transcription.optional(),
  outputTranscription: transcription.optional(),
  turnCompleteReason: z.string().optional(),
  waitingForInput: z.boolean().optional(),
  interactionStatus: z.string().optional(),
});

/**
 * A handle to resume with. `resumable: false` (sent while generating or executing tools) carries no handle: keep the last good one.
 * `lastConsumedClientMessageIndex` comes only where the setup asked for transparent resumption.
 */
const sessionResumptionUpdate = z.looseObject({
  newHandle: z.string().optional(),
  resumable: z.boolean().optional(),
  lastConsumedClientMessageIndex: int64.optional(),
});

const usageMetadata = z.looseObject({
  promptTokenCount: z.number().optional(),
  responseTokenCount: z.number().optional(),
  candidatesTokenCount: z.number().optional(),
  thoughtsTokenCount: z.number().optional(),
  toolUsePromptTokenCount: z.number().optional(),
  cachedContentTokenCount: z.number().optional(),
  totalTokenCount: z.number().optional(),
});

/** Every kind of server message, in the order in which a session should look at them. */
const serverKinds = {
  setupComplete: z.looseObject({ sessionId: z.string().optional() }),
  sessionResumptionUpdate,
  serverContent,
  toolCall: z.looseObject({ functionCalls: z.array(functionCallOrFault).default([]) }),
  toolCallCancellation: z.looseObject({ ids: z.array(z.string()).default([]) }),
  /** `timeLeft` is a protobuf duration, `"50s"`: read it with {@link durationMs}. */
  goAway: z.looseObject({ timeLeft: z.string().optional() }),
  voiceActivity: z.looseObject({ voiceActivityType: z.string().optional(), audioOffset: z.string().optional() }),
  voiceActivityDetectionSignal: z.looseObject({ vadSignalType: z.string().optional() }),
  usageMetadata,
};

/** A message of the server: any of its kinds, and whatever else came with them. */
export const serverMessage = z.looseObject(serverKinds).partial();
/** A server message, read: the kinds that it holds, and every unknown field as it came. */
export type ServerMessage = z.infer<typeof serverMessage>;

/** The name of one kind of server message. */
export type ServerKind = keyof typeof serverKinds;

/** A server frame, read: see {@link ReadFrame} and {@link UnreadableFrame}. */
export type ServerMessageResult = ReadFrame<ServerMessage, ServerKind> | UnreadableFrame;

/**
 * Reads one frame of the server.
 * @param data  text, bytes, or the fragments of one message
 * @returns `ok: true` with the message, its kinds, unknown fields and faulty kinds; `ok: false` for what is no message at all.
 *          A frame of unknown kinds only is `ok: true` with no kinds. A misshapen call among others is a fault, and stays as a call of no tool.
 * @throws  never
 */
export function parseServerMessage(data: Frame): ServerMessageResult {
  const frame = readObject(data);
  const read = frame.ok ? readKinds<typeof serverKinds, ServerMessage>(serverKinds, frame.object, frame.text) : frame;
  if (!read.ok) return read;
  const misshapen = (read.message.toolCall?.functionCalls ?? []).filter((call) => typeof call['fault'] === 'string');
  if (misshapen.length === 0) return read;
  const faults = misshapen.map((call) => ({ kind: 'toolCall' as const, detail: `toolCall.functionCalls ${String(call['fault'])}`, got: call }));
  return { ...read, faults: [...read.faults, ...faults] };
}

/**
 * A protobuf duration in ms: `'50s'` → 50 000, `'0.250s'` → 250. Rounded to whole ms.
 * @returns null for what is no duration (absent included), so that the caller chooses its own default
 * @throws  never
 * @see https://protobuf.dev/reference/protobuf/google.protobuf/#duration — seconds with up to nine decimals, ending in `s`
 */
export function durationMs(duration: string | undefined): number | null {
  const match = /^(-?\d{1,12}(?:\.\d{1,9})?)s$/.exec(duration ?? '');
  return match ? Math.round(Number(match[1]) * 1000) : null;
}
