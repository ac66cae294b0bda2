import { describe, expect, test } from 'vitest';

import { canonical, canonicalTerm, differenceOfIntervals, matches, textOf, type Interval, type Traced } from './otp/compare.js';
import type { Json } from './otp/line.js';
import { fromTerm, toExit, toOurs } from './otp/terms.js';

const ordered = (...entry: Json[]): Traced => ({ entry, group: null });
const concurrent = (group: string, ...entry: Json[]): Traced => ({ entry, group });

function interval(fields: Partial<Interval>): Interval {
  return { step: 0, events: [], replies: [], sups: {}, reports: [], ...fields };
}

function golden(fields: Readonly<Record<string, Json>>): Json {
  return [{ step: 0, events: [], replies: [], sups: {}, reports: [], ...fields }];
}

describe('the canonical form', () => {
  test('sorts a run of exits of children of one concurrent supervisor, and no other', () => {
    const events = [
      ordered('exit', 'top/z', 'boom'),
      ordered('exit', 'top/a', 'boom'),
      concurrent('top/d', 'exit', 'top/d/2', 'shutdown'),
      concurrent('top/d', 'exit', 'top/d/1', 'shutdown'),
      ordered('start', 'top/x'),
      concurrent('top/d', 'exit', 'top/d/0', 'shutdown'),
    ];
    expect((canonical(interval({ events }))['events'] as Json[][]).map((event) => event[1])).toEqual([
      'top/z',
      'top/a',
      'top/d/1',
      'top/d/2',
      'top/x',
      'top/d/0',
    ]);
  });

  test('keeps the runs of two concurrent supervisors apart', () => {
    const events = [concurrent('top/b', 'exit', 'top/b/1', 'shutdown'), concurrent('top/a', 'exit', 'top/a/1', 'shutdown')];
    expect((canonical(interval({ events }))['events'] as Json[][]).map((event) => event[1])).toEqual(['top/b/1', 'top/a/1']);
  });

  test('sorts consecutive shutdown errors of one concurrent supervisor by their text', () => {
    const reports = [
      concurrent('top', 'top', 'shutdown_error', 'top/c', 'normal', 1),
      concurrent('top', 'top', 'shutdown_error', 'top/c', 'boom', 2),
    ];
    expect((canonical(interval({ reports }))['reports'] as Json[][]).map((report) => report[3])).toEqual(['boom', 'normal']);
  });

  test('sorts replies by step', () => {
    expect(
      canonical(
        interval({
          replies: [
            [4, 'ok'],
            [2, 'ok'],
          ],
        }),
      )['replies'],
    ).toEqual([
      [2, 'ok'],
      [4, 'ok'],
    ]);
  });

  test('makes the specs of a bad_start_spec opaque, at any depth', () => {
    expect(canonicalTerm(['error', ['bad_start_spec', [{ id: 1 }]]])).toEqual(['error', ['bad_start_spec', '$specs']]);
  });
});

describe('a comparison', () => {
  test('finds a missing, a further and a changed event, and says where', () => {
    const events = [ordered('start', 'top/a'), ordered('start', 'top')];
    const expected = [
      ['start', 'top/a'],
      ['start', 'top'],
    ];
    expect(differenceOfIntervals(golden({ events: expected }), [interval({ events })])).toBeNull();
    expect(differenceOfIntervals(golden({ events: expected }), [interval({ events: events.slice(0, 1) })])?.at).toBe('intervals[0].events[1]');
    expect(differenceOfIntervals(golden({ events: expected.slice(1) }), [interval({ events })])?.at).toBe('intervals[0].events[0]');
    expect(
      differenceOfIntervals(
        golden({
          events: [
            ['start', 'top/b'],
            ['start', 'top'],
          ],
        }),
        [interval({ events })],
      ),
    ).toEqual({
      at: 'intervals[0].events[0]',
      expected: ['start', 'top/b'],
      got: ['start', 'top/a'],
    });
  });

  test('heeds the order of events, except where golden says that there is none', () => {
    const events = [ordered('exit', 'top/b', 'killed'), ordered('exit', 'top/a', 'killed')];
    const expected = [
      ['exit', 'top/a', 'killed'],
      ['exit', 'top/b', 'killed'],
    ];
    expect(differenceOfIntervals(golden({ events: expected }), [interval({ events })])).not.toBeNull();
    expect(differenceOfIntervals(golden({ events: expected, unordered: true }), [interval({ events })])).toBeNull();
  });

  test('counts entries where order does not count', () => {
    const events = [ordered('exit', 'top/a', 'killed')];
    const twice = [
      ['exit', 'top/a', 'killed'],
      ['exit', 'top/a', 'killed'],
    ];
    expect(differenceOfIntervals(golden({ events: twice, unordered: true }), [interval({ events })])).not.toBeNull();
    expect(differenceOfIntervals(golden({ events: [], unordered: true }), [interval({ events })])).not.toBeNull();
  });

  test('compares replies and reports', () => {
    expect(differenceOfIntervals(golden({ replies: [[0, 'ok']] }), [interval({})])?.at).toBe('intervals[0].replies[0]');
    expect(differenceOfIntervals(golden({}), [interval({ reports: [ordered('top', 'shutdown', 'top/a', 'boom')] })])?.at).toBe(
      'intervals[0].reports[0]',
    );
  });

  test('wants the same supervisors alive, and the same answers of those that are not busy', () => {
    const idle = { which: [['a', 'top/a', 'worker']], count: [1, 1, 0, 1] };
    expect(differenceOfIntervals(golden({ sups: { top: idle } }), [interval({ sups: { top: idle } })])).toBeNull();
    expect(differenceOfIntervals(golden({ sups: { top: 'busy' } }), [interval({ sups: { top: idle } })])).toBeNull();
    expect(differenceOfIntervals(golden({ sups: { top: idle } }), [interval({ sups: { top: 'busy' } })])).not.toBeNull();
    expect(differenceOfIntervals(golden({ sups: { top: 'busy' } }), [interval({})])).not.toBeNull();
    expect(differenceOfIntervals(golden({}), [interval({ sups: { top: 'busy' } })])).not.toBeNull();
    expect(differenceOfIntervals(golden({ sups: { top: { ...idle, count: [1, 0, 0, 1] } } }), [interval({ sups: { top: idle } })])).not.toBeNull();
  });

  test('takes the children of a dynamic supervisor in any order, those of a static one as they are', () => {
    const rows = (id: (name: string) => string | null): Json[][] => ['x', 'y'].map((name) => [id(name), `top/${name}`, 'worker']);
    const snapshot = (which: Json[][]): Interval => interval({ sups: { top: { which, count: [2, 2, 0, 2] } } });
    const expected = (which: Json[][]): Json => golden({ sups: { top: { which, count: [2, 2, 0, 2] } } });
    expect(differenceOfIntervals(expected(rows(() => null)), [snapshot(rows(() => null).reverse())])).toBeNull();
    expect(differenceOfIntervals(expected(rows((name) => name)), [snapshot(rows((name) => name).reverse())])).not.toBeNull();
  });

  test('counts the intervals', () => {
    expect(differenceOfIntervals(golden({}), [])?.at).toBe('intervals.length');
  });
});

describe('a match', () => {
  test('lets an opaque golden term match anything, and nothing of ours match anything', () => {
    expect(matches(['error', 'no', '$child'], ['error', 'no', { id: 'a' }])).toBe(true);
    expect(matches('x', '$child')).toBe(false);
  });

  test('compares objects by content, whatever the order of keys', () => {
    expect(matches({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(matches({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(matches({ a: 1, b: 2 }, { a: 1, c: 2 })).toBe(false);
    expect(textOf({ b: 1, a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":1}');
  });

  test('tells null, arrays and objects apart', () => {
    expect(matches(null, {})).toBe(false);
    expect(matches([], {})).toBe(false);
    expect(matches(['a'], ['a', 'b'])).toBe(false);
    expect(matches(0, false)).toBe(false);
  });
});

describe('the two vocabularies', () => {
  test('an ordinary end keeps its name, anything else is a crash', () => {
    expect(toExit('normal')).toBe('normal');
    expect(toExit(['shutdown', 'x'])).toEqual(['shutdown', 'x']);
    expect(toExit('boom')).toEqual({ crash: 'boom' });
    expect(toExit(['shutdown', 'x', 'y'])).toEqual({ crash: ['shutdown', 'x', 'y'] });
    expect(toExit('kill')).toEqual({ crash: 'kill' });
  });

  test('terms go back to underscores, seconds and bare crashes', () => {
    expect(fromTerm(['shutdown', ['failedToStartChild', 'sub', ['EXIT', 'bad']]])).toEqual([
      'shutdown',
      ['failed_to_start_child', 'sub', ['EXIT', 'bad']],
    ]);
    expect(fromTerm(['supervisorData', ['invalidPeriod', -2000]])).toEqual(['supervisor_data', ['invalid_period', -2]]);
    expect(fromTerm({ crash: 'boom' })).toBe('boom');
    expect(fromTerm(['bad_value', 'none_for_one', 'prmanent'])).toEqual(['bad_value', 'none_for_one', 'prmanent']);
    expect(fromTerm(undefined)).toBeNull();
  });

  test('words of a scenario are translated, nonsense is passed on', () => {
    expect(toOurs('rest_for_one')).toBe('restForOne');
    expect(toOurs('none_for_one')).toBe('none_for_one');
    expect(toOurs(-10)).toBe(-10);
  });
});
