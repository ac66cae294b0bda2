/** Why nothing can be replayed. */
import type { Connection } from './state.js';

/** For people; null where something can. */
export function replayRefusalOf(connection: Connection): string | null {
  if (connection.kind === 'file') return 'A recording is replayed in a terminal, where its machines are.';
  if (connection.kind !== 'live') return 'There is no connection to the app.';
  return connection.replay === true ? null : 'The app lets nobody replay: it allows it by inspect(app, { replay: true }).';
}
