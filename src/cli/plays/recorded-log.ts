/** A recorded Live session as two parts to play: what the client says, and what the server does. Pure. */
import { EspalierError } from '../../errors.js';
import type { Recording, RecordedFrame } from '../../testing/gemini-server/recording.js';
import type { FunctionCall, FunctionResponse } from '../../wire/gemini/content.js';
import { type ClientMessage, type LiveSetup, parseClientMessage, parseServerMessage } from '../../wire/gemini/live.js';

/** What the client does after its setup, in order: speak, or wait for a frame of the server. */
export type ClientStep = { readonly speak: ClientMessage } | { readonly await: 'frame' };

export interface RecordedTalk {
  readonly setup: LiveSetup;
  readonly steps: readonly ClientStep[];
  /** The functions that the server calls. */
  readonly toolNames: readonly string[];
  /** What the server plays: the recording, with the calls that it answers but does not contain. */
  readonly recording: Recording;
  /** How many such calls were added. */
  readonly addedCalls: number;
}

/**
 * Reads the parts from a recording.
 * @throws EspalierError `gemini-server/invalid-recording` when it is not one session that begins with its setup
 */
export function readTalk(recording: Recording): RecordedTalk {
  const frames: RecordedFrame[] = [];
  const steps: ClientStep[] = [];
  const calls: FunctionCall[] = [];
  const toolNames = new Set<string>();
  let setup: LiveSetup | undefined;
  let addedCalls = 0;
  for (const [index, frame] of recording.frames.entries()) {
    if (frame.from === 'server') {
      const read = parseServerMessage(frame.text);
      for (const call of read.ok ? (read.message.toolCall?.functionCalls ?? []) : []) {
        calls.push(call);
        toolNames.add(call.name);
      }
      frames.push(frame);
      steps.push({ await: 'frame' });
      continue;
    }
    const message = clientMessageOf(frame, index);
    if (index === 0 && message.setup !== undefined) {
      setup = message.setup;
      frames.push(frame);
      continue;
    }
    if (index === 0 || message.setup !== undefined)
      throw invalid('one session, that begins with its setup', `${Object.keys(message).join()} at frame ${index}`);
    for (const answer of message.toolResponse?.functionResponses ?? []) {
      const call = takeCall(calls, answer);
      if (call !== undefined) continue;
      const { id, name = '' } = answer;
      frames.push({
        from: 'server',
        text: JSON.stringify({ toolCall: { functionCalls: [{ ...(id === undefined ? {} : { id }), name, args: {} }] } }),
      });
      steps.push({ await: 'frame' });
      toolNames.add(name);
      addedCalls += 1;
    }
    frames.push(frame);
    steps.push({ speak: message });
  }
  if (setup === undefined) throw invalid('one session, that begins with its setup', 'an empty log');
  return { setup, steps, toolNames: [...toolNames], recording: { frames }, addedCalls };
}

/** Takes the call that an answer is for: by its id, or where the server gives none by its name. */
function takeCall(calls: FunctionCall[], { id, name }: FunctionResponse): FunctionCall | undefined {
  const place = calls.findIndex((call) => (id === undefined ? call.name === name : call.id === id));
  return place === -1 ? undefined : calls.splice(place, 1)[0];
}

function clientMessageOf({ text }: RecordedFrame, index: number): ClientMessage {
  const read = parseClientMessage(text);
  if (!read.ok) throw invalid(`frame ${index}: a client message (${read.detail})`, read.excerpt);
  const [fault] = read.faults;
  if (fault !== undefined) throw invalid(`frame ${index}: a client message (${fault.detail})`, text.slice(0, 80));
  return read.message;
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-recording', { expected, got });
}
