/** An exit report as lines: who ended how, in which order, how long each took, and who had to be killed. Pure. */
import { isClean } from '../../../machines/supervision/exit.js';
import type { EndedChild } from '../../../machines/supervision/pool.js';
import type { ExitReport } from '../../supervision/exit-report.js';
import { reasonWords, tookWords } from '../stage/states.js';
import type { Line } from './spans.js';

interface Row {
  readonly name: string;
  readonly child: EndedChild;
}

export function drawReport(report: ExitReport): Line[] {
  const rows = report.children.flatMap((child) => rowsOf(child, ''));
  const width = Math.max(...['actor', ...rows.map(({ name }) => name)].map((name) => name.length)) + 2;
  const tookWidth = Math.max(...['took', ...rows.map(({ child }) => tookWords(child.tookMs))].map((words) => words.length));
  const { killed, orphans } = report;
  return [
    [{ text: `exit report: ${report.id} ended ${reasonWords(report.reason)} in ${tookWords(report.tookMs)}`, tone: 'strong' }],
    [{ text: `${'actor'.padEnd(width)}${'took'.padStart(tookWidth)}  ended, in this order`, tone: 'quiet' }],
    ...rows.map(({ name, child }): Line => {
      const { reason } = child;
      const words = child.killed ? `${reasonWords(reason)}: it did not end in time` : reasonWords(reason);
      return [
        { text: name.padEnd(width) },
        { text: `${tookWords(child.tookMs).padStart(tookWidth)}  `, tone: 'quiet' },
        { text: words, tone: child.killed || !isClean(reason) ? 'bad' : 'good' },
      ];
    }),
    [
      { text: 'killed: ', tone: 'quiet' },
      { text: killed.join(', ') || 'none', tone: killed.length > 0 ? 'bad' : 'quiet' },
      { text: ` · left behind: ${orphans.join(', ') || 'none'}`, tone: orphans.length > 0 ? 'bad' : 'quiet' },
    ],
  ];
}

/** Who ended within a supervisor ended before it. */
function rowsOf(child: EndedChild, above: string): Row[] {
  const name = above === '' ? child.id : `${above}/${child.id}`;
  return [...(child.children ?? []).flatMap((inner) => rowsOf(inner, name)), { name, child }];
}
