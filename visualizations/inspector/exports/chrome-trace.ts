/**
 * A recording as a Chrome trace (the JSON of `chrome://tracing` and Perfetto): each actor a thread, each state of a machine a span, each message a flow.
 * @see https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format)
 */
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { eventType, stateNames } from '../state/actor-view.js';

interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'i' | 'M' | 's' | 'f';
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly id?: number;
  readonly s?: 't';
  readonly bp?: 'e';
  readonly args?: object;
}

export function chromeTrace(lines: readonly RecordedLine[]): string {
  const events: TraceEvent[] = [];
  const threads = new Map<string, number>();
  const open = new Map<string, { name: string; at: number }>();
  const thread = (actor: string | null): number => {
    const name = actor ?? '(outside)';
    const known = threads.get(name);
    if (known !== undefined) return known;
    const tid = threads.size + 1;
    threads.set(name, tid);
    events.push({ name: 'thread_name', ph: 'M', ts: 0, pid: 1, tid, args: { name } });
    return tid;
  };
  const close = (actor: string, at: number): void => {
    const span = open.get(actor);
    if (span !== undefined)
      events.push({ name: span.name, ph: 'X', ts: span.at * 1000, dur: Math.max(0, at - span.at) * 1000, pid: 1, tid: thread(actor) });
    open.delete(actor);
  };
  let last = 0;
  for (const line of lines) {
    if ('at' in line) last = line.at;
    if (line.type === '@xstate.actor') open.set(line.actor, { name: stateNames(line.state?.value).join(' ') || line.logic, at: line.at });
    if (line.type === '@xstate.event') {
      const flow = { name: eventType(line.event), pid: 1, id: line.seq, ts: line.at * 1000 };
      if (line.source !== null && line.source !== line.actor) {
        events.push({ ...flow, ph: 's', tid: thread(line.source) }, { ...flow, ph: 'f', bp: 'e', tid: thread(line.actor) });
      }
      events.push({ name: flow.name, ph: 'i', s: 't', ts: flow.ts, pid: 1, tid: thread(line.actor), args: { event: line.event } });
    }
    if (line.type === '@xstate.transition' && line.state.value !== undefined) {
      const name = stateNames(line.state.value).join(' ');
      if (open.get(line.actor)?.name !== name) {
        close(line.actor, line.at);
        open.set(line.actor, { name, at: line.at });
      }
    }
    if (line.type === '@espalier.exit') close(line.actor, line.at);
  }
  for (const actor of open.keys()) close(actor, last);
  return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' });
}
