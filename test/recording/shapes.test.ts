/** An object that is one of many is written as if it were the only one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PortableWriter, secretKeys } from '../../src/recording/portable.js';
import type { Portable } from '../../src/wire/recording/portable-shape.js';

const naming = { pathOf: ({ id }: { id: string }) => id, textOf: (text: string) => text };
const writer = (): PortableWriter => new PortableWriter(naming, { secret: secretKeys });

/** By one that has written the like often enough to know its shape. */
function writeAsOneOfMany(value: object, before: object = value): Portable {
  const own = writer();
  for (let count = 0; count < 5; count++) own.write(before);
  return own.write(value);
}

const key = fc.constantFrom('a', 'b', 'c', 'password', '$a', '1', '0', '__proto__', 'constructor', 'x:1', 'xstate.1');
const leaf = fc.constantFrom<unknown>(undefined, null, 1, -0, 'text', 'a text that is long enough to be looked up', { a: 1 }, [
  { a: 1, b: undefined },
]);
const anything = fc.array(fc.tuple(key, leaf), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as object);

describe('an object with the keys of those before it', () => {
  it('is written as by one that sees the first, in the same order, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 4 }), (values) => {
        const own = writer();
        for (let count = 0; count < 5; count++)
          for (const value of values) expect(JSON.stringify(own.write(value))).toBe(JSON.stringify(writer().write(value)));
      }),
      { numRuns: 500 },
    );
  });

  it('leaves out what is undefined now, and keeps what comes after', () => {
    const before = { type: 'said', who: 'user', text: 'hello' };
    expect(JSON.stringify(writeAsOneOfMany({ type: 'said', who: undefined, text: 'hello' }, before))).toBe('{"type":"said","text":"hello"}');
  });

  it('shares nothing with those before it', () => {
    const own = writer();
    const [first, ...others] = Array.from({ length: 6 }, (_, n) => own.write({ n, deep: { n } }));
    expect([first, ...others]).toEqual(Array.from({ length: 6 }, (_, n) => ({ n, deep: { n } })));
  });

  it('has its secrets redacted, and a getter that throws costs only itself', () => {
    const failing = {
      a: 1,
      get b(): never {
        throw new Error('no');
      },
      token: 'abc',
    };
    expect(writeAsOneOfMany(failing)).toEqual({ a: 1, b: { $threw: 'no' }, token: { $redacted: true } });
  });

  it('is as long as it is said to be', () => {
    const own = writer();
    const value = { who: 'user', text: 'a text that is long enough to be looked up "again"', n: 1 };
    const bytes = Array.from({ length: 6 }, () => {
      own.write(value);
      return own.bytes;
    });
    expect(new Set(bytes).size).toBe(1);
  });
});

describe('a text that is written twice in a row', () => {
  it('is told by what its session id means by then', () => {
    let name = 'x:first';
    const own = new PortableWriter({ ...naming, textOf: (text) => (text === 'x:12345678901234567890' ? name : text) }, { secret: null });
    const before = own.write('x:12345678901234567890');
    name = 'x:second';
    expect([before, own.write('x:12345678901234567890')]).toEqual(['x:first', 'x:second']);
  });

  it('is redacted both times', () => {
    const own = writer();
    const url = 'https://example.org/?key=abcdefgh&page=1';
    expect([own.write(url), own.write(url)]).toEqual(Array.from({ length: 2 }, () => 'https://example.org/?key=[hidden]&page=1'));
  });
});
