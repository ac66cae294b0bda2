import { describe, expect, it } from 'vitest';
import { valueText } from '../../../src/recording/exports/story.js';
import { stateParts } from '../../../src/wire/recording/state-value.js';

describe('the value of a machine in a line', () => {
  it('names states, with what each is in, and without the mark that keys beginning with `$` need', () => {
    expect(stateParts('a')).toEqual([['a', {}]]);
    expect(stateParts({ a: 'b', c: {} })).toEqual([
      ['a', 'b'],
      ['c', {}],
    ]);
    expect(stateParts({ $object: { $a: 'b' } })).toEqual([['$a', 'b']]);
    expect(stateParts(undefined)).toEqual([]);
  });

  it.each([[null], [1], [['a']], [{ $cut: 'too long' }]])('is none where it is %j', (value) => {
    expect(stateParts(value)).toBeUndefined();
  });

  it('in words has states by their names', () => {
    expect(valueText({ $object: { $out: { $object: { $in: 'x' } }, b: 'c' } })).toBe('$out.$in.x | b.c');
    expect(['a', { a: {} }, { $cut: 'too long' }].map(valueText)).toEqual(['a', 'a', '']);
  });
});
