/** Forms of events: fields by a schema, what is filled in as an event, and what does not fit. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventSchemasOf } from '../../src/charts/event-schemas.js';
import { type JsonSchema, schemaProblems } from '../../src/wire/recording/event-schema.js';
import { eventOf } from '../../visualizations/inspector/layout/event-text.js';
import { eventOfFields, fieldsOf } from '../../visualizations/inspector/layout/form-fields.js';
import { setup } from 'xstate';

const schema: JsonSchema = {
  type: 'object',
  properties: {
    type: { const: 'order' },
    name: { type: 'string', minLength: 1 },
    count: { type: 'integer', minimum: 1, default: 1 },
    size: { enum: ['s', 'l'] },
    isGift: { type: 'boolean' },
    to: { type: 'object', properties: { street: { type: 'string' }, no: { type: 'number' } }, required: ['street'] },
    notes: { type: 'array', items: { type: 'string' } },
  },
  required: ['name', 'size'],
  additionalProperties: false,
};

describe('a form of a schema', () => {
  const fields = fieldsOf(schema, { type: 'order', name: 'tea' }) ?? [];

  it('has a field for each part, filled with what is known', () => {
    expect(fields.map(({ at, kind, isRequired, first }) => [at.join('.'), kind, isRequired, first])).toEqual([
      ['name', 'text', true, 'tea'],
      ['count', 'number', false, '1'],
      ['size', 'select', true, '"s"'],
      ['isGift', 'select', false, ''],
      ['to', 'group', false, ''],
      ['to.street', 'text', false, ''],
      ['to.no', 'number', false, ''],
      ['notes', 'json', false, ''],
    ]);
    expect(fieldsOf({ anyOf: [{ type: 'object' }] }, null)).toBeNull();
  });

  it('makes an event of what is filled in, without what is not', () => {
    expect(eventOfFields('order', schema, fields, ['tea', '', '"l"', '', '', '', '', ''])).toEqual({
      ok: true,
      event: { type: 'order', name: 'tea', size: 'l' },
    });
    expect(eventOfFields('order', schema, fields, ['tea', '2', '"l"', 'true', '', 'High', '7', '["now"]'])).toEqual({
      ok: true,
      event: { type: 'order', name: 'tea', count: 2, size: 'l', isGift: true, to: { street: 'High', no: 7 }, notes: ['now'] },
    });
  });

  it('says where it does not fit', () => {
    const filled = eventOfFields('order', schema, fields, ['', '0', '"s"', '', '', '', '3', '[7']);
    expect(filled).toEqual({
      ok: false,
      problems: [
        { at: ['notes'], words: 'is no JSON' },
        { at: ['name'], words: 'length at least 1, is 0' },
        { at: ['count'], words: 'at least 1, is 0' },
        { at: ['to', 'street'], words: 'is missing' },
      ],
    });
  });

  it('names nothing of a prototype', () => {
    const hostile = JSON.parse('{"properties":{"__proto__":{"type":"object","properties":{"polluted":{"type":"string"}}}}}') as JsonSchema;
    const filled = eventOfFields('x', hostile, fieldsOf(hostile, null) ?? [], ['', 'yes']);
    expect(filled.ok).toBe(true);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});

describe('an event that is written as JSON', () => {
  it.each([
    ['{', /no JSON/],
    ['[]', /is an object/],
    ['{"type":""}', /"type"/],
    ['{"type":"order","name":"tea","size":"xl"}', /^size must be one of "s", "l"$/],
    ['{"type":"order","name":"tea","size":"s","more":1}', /^more is not known here$/],
  ])('%s is refused', (text, words) => expect(eventOf(text, 'order', schema)).toMatch(words));

  it('is taken where it fits', () => {
    expect(eventOf('{"type":"order","name":"tea","size":"s"}', 'order', schema)).toEqual({ type: 'order', name: 'tea', size: 's' });
    expect(eventOf('{"type":"other","free":1}', 'order', schema)).toEqual({ type: 'other', free: 1 });
  });
});

describe('the schemas of a machine', () => {
  it('are those of its setup and those that the app gives, as JSON Schema, within bounds', () => {
    const go = z.object({ type: z.literal('go'), n: z.number().min(1) });
    const machine = setup({
      schemas: { events: { go, plain: { type: 'object' }, huge: { description: 'x'.repeat(9_000) }, none: 7 } },
    }).createMachine({ id: 'm' });
    const own = eventSchemasOf(machine);
    expect(Object.keys(own)).toEqual(['go', 'plain']);
    expect(own['go']).toMatchObject({ type: 'object', properties: { n: { minimum: 1 } }, required: ['type', 'n'] });
    expect(schemaProblems(own['go'] as JsonSchema, { type: 'go', n: 0 })).toEqual([{ at: ['n'], words: 'at least 1, is 0' }]);
    expect(eventSchemasOf(machine, { m: { plain: { type: 'object', required: ['a'] } } })['plain']).toEqual({ type: 'object', required: ['a'] });
    expect(eventSchemasOf(setup({}).createMachine({ id: 'bare' }))).toEqual({});
  });

  it('keep their parts where JSON Schema has no word for one of them', () => {
    const machine = setup({ schemas: { events: { book: z.object({ type: z.literal('book'), on: z.date(), seats: z.number() }) } } }).createMachine({
      id: 'm',
    });
    const { book } = eventSchemasOf(machine);
    expect(fieldsOf(book ?? {}, null)?.map(({ at, kind }) => [at.join('.'), kind])).toEqual([
      ['on', 'json'],
      ['seats', 'number'],
    ]);
  });

  it('are of each machine its own, also where the app gives the same to another', () => {
    const given = { stop: { type: 'object' } };
    const schemas = { a: given, b: given };
    const first = setup({ schemas: { events: { go: { type: 'object' } } } }).createMachine({ id: 'a' });
    expect(Object.keys(eventSchemasOf(first, schemas))).toEqual(['go', 'stop']);
    expect(Object.keys(eventSchemasOf(setup({}).createMachine({ id: 'b' }), schemas))).toEqual(['stop']);
  });
});
