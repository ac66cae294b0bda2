/**
 * The conversation as rows: one for each message, start and end, in order; a pause is one row, however long. Rows are only added, so that a second of ten
 * thousand messages costs ten thousand steps and not ten thousand times all that came before.
 */
import type { Entry } from '../state/entry.js';
import { eventType, isCrash } from '../state/actor-view.js';

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

/** A pause that is longer is a row of its own, ms. */
const idleFromMs = 1_000;
/** Most lanes; whoever comes later shares the last. */
export const mostLanes = 60;
export const outside = '(outside)';

/** Whoever takes an actor's place takes its lane: `pool/worker#3` is in that of `pool/worker`. */
function laneName(actor: string): string {
  return actor.replaceAll(/#\d+(?=\/|$)/gu, '');
}

/** Where a line is taken from. */
export interface Lines {
  readonly length: number;
  line(index: number): Entry | undefined;
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
      const at = 'at' in line ? line.at : 0;
      const pause = this.#lastAt === null ? 0 : at - this.#lastAt;
      if (pause > idleFromMs) this.rows.push({ kind: 'idle', index: this.#read, ms: pause });
      this.#lastAt = at;
      this.rows.push(row);
    }
  }

  laneOf(actor: string | null): number {
    return this.#places.get(laneName(actor ?? outside)) ?? 0;
  }

  #rowOf(line: Entry, index: number): SequenceRow | null {
    switch (line.type) {
      case '@xstate.event': {
        const { actor: to, source: from, at, delay } = line;
        if (!this.#scope(to) && (from === null || !this.#scope(from))) return null;
        // Who hears from nobody in particular hears from outside; what an actor sends itself has one lane.
        this.#lane(from ?? outside);
        this.#lane(to);
        return { kind: 'message', index, at, from, to, event: eventType(line.event), isDead: line.dead === true, delayMs: delay?.ms ?? null };
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
