/** Values as JSON and back: what goes out comes in again. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import { isPortable, type Portable } from '../../../src/wire/recording/portable-shape.js';
import { Touches } from '../../../src/recording/black-hole.js';
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
    expect(typeof back.a.run).toBe('function');
  });

  it('has an answer for whatever code asks of what is not there: of the same kind, with nothing in it', async () => {
    const touches = new Touches();
    const written = { client: { $instance: 'Client' }, call: { $function: 'load' } };
    const { client, call } = revive(written, stranger, () => undefined, touches, 'context') as {
      client: { load(id: number): unknown; name: unknown; n: unknown; list: Iterable<unknown> & AsyncIterable<unknown>; Class: new () => object };
      call: (id: number) => unknown;
    };
    expect([typeof client, typeof call, touches.words]).toEqual(['object', 'function', []]);
    // It is passed on without being asked anything.
    expect([write(client), write(call), touches.words]).toEqual([written.client, written.call, []]);
    client.name = 'written';
    expect([Object.keys(client), [...client.list], String(client.name), Number(client.n), (client.n as number) > 0]).toEqual([
      [],
      [],
      '',
      NaN,
      false,
    ]);
    for await (const part of client.list) expect.fail(String(part));
    for (const made of [client.load(1), client.name, new client.Class(), (client as unknown as { a: { b: unknown } }).a.b])
      expect(write(made)).toEqual(written.client);
    expect(write(call(1))).toEqual(written.call);
    expect(touches.words).toEqual(['context.client is an instance of Client in the recording', 'context.call is a function in the recording']);
    touches.begin();
    expect(touches.words).toEqual([]);
  });

  it('never settles, awaited, so that nothing runs with a value that there never was', async () => {
    const { client } = read({ client: { $instance: 'Client' } }) as { client: { load(): Promise<unknown> } };
    const done: unknown[] = [];
    const waiting = (async () => done.push(await client.load()))();
    void client.load().then(
      (value) => done.push(value),
      (error: unknown) => done.push(error),
    );
    // Both would have been done by then: each of these is behind them in the queue.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(done).toEqual([]);
    expect(waiting).toBeInstanceOf(Promise);
  });

  it('ends a walk through what is not there', () => {
    const { list } = read({ list: { $instance: 'List' } }) as { list: { next: unknown; length: number; shift(): void } };
    let length = 0;
    for (let node: typeof list | undefined = list; node !== undefined; node = node.next as typeof list | undefined) length++;
    expect(length).toBeGreaterThan(100);
  });

  it('knows what a recorded snapshot was, and what it was not', () => {
    const { done } = read({ done: { $snapshot: { status: 'active', value: { a: 'b' }, context: {} } } }) as { done: AnyMachineSnapshot };
    expect([done.status, done.value, done.output, done.matches({ a: 'b' }), done.matches('c')]).toEqual([
      'active',
      { a: 'b' },
      undefined,
      true,
      false,
    ]);
    expect(() => done.can({ type: 'x' })).not.toThrow();
  });
});
