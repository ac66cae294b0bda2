/** How a play is shown: redrawn in place on a terminal, as lines to a pipe, as JSON to a program. */
import type { ExitReport } from '../../supervision/exit-report.js';
import type { Fact } from '../stage/facts.js';
import type { TreeNode } from '../stage/tree-node.js';
import { JsonShow } from './json-show.js';
import { LineShow } from './line-show.js';
import { TerminalShow } from './terminal-show.js';

/** How it all ended; `reason` where that was not well. */
export interface Ending {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly reason: string | null;
}

export interface Show {
  /** The play is about to begin. */
  begin(title: string): void;
  /** What has happened, and the trees as they are now, one for each root. */
  update(facts: readonly Fact[], trees: readonly TreeNode[]): void;
  /** The trees as they are now are to be kept: at the start, and before the end. */
  picture(): void;
  report(report: ExitReport): void;
  end(ending: Ending): void;
  /** Gives the screen back. Twice is once. */
  close(): void;
}

/** What a show writes to: the part of a stream that is needed. */
export interface Paper {
  readonly isTTY?: boolean;
  /** Absent or 0 where nobody knows. */
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** What was asked for on the command line. */
export interface ShowFlags {
  readonly json?: boolean;
  readonly 'no-color'?: boolean;
}

/** The show that fits the flags, the environment and the stream. */
export function chooseShow(paper: Paper, flags: ShowFlags, env: Readonly<Record<string, string | undefined>>): Show {
  if (flags.json === true) return new JsonShow(paper);
  const isTerminal = paper.isTTY === true && env['TERM'] !== 'dumb';
  const colours = wantsColours(isTerminal, flags, env);
  return isTerminal ? new TerminalShow(paper, colours) : new LineShow(paper, colours);
}

/** @see https://no-color.org, https://force-color.org */
export function wantsColours(isTerminal: boolean, flags: ShowFlags, env: Readonly<Record<string, string | undefined>>): boolean {
  if (flags['no-color'] === true || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal;
}
