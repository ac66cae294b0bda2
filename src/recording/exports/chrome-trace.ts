/**
 * A recording as a Chrome trace, JSON array format: for `chrome://tracing`, Perfetto, and what else reads it.
 *
 * Each actor is a thread, with its life as a slice, and in it a slice for each state that its machine was in. Events are arrows from the slice of the
 * sender to that of the receiver; what a machine made of one is a mark. No values are in it but the types of events.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format)
 */
import type { RecordedLine, RecordingHead } from '../../wire/recording/lines.js';
import { reasonText, storyOf, type Life, type Message, type Step } from './story.js';

/** One event of the format. `ts` and `dur` are µs on the clock of `at`. */
export interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  /** M metadata · X slice · i mark · s, f ends of an arrow. */
  readonly ph: 'M' | 'X' | 'i' | 's' | 'f';
  readonly pid: 1;
  /** The number of the actor, in the order of the starts. */
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: 'e';
  readonly s?: 't';
  readonly args?: { readonly [key: string]: unknown };
}

/** @throws never */
export function chromeTrace({ head, lines }: { readonly head: RecordingHead; readonly lines: Iterable<RecordedLine> }): TraceEvent[] {
  const { lives, messages } = storyOf(lines);
  const process = metadata(0, 'process_name', { name: 'espalier', ...(head.wallAt === undefined ? {} : { wallAt: head.wallAt }) });
  const threads = lives.flatMap(({ number, line }) => [
    metadata(number, 'thread_name', { name: line.actor }),
    metadata(number, 'thread_sort_index', { sort_index: number }),
  ]);
  const events = [...lives.flatMap(slices), ...messages.flatMap(arrow), ...lives.flatMap(marks)];
  return [process, ...threads, ...events.toSorted((left, right) => left.ts - right.ts || (right.dur ?? -1) - (left.dur ?? -1))];
}

function metadata(tid: number, name: string, args: TraceEvent['args'] & object): TraceEvent {
  return { name, ph: 'M', pid: 1, tid, ts: 0, args };
}

function slices({ number: tid, line, from, until, reason, replaces, stays }: Life): TraceEvent[] {
  const args = {
    logic: line.logic,
    ...(line.machine === null ? {} : { machine: line.machine }),
    run: line.run,
    ...(replaces === null ? {} : { replaces: replaces.line.actor }),
    end: reason === null ? 'none yet' : reasonText(reason),
  };
  const slice = (name: string, cat: string, start: number, end: number, more: object): TraceEvent => ({
    name,
    cat,
    ph: 'X',
    pid: 1,
    tid,
    ts: micros(start),
    dur: micros(end) - micros(start),
    ...more,
  });
  return [slice(line.actor, 'actor', from, until, { args }), ...stays.map((stay) => slice(stay.value, 'state', stay.from, stay.until, {}))];
}

function arrow({ seq, type, from, to, sentAt, takenAt, isDead, delayMs }: Message): TraceEvent[] {
  if (isDead) return [mark(from ?? to, sentAt, `dead letter: ${type}`, { to: to.line.actor })];
  if (from === null || from === to) return to.line.machine === null ? [mark(to, sentAt, type, {})] : [];
  const ends = { name: type, cat: 'event', pid: 1, id: seq } as const;
  const args = delayMs === null ? {} : { args: { delayMs } };
  return [
    { ...ends, ph: 's', tid: from.number, ts: micros(sentAt), ...args },
    { ...ends, ph: 'f', bp: 'e', tid: to.number, ts: micros(takenAt ?? sentAt) },
  ];
}

function marks(life: Life): TraceEvent[] {
  return life.steps.map(({ at, type, taken, message, isUnhandled }: Step) =>
    mark(life, at, isUnhandled ? `unhandled: ${type}` : type, { taken, ...(message === null ? {} : { seq: message.seq }) }),
  );
}

function mark(life: Life, at: number, name: string, args: object): TraceEvent {
  return { name, cat: 'event', ph: 'i', pid: 1, tid: life.number, ts: micros(at), s: 't', args: { ...args } };
}

function micros(ms: number): number {
  return Math.round(ms * 1_000);
}
