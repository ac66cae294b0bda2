/** JSON between events: found at its last bracket, whatever stands in its texts, and given up where it cannot be any. */
import { describe, expect, it } from 'vitest';
import { BareJson } from '../../src/wire/bare-json.js';

/** What the lines come to, in their order; and whether something is left. */
function read(text: string, maxLength = 1_000): { readonly news: readonly string[]; readonly isPending: boolean } {
  const bare = new BareJson(maxLength);
  const news = text.split('\n').flatMap((line) => {
    const one = bare.add(line);
    return one.kind === 'whole' ? [one.text] : one.kind === 'tooLong' ? ['too long'] : [];
  });
  return { news, isPending: bare.isPending };
}

describe('bare JSON', () => {
  it.each([
    ['on one line', '{"a":[1]}'],
    ['behind blanks', ' \t{"a":1}'],
    ['over lines that begin where they like', '{\n"a":\n  [\n1\n]\n  }'],
    ['with brackets and quotes in its texts', '{"a":"}]\\"{[",\n"b\\\\":1}'],
    ['of a list', '[\n{"error":1}\n]'],
  ])('is whole with its last bracket: %s', (_, text) => {
    expect(read(text)).toEqual({ news: [text], isPending: false });
    expect(read(`note: nothing\n${text}\nand on\n${text}`)).toEqual({ news: [text, text], isPending: false });
  });

  it('that has begun is pending, and forgotten when an event comes', () => {
    const bare = new BareJson(100);
    bare.add('{"a":');
    expect(bare.isPending).toBe(true);
    bare.forget();
    expect(bare.isPending).toBe(false);
    expect(bare.add('1}')).toEqual({ kind: 'none' });
  });

  it('that cannot be any is given up, and stays pending: nobody knows what it was to be', () => {
    for (const text of ['{oh}', '{"a', '{"a":1} and on']) expect(read(text)).toEqual({ news: [], isPending: true });
    expect(read('{"a\n{"b":1}')).toEqual({ news: ['{"b":1}'], isPending: false });
  });

  it('is bounded, over all its lines', () => {
    expect(read('[\n1234\n5678', 11).news).toEqual(['too long']);
    expect(read('[\n1234\n5678', 12).news).toEqual([]);
  });
});
