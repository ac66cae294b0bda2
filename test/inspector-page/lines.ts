/** Lines of a recording, in few words. */
import type { RecordedActor, RecordedEvent, RecordedExit, RecordedLine, RecordedTransition } from '../../src/wire/recording/lines.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';
import { Moment } from '../../visualizations/inspector/state/moment.js';

type Unnumbered<Line> = Line extends RecordedLine ? Omit<Line, 'seq'> : never;
/** A line without its number. */
export type BareLine = Unnumbered<RecordedLine>;

export function start(actor: string, at: number, more: Partial<RecordedActor> = {}): Unnumbered<RecordedActor> {
  const parent = actor.includes('/') ? actor.slice(0, actor.lastIndexOf('/')) : null;
  const id = actor.slice(actor.lastIndexOf('/') + 1).replace(/#\d+$/, '');
  return { type: '@xstate.actor', at, actor, parent, id, logic: 'callback', src: id, machine: null, from: 'input', replaces: null, run: 1, ...more };
}

/** A machine that starts in a state. */
export function machine(actor: string, at: number, context: Portable, more: Partial<RecordedActor> = {}): Unnumbered<RecordedActor> {
  return start(actor, at, { logic: 'machine', machine: 'm', state: { status: 'active', value: 'idle', context }, ...more });
}

export function sent(actor: string, at: number, type: string, more: Partial<RecordedEvent> = {}): Unnumbered<RecordedEvent> {
  return { type: '@xstate.event', at, actor, source: null, event: { type }, ...more };
}

export function made(actor: string, at: number, event: number, more: Partial<RecordedTransition> = {}): Unnumbered<RecordedTransition> {
  return { type: '@xstate.transition', at, actor, event, taken: ['edge'], state: { status: 'active', value: 'busy' }, actions: [], ...more };
}

export function ended(actor: string, at: number, reason: Portable = 'normal'): Unnumbered<RecordedExit> {
  return { type: '@espalier.exit', at, actor, reason };
}

/** Gives them their numbers, from 1. */
export function numbered(...lines: readonly BareLine[]): RecordedLine[] {
  return lines.map((line, index) => ({ ...line, seq: index + 1 }));
}

/** How things are after lines. */
export function momentAfter(...lines: readonly BareLine[]): Moment {
  const moment = new Moment();
  const all = numbered(...lines);
  for (const line of all) moment.follow(line, (seq) => typeOf(all[seq - 1]));
  return moment;
}

function typeOf(line: RecordedLine | undefined): string {
  return line?.type === '@xstate.event' ? ((line.event as { type: string }).type ?? '?') : '?';
}
