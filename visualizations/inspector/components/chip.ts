/** How an actor is, in one word and one shape: colour says it again, and nothing by itself. */
import { type ActorView, hasEnded, hasFailed, stateNames } from '../state/actor-view.js';

export type Mood = 'running' | 'backoff' | 'failed' | 'done' | 'stopped';

export function moodOf(actor: ActorView, retryAt: number | null): Mood {
  if (retryAt !== null) return 'backoff';
  if (hasFailed(actor)) return 'failed';
  if (!hasEnded(actor)) return 'running';
  return actor.status === 'done' ? 'done' : 'stopped';
}

/** One letter for each mood, of different shapes. */
export const moodSigns: Readonly<Record<Mood, string>> = { running: '●', backoff: '◔', failed: '✕', done: '✓', stopped: '○' };

/** What an actor is doing, in words: its states; of who has none, what it runs. */
export function chipsOf(actor: ActorView): readonly string[] {
  const names = stateNames(actor.value);
  return names.length > 0 ? names : [actor.logic];
}

/**
 * The same in short, for a row: what all states have in common is left out, of a long way its end is kept, and of regions
 * that do not fit beside each other the ends only.
 */
export function shortChipsOf(actor: ActorView): readonly string[] {
  const ways = chipsOf(actor).map((name) => name.split('.'));
  const [first = []] = ways;
  let common = 0;
  while (ways.length > 1 && common < first.length - 1 && ways.every((way) => way.length > common + 1 && way[common] === first[common])) common++;
  const owns = ways.map((way) => way.slice(common));
  return fitted(owns).map((own) => (own.join('.').length <= longestChip ? own.join('.') : own.slice(-2).join('.')));
}

/** Letters of a chip on a row, before it is made shorter. */
const longestChip = 20;
/** Letters of all chips on a row together. */
const longestChips = 18;

/** The ways of regions, without as many of their outermost names as makes them fit beside each other; each keeps its last, and an `idle` what is. */
function fitted(ways: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const lengths = ways.map((way) => way.join('.').length);
  if (ways.length < 2 || lengths.reduce((sum, length) => sum + length, 0) <= longestChips) return ways;
  const spare = ways.map((way, index) => (way.length > (way.at(-1) === 'idle' ? 2 : 1) ? (lengths[index] ?? 0) : 0));
  const longest = Math.max(...spare);
  if (longest === 0) return ways;
  const place = spare.indexOf(longest);
  return fitted(ways.map((way, index) => (index === place ? way.slice(1) : way)));
}
