/** Lines as the timeline takes them: after a keyframe comes word of who there is, because whoever is not in it has ended. */
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import type { Entry } from '../state/entry.js';

export function entriesOf(lines: readonly RecordedLine[]): readonly Entry[] {
  const entries: Entry[] = [];
  let left = 0;
  let known = new Set<string>();
  for (const line of lines) {
    entries.push(line);
    if (line.type === '@espalier.keyframe') {
      left = line.lines;
      known = new Set();
      if (left === 0) entries.push({ type: 'branch', at: line.at, branch: '', known });
    } else if (left > 0) {
      left--;
      if (line.type === '@xstate.actor') known.add(line.actor);
      if (left === 0) entries.push({ type: 'branch', at: line.at, branch: '', known });
    }
  }
  return entries;
}

/** The lines again, without what the page has added. */
export function linesOf(entries: readonly Entry[]): readonly RecordedLine[] {
  return entries.filter((entry): entry is RecordedLine => entry.type !== 'summary' && entry.type !== 'branch');
}
