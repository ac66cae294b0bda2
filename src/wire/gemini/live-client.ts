/**
 * Messages of a Gemini Live client: schemas, types, and the reader that a server (ours, in src/testing/) uses.
 *
 * A client sends JSON in text frames, exactly one kind per message, `setup` first and once. JavaScript clients write camelCase, Python's
 * write a mixture with snake_case; the reader accepts both.
 *
 * @see Gemini API, Live API: WebSockets API reference
 */
import { z } from 'zod';

import { anyObject, blob, content, functionResponse } from './content.js';
import { type Frame, type ReadFrame, type UnreadableFrame, type WireObject, isWireObject, readKinds, readObject } from './frame.js';
import { setup, tools } from './live-setup.js';

export type { LiveSetup } from './live-setup.js';

/** Ordered turns, which interrupt the model; with `historyConfig` they are history, up to the first `turnComplete`. */
const clientContent = z.looseObject({ turns: z.array(content).optional(), turnComplete: z.boolean().optional() });

/** Input that flows: audio is PCM16, 16 kHz, mono (`audio/pcm;rate=16000`). `mediaChunks` is the deprecated spelling. */
const realtimeInput = z.looseObject({
  audio: blob.optional(),
  video: blob.optional(),
  text: z.string().optional(),
  activityStart: anyObject.optional(),
  activityEnd: anyObject.optional(),
  audioStreamEnd: z.boolean().optional(),
  mediaChunks: z.array(blob).optional(),
});

/** Every kind of client message. */
const clientKinds = {
  setup,
  clientContent,
  realtimeInput,
  toolResponse: z.looseObject({ functionResponses: z.array(functionResponse) }),
  /** Replaces instruction or tools while the session is open; `tools: {}` takes all tools away, and without `tools` they stay. */
  contextUpdate: z.looseObject({ systemInstruction: content.optional(), tools: z.looseObject({ tools: tools.optional() }).optional() }),
};

/** A message of the client: one of its kinds, and whatever else came with it. */
export const clientMessage = z.looseObject(clientKinds).partial();
/** A client message, read: the kinds that it holds, in camelCase, and every unknown field as it came. */
export type ClientMessage = z.infer<typeof clientMessage>;

/** The name of one kind of client message. */
export type ClientKind = keyof typeof clientKinds;

/** {@link ClientKind}, for validators. */
export const clientKindNames = Object.keys(clientKinds) as [ClientKind, ...ClientKind[]];

/** A client frame, read: see {@link ReadFrame} and {@link UnreadableFrame}. */
export type ClientMessageResult = ReadFrame<ClientMessage, ClientKind> | UnreadableFrame;

/**
 * Reads one frame of a client, in camelCase or snake_case; the message has camelCase names.
 * @param data  text, bytes, or the fragments of one message
 * @returns as `parseServerMessage`
 * @throws  never
 */
export function parseClientMessage(data: Frame): ClientMessageResult {
  const frame = readObject(data);
  if (!frame.ok) return frame;
  return readKinds<typeof clientKinds, ClientMessage>(clientKinds, camelKeys(frame.object, 0) as WireObject, frame.text);
}

/** Fields whose keys belong to the user (arguments, results, schemas): beneath them nothing is renamed. */
const opaqueFields = new Set([
  'args',
  'response',
  'parameters',
  'parametersJsonSchema',
  'responseJsonSchema',
  'responseSchema',
  'labels',
  'partMetadata',
]);

/** Deeper than any message is; the bound keeps a hostile frame from exhausting the stack. */
const deepestLevel = 32;

function camelKeys(value: unknown, level: number): unknown {
  if (level > deepestLevel) return value;
  if (Array.isArray(value)) return value.map((item) => camelKeys(item, level + 1));
  if (!isWireObject(value)) return value;
  // fromEntries defines own properties: a key `__proto__` stays a key.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
      return [name, opaqueFields.has(name) ? item : camelKeys(item, level + 1)];
    }),
  );
}
