/** What all domains look at options with: what is shown of a value that may be a key, and what is taken for what. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../src/errors.js';
import { isAbortSignal, isActor, isPlainObject, jsonOf, optionChecks, shown, shownName, sortOf } from '../src/option-checks.js';

const key = 'AIzaSyAbcdefghijklmnop';

describe('the checks of options', () => {
  const checks = optionChecks((name, expected, got) => new EspalierError('stream/invalid-options', { expected: `${name}: ${expected}`, got }));

  it.each<readonly [what: string, check: () => unknown, says: string]>([
    ['a list for options', () => checks.requireOptions('options', [], []), 'options: an object, got: "an Array"'],
    ['a name that nobody knows', () => checks.requireOptions('retry', { attemps: 1 }, ['attempts']), 'retry: the keys attempts, got: "attemps"'],
    ['a key for a name', () => checks.requireOptions('retry', { [key]: 1 }, ['attempts']), 'got: "another name, of 22 characters"'],
    ['a key for a function', () => checks.requireFunction('fetch', key), 'fetch: a function, got: "a string"'],
    ['a key for a signal', () => checks.requireSignal(key), 'signal: an AbortSignal, got: "a string"'],
    ['nothing for a text', () => checks.requireText('id', ''), 'id: a text that is not empty, of at most 200 characters, got: "a text of 0"'],
    ['a text that is too long', () => checks.requireText('id', key.repeat(10)), 'got: "a text of 220"'],
    ['a number for a text', () => checks.requireText('id', 5), 'got: "a number"'],
    ['a key for a time', () => checks.duration('totalMs', key as never, 1), 'totalMs: a number of ms, 1 to 2147483647, got: "a string"'],
    ['a time that no timer takes', () => checks.duration('totalMs', 2 ** 31, 1), 'got: 2147483648'],
    ['half a count', () => checks.count('attempts', 1.5, 1), 'attempts: a whole number, at least 1, got: 1.5'],
    ['a count beyond its most', () => checks.count('maxTurns', 11, 1, 10), 'maxTurns: a whole number, 1 to 10, got: 11'],
  ])('refuse %s, in words that show no key', (_, check, says) => {
    expect(check).toThrow(says);
    expect(check).not.toThrow(key);
  });

  it('take what is right, and the default where there is nothing', () => {
    expect([checks.duration('a', undefined, 7), checks.duration('a', 1, 7), checks.count('b', undefined, 7), checks.count('b', 10, 7, 10)]).toEqual([
      ...[7, 1, 7, 10],
    ]);
    checks.requireOptions('options', Object.create(null), []);
    checks.requireFunction('fetch', undefined);
    checks.requireText('id', 'a'.repeat(200));
    checks.requireSignal(new AbortController().signal);
  });
});

describe('a value', () => {
  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [key, 'a string'],
    [new Map(), 'a Map'],
    [[], 'an Array'],
    [{}, 'an Object'],
  ])('is told by its sort: %j', (value, sort) => {
    expect(sortOf(value)).toBe(sort);
  });

  it('is shown where it can be no secret', () => {
    expect([shown(5), shown(true), shown(undefined), shown(key)]).toEqual([5, true, undefined, 'a string']);
    expect([shownName('maxRetryAfterMs'), shownName('thinking_config')]).toEqual(['maxRetryAfterMs', 'thinking_config']);
  });

  it('is a plain object, also of another realm; not where its content has no names', () => {
    const foreign: unknown = runInContext('({ a: 1 })', createContext({}));
    expect([{}, Object.create(null), foreign].map(isPlainObject)).toEqual([true, true, true]);
    expect([[], new Map(), Promise.resolve(), null, key].map(isPlainObject)).toEqual([false, false, false, false, false]);
  });

  it('is a signal, or an actor, by what it can do', () => {
    const actor = { getSnapshot: () => 1, send: () => 1, subscribe: () => 1, system: {} };
    expect([{ aborted: false, addEventListener: () => 1 }, {}, null].map(isAbortSignal)).toEqual([true, false, false]);
    expect([actor, { ...actor, send: undefined }, null].map(isActor)).toEqual([true, false, false]);
  });

  it('is JSON, or null', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect([{ a: 1 }, circle, 1n, () => 1].map(jsonOf)).toEqual(['{"a":1}', null, null, null]);
  });
});
