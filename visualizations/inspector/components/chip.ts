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

/** The same in short, for a row: what all states have in common is left out, and of a long way its end is kept. */
export function shortChipsOf(actor: ActorView): readonly string[] {
  const ways = chipsOf(actor).map((name) => name.split('.'));
  const [first = []] = ways;
  let common = 0;
  while (ways.length > 1 && common < first.length - 1 && ways.every((way) => way.length > common + 1 && way[common] === first[common])) common++;
  return ways.map((way) => {
    const own = way.slice(common);
    return own.join('.').length <= longestChip ? own.join('.') : own.slice(-2).join('.');
  });
}

/** Letters of a chip on a row, before it is made shorter. */
const longestChip = 20;
