/** An event that somebody has written as JSON. Pure. */
import { type JsonSchema, schemaProblems } from '../../../src/wire/recording/event-schema.js';

/**
 * The event that a text is, or what is wrong with it.
 * @param schema  of events of this type
 */
export function eventOf(text: string, type?: string, schema: JsonSchema | null = null): { readonly type: string } | string {
  let event: { readonly type?: unknown } | null;
  try {
    event = JSON.parse(text) as { readonly type?: unknown } | null;
  } catch (error) {
    return `This is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'An event is an object: { "type": "…" }';
  if (typeof event.type !== 'string' || event.type === '') return 'An event has a "type" that is a text';
  const [problem] = schema === null || event.type !== type ? [] : schemaProblems(schema, event);
  return problem === undefined ? (event as { readonly type: string }) : `${problem.at.join('.') || 'the event'} ${problem.words}`;
}
