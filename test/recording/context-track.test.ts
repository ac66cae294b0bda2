/** A context told by its changes is the context told whole. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContextTrack } from '../../src/recording/context-track.js';
import { streamBytes } from '../../src/recording/limits.js';
import { PortableWriter, secretKeys } from '../../src/recording/portable.js';
import { applyPatch } from '../../src/wire/recording/patch.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';

const naming = { pathOf: ({ id }: { id: string }) => id, textOf: (text: string) => text };
const writer = (): PortableWriter => new PortableWriter(naming, { secret: secretKeys });

/** Tells one context after the other, as a reader and a page do it between them. */
function follow(sources: readonly unknown[]): { contexts: Portable[]; bytes: number[]; ops: string[] } {
  const track = new ContextTrack(writer());
  let told = track.begin(sources[0]);
  const contexts = [told];
  const bytes = [track.newBytes];
  const ops: string[] = [];
  for (const source of sources.slice(1)) {
    const news = track.next(source);
    if (news !== undefined) told = 'patch' in news ? applyPatch(told, JSON.parse(JSON.stringify(news.patch)) as never) : news.context;
    ops.push(news === undefined ? 'nothing' : 'patch' in news ? news.patch.map(({ op, path }) => `${op} ${path}`).join(', ') : 'whole');
    bytes.push(track.newBytes);
    contexts.push(told);
  }
  return { contexts, bytes, ops };
}

/** As {@link follow}, of a recorder with a secret that stands in keys. */
function followHidden(sources: readonly unknown[]): { told: Portable; whole: Portable } {
  const own = new PortableWriter(naming, { secret: secretKeys, secrets: ['ALICE1', 'ALICE2'] });
  const track = new ContextTrack(own);
  let told = track.begin(sources[0]);
  for (const source of sources.slice(1)) {
    const news = track.next(source);
    if (news !== undefined) told = 'patch' in news ? applyPatch(told, JSON.parse(JSON.stringify(news.patch)) as never) : news.context;
  }
  return { told, whole: own.write(sources.at(-1)) };
}

const message = (n: number): object => ({ n, text: `message ${n}` });
const many = (count: number, from = 0): object[] => Array.from({ length: count }, (_, index) => message(from + index));

describe('a context that changes', () => {
  it.each<[string, unknown, unknown, string]>([
    ['not at all, in an object of its own', { a: 1, b: [1] }, undefined, 'nothing'],
    ['in one field', { a: 1, b: 2 }, { a: 1, b: 3 }, 'replace /b'],
    ['by a field more and one less', { a: 1, b: 2 }, { a: 1, c: 3 }, 'add /c, remove /b'],
    ['deep within', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3 } } }, 'replace /a/b/d'],
    ['in kind', { a: [1] }, { a: { 0: 1 } }, 'replace /a'],
    ['by a field that is undefined now', { a: 1, b: 2 }, { a: 1, b: undefined }, 'remove /b'],
    ['in a secret', { password: 'a', b: 1 }, { password: 'b', b: 2 }, 'replace /b'],
    ['from a list to none', { a: [1, 2] }, null, 'whole'],
  ])('%s', (_, before, after, says) => {
    const next = after === undefined ? { ...(before as object) } : after;
    const { contexts, ops } = follow([before, next]);
    expect(ops).toEqual([says]);
    expect(contexts.at(-1)).toEqual(writer().write(next));
  });

  it.each<[string, object, object]>([
    ['another key goes', { v: { 'user-ALICE1': 1, a: 1 } }, { v: { 'user-ALICE1': 1 } }],
    ['another key comes and one goes', { 'user-ALICE1': 1, a: 1 }, { 'user-ALICE1': 1, b: 1 }],
    ['another key changes', { 'user-ALICE1': 1, a: 1 }, { 'user-ALICE1': 1, a: 2 }],
    ['it goes itself', { 'user-ALICE1': 1, a: 1 }, { a: 1 }],
    ['two have one name, and another goes', { 'user-ALICE1': 1, 'user-ALICE2': 2, a: 1 }, { 'user-ALICE1': 1, 'user-ALICE2': 2 }],
    ['two have one name, in another order', { 'user-ALICE1': 1, 'user-ALICE2': 2 }, { 'user-ALICE2': 2, 'user-ALICE1': 1 }],
    ['it was inherited before', { a: 1 }, { a: 1, constructor: Object }],
  ])('is what it is when a key is written by another name, and %s', (_, before, after) => {
    const { told, whole } = followHidden([before, after]);
    expect(told).toEqual(whole);
  });

  it.each<[string, readonly object[]]>([
    [
      'one becomes undefined',
      [
        { a: 1, b: 1 },
        { a: 2, b: 1 },
        { a: 3, b: undefined },
      ],
    ],
    [
      'one becomes undefined as another is defined',
      [
        { a: undefined, b: 1 },
        { a: undefined, b: 2 },
        { a: 1, b: undefined },
      ],
    ],
    [
      'one stays undefined',
      [
        { a: 1, b: undefined },
        { a: 2, b: undefined },
        { a: 3, b: undefined },
      ],
    ],
    ['it was written whole in between', [{ a: 1 }, { a: 2, b: 1 }, { a: 3, b: 1 }, [1], { a: 3, b: 1, c: 1 }, { a: 3, b: 2 }]],
    ['it was too large in between', [{ a: 1 }, { a: 2 }, Object.fromEntries(many(600).map((one, n) => [`k${n}`, one])), { a: 2 }, { a: 3 }]],
  ])('is what it is whole when its keys stay from event to event, and %s', (_, sources) => {
    const { contexts } = follow(sources);
    expect(contexts.slice(0, 2)).toEqual(sources.slice(0, 2).map((source) => writer().write(source)));
    expect(contexts.at(-1)).toEqual(writer().write(sources.at(-1)));
  });

  it('at the ends of a long list costs its ends', () => {
    const list = many(100);
    const sources = [{ list }, { list: [...list, message(100)] }, { list: [...list.slice(1), message(100)] }, { list: [message(-1), ...list] }];
    const { contexts, ops, bytes } = follow([sources[0], sources[1], sources[0], sources[2]]);
    expect(ops).toEqual(['add /list/100', 'remove /list/100', 'remove /list/0, add /list/99']);
    expect(Math.max(...bytes.slice(1))).toBeLessThan(250);
    expect(contexts.at(-1)).toEqual(writer().write(sources[2]));
    expect(follow([sources[0], sources[3]]).ops).toEqual(['add /list/0']);
  });

  it('is never told by more than a line has room for, however it grows', () => {
    const sources: object[] = [{ list: [], text: '' }];
    for (let n = 1; n < 2_000; n++) sources.push({ list: many(n % 700), [`key ${n}`]: 'é'.repeat(n), text: 'x'.repeat(n * 10) });
    const { bytes, contexts } = follow(sources);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(streamBytes.context);
    for (const context of contexts) expect(Buffer.byteLength(JSON.stringify(context))).toBeLessThanOrEqual(streamBytes.context);
  });

  it('keeps within its bounds when it grows by a little each time, and says what it has cut', () => {
    let list: readonly object[] = [];
    const sources = Array.from({ length: 3_000 }, (_, n) => ({ list: (list = [...list, message(n)]) }));
    const { contexts, bytes } = follow(sources);
    expect(Math.max(...contexts.map((context) => JSON.stringify(context).length))).toBeLessThanOrEqual(streamBytes.context);
    expect(contexts.at(-1)).toEqual({ list: { $cut: 'a list of 3000' } });
    // Most events tell their own message, and not the list anew.
    expect(bytes.filter((count) => count > 1_000).length).toBeLessThan(10);
  });

  it('is what it is when told whole, whatever it is made of', () => {
    const key = fc.constantFrom('a', 'b', 'c', '$a', 'x/y', '~', '__proto__', 'token', 'constructor');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(1, 2, 'x', null, undefined, -0, 0, NaN, new Map([[1, 2]]), new Set([1]), new Date(0), Symbol('s')),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 8 }), (pool, picks) => {
        // Parts that stay the same objects, in other places.
        const sources = [
          pool,
          ...picks.map((pick, n) => ({ n, part: pool[pick % pool.length], all: pool.slice(pick % 3), [`k${pick}`]: pool[n % pool.length] })),
        ];
        const { contexts } = follow(sources);
        contexts.forEach((context, index) => {
          expect(context).toEqual(writer().write(sources[index]));
        });
      }),
      { numRuns: 1_000, seed: 6 },
    );
  });

  it('with hostile values harms nobody', () => {
    const throwing = {
      get bad(): never {
        throw new Error('do not look');
      },
    }; // prettier-ignore
    const circle: { self?: object; n: number } = { n: 1 };
    circle.self = circle;
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no keys');
        },
      },
    ); // prettier-ignore
    const huge = Array.from({ length: 1_000_000 }, () => 0);
    const sources = [
      { v: throwing },
      { v: circle },
      { v: proxy },
      { v: huge },
      { v: throwing, w: 1 },
      { v: { ...circle, n: 2 } },
      { v: [...huge, 1] },
    ];
    const { contexts, bytes } = follow(sources);
    expect(contexts).toHaveLength(sources.length);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(streamBytes.context);
  });
});
