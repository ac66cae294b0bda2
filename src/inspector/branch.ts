/** The lines that concern a branch of a tree. */
import type { RecordedLine } from '../wire/recording/lines.js';

/** Those of them that concern an actor or somebody below it. Keyframes count what is left of them; machines are told to everybody. */
export function linesUnder(lines: readonly RecordedLine[], under: string): readonly RecordedLine[] {
  const below = `${under}/`;
  const isBelow = (path: string | null): boolean => path !== null && (path === under || path.startsWith(below));
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
