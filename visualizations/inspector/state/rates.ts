/** Events of the last second, by actor: counted back from a line, and again only when it is worth it. */
import type { Timeline } from './timeline.js';

/** What "a second" is, ms. */
const windowMs = 1_000;
/** Most lines that are counted; beyond it the figure is scaled from what was. */
const mostCounted = 20_000;

/**
 * How many events came to each actor within a second, up to a line; per second.
 * @param now  the end of the second, ms, where that is later than the line: in an app in which nothing happens
 */
export function ratesAt(timeline: Timeline, index: number, now = 0): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (index < 0) return counts;
  const to = Math.max(now, timeline.scale.timeOf(index));
  let counted = 0;
  let spanMs = windowMs;
  const add = (actor: string, events: number): void => void counts.set(actor, (counts.get(actor) ?? 0) + events);
  for (let at = index; at >= 0; at--) {
    const line = timeline.line(at);
    const ago = to - timeline.scale.timeOf(at);
    if (ago >= windowMs) break;
    if (counted > mostCounted) {
      spanMs = Math.max(1, ago);
      break;
    }
    if (line?.type === '@xstate.event') {
      add(line.actor, 1);
      counted++;
    } else if (line?.type === 'summary') {
      for (const { actor, events } of line.actors) add(actor, events);
      counted += line.actors.length;
    }
  }
  if (spanMs < windowMs) for (const [actor, count] of counts) counts.set(actor, (count * windowMs) / spanMs);
  return counts;
}
