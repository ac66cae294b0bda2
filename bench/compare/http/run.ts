/** One subject in one case: a server of its own, one request, what the app saw. */
import { geminiServer } from '../../../src/testing/index.js';
import { systemClock } from '../../../src/supervision/clock.js';
import { Waits } from '../../../src/testing/gemini-server/waits.js';
import type { Case, Seen, Subject } from './case.js';

/** How long a stream may take, ms: all of them are done in a few. */
const longestMs = 10_000;

/** Never rejects: what is thrown past the client is a failure, and so is waiting in vain. */
export async function run({ answer }: Pick<Case, 'answer'>, { stream }: Pick<Subject, 'stream'>): Promise<Seen> {
  await using server = await geminiServer({ http: [{ on: 'streamGenerateContent', answer }] });
  const waits = new Waits(systemClock);
  let seen: Seen | undefined;
  const tell = (how: Seen): void => {
    seen = how;
    waits.changed();
  };
  void stream(server.url).then(tell, (error: unknown) => tell({ texts: [], end: { type: 'failed', code: null, words: `thrown: ${String(error)}` } }));
  const waited = await waits.until(() => seen, longestMs);
  waits.close();
  return waited.ok ? waited.value : { texts: [], end: { type: 'failed', code: null, words: `nothing within ${longestMs} ms` } };
}
