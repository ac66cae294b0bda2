/**
 * JSON Schema of events, as far as a form needs it: `type`, `const`, `enum`, `properties`, `required`, `additionalProperties: false`, `items`, `anyOf`,
 * `oneOf`, `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`. What else a schema says is left to the app. Runs in browsers as well.
 */
import { isPortable, type Portable } from './portable-shape.js';

/** A JSON Schema. */
export type JsonSchema = { readonly [keyword: string]: Portable };

/** By the type of the event. */
export type EventSchemas = { readonly [type: string]: JsonSchema };

/** What is wrong with a value, and where: names from the outside in. */
export interface SchemaProblem {
  readonly at: readonly string[];
  readonly words: string;
}

/** Longest schema of one event, and of all of one machine, characters of JSON: what is longer is left out. */
const mostOfOne = 8_192;
const mostOfAll = 32_768;
const mostProblems = 20;
const mostDeep = 16;

/** Those that are JSON Schemas of objects, within bounds. */
export function boundedSchemas(schemas: Iterable<readonly [type: string, schema: unknown]>): EventSchemas {
  const kept: [string, JsonSchema][] = [];
  let length = 0;
  for (const [type, schema] of schemas) {
    const text = isSchema(schema) ? JSON.stringify(schema) : undefined;
    if (text === undefined || text.length > mostOfOne || length + text.length > mostOfAll) continue;
    length += text.length;
    kept.push([type, JSON.parse(text) as JsonSchema]);
  }
  return Object.fromEntries(kept);
}

/** A schema as an object; null where it is none. */
export function asSchema(value: unknown): JsonSchema | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : null;
}

function isSchema(value: unknown): value is JsonSchema {
  try {
    return asSchema(value) !== null && isPortable(JSON.parse(JSON.stringify(value)));
  } catch {
    return false;
  }
}

/** What does not fit; empty where all does. Never throws. */
export function schemaProblems(schema: JsonSchema, value: unknown): readonly SchemaProblem[] {
  const found: SchemaProblem[] = [];
  check(schema, value, [], found, 0);
  return found.slice(0, mostProblems);
}

function check(schema: JsonSchema, value: unknown, at: readonly string[], found: SchemaProblem[], depth: number): void {
  if (found.length >= mostProblems || depth > mostDeep) return;
  const say = (words: string): void => void found.push({ at, words });
  const inside = (inner: unknown, held: unknown, name?: string): void => {
    const next = asSchema(inner);
    if (next !== null) check(next, held, name === undefined ? at : [...at, name], found, depth + 1);
  };
  const ways = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(ways) && !ways.some((way) => asSchema(way) === null || schemaProblems(asSchema(way) as JsonSchema, value).length === 0))
    return say('none of the forms that it may have');
  if ('const' in schema && !isSame(schema['const'], value)) return say(`must be ${JSON.stringify(schema['const'])}`);
  const values = schema['enum'];
  if (Array.isArray(values) && !values.some((one) => isSame(one, value)))
    return say(`must be one of ${values.map((one) => JSON.stringify(one)).join(', ')}`);
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => isOf(type, value))) return say(`must be ${types.join(' or ')}`);
  const bound = (keyword: string, size: number, isWithin: (limit: number) => boolean, words: string): void => {
    const limit = schema[keyword];
    if (typeof limit === 'number' && !isWithin(limit)) say(`${words} ${limit}, is ${size}`);
  };
  if (typeof value === 'number') {
    bound('minimum', value, (limit) => value >= limit, 'at least');
    bound('maximum', value, (limit) => value <= limit, 'at most');
  }
  if (typeof value === 'string') {
    bound('minLength', value.length, (limit) => value.length >= limit, 'length at least');
    bound('maxLength', value.length, (limit) => value.length <= limit, 'length at most');
  }
  if (Array.isArray(value)) {
    bound('minItems', value.length, (limit) => value.length >= limit, 'items at least');
    bound('maxItems', value.length, (limit) => value.length <= limit, 'items at most');
    for (const [index, item] of value.entries()) inside(schema['items'], item, String(index));
  } else if (typeof value === 'object' && value !== null) {
    const held = value as { readonly [name: string]: unknown };
    const properties = asSchema(schema['properties']) ?? {};
    for (const name of requiredOf(schema)) if (!Object.hasOwn(held, name)) found.push({ at: [...at, name], words: 'is missing' });
    for (const [name, inner] of Object.entries(held)) {
      if (Object.hasOwn(properties, name)) inside(properties[name], inner, name);
      else if (schema['additionalProperties'] === false && !(at.length === 0 && name === 'type'))
        found.push({ at: [...at, name], words: 'is not known here' });
    }
  }
}

/** The types that a value may have. */
export function typesOf({ type }: JsonSchema): readonly string[] {
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? type : [];
  return types.filter((one): one is string => typeof one === 'string');
}

/** The names that must be there. */
export function requiredOf({ required }: JsonSchema): readonly string[] {
  return Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function isSame(left: unknown, right: unknown): boolean {
  return left === right || (typeof left === 'object' && JSON.stringify(left) === JSON.stringify(right));
}
