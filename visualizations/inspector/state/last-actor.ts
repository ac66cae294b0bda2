/** Who acted last. */
import type { Timeline } from './timeline.js';

/** Lines that are looked back at. */
const mostLines = 50;

/**
 * The path of the actor that acted last, up to a line: that was started, made a transition, or is said by a summary to have had an event. Whoever is only listed in
 * a keyframe, as at the beginning and whenever more is told in full, has not acted.
 * @returns undefined: nobody, in the latest lines
 */
export function lastActor(timeline: Timeline, index: number): string | undefined {
  let listed = 0;
  for (let [at, seen] = [index, 0]; at >= 0 && seen < mostLines; at--) {
    const line = timeline.line(at);
    if (line?.type === '@xstate.actor' && listed > 0) {
      listed--;
      continue;
    }
    seen++;
    if (line?.type === 'branch') listed = line.known.size;
    else if (line?.type === '@xstate.transition' || line?.type === '@xstate.actor') return line.actor;
    else if (line?.type === 'summary') {
      const acted = line.actors.filter(({ events }) => events > 0).at(-1);
      if (acted !== undefined) return acted.actor;
    }
  }
  return undefined;
}
