/** Follows keys of a backend as a whole: all that stand below a prefix, of one moment, and again with each change. */
import type { Backend, BackendEntry } from '../backend/port.js';

/** Keys in a page. */
const pageSize = 1_000;

/** In a few words, why something was not done. */
export const wordsOf = (answer: { readonly outcome: string; readonly reason?: string; readonly what?: string }): string =>
  [answer.outcome, answer.reason, answer.what].filter((word) => word !== undefined).join(', ');

/**
 * Tells the keys below a prefix, once they are known, and after each change: until it cannot any more.
 * @param tell  given all of them as they stood at one moment; the map is the same each time
 * @returns why not, in a few words
 */
export async function followKeys(
  backend: Pick<Backend, 'list' | 'watch'>,
  prefix: string,
  signal: AbortSignal,
  tell: (entries: ReadonlyMap<string, BackendEntry>) => void,
): Promise<string> {
  const entries = new Map<string, BackendEntry>();
  let [first, last, after]: [number | null, number, string | null] = [null, 0, ''];
  while (after !== null) {
    const page = await backend.list(prefix, { limit: pageSize, signal, ...(after === '' ? {} : { after }) });
    if (page.outcome !== 'ok') return wordsOf(page);
    for (const entry of page.entries) entries.set(entry.key, entry);
    [first, last, after] = [first ?? page.revision, page.revision, page.next];
  }
  const begun = await backend.watch(prefix, { from: (first ?? 0) + 1, signal });
  if (begun.outcome !== 'ok') return wordsOf(begun);
  try {
    // Pages are not of one moment: nothing is said of them before all that came between has been heard.
    let seen = first ?? 0;
    if (seen >= last) tell(entries);
    for (;;) {
      const answer = await begun.watch.next(seen < last ? { signal, withinMs: 1 } : { signal });
      if (answer.outcome !== 'changes' && answer.outcome !== 'quiet') return answer.outcome;
      if (answer.outcome === 'changes') {
        for (const change of answer.changes) {
          if ((entries.get(change.key)?.revision ?? 0) > change.revision) continue;
          if (change.type === 'set') entries.set(change.key, change.entry);
          else entries.delete(change.key);
        }
      }
      const wasBehind = seen < last;
      seen = answer.revision;
      if (seen >= last && (wasBehind || answer.outcome === 'changes')) tell(entries);
    }
  } finally {
    begun.watch.close();
  }
}
