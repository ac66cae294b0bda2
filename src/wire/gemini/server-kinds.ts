/**
 * Every kind of message of a Gemini Live server: the schemas and their types.
 *
 * @see Gemini API, Live API: WebSockets API reference; @google/genai 3.1.0 declarations: LiveServerMessage
 */
import { z } from 'zod';

import { functionCallOrFault, int64 } from './content.js';
import { serverContent, usageMetadata } from './server-content.js';

/** In the order in which a session should look at them. */
export const serverKinds = {
  setupComplete: z.looseObject({
    sessionId: z.string().optional(),
    voiceConsentSignature: z.looseObject({ signature: z.string().optional() }).optional(),
  }),
  /**
   * A handle to resume with. `resumable: false` (sent while generating or executing tools) carries no handle: keep the last good one.
   * `lastConsumedClientMessageIndex` comes only where the setup asked for transparent resumption.
   */
  sessionResumptionUpdate: z.looseObject({
    newHandle: z.string().optional(),
    resumable: z.boolean().optional(),
    lastConsumedClientMessageIndex: int64.optional(),
  }),
  serverContent,
  toolCall: z.looseObject({ functionCalls: z.array(functionCallOrFault).default([]) }),
  /** An odd one among the ids does not hide the others: they are as they came. */
  toolCallCancellation: z.looseObject({ ids: z.array(z.custom<string>(() => true)).default([]) }),
  /** `timeLeft` is a protobuf duration, `"50s"`. */
  goAway: z.looseObject({ timeLeft: z.string().optional() }),
  /** `ACTIVITY_START | ACTIVITY_END`; `audioOffset` is a duration from the start of the audio. */
  voiceActivity: z.looseObject({ voiceActivityType: z.string().optional(), audioOffset: z.string().optional() }),
  /** `VAD_SIGNAL_TYPE_SOS | VAD_SIGNAL_TYPE_EOS`: speech starts, speech ends. */
  voiceActivityDetectionSignal: z.looseObject({ vadSignalType: z.string().optional() }),
  usageMetadata,
};

/** A message of the server: any of its kinds, and whatever else came with them. */
export const serverMessage = z.looseObject(serverKinds).partial();
/** A server message, read: the kinds that it holds, and every unknown field as it came. */
export type ServerMessage = z.infer<typeof serverMessage>;

/** The name of one kind of server message. */
export type ServerKind = keyof typeof serverKinds;

/** {@link ServerKind}, to ask whether a field is one. */
export const serverKindNames: ReadonlySet<string> = new Set(Object.keys(serverKinds));

/** Kinds that say something by being there: an odd field must not take the rest of a turn's end, or a goAway, with it. */
export const signalKinds: ReadonlySet<ServerKind> = new Set(['setupComplete', 'serverContent', 'goAway']);
