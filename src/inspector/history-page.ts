/** How much of the past goes into one answer, and where the next begins. */
import type { FeedLine } from './feed.js';

/** What one answer holds at most, characters: one line at least. */
const mostText = 524_288;

export interface HistoryPage {
  readonly texts: readonly string[];
  /** The number to ask from for more; null: there is no more. */
  readonly next: number | null;
  /** How many lines of that number have come. */
  readonly skip?: number;
}

/**
 * @param lines  from the number `from` on, oldest first
 * @param skip  how many of the number `from` have come already
 */
export function pageOf(lines: readonly FeedLine[], from: number, skip: number): HistoryPage {
  const texts: string[] = [];
  let length = 0;
  let seq = from;
  /** How many of the number `seq` have been told, or need not be. */
  let told = 0;
  for (const held of lines) {
    if (held.line.seq !== seq) {
      ({ seq } = held.line);
      told = 0;
    }
    if (seq === from && told < skip) {
      told++;
      continue;
    }
    const { text } = held;
    length += text.length;
    if (length > mostText && texts.length > 0) return { texts, next: seq, ...(told > 0 ? { skip: told } : {}) };
    texts.push(text);
    told++;
  }
  return { texts, next: null };
}
