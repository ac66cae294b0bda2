/**
 * The parameters of a tool: a schema of zod 4, a JSON schema, or any schema that speaks Standard Schema.
 *
 * | given                                            | declared to the model as                                   | arguments are read by       |
 * |--------------------------------------------------|------------------------------------------------------------|-----------------------------|
 * | a schema of zod 4                                | its JSON schema                                            | the schema                  |
 * | Standard Schema with Standard JSON Schema        | what it says of its input                                  | the schema, also in promises |
 * | Standard Schema alone, with `parametersJsonSchema` | that                                                     | the schema, also in promises |
 * | a JSON schema                                    | as it is                                                   | zod, made from it           |
 * | nothing                                          | without parameters, or `parametersJsonSchema`              | nobody: any will do         |
 *
 * @see https://standardschema.dev
 */
import { EspalierError } from '../errors.js';
import { isZodSchema, readToolParameters, type ToolParameters as ZodOrJson } from '../wire/gemini/tool-parameters.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { isStandardSchema, type StandardIssue, type StandardSchema, stepsOf } from '../wire/standard-schema.js';
import { invalidTool } from './refusal.js';

type JsonObject = { readonly [key: string]: unknown };

/** What a tool's parameters may be. */
export type ToolParameters<Args> = ZodOrJson<Args> | StandardSchema<Args>;

/** The arguments as the schema reads them, or what is wrong with them, in words for the model. */
type ReadArguments = { readonly ok: true; readonly args: JsonObject } | { readonly ok: false; readonly error: string };

/** What parameters come to. */
export interface ReadParameters {
  /** For the declaration; undefined where there is none. */
  readonly schema: JsonObject | undefined;
  /** @throws what the app's own schema throws */
  check(args: JsonObject): ReadArguments | Promise<ReadArguments>;
}

/**
 * Reads the parameters of a tool.
 * @param declared  the JSON schema to declare in place of the schema's own
 * @throws EspalierError `tools/invalid-tool`
 */
export function readParameters(tool: string, parameters: unknown, declared: JsonObject | undefined): ReadParameters {
  if (declared !== undefined && !isPlainObject(declared)) throw invalidTool(tool, 'parametersJsonSchema: a JSON schema', sortOf(declared));
  const read = readAny(tool, parameters, declared);
  return declared === undefined ? read : { ...read, schema: JSON.parse(JSON.stringify(declared)) as JsonObject };
}

function readAny(tool: string, parameters: unknown, declared: JsonObject | undefined): ReadParameters {
  if (parameters === undefined || isZodSchema(parameters)) return readZodOrJson(tool, parameters);
  if (isStandardSchema(parameters)) {
    return { schema: declared ?? jsonSchemaOf(tool, parameters), check: (args) => checkStandard(parameters, args) };
  }
  if (!isPlainObject(parameters)) throw invalidTool(tool, 'parameters: a schema of zod 4, a Standard Schema, or a JSON schema', sortOf(parameters));
  return readZodOrJson(tool, parameters);
}

/** What Live sessions refuse as theirs is refused as a conversation's. */
function readZodOrJson(tool: string, parameters: ZodOrJson<unknown> | undefined): ReadParameters {
  try {
    return readToolParameters(tool, parameters);
  } catch (error) {
    if (error instanceof EspalierError) throw new EspalierError('tools/invalid-tool', error.details, { cause: error.cause });
    throw error;
  }
}

function jsonSchemaOf(tool: string, { '~standard': { jsonSchema, vendor } }: StandardSchema): JsonObject {
  if (typeof jsonSchema?.input !== 'function')
    throw invalidTool(tool, 'parametersJsonSchema, since its schema cannot say itself as JSON schema', `a schema of ${vendor}`);
  try {
    const { $schema: _dialect, ...schema } = jsonSchema.input({ target: 'draft-2020-12' });
    return JSON.parse(JSON.stringify(schema)) as JsonObject;
  } catch (cause) {
    const expected = `tool '${tool}': parameters: what JSON schema can say`;
    throw new EspalierError('tools/invalid-tool', { expected, got: String(cause) }, { cause });
  }
}

async function checkStandard(schema: StandardSchema, args: JsonObject): Promise<ReadArguments> {
  const read = await schema['~standard'].validate(args);
  if (read.issues === undefined) return { ok: true, args: read.value as JsonObject };
  return { ok: false, error: `invalid arguments: ${read.issues.map(wordsOf).join('; ')}` };
}

function wordsOf(issue: StandardIssue): string {
  const steps = stepsOf(issue);
  return steps.length === 0 ? issue.message : `${steps.join('.')}: ${issue.message}`;
}
