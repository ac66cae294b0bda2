/**
 * The schemas of a machine's events as JSON Schema: what `setup({ schemas: { events } })` keeps, or the app gives beside it. A schema is a JSON Schema
 * itself, or a Standard Schema that can tell its JSON Schema, as those of zod 4 can.
 */
import type { AnyStateMachine } from 'xstate';
import { boundedSchemas, type EventSchemas } from '../wire/recording/event-schema.js';

/** By the id of the machine, then the type of the event. */
export type SchemasOfMachines = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What of Standard Schema is used: https://standardschema.dev/json-schema */
interface StandardJsonSchema {
  readonly '~standard': { readonly jsonSchema?: { input(options: { readonly target: string; readonly libraryOptions?: object }): unknown } };
}

const read = new WeakMap<object, EventSchemas>();
/** The configuration of the one machine that schemas are of, by the schemas. */
const owners = new WeakMap<object, object>();

/** Schemas of this machine, however it is provided: another with its id has none of them. */
export function onlyOf<Events extends object>(machine: { readonly config: object }, events: Events): Events {
  owners.set(events, machine.config);
  return events;
}

/** @param given  what the app gives; it goes before what the machine has. Never throws: a schema that cannot be told is left out. */
export function eventSchemasOf(machine: AnyStateMachine, given?: SchemasOfMachines): EventSchemas {
  const named = given?.[machine.id];
  const own = named === undefined || (owners.get(named) ?? machine.config) === machine.config ? named : undefined;
  const held = (machine.schemas as { readonly events?: unknown } | undefined)?.events;
  const key = own ?? (typeof held === 'object' ? held : null);
  if (key === null) return {};
  // What is put together of two belongs to neither.
  const isMerged = own !== undefined && held !== undefined;
  const known = isMerged ? undefined : read.get(key);
  if (known !== undefined) return known;
  const schemas = boundedSchemas(
    Object.entries({ ...(typeof held === 'object' ? held : {}), ...own }).map(([type, schema]) => [type, jsonSchemaOf(schema)]),
  );
  if (!isMerged) read.set(key, schemas);
  return schemas;
}

function jsonSchemaOf(schema: unknown): unknown {
  try {
    const standard = (schema as Partial<StandardJsonSchema> | null)?.['~standard'];
    if (standard === undefined) return schema;
    // One part that JSON Schema has no word for, as zod's date, is any value: the others keep theirs.
    const told = standard.jsonSchema?.input({ target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } }) as
      | Record<string, unknown>
      | undefined;
    const { $schema: _dialect, ...rest } = told ?? {};
    return told === undefined ? undefined : rest;
  } catch {
    return undefined;
  }
}
