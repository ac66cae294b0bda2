/** A conversation as lines for people, and as JSON: who said what to whom, who started, ended, crashed, and what nobody read. */
import { missingWords, pauseWords, type SequenceRow } from '../../recording/exports/sequence.js';
import { reasonText } from '../../recording/exports/story.js';
import type { RecordedLine } from '../../wire/recording/lines.js';
import type { Line, Span } from './spans.js';

const signs = { start: 'started', restart: 'started again', end: 'ended', crash: 'crashed' } as const;

/** @param lines  those that the rows are of */
export function sequenceLines(rows: readonly SequenceRow[], lines: readonly RecordedLine[]): readonly Line[] {
  const begin = rows.find((row) => 'at' in row)?.at ?? 0;
  return rows.map((row): Line => {
    if (row.kind === 'idle') return [{ text: `${' '.repeat(20)}┄ ${pauseWords(row.ms)} ┄`, tone: 'quiet' }];
    if (row.kind === 'missing') return [{ text: `${' '.repeat(20)}┄ ${missingWords(row)} ┄`, tone: 'quiet' }];
    const line = lines[row.index];
    const head: Span[] = [
      { text: `${((row.at - begin) / 1_000).toFixed(3).padStart(9)} s  ${String(line?.seq ?? '').padStart(6)}  `, tone: 'quiet' },
    ];
    if (row.kind === 'message') {
      const cause = line?.type === '@xstate.event' ? (line.cause ?? line.delay?.by) : undefined;
      const more = [
        ...(row.delayMs === null ? [] : [`after ${row.delayMs} ms`]),
        ...(cause === undefined || cause === null ? [] : [`because of ${cause}`]),
        ...(row.isDead ? ['nobody reads it'] : []),
      ].join(', ');
      const way: Span[] = [{ text: `${row.from ?? 'outside'} → ${row.to}  ` }, { text: row.event, tone: row.isDead ? 'bad' : 'strong' }];
      return [...head, ...way, { text: more === '' ? '' : `  (${more})`, tone: 'quiet' }];
    }
    const reason = line?.type === '@espalier.exit' ? `: ${reasonText(line.reason).replace(/^crash: /u, '')}` : '';
    const former = line?.type === '@xstate.actor' && line.replaces !== null ? ` in place of ${line.replaces}` : '';
    const tone = row.kind === 'crash' ? 'bad' : row.kind === 'restart' ? 'good' : 'plain';
    return [...head, { text: `${row.actor}  ` }, { text: `${signs[row.kind]}${reason}${former}`, tone }];
  });
}

/** One object for each row: the row, and of its line the number, the cause and what it says. */
export function sequenceData(rows: readonly SequenceRow[], lines: readonly RecordedLine[]): readonly object[] {
  return rows.map(({ index, ...row }) => {
    const line = lines[index];
    if (line === undefined || row.kind === 'idle' || row.kind === 'missing') return { type: 'sequence', ...row };
    const about =
      line.type === '@xstate.event'
        ? { message: line.event, cause: line.cause ?? line.delay?.by ?? null }
        : line.type === '@espalier.exit'
          ? { reason: line.reason }
          : line.type === '@xstate.actor'
            ? { run: line.run, replaces: line.replaces, cause: line.cause ?? null }
            : {};
    return { type: 'sequence', seq: line.seq, ...row, ...about };
  });
}
