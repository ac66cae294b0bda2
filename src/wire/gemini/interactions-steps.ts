/**
 * The steps of an interaction, put together from the events of its stream: the last event carries none.
 *
 * | delta                                   | what becomes of it                                                                   |
 * |-----------------------------------------|--------------------------------------------------------------------------------------|
 * | `text`                                  | joined to the text before it: of the step's last content, or of a content by itself  |
 * | `thought_signature`                     | the step's `signature`, verbatim                                                     |
 * | `thought_summary`                       | one more of the step's `summary`                                                     |
 * | `arguments_delta`                       | pieces of JSON, which are the step's `arguments` once they are whole                 |
 * | `text_annotation`                       | more of the last text's `annotations`                                                |
 * | media, of a `model_output`              | one more of the step's `content`                                                     |
 * | any other                               | its fields are the step's                                                            |
 *
 * A stream that goes on in the middle may lack a step's start: the step is what its deltas say.
 */
import type { InteractionStep, InteractionWireEvent } from './interactions.js';

type Fields = { [field: string]: unknown };

/** A function that the model wants to be called. Answer it by a new interaction: `previous_interaction_id`, and a `function_result` with `call_id`. */
export interface InteractionCall {
  /** Empty where the stream lacked the step's start. */
  readonly id: string;
  readonly name: string;
  /** Null where what came is no JSON of an object. */
  readonly arguments: { readonly [name: string]: unknown } | null;
}

interface Slot {
  readonly step: Fields;
  /** Of its arguments, as far as they came. */
  json: string;
}

/** See above. */
export class StepBook {
  readonly #slots = new Map<number, Slot>();
  readonly #open = new Set<number>();
  /** Is a step here that did not come from its beginning? */
  lacksStart = false;

  add(event: InteractionWireEvent): void {
    if (event.type === 'step.start') this.#slots.set(event.index, { step: structuredClone(event.step), json: '' });
    else if (event.type === 'step.delta') this.#grow(event.index, event.delta);
    if (event.type === 'step.stop') this.#open.delete(event.index);
    else if (event.type === 'step.start' || event.type === 'step.delta') this.#open.add(event.index);
  }

  /** Is there a step, and did each of them come to its end? */
  get isClosed(): boolean {
    return this.#slots.size > 0 && this.#open.size === 0;
  }

  /** The steps in their order. */
  steps(): readonly InteractionStep[] {
    return [...this.#slots].sort(([a], [b]) => a - b).map(([, slot]) => whole(slot));
  }

  /** The step at that index, as far as it came. */
  step(index: number): InteractionStep | null {
    const slot = this.#slots.get(index);
    return slot === undefined ? null : whole(slot);
  }

  #grow(index: number, delta: InteractionStep): void {
    let slot = this.#slots.get(index);
    if (slot === undefined) {
      this.lacksStart = true;
      slot = { step: { type: sortOf(delta) }, json: '' };
      this.#slots.set(index, slot);
    }
    const { step } = slot;
    const { type, ...rest } = delta;
    if (type === 'arguments_delta') slot.json += typeof rest['arguments'] === 'string' ? rest['arguments'] : '';
    else if (type === 'text') addText(step, textOf(rest['text']), rest);
    else if (type === 'thought_signature') step['signature'] = rest['signature'];
    else if (type === 'thought_summary') listOf(step, 'summary').push(rest['content'] ?? rest);
    else if (type === 'text_annotation') annotate(step, rest['annotations']);
    else if (step['type'] === 'model_output') listOf(step, 'content').push(structuredClone(delta));
    else Object.assign(step, structuredClone(rest));
  }
}

/** The kind of a step, by a delta of it. */
function sortOf({ type }: InteractionStep): string {
  if (type === 'arguments_delta') return 'function_call';
  if (type === 'thought_signature' || type === 'thought_summary') return 'thought';
  return ['text', 'text_annotation', ...mediaTypes].includes(type) ? 'model_output' : type;
}

function listOf(step: Fields, field: string): unknown[] {
  const list = step[field];
  if (Array.isArray(list)) return list as unknown[];
  const made: unknown[] = [];
  step[field] = made;
  return made;
}

/** A content of the old names is a text by itself; a step of today's has contents. */
function addText(step: Fields, text: string, rest: Fields): void {
  if (step['type'] === 'text') {
    step['text'] = `${typeof step['text'] === 'string' ? step['text'] : ''}${text}`;
    return;
  }
  const list = listOf(step, 'content');
  const last = list.at(-1) as Fields | undefined;
  if (last?.['type'] === 'text') last['text'] = `${textOf(last['text'])}${text}`;
  else list.push({ ...structuredClone(rest), text, type: 'text' });
}

function annotate(step: Fields, annotations: unknown): void {
  if (!Array.isArray(annotations)) return;
  const place = step['type'] === 'text' ? step : (listOf(step, 'content').at(-1) as Fields | undefined);
  if (place?.['type'] !== 'text') return;
  const list = listOf(place, 'annotations');
  // One by one: a call takes no more arguments than the stack has room for.
  for (const one of annotations as unknown[]) list.push(one);
}

function whole({ json, step }: Slot): InteractionStep {
  const copy = structuredClone(step) as InteractionStep;
  if (json === '') return copy;
  const value = objectIn(json);
  return value === null ? { ...copy, arguments: json } : { ...copy, arguments: value };
}

function objectIn(json: string): { readonly [name: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { readonly [name: string]: unknown }) : null;
  } catch {
    return null;
  }
}

/** The functions that are to be called: those without a result among the steps. */
export function callsIn(steps: readonly InteractionStep[]): readonly InteractionCall[] {
  const answered = new Set(steps.filter(({ type }) => type === 'function_result').map((step) => step['call_id']));
  return steps
    .filter((step) => step.type === 'function_call' && !answered.has(step['id']))
    .map((step) => {
      const given = step['arguments'] ?? {};
      const isObject = typeof given === 'object' && !Array.isArray(given);
      return { id: textOf(step['id']), name: textOf(step['name']), arguments: isObject ? (given as { readonly [name: string]: unknown }) : null };
    });
}

/** What the model said, of all its outputs. */
export function textIn(steps: readonly InteractionStep[]): string {
  return steps
    .map((step) => (step.type === 'text' ? textOf(step['text']) : step.type === 'model_output' ? contentText(step['content']) : ''))
    .join('');
}

const mediaTypes = ['image', 'audio', 'video', 'document'];

/** The media among its outputs, each by its type. */
export function mediaIn(steps: readonly InteractionStep[]): readonly string[] {
  const contents = steps.flatMap((step): readonly unknown[] =>
    step.type === 'model_output' && Array.isArray(step['content']) ? step['content'] : [step],
  );
  return contents.map((one) => textOf((one as Fields | null)?.['type'])).filter((type) => mediaTypes.includes(type));
}

function contentText(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return (content as (Fields | null)[]).map((one) => (one?.['type'] === 'text' ? textOf(one['text']) : '')).join('');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
