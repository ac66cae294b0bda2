/**
 * What an app may send, looked at before it goes: what a server would refuse would cost the conversation.
 *
 * Content and updates are read by the schemas of the wire, as a server reads them. Input flows, dozens of frames a second, and is looked at by hand: the type
 * of each field that is known.
 */
import { type ClientKind, parseClientMessage } from '../wire/gemini/live.js';
import { isObject, isPlainObject, jsonOf, sortOf } from '../option-checks.js';
import { invalid } from './refusal.js';

/**
 * Refuses a body that is none of its kind. What is no JSON is not looked at: the uplink says so.
 * @param name  what the app calls it
 * @throws EspalierError `live/invalid-options`; it shows types, and no value
 */
export function requireKind(name: string, kind: ClientKind, body: unknown): void {
  if (!isPlainObject(body)) throw invalid(name, 'a plain object', sortOf(body));
  const text = jsonOf({ [kind]: body });
  if (text === null) return;
  const read = parseClientMessage(text);
  const wrong = read.ok ? read.faults[0]?.detail : read.detail;
  if (wrong !== undefined) throw invalid(name, `a ${kind} of the protocol`, wrong);
}

/** Refuses input whose fields are of other types than the protocol's. @throws EspalierError `live/invalid-options`; it shows types, and no value */
export function requireInput(input: unknown): void {
  if (!isPlainObject(input)) throw invalid('input', 'a plain object', sortOf(input));
  const { activityEnd, activityStart, audio, audioStreamEnd, mediaChunks, text, video } = input;
  if (isGiven(audio)) requireMedia('input.audio', audio);
  if (isGiven(video)) requireMedia('input.video', video);
  if (isGiven(text) && typeof text !== 'string') throw invalid('input.text', 'text', sortOf(text));
  if (isGiven(activityStart) && !isObject(activityStart)) throw invalid('input.activityStart', 'an object, {}', sortOf(activityStart));
  if (isGiven(activityEnd) && !isObject(activityEnd)) throw invalid('input.activityEnd', 'an object, {}', sortOf(activityEnd));
  if (isGiven(audioStreamEnd) && typeof audioStreamEnd !== 'boolean') throw invalid('input.audioStreamEnd', 'true or false', sortOf(audioStreamEnd));
  if (!isGiven(mediaChunks)) return;
  if (!Array.isArray(mediaChunks)) throw invalid('input.mediaChunks', 'a list', sortOf(mediaChunks));
  for (const chunk of mediaChunks as readonly unknown[]) requireMedia('input.mediaChunks', chunk);
}

function requireMedia(name: string, media: unknown): void {
  if (!isPlainObject(media)) throw invalid(name, '{ data, mimeType }', sortOf(media));
  const { data, mimeType } = media;
  if (typeof data !== 'string') throw invalid(`${name}.data`, 'base64, as text', sortOf(data));
  if (isGiven(mimeType) && typeof mimeType !== 'string') throw invalid(`${name}.mimeType`, 'text, such as audio/pcm;rate=16000', sortOf(mimeType));
}

/** A field that is null is absent, as in protobuf's JSON. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
