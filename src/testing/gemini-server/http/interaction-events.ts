/**
 * What an interaction says, as events and as steps, by the names of today or of before May 2026. Pure.
 *
 * @see Gemini API, Interactions: `interaction.created → status_update* → (step.start → step.delta* → step.stop)+ → interaction.completed`, the last of
 *      which carries no steps; legacy `interaction.start/complete`, `content.start/delta/stop`
 */
import type { Production } from './rules.js';

/** An event, as its payload stands on the wire. */
export type InteractionEvent = { readonly event_type: string } & Readonly<Record<string, unknown>>;

/** A stretch that says something; `hold`, `waitMs` are no such. */
export type Saying = Extract<Production, { thought: string } | { text: unknown } | { call: unknown } | { event: unknown }>;

type Names = 'current' | 'legacy';

const legacyNames: Readonly<Record<string, string>> = {
  'interaction.created': 'interaction.start',
  'interaction.completed': 'interaction.complete',
  'step.start': 'content.start',
  'step.delta': 'content.delta',
  'step.stop': 'content.stop',
};

/** An event's name, in the words of a time. */
export function nameOfEvent(type: string, names: Names): string {
  return names === 'legacy' ? (legacyNames[type] ?? type) : type;
}

/** The events of one stretch, and the step that it adds to the interaction; `index` counts steps from 0. */
export function said(saying: Saying, index: number, names: Names): { readonly events: readonly InteractionEvent[]; readonly step: object | null } {
  if ('event' in saying) {
    const type = typeof saying.event['event_type'] === 'string' ? saying.event['event_type'] : 'unknown';
    return { events: [{ ...saying.event, event_type: type }], step: null };
  }
  const { start, deltas, step } = parts(saying);
  // What is now a step was a content, whole under that name.
  const key = names === 'legacy' ? 'content' : 'step';
  const event = (type: string, fields: object): InteractionEvent => ({ index, ...fields, event_type: nameOfEvent(type, names) });
  return {
    events: [event('step.start', { [key]: start }), ...deltas.map((delta) => event('step.delta', { delta })), event('step.stop', {})],
    step,
  };
}

function parts(saying: Exclude<Saying, { event: unknown }>): { readonly start: object; readonly deltas: readonly object[]; readonly step: object } {
  if ('thought' in saying) {
    const { thought: signature } = saying;
    return { start: { type: 'thought' }, deltas: [{ signature, type: 'thought_signature' }], step: { signature, type: 'thought' } };
  }
  if ('text' in saying) {
    const texts = typeof saying.text === 'string' ? [saying.text] : saying.text;
    return {
      start: { type: 'model_output' },
      deltas: texts.map((text) => ({ text, type: 'text' })),
      step: { content: [{ text: texts.join(''), type: 'text' }], type: 'model_output' },
    };
  }
  const { id, name, arguments: given = {} } = saying.call;
  const json = JSON.stringify(given);
  const half = Math.ceil(json.length / 2);
  return {
    start: { type: 'function_call', id, name, arguments: {} },
    deltas: [json.slice(0, half), json.slice(half)].filter((part) => part !== '').map((part) => ({ arguments: part, type: 'arguments_delta' })),
    step: { type: 'function_call', id, name, arguments: given },
  };
}
