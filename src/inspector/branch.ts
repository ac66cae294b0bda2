/** The lines that concern a branch of a tree. */
import { briefly } from '../recording/actor-line.js';
import { isIn } from '../wire/recording/branch.js';
import { isOfGuest } from './guest.js';
import type { RecordedLine } from '../wire/recording/lines.js';

/** Those of them that concern an actor or somebody below it. Keyframes count what is left of them; machines are told to everybody. */
export function linesUnder(lines: readonly RecordedLine[], under: string): readonly RecordedLine[] {
  const isBelow = (path: string | null): boolean => path !== null && isIn(under, path);
  const concerns = (line: RecordedLine): boolean =>
    !('actor' in line) || isBelow(line.actor) || (line.type === '@xstate.event' && isBelow(line.source));
  const kept: RecordedLine[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as RecordedLine;
    if (line.type === '@espalier.keyframe') {
      const own = lines.slice(index + 1, index + 1 + line.lines).filter(concerns);
      kept.push({ ...line, lines: own.length }, ...own);
      index += line.lines;
    } else if (concerns(line)) kept.push(line);
  }
  return kept;
}

/** Those that tell of births, deaths and machines, without how actors are; gaps and keyframes as they are. Of guests all: nobody else knows how they are. */
export function factsOf(lines: readonly RecordedLine[]): readonly RecordedLine[] {
  return lines.flatMap((line): readonly RecordedLine[] => {
    if ('actor' in line && isOfGuest(line.actor)) return [line];
    if (line.type === '@xstate.actor') return [briefly(line)];
    return line.type === '@xstate.event' || line.type === '@xstate.transition' ? [] : [line];
  });
}
