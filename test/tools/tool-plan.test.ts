/** What may be offered to a model, how it is declared, and how arguments are read. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EspalierError } from '../../src/errors.js';
import type { StandardSchema } from '../../src/wire/standard-schema.js';
import { planTools, type ToolPlan, type Tools, type ToolSource } from '../../src/tools/tool-plan.js';

const execute = () => 1;
const signal = new AbortController().signal;
const planned = (tools: Tools) => planTools(tools)(signal) as ToolPlan;

/** A schema of a library that knows the standard, and perhaps its JSON half. */
function schemaOf(jsonSchema: boolean, isAsync = false): StandardSchema<{ readonly n: number }> {
  const read = (value: unknown) => {
    const { n } = value as { n?: unknown };
    return typeof n === 'string' ? { value: { n: Number(n) } } : { issues: [{ message: 'a number in digits', path: ['n'] }, { message: 'odd' }] };
  };
  return {
    '~standard': {
      ...{ version: 1, vendor: 'made-up', validate: (value) => (isAsync ? Promise.resolve(read(value)) : read(value)) },
      ...(jsonSchema ? { jsonSchema: { input: ({ target }) => ({ $schema: target, type: 'object' }) } } : {}),
    },
  };
}

describe('parameters', () => {
  it('of zod are declared as JSON schema, and read by zod', async () => {
    const { declarations, find } = planned({ t: { description: 'T', parameters: z.object({ n: z.coerce.number() }), execute } });
    expect(declarations).toEqual([{ name: 't', description: 'T', parametersJsonSchema: expect.objectContaining({ type: 'object' }) as object }]);
    expect(await find('t')?.check({ n: '7' })).toEqual({ ok: true, args: { n: 7 } });
    expect(await find('t')?.check({ n: 'x' })).toMatchObject({ ok: false, error: expect.stringMatching(/^invalid arguments: n: /) as string });
  });

  it('as JSON schema are declared as they are, and hold', async () => {
    const parameters = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    const { declarations, find } = planned({ t: { description: 'T', parameters, execute } });
    expect(declarations[0]?.parametersJsonSchema).toEqual(parameters);
    expect(await find('t')?.check({})).toMatchObject({ ok: false });
  });

  it.each([false, true])('of any Standard Schema read the arguments (in promises: %s)', async (isAsync) => {
    const { declarations, find } = planned({ t: { description: 'T', parameters: schemaOf(true, isAsync), execute } });
    expect(declarations[0]?.parametersJsonSchema).toEqual({ type: 'object' });
    expect(await find('t')?.check({ n: '7' })).toEqual({ ok: true, args: { n: 7 } });
    expect(await find('t')?.check({ n: 7 })).toEqual({ ok: false, error: 'invalid arguments: n: a number in digits; odd' });
  });

  it('that cannot say themselves as JSON schema are declared by what stands beside them', () => {
    const parametersJsonSchema = { type: 'object', properties: { n: { type: 'string' } } };
    const { declarations } = planned({ t: { description: 'T', parameters: schemaOf(false), parametersJsonSchema, execute } });
    expect(declarations[0]?.parametersJsonSchema).toEqual(parametersJsonSchema);
    expect(() => planTools({ t: { description: 'T', parameters: schemaOf(false), execute } })).toThrow(
      /tools\/invalid-tool: expected tool 't': parametersJsonSchema, since its schema cannot say itself as JSON schema, got: "a schema of made-up"/,
    );
  });

  it('that are none take anything', async () => {
    const { declarations, find } = planned({ t: { description: 'T', execute } });
    expect(declarations).toEqual([{ name: 't', description: 'T' }]);
    expect(await find('t')?.check({ any: 1 })).toEqual({ ok: true, args: { any: 1 } });
  });
});

describe('a tool', () => {
  it.each([
    ['a name that Gemini refuses', { 'no good': { description: 'T', execute } }, 'a name that matches'],
    ['no description', { t: { description: ' ', execute } }, 'a description'],
    ['no function', { t: { description: 'T' } }, 'a function execute'],
    ['a misspelt key', { t: { description: 'T', execute, timeout: 1 } }, 'the keys description'],
    ['a deadline that is none', { t: { description: 'T', execute, timeoutMs: 0 } }, 'timeoutMs'],
    ['parameters that are no schema', { t: { description: 'T', execute, parameters: new Map() } }, 'parameters: a schema of zod 4'],
    ["Gemini's own dialect", { t: { description: 'T', execute, parameters: { type: 'OBJECT' } } }, 'parameters: a JSON schema'],
    ['what is no tool', { t: null }, 'an object'],
  ])('with %s is refused before anything starts', (_, tools, says) => {
    expect(() => planTools(tools as never)).toThrow(EspalierError);
    expect(() => planTools(tools as never)).toThrow(`tools/invalid-tool: expected tool '${Object.keys(tools)[0]}': ${says}`);
  });

  it('has a name that no other has, whichever list or source it is in', async () => {
    const t = { description: 'T', execute };
    const source: ToolSource = { list: () => ({ t }) };
    expect(() => planTools([{ t }, { t }])).toThrow(/a name that no other tool has/);
    await expect(planTools([{ t }, source])(signal)).rejects.toThrow(/a name that no other tool has/);
    const both = await planTools([{ u: t }, source])(signal);
    expect(both.declarations.map(({ name }) => name)).toEqual(['u', 't']);
  });

  it('may be an instance of a class of its own, and be called `list`', () => {
    class Counter {
      readonly description = 'counts';
      count = 0;
      execute(): number {
        return ++this.count;
      }
    }
    const counter = new Counter();
    const { find } = planned({ list: counter });
    expect([find('list')?.run({}, {} as never), counter.count]).toEqual([1, 1]);
  });

  it('is of a record, a source, or a list of both', async () => {
    expect(() => planTools('tools' as never)).toThrow(/tools\/invalid-options: expected tools: /);
    expect(() => planTools([new Map()] as never)).toThrow(/tools\/invalid-options/);
    await expect(planTools({ list: () => [] as never })(signal)).rejects.toThrow(/a source that lists tools by name/);
  });
});
