/** What is drawn where: rows, lanes, places in time. Nothing here needs a browser. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causesOf } from '../../visualizations/inspector/layout/causes.js';
import { outside, SequenceRows } from '../../src/recording/exports/sequence.js';
import { placeOf, stepTo } from '../../visualizations/inspector/layout/row-places.js';
import { idleMs, stepMs, TimeScale } from '../../visualizations/inspector/layout/time-scale.js';
import { treeRows } from '../../visualizations/inspector/layout/tree-rows.js';
import { valueLines } from '../../visualizations/inspector/layout/value-lines.js';
import { scrollToRow, windowOf } from '../../visualizations/inspector/layout/virtual-window.js';
import type { Entry } from '../../visualizations/inspector/state/entry.js';
import { type BareLine, ended, machine, momentAfter, numbered, sent, start } from './lines.js';

describe('the rows of a long list that are drawn', () => {
  it('are those that are seen, and some around them', () => {
    expect(windowOf({ count: 10_000, rowPx: 20, scrollPx: 2_000, viewPx: 400 })).toEqual({ first: 94, end: 126 });
  });

  it('are never beyond the list, also where it became shorter than it is scrolled', () => {
    expect(windowOf({ count: 10, rowPx: 20, scrollPx: 9_000, viewPx: 400 })).toEqual({ first: 0, end: 10 });
    expect(windowOf({ count: 100, rowPx: 20, scrollPx: 9_000, viewPx: 400 })).toEqual({ first: 74, end: 100 });
    expect(windowOf({ count: 0, rowPx: 20, scrollPx: 0, viewPx: 400 })).toEqual({ first: 0, end: 0 });
  });

  it('hold every row that is seen, wherever one is', () => {
    const view = fc.record({ count: fc.nat(5_000), rowPx: fc.integer({ min: 8, max: 60 }), scrollPx: fc.nat(300_000), viewPx: fc.nat(2_000) });
    fc.assert(
      fc.property(view, (one) => {
        const { first, end } = windowOf(one);
        const top = Math.min(one.scrollPx, Math.max(0, one.count * one.rowPx - one.viewPx));
        expect(first * one.rowPx).toBeLessThanOrEqual(top);
        expect(Math.min(end * one.rowPx, one.count * one.rowPx)).toBeGreaterThanOrEqual(Math.min(top + one.viewPx, one.count * one.rowPx));
      }),
    );
  });

  it('are scrolled to no further than needed', () => {
    const view = { rowPx: 20, scrollPx: 100, viewPx: 60 };
    expect([4, 5, 7, 8].map((row) => scrollToRow(row, view))).toEqual([80, 100, 100, 120]);
  });
});

describe('the time scale', () => {
  function scaleOf(...times: readonly number[]): TimeScale {
    const scale = new TimeScale();
    for (const at of times) scale.add(at);
    return scale;
  }

  it('compresses idle gaps, and says how long they were', () => {
    const scale = scaleOf(0, 100, 100_000, 100_100);
    expect(scale.gaps).toEqual([{ before: 2, ms: 99_900 }]);
    const whole = 100 + idleMs + 100 + 3 * stepMs;
    expect([0, 1, 2, 3].map((line) => scale.placeOf(line) * whole)).toEqual([0, 101, 102 + idleMs, whole].map((px) => expect.closeTo(px, 6)));
  });

  it('gives lines of one moment places of their own', () => {
    const scale = scaleOf(5, 5, 5, 5, 5);
    expect([0, 1, 2, 3, 4].map((line) => scale.placeOf(line))).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect([0, 0.1, 0.2, 0.5, 0.99, 1].map((place) => scale.lineAt(place))).toEqual([0, 0, 1, 2, 4, 4]);
  });

  it('knows the line of a place', () => {
    const times = fc.array(fc.nat(5_000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, (pauses) => {
        let now = 0;
        const scale = scaleOf(...pauses.map((pause) => (now += pause)));
        for (let line = 0; line < pauses.length; line++) expect(scale.lineAt(scale.placeOf(line))).toBe(line);
        expect(scale.densities(7).reduce((sum, count) => sum + count, 0)).toBe(pauses.length);
      }),
    );
    expect(new TimeScale().lineAt(0.5)).toBe(-1);
  });

  it('lets the oldest lines go, and keeps the others as they were', () => {
    const scale = scaleOf(0, 10, 90_000, 90_010, 200_000);
    scale.drop(2);
    const fresh = scaleOf(90_000, 90_010, 200_000);
    expect([scale.length, scale.gaps]).toEqual([3, fresh.gaps]);
    expect([0, 1, 2].map((line) => scale.placeOf(line))).toEqual([0, 1, 2].map((line) => fresh.placeOf(line)));
  });

  it('gives what is no news no room, and means the last of a spot', () => {
    const scale = new TimeScale();
    for (const [at, isNews] of [
      [0, true],
      [0, false],
      [0, false],
      [5, true],
    ] as const)
      scale.add(at, isNews);
    expect([0, 1, 2, 3].map((line) => scale.placeOf(line))).toEqual([0, 0, 0, 1]);
    expect([scale.lineAt(0), scale.lineAt(1)]).toEqual([2, 3]);
  });

  it('takes a clock that goes back for one that stands', () => {
    expect(scaleOf(10, 5, 12).timeOf(1)).toBe(10);
  });
});

describe('the rows of the tree', () => {
  const plain = { query: '', filter: 'all', toggled: new Set<string>(), showsPools: false } as const;
  const supervisor = (retryAt: number | null) =>
    machine('app', 0, { intensity: 3, periodMs: 5_000, restarts: [], children: [{ spec: { id: 'a' }, retryAt }] }, { logic: 'supervisor' });
  const tree = [
    supervisor(null),
    start('app/pool', 0, { logic: 'pool' }),
    machine('app/pool/a', 0, {}),
    start('app/pool/a/held', 0),
    machine('app/pool/b', 0, {}),
  ];
  const seen = (options: Partial<Parameters<typeof treeRows>[1]> = {}, ...more: BareLine[]) =>
    treeRows(momentAfter(...tree, ...more).actors, { ...plain, ...options }).map(({ path, depth }) => `${'·'.repeat(depth - 1)}${path}`);

  it('show the children of a pool below its supervisor, and pools where one wants to see them', () => {
    expect(seen()).toEqual(['app', '·app/pool/a', '··app/pool/a/held', '·app/pool/b']);
    expect(seen({ showsPools: true })).toEqual(['app', '·app/pool', '··app/pool/a', '···app/pool/a/held', '··app/pool/b']);
  });

  it('leave out what is in a closed branch', () => {
    expect(seen({ toggled: new Set(['app/pool/a']) })).toEqual(['app', '·app/pool/a', '·app/pool/b']);
  });

  it('show whom a search means, and the way there', () => {
    expect(seen({ query: 'held' })).toEqual(['app', '·app/pool/a', '··app/pool/a/held']);
    expect(seen({ query: 'IDLE b' })).toEqual(['app', '·app/pool/b']);
    expect(seen({ query: 'nobody' })).toEqual([]);
  });

  it('show a successor in the place of whom it replaces', () => {
    const crash = { crash: 'down' };
    const again = [ended('app/pool/b', 5, crash), machine('app/pool/b#2', 6, {}, { replaces: 'app/pool/b', run: 2, id: 'b' })] as const;
    expect(seen({}, ...again)).toEqual(['app', '·app/pool/a', '··app/pool/a/held', '·app/pool/b#2']);
    expect(seen({ filter: 'ended' }, ...again)).toEqual(['app', '·app/pool/b']);
    expect(seen({ filter: 'troubled' }, ...again)).toEqual(['app', '·app/pool/b#2']);
  });

  it('say until when a child is in backoff', () => {
    const moment = momentAfter(
      supervisor(900),
      start('app/pool', 0, { logic: 'pool' }),
      machine('app/pool/a', 0, {}),
      ended('app/pool/a', 5, { crash: 1 }),
    );
    expect(treeRows(moment.actors, plain)).toMatchObject([
      { path: 'app', retryAt: null },
      { path: 'app/pool/a', retryAt: 900 },
    ]);
  });

  it('close a branch of very many by themselves, and do ten thousand at once', () => {
    const many = momentAfter(start('app', 0), start('app/crowd', 0), ...Array.from({ length: 10_000 }, (_, index) => start(`app/crowd/${index}`, 0)));
    expect(treeRows(many.actors, plain)).toMatchObject([{ path: 'app' }, { path: 'app/crowd', below: 10_000, isOpen: false }]);
    expect(treeRows(many.actors, { ...plain, toggled: new Set(['app/crowd']) })).toHaveLength(10_002);
  });

  it('keep whoever was restarted in its place', () => {
    const restarted = momentAfter(
      ...[start('app', 0), start('app/a', 0), start('app/b', 0), ended('app/a', 1, { crash: 'x' })],
      start('app/a#2', 2, { replaces: 'app/a', run: 2 }),
    );
    expect(treeRows(restarted.actors, plain).map(({ path }) => path)).toEqual(['app', 'app/a#2', 'app/b']);
  });
});

function known(lines: readonly Entry[]) {
  return {
    length: lines.length,
    line: (index: number) => lines[index],
    indexOf: (seq: number) => lines.findIndex((one) => 'seq' in one && one.seq === seq),
  };
}

describe('the sequence', () => {
  it('has a row for each message, one for each pause, and a lane for each place', () => {
    const lines = numbered(
      start('app', 0),
      sent('app', 0, 'go'),
      sent('app/w', 1, 'work', { source: 'app' }),
      ended('app/w', 5_000, { crash: 'x' }),
      start('app/w#2', 5_000, { replaces: 'app/w', run: 2 }),
      sent('app/w', 5_001, 'late', { source: 'app', dead: true }),
    );
    const rows = new SequenceRows(() => true);
    rows.extend(known(lines));
    expect(rows.lanes).toEqual([outside, 'app', 'app/w']);
    expect(rows.rows.map((row) => row.kind)).toEqual(['start', 'message', 'message', 'idle', 'crash', 'restart', 'message']);
    expect(rows.rows[3]).toMatchObject({ ms: 4_999 });
    expect([rows.laneOf(null), rows.laneOf('app/w#2')]).toEqual([0, 2]);
    expect(rows.rows.at(-1)).toMatchObject({ isDead: true, event: 'late' });
  });

  it('finds the row of a line, which is not the pause before it, and steps over pauses', () => {
    const lines = numbered(start('a', 0), machine('a', 1, {}, { from: 'joined' }), sent('a', 5_000, 'x'), sent('a', 9_000, 'y'));
    const sequence = new SequenceRows(() => true);
    sequence.extend(known(lines));
    const { rows } = sequence;
    expect(rows.map(({ kind }) => kind)).toEqual(['start', 'idle', 'message', 'idle', 'message']);
    expect([null, 0, 1, 2, 3, 4].map((index) => placeOf(rows, index))).toEqual([-1, 0, -1, 2, 4, -1]);
    const down = [-1, 0, 2, 4].map((from) => stepTo(rows, from + 1, from));
    const up = [4, 2, 0].map((from) => stepTo(rows, from - 1, from));
    expect([down, up]).toEqual([
      [0, 2, 4, 4],
      [2, 0, 0],
    ]);
    expect([stepTo(rows, 3, 0), stepTo(rows, 1, 4), stepTo(rows, 40, 2), stepTo([], 0, -1)]).toEqual([4, 0, 4, -1]);
  });

  it('finds a row among very many by looking at few', () => {
    let looks = 0;
    const rows = Array.from({ length: 240_000 }, (_, index) => ({
      kind: 'message',
      get index() {
        looks++;
        return index * 2;
      },
    }));
    expect([placeOf(rows, 400_000), placeOf(rows, 400_001)]).toEqual([200_000, -1]);
    expect(looks).toBeLessThan(50);
  });

  it('reads only what came since, and only whom it is about', () => {
    const lines = numbered(start('app', 0), sent('app/a', 0, 'x'), sent('app/b', 0, 'y'));
    const rows = new SequenceRows((actor) => actor === 'app/a');
    rows.extend({ ...known(lines), length: 2 });
    rows.extend(known(lines));
    rows.extend(known(lines));
    expect(rows.rows).toMatchObject([{ kind: 'message', event: 'x', index: 1 }]);
  });

  it('finds what led to a message, and what came of it', () => {
    const lines = numbered(
      sent('a', 0, 'first'),
      sent('b', 0, 'second', { cause: 1 }),
      sent('c', 0, 'stranger'),
      sent('d', 9, 'third', { delay: { ms: 9, by: 2 } }),
      start('e', 9, { cause: 4 }),
    );
    expect(causesOf(known(lines), 1)).toEqual({ before: [0], after: [3, 4] });
    expect(causesOf(known(lines), 4)).toEqual({ before: [3, 1, 0], after: [] });
    expect(causesOf(known(lines), 2)).toEqual({ before: [], after: [] });
  });
});

describe('a value as lines', () => {
  const shown = (value: never, before?: unknown, ...toggled: string[]) =>
    valueLines(value, { before: before as never, toggled: new Set(toggled) }).map(({ depth, key, text, change }) =>
      `${'·'.repeat(depth)}${key} ${text}${change === null ? '' : ` (${change})`}`.trim(),
    );

  it('says what has changed, and opens what it is in', () => {
    const before = { at: 1, list: [1, { deep: { left: 1, right: 2 } }], gone: true, same: { a: 1 } };
    const after = { at: 2, list: [1, { deep: { left: 1, right: 3 } }, 4], same: { a: 1 } };
    expect(shown(after as never, before)).toEqual([
      'at 2 (changed)',
      'list [3] (inside)',
      '·0 1',
      '·1 {1} (inside)',
      '··deep {2} (inside)',
      '···left 1',
      '···right 3 (changed)',
      '·2 4 (added)',
      'same {1}',
      '·a 1',
      'gone true (removed)',
    ]);
  });

  it('opens and closes what was asked for', () => {
    expect(shown({ a: { b: { c: 1 } } } as never)).toEqual(['a {1}', '·b { c: 1 }']);
    expect(shown({ a: { b: { c: 1 } } } as never, undefined, '/a/b')).toEqual(['a {1}', '·b {1}', '··c 1']);
    expect(shown({ a: { b: 1 } } as never, undefined, '/a')).toEqual(['a { b: 1 }']);
  });

  it('has words for what JSON has none for', () => {
    const marks = {
      who: { $actor: 'app/a' },
      key: { $redacted: true },
      big: { $bigint: '12' },
      cut: { $cut: 'a list of 9' },
      map: { $map: [['k', 1]] },
    };
    expect(shown(marks as never, undefined, '/map')).toEqual(['who actor app/a', 'key redacted', 'big 12n', 'cut cut: a list of 9', 'map Map of 1']);
    expect(shown({ $error: { name: 'TypeError', message: 'no' } } as never)).toEqual(['TypeError: no', '·name "TypeError"', '·message "no"']);
  });

  it('is bounded', () => {
    const lines = valueLines(
      Array.from({ length: 5_000 }, (_, index) => index),
      { before: undefined, toggled: new Set() },
    );
    expect([lines.length, lines.at(-1)?.text]).toEqual([601, '4400 more, not shown']);
  });
});
