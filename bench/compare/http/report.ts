/** The report: each case with what each subject's app saw, and how often each was right. */
import type { Paint } from '../../table.js';
import { type Case, ruleOf } from './case.js';
import type { Cell } from './command.js';

/** A case, its rule, and a line for each subject. */
export function renderCase(which: Case, cells: readonly Cell[], paint: Paint): string {
  const widest = Math.max(...cells.map(({ subject }) => subject.length));
  const lines = cells.map(({ subject, right, why }) => `  ${subject.padEnd(widest)}  ${right ? paint.green('right') : paint.red('WRONG')}  ${why}`);
  return [paint.bold(`${which.id}  ${which.title}`), paint.dim(`right when ${ruleOf(which)}`), ...lines, ''].join('\n');
}

/** `right: espalier 0.1.0 18 of 18, …` */
export function renderTotals(cells: readonly Cell[]): string {
  const names = [...new Set(cells.map(({ subject }) => subject))];
  const scores = names.map((name) => {
    const own = cells.filter(({ subject }) => subject === name);
    return `${name} ${own[0]?.version ?? ''} ${own.filter(({ right }) => right).length} of ${own.length}`;
  });
  return `right: ${scores.join(', ')}`;
}
