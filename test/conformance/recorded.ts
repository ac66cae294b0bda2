/** A recorded session, written out in a test. */
import { type Session, sessionFrom } from './live/recordings.js';

/** The session that these messages are, in their order. */
export function sessionOf(...messages: readonly (readonly [from: 'client' | 'server', message: object])[]): Session {
  const frames = messages.map(([from, message]) => ({ from, text: JSON.stringify(message) }));
  return sessionFrom('written out', { frames });
}
