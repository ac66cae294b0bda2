/** Why a message was sent, and what came of it. Pure. */
import type { Entry } from '../state/entry.js';

export interface Known {
  readonly length: number;
  line(index: number): Entry | undefined;
  /** The index of the line with a number; -1 where it is not known. */
  indexOf(seq: number): number;
}

/** Most steps in either direction. */
const mostSteps = 200;
/** How far ahead is looked for what came of it, lines. */
const farthest = 20_000;

export interface Causes {
  /** Indexes of the lines that led to it, the nearest first. */
  readonly before: readonly number[];
  /** Indexes of the lines that came of it, in order. */
  readonly after: readonly number[];
}

export function causesOf(known: Known, index: number): Causes {
  const before: number[] = [];
  for (let at = causeOf(known, index); at >= 0 && before.length < mostSteps && !before.includes(at); at = causeOf(known, at)) before.push(at);
  const after: number[] = [];
  const numbers = new Set([seqOf(known.line(index))]);
  const end = Math.min(known.length, index + farthest);
  for (let at = index + 1; at < end && after.length < mostSteps; at++) {
    const line = known.line(at);
    const cause = numberOfCause(line);
    if (cause === undefined || !numbers.has(cause)) continue;
    numbers.add(seqOf(line));
    after.push(at);
  }
  return { before, after };
}

function causeOf(known: Known, index: number): number {
  const cause = numberOfCause(known.line(index));
  if (cause === undefined) return -1;
  const at = known.indexOf(cause);
  return at < index ? at : -1;
}

/** The line in whose processing a line came about; of a delayed event, the line that ordered it. */
function numberOfCause(line: Entry | undefined): number | undefined {
  if (line?.type === '@xstate.event') return line.cause ?? line.delay?.by ?? undefined;
  return line?.type === '@xstate.actor' ? line.cause : undefined;
}

function seqOf(line: Entry | undefined): number {
  return line !== undefined && 'seq' in line ? line.seq : -1;
}
