/** The parameters of a tool: as an app gives them, as the wire declares them, and as the arguments of a call are checked by them. */
import { z } from 'zod';
import { EspalierError } from '../../errors.js';
import type { WireObject } from './frame.js';

/** A schema of zod 4, or a JSON schema. */
export type ToolParameters<Args> = z.ZodType<Args> | Readonly<WireObject>;

/** What parameters come to. `schema`: as JSON schema, for the declaration; undefined where there are none. */
export interface ReadParameters {
  readonly schema: Readonly<WireObject> | undefined;
  /**
   * The arguments as the schema reads them, or what is wrong with them, in words for the model.
   * @throws what the app's own schema throws: one that can only be asked in promises, for one
   */
  check(args: Readonly<WireObject>): { readonly ok: true; readonly args: Readonly<WireObject> } | { readonly ok: false; readonly error: string };
}

/** Is it a schema of zod 4, this copy's or another's? */
export function isZodSchema(value: unknown): value is z.ZodType {
  return typeof (value as { safeParse?: unknown } | null)?.safeParse === 'function' && '_zod' in (value as object);
}

/**
 * Reads the parameters of a tool.
 * @param tool        its name, for the error
 * @param parameters  a zod schema, a plain object, or undefined for any arguments
 * @throws EspalierError `live/invalid-tool` for what is no JSON schema, or cannot be said as one
 */
export function readToolParameters(tool: string, parameters: ToolParameters<unknown> | undefined): ReadParameters {
  if (parameters === undefined) return { schema: undefined, check: (args) => ({ ok: true, args }) };
  try {
    if (!isZodSchema(parameters)) {
      return { schema: JSON.parse(JSON.stringify(parameters)) as WireObject, check: checking(z.fromJSONSchema(parameters)) };
    }
    const { $schema: _dialect, ...schema } = z.toJSONSchema(parameters, { io: 'input' });
    return { schema, check: checking(parameters) };
  } catch (cause) {
    const isUpper = /type: [A-Z]+$/.test(String(cause));
    const asJson = isUpper ? "a JSON schema, which writes its types in lower case: 'object', 'string'" : 'a JSON schema';
    const expected = `tool '${tool}': parameters: ${isZodSchema(parameters) ? 'what JSON schema can say' : asJson}`;
    throw new EspalierError('live/invalid-tool', { expected, got: String(cause) }, { cause });
  }
}

function checking(schema: z.ZodType): ReadParameters['check'] {
  return (args) => {
    const read = schema.safeParse(args);
    return read.success ? { ok: true, args: read.data as WireObject } : { ok: false, error: `invalid arguments: ${wordsOf(read.error)}` };
  };
}

function wordsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
}
