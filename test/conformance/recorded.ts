/** A recorded session, written out in a test. */
import { clientScript } from '../../src/testing/gemini-server/recording-scripts.js';
import { parseServerMessage } from '../../src/wire/gemini/live.js';
import type { Session } from './live/recordings.js';

/** The session that these messages are, in their order. */
export function sessionOf(...messages: readonly (readonly [from: 'client' | 'server', message: object])[]): Session {
  const frames = messages.map(([from, message]) => ({ from, text: JSON.stringify(message) }));
  const heard = frames.flatMap(({ from, text }) => {
    const read = from === 'server' ? parseServerMessage(text) : null;
    return read === null ? [] : [read.ok ? read.message : null];
  });
  return { name: 'written out', recording: { frames }, said: clientScript({ frames }), heard };
}
