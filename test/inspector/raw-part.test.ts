/** A part of a value that is asked for by its pointer: what the whole hides, no pointer gives. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { rawPart } from '../../src/inspector/raw-part.js';
import { secretKeys } from '../../src/recording/portable.js';
import { stepOf } from '../../src/wire/recording/patch.js';
import { recording } from './watching.js';

/** What a recorder tells of a context, as JSON: of the whole, or of a part. */
function telling(context: unknown): (pointer?: string) => string {
  const { live } = recording();
  const actor = createActor(createMachine({ id: 'm', context: { held: context } }), { id: 'm' }) as AnyActorRef;
  live.attach(actor);
  actor.start();
  onTestFinished(() => {
    actor.stop();
  });
  return (pointer) => JSON.stringify(live.valueOf('m', pointer));
}

const secret = 'Bearer hunter2-SECRET-zz9';

it.each([
  [{ headers: [['authorization', secret]] }, '/held/headers/0/1'],
  [{ rawHeaders: ['X-Api-Key', secret] }, '/held/rawHeaders/1'],
  [{ big: Array.from({ length: 3_000 }, () => ['authorization', secret]) }, '/held/big/2999/1'],
  [{ in: { a: [{ b: ['password', secret] }] } }, '/held/in/a/0/b/1'],
])('does not give the value of a pair whose name is a secret, %#', (context, pointer) => {
  const told = telling(context);
  expect(told()).not.toContain(secret);
  expect(told(pointer)).toContain('{"$redacted":true}');
  expect(told(pointer.replace(/\/1$/, '/0'))).toMatch(/"authorization"|"X-Api-Key"|"password"/);
});

it('gives what is beside it, and of pairs whose names are none, without writing the whole', () => {
  const value = { pairs: [['accept', 'text/html']], three: ['token', 'a', 'b'], numbers: ['token', 7] };
  expect(rawPart(value, '/pairs/0/1', secretKeys)).toEqual({ part: 'text/html' });
  expect(rawPart(value, '/three/1', secretKeys)).toEqual({ part: 'a' });
  expect(rawPart(value, '/numbers/1', secretKeys)).toEqual({ part: 7 });
  expect(rawPart({ pair: ['token', 'a'] }, '/pair', secretKeys)).toEqual({ part: ['token', 'a'] });
});

/** Values with a text of its own at each leaf, behind names of which many are of secrets. */
const names = fc.constantFrom(
  'password',
  'apiKey',
  'token',
  'authorization',
  'name',
  'value',
  'x',
  '0',
  '1',
  '$map',
  '$error',
  'constructor',
  'a/b',
  'machine',
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    fc.integer({ min: 1_000_000, max: 9_999_999 }).map((n) => `leaf-${n}-end`),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.tuple(names, tie('value')),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
    fc.dictionary(names, tie('value'), { maxKeys: 2 }).map((more) => Object.assign(new Error('of the app'), more)),
    tie('value').map((inner) => ({ toJSON: () => inner, password: inner })),
  ),
}));

/** Where a pointer may lead in a value: through whatever it has, and through marks. */
function pointersInto(value: unknown, above = '', depth = 0): string[] {
  if (typeof value !== 'object' || value === null || depth > 8) return [above];
  const inner = value instanceof Map || value instanceof Set ? [...value].entries() : Object.entries(value);
  return [above, ...[...inner].flatMap(([key, one]) => pointersInto(one, `${above}${stepOf(String(key))}`, depth + 1))];
}

it('gives by no pointer what the whole hides, whatever the value', () => {
  fc.assert(
    fc.property(values, (value) => {
      const told = telling(value);
      const whole = told();
      const written = JSON.parse(whole) as { value: unknown };
      for (const pointer of new Set([...pointersInto({ held: value }), ...pointersInto(written.value)]))
        for (const leaf of told(pointer).match(/leaf-\d+-end/g) ?? [])
          expect({ pointer, isInWhole: whole.includes(leaf) }).toEqual({ pointer, isInWhole: true });
    }),
    { seed: 20_261_124, numRuns: 300 },
  );
});
