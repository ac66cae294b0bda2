/**
 * Figures that are kept with what they were measured with, a file for each benchmark and major version of Node: bench/page makes docs/performance.md of
 * them.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeFigures } from './figures-file.js';
import type { Row } from './rounds.js';

/** One run of one benchmark. */
export interface KeptFigures {
  readonly bench: string;
  /** Without the v: `20.20.2`. */
  readonly node: string;
  readonly cores: number;
  readonly rounds: number;
  /** The day on which it was measured, UTC: `2026-11-23`. */
  readonly on: string;
  readonly rows: readonly Row[];
}

/** Where the figures of a benchmark under this Node go. */
export function fileOf(folder: string, bench: string, node: string = process.versions.node): string {
  return join(folder, `${bench}-node${Number.parseInt(node, 10)}.json`);
}

/** Keeps a run of this process. @returns why it could not be kept; undefined when it is */
export function keepFigures(folder: string, bench: string, rounds: number, rows: readonly Row[]): Promise<string | undefined> {
  const on = new Date().toISOString().slice(0, 10);
  const kept: KeptFigures = { bench, node: process.versions.node, cores: availableParallelism(), rounds, on, rows };
  return writeFigures(fileOf(folder, bench), textOf(kept));
}

/** As JSON with a line for each row, so that two runs can be compared line by line. */
export function textOf({ rows, ...rest }: KeptFigures): string {
  const lines = rows.map(({ median, p25, p75, ...row }) => JSON.stringify({ ...row, median: rounded(median), p25: rounded(p25), p75: rounded(p75) }));
  return `${JSON.stringify(rest).slice(0, -1)},"rows":[\n${lines.join(',\n')}\n]}\n`;
}

/** @throws Error when it is not there; SyntaxError when it is no JSON */
export function readKept(file: string): KeptFigures {
  return JSON.parse(readFileSync(file, 'utf8')) as KeptFigures;
}

/** Five significant digits: more than the median of a few rounds has. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
