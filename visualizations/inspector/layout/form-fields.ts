/** A JSON Schema as the fields of a form, and what was filled in as an event. Pure. */
import { asSchema, type JsonSchema, requiredOf, type SchemaProblem, schemaProblems, typesOf } from '../../../src/wire/recording/event-schema.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';

export interface Field {
  /** Names from the outside in. */
  readonly at: readonly string[];
  readonly kind: 'text' | 'number' | 'checkbox' | 'select' | 'json' | 'group';
  readonly isRequired: boolean;
  readonly about: string;
  /** Of a select, as JSON. */
  readonly choices: readonly string[];
  /** What it holds first: text, `true` or `false` of a checkbox, JSON of a select and of what has no field of its own. */
  readonly first: string;
}

/** Deeper objects are JSON texts. */
const mostDeep = 4;
const mostFields = 60;

/**
 * @param sample  an event of this type, to begin with
 * @returns null where a form would not do: then the event is written as JSON
 */
export function fieldsOf(schema: JsonSchema, sample: Portable | null): readonly Field[] | null {
  if (asSchema(schema['properties']) === null) return null;
  const fields: Field[] = [];
  gather(schema, [], true, sample ?? undefined, fields);
  return fields.length > mostFields ? null : fields;
}

function gather(schema: JsonSchema, at: readonly string[], isNeeded: boolean, sample: Portable | undefined, fields: Field[]): void {
  const required = new Set(requiredOf(schema));
  for (const [name, inner] of Object.entries(asSchema(schema['properties']) ?? {})) {
    // The event is of this type, whatever its schema calls it.
    if (at.length === 0 && name === 'type') continue;
    const part = asSchema(inner) ?? {};
    const isRequired = isNeeded && required.has(name);
    const held = partOf(sample, name) ?? part['default'];
    const field = { at: [...at, name], isRequired, about: typeof part['description'] === 'string' ? part['description'] : '' };
    const isObject = asSchema(part['properties']) !== null && at.length < mostDeep;
    if (isObject) {
      fields.push({ ...field, kind: 'group', choices: [], first: '' });
      gather(part, field.at, isRequired, held, fields);
    } else fields.push({ ...field, ...widgetOf(part, required.has(name), held) });
  }
}

function widgetOf(schema: JsonSchema, isRequired: boolean, held: Portable | undefined): Pick<Field, 'kind' | 'choices' | 'first'> {
  const values = 'const' in schema ? [schema['const']] : Array.isArray(schema['enum']) ? schema['enum'] : null;
  const json = held === undefined ? '' : JSON.stringify(held);
  const select = (choices: readonly string[]): Pick<Field, 'kind' | 'choices' | 'first'> => {
    const all = isRequired ? choices : ['', ...choices];
    return { kind: 'select', choices: all, first: all.includes(json) ? json : (all[0] ?? '') };
  };
  if (values !== null) return select(values.map((value) => JSON.stringify(value)));
  const [type, ...others] = typesOf(schema);
  if (type === 'boolean' && others.length === 0)
    return isRequired ? { kind: 'checkbox', choices: [], first: String(held === true) } : select(['true', 'false']);
  if ((type === 'number' || type === 'integer') && others.length === 0)
    return { kind: 'number', choices: [], first: typeof held === 'number' ? String(held) : '' };
  if (type === 'string' && others.length === 0) return { kind: 'text', choices: [], first: typeof held === 'string' ? held : '' };
  return { kind: 'json', choices: [], first: json };
}

function partOf(value: Portable | undefined, name: string): Portable | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
  return (value as { readonly [key: string]: Portable })[name];
}

export type FilledEvent =
  | { readonly ok: true; readonly event: { readonly type: string } }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };

/** @param filled  what each field holds, in their order; of groups it is not looked at */
export function eventOfFields(type: string, schema: JsonSchema, fields: readonly Field[], filled: readonly string[]): FilledEvent {
  const event: Held = { type };
  const problems: SchemaProblem[] = [];
  for (const [index, field] of fields.entries()) {
    const text = filled[index] ?? '';
    const group = field.kind === 'group';
    if (group ? !field.isRequired : text === '' && !(field.kind === 'text' && field.isRequired)) continue;
    const value = group ? {} : valueOf(field, text);
    if (value === undefined) problems.push({ at: field.at, words: field.kind === 'number' ? 'must be a number' : 'is no JSON' });
    else put(event, field.at, value);
  }
  problems.push(...schemaProblems(schema, event).filter(({ at }) => !problems.some((known) => isSameWay(known.at, at))));
  return problems.length === 0 ? { ok: true, event: event as { type: string } } : { ok: false, problems };
}

interface Held {
  [name: string]: unknown;
}

function valueOf({ kind }: Field, text: string): unknown {
  if (kind === 'text') return text;
  if (kind === 'checkbox') return text === 'true';
  if (kind === 'number') return text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Objects on the way are made: one that may be left out is there as soon as something is in it. */
function put(into: Held, [name = '', ...rest]: readonly string[], value: unknown): void {
  // Not by assignment: a name may be `__proto__`.
  const set = (held: unknown): void => void Object.defineProperty(into, name, { value: held, enumerable: true, configurable: true, writable: true });
  if (rest.length === 0) return Object.hasOwn(into, name) ? undefined : set(value);
  if (!Object.hasOwn(into, name)) set({});
  put(into[name] as Held, rest, value);
}

export function isSameWay(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}
