/** The part of docs/performance.md that is made of kept figures. */
import type { Bench } from '../bench.js';
import type { KeptFigures } from '../kept-figures.js';
import { judge, type Limit, type Verdict } from '../limits.js';
import { figure } from '../table.js';

const begin = '<!-- Made of docs/figures by `npm run bench:page`. -->';
const end = '<!-- Up to here. -->';

type Judged = Pick<Bench, 'name' | 'limits'>;

/**
 * The page with its tables made anew.
 * @param page   as it is; what is before and after its tables is left alone
 * @param benches  in the order of their tables
 * @param kept   every run that there is; a benchmark without one has no table
 * @throws Error for a page that does not say where its tables are
 */
export function renderPage(page: string, benches: readonly Judged[], kept: readonly KeptFigures[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`expected a page with '${begin}' and, after it, '${end}', got: none`);
  const tables = benches.flatMap((bench) => {
    const runs = kept.filter((run) => run.bench === bench.name).sort((a, b) => Number.parseInt(a.node, 10) - Number.parseInt(b.node, 10));
    return runs.length === 0 ? [] : [`### ${bench.name}\n\n${renderRuns(runs)}\n\n${renderTable(bench.limits, runs)}\n`];
  });
  return `${page.slice(0, from)}${begin}\n\n${tables.join('\n')}\n${page.slice(to)}`;
}

function renderRuns(runs: readonly KeptFigures[]): string {
  const said = runs.map(({ node, cores, rounds, on }) => `Node ${node}: ${rounds === 1 ? '1 round' : `${rounds} rounds`} on ${cores} cores, ${on}`);
  return `${said.join('; ')}.`;
}

function renderTable(limits: readonly Limit[], runs: readonly KeptFigures[]): string {
  const columns = runs.map(({ rows }) => judge(limits, rows));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const body = limits.map((limit, i) => line([limit.what, rangeOf(limit), ...columns.map((verdicts) => cell(verdicts[i]))]));
  return [line(['', 'promised', ...runs.map(({ node }) => `Node ${node}`)]), line(['---', '---:', ...runs.map(() => '---:')]), ...body].join('\n');
}

function rangeOf({ atLeast, atMost, unit }: Limit): string {
  return `${atLeast === undefined ? '≤ ' : `${figure(atLeast)} to `}${figure(atMost)} ${short(unit)}`.trimEnd();
}

function cell(verdict: Verdict | undefined): string {
  if (verdict?.figure === undefined) return 'not measured';
  const { figure: found, holds, limit } = verdict;
  const text = `${figure(found)} ${short(limit.unit)}`.trimEnd();
  return holds ? text : `${text}, missed`;
}

function short(unit: string): string {
  return unit === 'times' ? '×' : unit;
}
