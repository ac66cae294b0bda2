/** A coverage as plain text: for a terminal, a log, a diff. */
import type { Coverage } from '../model/coverage.js';
import { summary } from '../model/expect.js';
import { countOf, type Standing, standings, strayWaivers, waiverOf, wayTo } from './standing.js';

/** A summary, then every item, what is missing first. */
export function textOf(coverage: Coverage): string {
  const stray = strayWaivers(coverage).map((id) => `waived, but the machine has no such item: ${oneLine(id)}`);
  return [summary(coverage), ...stray, '', ...standings(coverage).map(itemOf), ''].join('\n');
}

function itemOf(item: Standing): string {
  const notes = [waiverOf(item), wayTo(item)].filter((note) => note !== '');
  return [`${countOf(item).padEnd(8)}${oneLine(item.id)}`, ...notes.map((note) => `${' '.repeat(8)}${oneLine(note)}`)].join('\n');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
