/** The report: each case with what was seen of each subject, and at the end a line for each case. */
import type { Paint } from '../table.js';
import type { Case, Verdict } from './case.js';
import { type Fact, factKinds, type Observation } from './facts.js';

/** One subject in one case. */
export interface Cell {
  readonly subject: string;
  readonly version: string;
  readonly verdict: Verdict;
  readonly seen: Observation;
}

/** What a report looks like: `width` in characters, where lines are broken; Infinity for a pipe. */
export interface Look {
  readonly paint: Paint;
  readonly width: number;
}

const separator = ' · ';

/** A case, and each of its subjects in three lines. */
export function renderCase({ id, title, rule }: Pick<Case, 'id' | 'title' | 'rule'>, cells: readonly Cell[], { paint, width }: Look): string {
  const widest = Math.max(...cells.map(({ subject }) => subject.length));
  const indent = ' '.repeat(widest + 4);
  const blocks = cells.map(({ subject, verdict, seen }) => {
    const parts = [verdictWord(verdict, paint), momentOf(verdict, seen).padStart(11), ` ${verdict.why}`];
    const rows = [
      ['wire', wireOf(seen)],
      ['app ', appOf(seen)],
    ] as const;
    const details = rows.map(([name, items]) => `${indent}${paint.dim(name)}  ${wrapped(items, width - indent.length - 6, `\n${indent}      `)}`);
    return [`  ${subject.padEnd(widest)}  ${parts.join(' ')}`, ...details].join('\n');
  });
  return [paint.bold(`${id}  ${title}`), paint.dim(`right when ${rule}`), '', ...blocks].join('\n');
}

/** A line for each case, a column for each subject. */
export function renderSummary(rows: readonly { readonly id: string; readonly cells: readonly Cell[] }[], { paint }: Look): string {
  const names = rows[0]?.cells.map(({ subject, version }) => `${subject} ${version}`) ?? [];
  const widest = Math.max(...rows.map(({ id }) => id.length));
  const columns = names.map((name) => Math.max(name.length, 17));
  const head = [' '.repeat(widest), ...names.map((name, i) => name.padEnd(columns[i] ?? 0))].join('   ').trimEnd();
  const body = rows.map(({ id, cells }) => {
    const shown = cells.map(({ verdict, seen }, i) => {
      const moment = momentOf(verdict, seen).padStart(11);
      return `${verdictWord(verdict, paint)} ${moment}`.padEnd((columns[i] ?? 0) + verdictWord(verdict, paint).length - 5);
    });
    return [id.padEnd(widest), ...shown].join('   ').trimEnd();
  });
  return [paint.dim(head), ...body].join('\n');
}

/** `espalier is right in 10 of 10 cases, …` */
export function renderScore(rows: readonly { readonly cells: readonly Cell[] }[]): string {
  const names = rows[0]?.cells.map(({ subject }) => subject) ?? [];
  const scores = names.map((name) => {
    const own = rows.flatMap(({ cells }) => cells.filter(({ subject }) => subject === name));
    return `${name} ${own.filter(({ verdict }) => verdict.right).length} of ${own.length}`;
  });
  return `right: ${scores.join(', ')}`;
}

function verdictWord({ right }: Verdict, paint: Paint): string {
  return right ? paint.green('right') : paint.red('WRONG');
}

/** `73 ms`; `> 4 000 ms` for what was waited for in vain. */
function momentOf({ right, afterMs }: Verdict, { untilMs }: Observation): string {
  if (afterMs !== null) return `${whole(afterMs)} ms`;
  return right ? '' : `> ${whole(untilMs)} ms`;
}

function whole(ms: number): string {
  return String(Math.max(0, Math.round(ms))).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** The messages of each socket. */
function wireOf({ wire, connections }: Observation): readonly string[] {
  if (wire.length === 0) return [connections === 0 ? 'nobody connected' : 'nothing'];
  let shown = 0;
  const items = wire.map(({ connection, what, atMs }) => {
    const socket = connections > 1 && connection !== shown ? `socket ${connection}: ` : '';
    shown = connection;
    return { what: `${socket}${what}`, atMs };
  });
  return counted(items);
}

function appOf({ facts, exit }: Observation): readonly string[] {
  const items = facts.map(({ kind, detail, atMs }: Fact) => ({ what: [factKinds[kind], detail].filter(Boolean).join(' '), atMs }));
  const end = exit === null ? [] : [{ what: `its process ends: ${exit.words}`, atMs: exit.atMs }];
  const all = counted([...items, ...end]);
  return all.length === 0 ? ['nothing'] : all;
}

/** Those alike that follow each other as one, with the moment of the first. */
function counted(items: readonly { readonly what: string; readonly atMs: number }[]): readonly string[] {
  const runs: { what: string; count: number; atMs: number }[] = [];
  for (const { what, atMs } of items) {
    const last = runs.at(-1);
    if (last?.what === what) last.count += 1;
    else runs.push({ what, count: 1, atMs });
  }
  return runs.map(({ what, count, atMs }) => `${what}${count > 1 ? ` × ${count}` : ''}${since(atMs)}`);
}

/** Before the zero of the case the moment says nothing. */
function since(atMs: number): string {
  return atMs < 0 ? '' : ` +${whole(atMs)}`;
}

/** Items on as many lines as they need; one that is longer than a line stays whole. */
function wrapped(items: readonly string[], width: number, newline: string): string {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + separator.length + item.length <= width) lines[lines.length - 1] = last + separator + item;
    else lines.push(item);
  }
  return lines.join(`${separator.trimEnd()}${newline}`);
}
