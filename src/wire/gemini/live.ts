/**
 * Messages of a Gemini Live server (BidiGenerateContent): the reader of its frames, and the door to the rest of the wire.
 *
 * The server sends one JSON object per frame, in text or in binary frames, pretty-printed or not. Several kinds may share a frame
 * (`usageMetadata` rides along with others). Unknown fields and unknown messages are passed on.
 * The schemas are in server-kinds.ts and live-client.ts, where a client connects is in live-url.ts and vertex.ts; all are re-exported here.
 *
 * @see Gemini API, Live API: WebSockets API reference
 */
import { plainKinds } from './data-frame.js';
import { type Frame, type ReadFrame, type UnreadableFrame, type WireObject, notAnObject, objectOf, readKinds, textOf, tooDeep } from './frame.js';
import { type ServerKind, type ServerMessage, serverKinds, signalKinds } from './server-kinds.js';

export type { Blob, Content, FunctionCall, FunctionResponse, Part, Transcription } from './content.js';
export { isData } from './data-frame.js';
export { type Fault, type Frame, type ReadFrame, textOf, type UnreadableFrame } from './frame.js';
export { type ClientKind, type ClientMessage, type ClientMessageResult, type LiveSetup, parseClientMessage } from './live-client.js';
export { type AccessToken, type LiveEndpointOptions, liveEndpoint, type LiveUrlOptions, liveUrl, modelPath, shownUrl } from './live-url.js';
export { type ServerKind, type ServerMessage, serverMessage } from './server-kinds.js';
export { type SchedulingPlace, toolResponse } from './tool-response.js';
export { type VertexPlace, vertexBaseUrl, vertexModelPath } from './vertex.js';

/** A server frame, read: see {@link ReadFrame} and {@link UnreadableFrame}. */
export type ServerMessageResult = ReadFrame<ServerMessage, ServerKind> | UnreadableFrame;

const nothing: readonly never[] = Object.freeze([]);

/**
 * Reads one frame of the server. A frame of data (see `isData`), or of plain calls, costs little more than JSON.parse; any other goes through the schemas, to the same
 * result.
 * @param data  text, bytes, or the fragments of one message
 * @returns `ok: true` with the message, its kinds, unknown fields and faults; `ok: false` for what is no message at all.
 *          A frame of unknown kinds only is `ok: true` with no kinds. A misshapen call among others is a fault, and stays as a call of no tool.
 * @throws  never
 */
export function readServerFrame(data: Frame): ServerMessageResult {
  const text = textOf(data);
  if (typeof text !== 'string') return text;
  const object = objectOf(text);
  if (object === null) return notAnObject(text);
  const kinds = plainKinds(object);
  if (kinds !== null) return { ok: true, message: object, kinds, unknown: nothing, faults: nothing };
  return readBySchemas(object, text);
}

/** {@link readServerFrame}, by its older name. */
export const parseServerMessage = readServerFrame;

/**
 * Reads a message by the schemas alone, whatever it holds.
 * @param object  as JSON.parse made it
 * @param text    the same, for the excerpt
 * @returns as {@link readServerFrame}
 * @throws  never
 */
export function readBySchemas(object: WireObject, text: string): ServerMessageResult {
  const read = tooDeep(object, text) ?? readKinds<typeof serverKinds, ServerMessage>(serverKinds, object, text, signalKinds);
  if (!read.ok) return read;
  const { toolCall, serverContent, toolCallCancellation } = read.message;
  const parts = (serverContent?.modelTurn?.parts ?? []).flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
  const calls = [
    ...(toolCall?.functionCalls ?? []).map((call) => ({ kind: 'toolCall', at: 'toolCall.functionCalls', call }) as const),
    ...parts.map((call) => ({ kind: 'serverContent', at: 'serverContent.modelTurn.parts.functionCall', call }) as const),
  ].flatMap(({ kind, at, call }) => (typeof call['fault'] === 'string' ? [{ kind, detail: `${at} ${call['fault']}`, got: call }] : []));
  const ids = (toolCallCancellation?.ids ?? []).flatMap((id: unknown) =>
    typeof id === 'string'
      ? []
      : [{ kind: 'toolCallCancellation', detail: `toolCallCancellation.ids: expected a string, got a ${typeof id}`, got: id } as const],
  );
  const faults = [...calls, ...ids];
  return faults.length === 0 ? read : { ...read, faults: [...read.faults, ...faults] };
}
