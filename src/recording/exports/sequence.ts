/**
 * The conversation as rows: one for each message, start and end, in order; a pause is one row, however long. Rows are only added, so that a second of ten
 * thousand messages costs ten thousand steps and not ten thousand times all that came before.
 */
import type { RecordedLine } from '../../wire/recording/lines.js';
import { isCrash, typeOf } from './story.js';

export type SequenceRow =
  | {
      readonly kind: 'message';
      readonly index: number;
      readonly at: number;
      /** Null: from outside. */
      readonly from: string | null;
      readonly to: string;
      readonly event: string;
      readonly isDead: boolean;
      /** By a timer: how long it waited, ms. */
      readonly delayMs: number | null;
    }
  | { readonly kind: 'start' | 'restart' | 'end' | 'crash'; readonly index: number; readonly at: number; readonly actor: string }
  | { readonly kind: 'idle'; readonly index: number; readonly ms: number }
  | { readonly kind: 'missing'; readonly index: number; readonly count: number; readonly why: string };

/** What is said of lines that are not there; none are, where it begins after what nobody knows. */
export function missingWords({ count, why }: Extract<SequenceRow, { kind: 'missing' }>): string {
  if (count === 0) return `nothing is known of before: ${why}`;
  return `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'} left out: ${why}`;
}

/** A pause that is longer is a row of its own, ms. */
const idleFromMs = 1_000;
/** Most lanes; whoever comes later shares the last. */
export const mostLanes = 60;
export const outside = '(outside)';

/** Whoever takes an actor's place takes its lane: `pool/worker#3` is in that of `pool/worker`. */
function laneName(actor: string): string {
  return actor.replaceAll(/#\d+(?=\/|$)/gu, '');
}

/** What a page puts between lines, and is no row. */
interface Aside {
  readonly type: 'summary' | 'branch';
  readonly at: number;
}

/** Where a line is taken from. */
export interface Lines {
  readonly length: number;
  line(index: number): RecordedLine | Aside | undefined;
}

/** Whether an actor's messages are shown. */
export type Scope = (actor: string) => boolean;

export class SequenceRows {
  readonly rows: SequenceRow[] = [];
  /** Actors in the order in which they are first seen. */
  readonly lanes: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #scope: Scope;
  #read = 0;
  #lastAt: number | null = null;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#lane(outside);
  }

  /** Takes what came since. */
  extend(lines: Lines): void {
    for (; this.#read < lines.length; this.#read++) {
      const line = lines.line(this.#read);
      const row = line === undefined ? null : this.#rowOf(line, this.#read);
      if (line === undefined || row === null) continue;
      const { at } = line;
      const pause = this.#lastAt === null ? 0 : at - this.#lastAt;
      if (pause > idleFromMs) this.rows.push({ kind: 'idle', index: this.#read, ms: pause });
      this.#lastAt = at;
      this.rows.push(row);
    }
  }

  laneOf(actor: string | null): number {
    return this.#places.get(laneName(actor ?? outside)) ?? 0;
  }

  #rowOf(line: RecordedLine | Aside, index: number): SequenceRow | null {
    switch (line.type) {
      case '@xstate.event': {
        const { actor: to, source: from, at, delay } = line;
        if (!this.#scope(to) && (from === null || !this.#scope(from))) return null;
        // Who hears from nobody in particular hears from outside; what an actor sends itself has one lane.
        this.#lane(from ?? outside);
        this.#lane(to);
        return { kind: 'message', index, at, from, to, event: typeOf(line.event), isDead: line.dead === true, delayMs: delay?.ms ?? null };
      }
      case '@xstate.actor':
        if (line.from === 'joined' || !this.#scope(line.actor)) return null;
        this.#lane(line.actor);
        return { kind: line.replaces === null ? 'start' : 'restart', index, at: line.at, actor: line.actor };
      case '@espalier.exit': {
        if (!this.#scope(line.actor)) return null;
        this.#lane(line.actor);
        return { kind: isCrash(line.reason) ? 'crash' : 'end', index, at: line.at, actor: line.actor };
      }
      case '@espalier.dropped':
        return { kind: 'missing', index, count: line.count, why: line.why };
      default:
        return null;
    }
  }

  #lane(actor: string): void {
    const lane = laneName(actor);
    if (this.#places.has(lane)) return;
    this.#places.set(lane, Math.min(this.lanes.length, mostLanes - 1));
    if (this.lanes.length < mostLanes) this.lanes.push(lane);
  }
}

/** The rows of a whole recording. @param scope  whose messages; default everybody's */
export function sequenceOf(lines: readonly RecordedLine[], scope: Scope = () => true): SequenceRows {
  const rows = new SequenceRows(scope);
  rows.extend({ length: lines.length, line: (index) => lines[index] });
  return rows;
}

/** A pause in words: `1.5 s idle`, `3 m 20 s idle`. */
export function pauseWords(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s idle`;
  return `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1_000)} s idle`;
}
