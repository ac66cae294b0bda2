/** Values as JSON and back: what goes out comes in again. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { isPortable, type Portable } from '../../../src/wire/recording/portable-shape.js';
import { PortableWriter, type Naming } from '../../../src/recording/portable.js';
import { revive } from '../../../src/recording/revive.js';

const naming: Naming = { pathOf: ({ id }) => id, textOf: (text) => text };
const write = (value: unknown): Portable => new PortableWriter(naming, { secret: null }).write(value);
const stranger = (id: string): AnyActorRef => ({ id, sessionId: id, send: () => undefined, ref: {} }) as unknown as AnyActorRef;
const read = (written: Portable): unknown => revive(written, stranger, () => undefined);

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.string().map((message) => new RangeError(message)),
);
const key = fc.oneof(fc.string(), fc.constantFrom('$actor', '$object', '__proto__', 'constructor', 'toJSON'));
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(leaf, tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 5 }).map((items) => new Set(items)),
  ),
}));

describe('a portable value', () => {
  it('comes back equal, through JSON, whatever data it was', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const written = JSON.parse(JSON.stringify(write(value))) as Portable;
        expect(isPortable(written)).toBe(true);
        expect(isDeepStrictEqual(read(written), value)).toBe(true);
        expect(JSON.stringify(write(read(written)))).toBe(JSON.stringify(written));
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  it('keeps an error’s class, name, fields and cause', () => {
    const error = Object.assign(new TypeError('odd', { cause: new Error('beneath') }), { code: 'E_ODD' });
    const back = read(write(error)) as TypeError & { code: string; cause: Error };
    expect(back).toBeInstanceOf(TypeError);
    expect([back.message, back.code, back.cause.message]).toEqual(['odd', 'E_ODD', 'beneath']);
    class OwnError extends Error {
      override readonly name = 'OwnError';
    }
    expect(read(write(new OwnError('x')))).toMatchObject({ name: 'OwnError', message: 'x' });
  });

  it('stands in for what it does not hold: written again it is the same, and it is told where it stands', () => {
    const told: string[] = [];
    const written = write({ a: { run: Math.max, at: [new WeakMap()] } });
    const back = revive(written, stranger, (where, what) => told.push(`${where}: ${what}`)) as { a: { run: () => void; at: unknown[] } };
    expect(write(back)).toEqual(written);
    expect(told).toEqual(['a.run: a function', 'a.at[0]: an instance of WeakMap']);
    expect(() => {
      back.a.run();
    }).toThrow('the function at a.run is not in the recording');
  });
});
