/** Changes of a context, applied. */
import { describe, expect, it } from 'vitest';
import type { RecordedChange } from '../../../src/wire/recording/lines.js';
import { applyPatch, partAt, stepOf, stepsOf } from '../../../src/wire/recording/patch.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';

const before: Portable = { a: [1, { b: 2 }, 3], 'x/y': { '~': 1 }, untouched: { deep: [1] } };

describe('a patch', () => {
  it.each<[string, RecordedChange[], Portable]>([
    ['sets the whole', [{ op: 'replace', path: '', value: 5 }], 5],
    ['adds a key', [{ op: 'add', path: '/n', value: null }], { ...(before as object), n: null }],
    ['puts into a list', [{ op: 'add', path: '/a/1', value: 9 }], { ...(before as object), a: [1, 9, { b: 2 }, 3] }],
    ['puts at the end of a list', [{ op: 'add', path: '/a/-', value: 9 }], { ...(before as object), a: [1, { b: 2 }, 3, 9] }],
    [
      'takes out of a list, then changes what has moved up',
      [
        { op: 'remove', path: '/a/0' },
        { op: 'replace', path: '/a/0/b', value: 7 },
      ],
      { ...(before as object), a: [{ b: 7 }, 3] },
    ],
    ['finds keys with marks', [{ op: 'replace', path: '/x~1y/~0', value: 2 }], { ...(before as object), 'x/y': { '~': 2 } }],
    ['takes a key away', [{ op: 'remove', path: '/x~1y' }], { a: [1, { b: 2 }, 3], untouched: { deep: [1] } }],
  ])('%s, and leaves what was', (_, changes, after) => {
    const kept = JSON.stringify(before);
    expect(applyPatch(before, changes)).toEqual(after);
    expect(JSON.stringify(before)).toBe(kept);
  });

  it('shares what it does not touch', () => {
    const after = applyPatch(before, [{ op: 'replace', path: '/a/0', value: 0 }]) as { untouched: object };
    expect(after.untouched).toBe((before as unknown as { untouched: object }).untouched);
  });

  it('sets a key that is called as the prototype is', () => {
    const after = applyPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(Object.keys(after as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });

  it.each<RecordedChange>([
    { op: 'replace', path: '/none', value: 1 },
    { op: 'remove', path: '/a/9' },
    { op: 'add', path: '/a/9', value: 1 },
    { op: 'add', path: '/a/x', value: 1 },
    { op: 'replace', path: '/a/length', value: 0 },
    { op: 'replace', path: '/a/0/b', value: 1 },
    { op: 'remove', path: '/untouched/constructor' },
  ])('that does not fit says so instead of throwing: %j', (change) => {
    expect(applyPatch(before, [change])).toEqual({ $cut: 'changes that do not fit what was before' });
  });

  it('has pointers whose steps are keys', () => {
    const keys = ['a/b', '~', '~1', '', 'plain'];
    expect(stepsOf(keys.map(stepOf).join(''))).toEqual(keys);
    expect([partAt(before, '/a/1/b'), partAt(before, ''), partAt(before, '/a/7'), partAt(before, '/toString')]).toEqual([
      2,
      before,
      undefined,
      undefined,
    ]);
  });
});
