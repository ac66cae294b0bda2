/** All that there is at a moment, as lines. */
import { isIn } from '../wire/recording/branch.js';
import type { RecordedActor, RecordedLine } from '../wire/recording/lines.js';
import { actorLine } from './actor-line.js';
import { lineBytes } from './limits.js';
import type { LineValues } from './line-values.js';
import type { Living } from './living.js';
import type { MachineBook } from './machine-book.js';
import type { ActorNames } from './names.js';
import { PendingTimers } from './pending-timers.js';
import type { States } from './states.js';

/** Which part of all that there is. */
export interface KeyframeOptions {
  /** The path of an actor: only it and those below it, with all machines: who starts there later may run any. `''` (the default): all. */
  readonly under?: string;
  /** Of whom it is told how they are; of others only that they are there. Default: of all. */
  readonly isFull?: (path: string) => boolean;
}

/** Lines, and how long they are in JSON, roughly. */
export interface Keyframe {
  readonly lines: readonly RecordedLine[];
  readonly bytes: number;
}

/** What is looked at. */
export interface Known {
  readonly living: Living;
  readonly book: MachineBook;
  readonly states: States;
  readonly names: ActorNames;
  readonly values: LineValues;
  /** Is it known how actors are? */
  readonly isDetailed: boolean;
  readonly seq: number;
  readonly at: number;
}

/** The keyframe itself, machines, actors that joined: parents before their children. */
export function keyframeOf({ living, book, states, names, values, isDetailed, seq, at }: Known, { under = '', isFull }: KeyframeOptions): Keyframe {
  const actors: RecordedActor[] = [];
  const timers = new PendingTimers();
  let bytes = lineBytes;
  values.takeBytes();
  for (const [path, watched] of living.entries()) {
    if (!isIn(under, path)) continue;
    const isBrief = !isDetailed || isFull?.(path) === false;
    const line = actorLine(watched, 'joined', isBrief, isBrief ? undefined : states.whole(watched), names, values, timers);
    line.seq = seq;
    line.at = at;
    actors.push(line);
    bytes += lineBytes + values.takeBytes();
  }
  const machines: RecordedLine[] = [];
  for (const { machine, definition, bytes: more } of book.told) {
    machines.push({ type: '@espalier.machine', seq, at, machine, definition });
    bytes += more;
  }
  return { lines: [{ type: '@espalier.keyframe', seq, at, lines: machines.length + actors.length }, ...machines, ...actors], bytes };
}
