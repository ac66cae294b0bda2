/** The two formats of traces, on a small recording word by word and on kept ones by what must hold of any. */
import { describe, expect, it } from 'vitest';

import { chromeTrace, type TraceEvent } from '../../../src/recording/exports/chrome-trace.js';
import { otlpTrace, type OtlpSpan } from '../../../src/recording/exports/otel.js';
import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { keptRecording } from '../../inspector/adapters/lines-of.js';
import { head, small, started } from '../../inspector/adapters/small.js';

const kept = ['crashing-tree', 'live-conversation', 'tasks-at-work'];

function spansOf(recording: Parameters<typeof otlpTrace>[0], options?: Parameters<typeof otlpTrace>[1]): readonly OtlpSpan[] {
  return otlpTrace(recording, options).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
}

function told({ ph, tid, ts, dur, name, id }: TraceEvent): string {
  return [ph, tid, ts, ...(dur === undefined ? [] : [`+${dur}`]), name, ...(id === undefined ? [] : [`#${id}`])].join(' ');
}

describe('a Chrome trace', () => {
  it('has a thread for each actor, slices for its life and its states, and arrows for its messages', () => {
    const trace = chromeTrace({ head, lines: small });
    expect(trace.filter(({ ph }) => ph === 'M').map(({ name, args }) => [name, args])).toContainEqual(['thread_name', { name: 'house/door#2' }]);
    expect(trace.filter(({ ph }) => ph !== 'M').map(told)).toEqual([
      'X 1 0 +130000 house',
      'X 1 0 +130000 shut',
      'X 2 1000 +11000 house/door',
      'X 2 1000 +1500 shut',
      's 1 2000 push #4',
      'X 2 2500 +9500 open',
      'f 2 2500 push #4',
      'i 2 2500 push',
      'i 1 10000 unhandled: knock',
      'X 3 15000 +115000 house/door#2',
      'X 3 15000 +115000 shut',
      'X 4 15000 +115000 house/bell',
      'i 1 16000 dead letter: push',
      'i 3 115000 xstate.after.rest.door.shut',
      's 1 120000 ring #14',
      'f 4 120000 ring #14',
    ]);
    expect(trace.find(({ ph, tid }) => ph === 'X' && tid === 2)?.args).toEqual({
      logic: 'machine',
      machine: 'door',
      run: 1,
      end: 'crash: Error: off its hinges',
    });
    expect(trace.find(({ ph, tid }) => ph === 'X' && tid === 3)?.args).toMatchObject({ replaces: 'house/door', run: 2, end: 'none yet' });
  });

  it.each(kept)('of %s: slices lie within the life of their actor, arrows have two ends, and time goes on', (name) => {
    const trace = chromeTrace(keptRecording(name)).filter(({ ph }) => ph !== 'M');
    const slices = trace.filter(({ ph }) => ph === 'X');
    const lives = new Map(slices.filter(({ cat }) => cat === 'actor').map((slice) => [slice.tid, slice]));
    expect(lives.size).toBeGreaterThan(2);
    for (const { tid, ts, dur = -1 } of slices) {
      const life = lives.get(tid) as TraceEvent;
      expect([ts >= life.ts, dur >= 0, ts + dur <= life.ts + (life.dur ?? 0)]).toEqual([true, true, true]);
    }
    const starts = trace.filter(({ ph }) => ph === 's');
    const ends = new Map(trace.filter(({ ph }) => ph === 'f').map((end) => [end.id, end]));
    expect(ends.size).toBe(starts.length);
    for (const { id, ts } of starts) expect(ends.get(id)?.ts).toBeGreaterThanOrEqual(ts);
    expect(trace.every(({ ts }, index) => ts >= (trace[index - 1]?.ts ?? 0))).toBe(true);
  });

  it('holds no value of the app', () => {
    const secret = 'do-not-read-me';
    const lines: RecordedLine[] = [
      ...small,
      { type: '@xstate.event', seq: 16, at: 140, actor: 'house', source: null, event: { type: 'tell', secret } },
      {
        type: '@xstate.transition',
        seq: 17,
        at: 140,
        actor: 'house',
        event: 16,
        taken: [],
        state: { status: 'done', value: 'shut', context: { secret }, output: secret },
        actions: [{ kind: 'emit', event: { type: 'told', secret } }],
      },
    ];
    expect(JSON.stringify([chromeTrace({ head, lines }), otlpTrace({ head, lines })])).not.toContain(secret);
  });
});

describe('spans of OpenTelemetry', () => {
  it('are one for each actor, below that of its parent, with what its machine made of events', () => {
    const [house, first, second, bell] = spansOf({ head, lines: small });
    expect(house).toMatchObject({ name: 'door', startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000000130000000', status: {} });
    expect(house?.parentSpanId).toBeUndefined();
    expect(house?.traceId).toMatch(/^[\da-f]{32}$/);
    expect(house?.spanId).toMatch(/^[\da-f]{16}$/);
    expect(first?.parentSpanId).toBe(house?.spanId);
    expect(first?.status).toEqual({ code: 2, message: 'crash: Error: off its hinges' });
    expect(first?.events).toEqual([
      {
        timeUnixNano: '1700000000002500000',
        name: 'push',
        attributes: [
          { key: 'espalier.from', value: { stringValue: 'house' } },
          { key: 'espalier.taken', value: { arrayValue: { values: [{ stringValue: 'shut>open' }] } } },
          { key: 'espalier.state', value: { stringValue: 'open' } },
        ],
      },
    ]);
    expect(second?.links).toEqual([
      { traceId: house?.traceId, spanId: first?.spanId, attributes: [{ key: 'espalier.link', value: { stringValue: 'replaces' } }] },
    ]);
    expect(second?.attributes).toContainEqual({ key: 'espalier.unfinished', value: { boolValue: true } });
    expect(bell).toMatchObject({ name: 'bell', events: [], status: {} });
    expect(house?.events.map(({ name }) => name)).toEqual(['knock', 'dead letter']);
  });

  it('are the same for the same recording, and others for another', () => {
    expect(otlpTrace({ head, lines: small })).toEqual(otlpTrace({ head, lines: small }));
    const other = spansOf({ head: { ...head, wallAt: 1 }, lines: small });
    expect(other[0]?.traceId).not.toBe(spansOf({ head, lines: small })[0]?.traceId);
  });

  it('count the events that there was no room for', () => {
    const [house] = spansOf({ head, lines: small }, { maxEvents: 1 });
    expect(house).toMatchObject({ events: [{ name: 'knock' }], droppedEventsCount: 1 });
  });

  it.each(kept)('of %s: every id is there once, every parent and every link is a span, and nobody ends before the start', (name) => {
    const spans = spansOf(keptRecording(name));
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    for (const { parentSpanId, links, startTimeUnixNano, endTimeUnixNano } of spans) {
      if (parentSpanId !== undefined) expect(ids).toContain(parentSpanId);
      for (const { spanId } of links) expect(ids).toContain(spanId);
      expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
    }
    if (name === 'crashing-tree') expect(spans.some(({ links, status }) => links.length === 1 && status.code === 2)).toBe(true);
  });

  it('begin where a recording begins in the midst, and end for whom a keyframe does not have', () => {
    const lines: RecordedLine[] = [
      ...small.slice(0, 3),
      { type: '@espalier.keyframe', seq: 3, at: 50, lines: 1 },
      started(3, 50, 'house', { from: 'joined' }),
    ];
    const spans = spansOf({ head, lines });
    expect(spans).toHaveLength(2);
    expect(spans[1]).toMatchObject({ endTimeUnixNano: '1700000000050000000' });
    expect(spans[1]?.attributes).toContainEqual({ key: 'espalier.exit', value: { stringValue: 'not told' } });
  });
});
