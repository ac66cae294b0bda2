/** The lines of living actors, as a recorder would tell them. */
import type { InspectionEvent } from 'xstate';

import { Reader } from '../../../src/recording/reader.js';
import { parseRecording } from '../../../src/wire/recording/parse.js';
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { readFileSync } from 'node:fs';

/** @param tell  told of each line, when it comes about */
export function linesOf(tell: (line: RecordedLine) => void = () => {}): {
  readonly inspect: (event: InspectionEvent) => void;
  readonly lines: RecordedLine[];
} {
  const lines: RecordedLine[] = [];
  const reader = new Reader({
    contexts: 'patches',
    machines: null,
    secret: null,
    tell: (line) => {
      lines.push(line);
      tell(line);
    },
  });
  return { inspect: (event) => reader.take(event), lines };
}

/** A recording that is kept with the project. */
export function keptRecording(name: string) {
  return parseRecording(readFileSync(new URL(`../../testing/replay/recordings/${name}.ndjson`, import.meta.url), 'utf8'));
}
