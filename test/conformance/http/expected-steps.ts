/** The steps of an interaction, put together by the harness from their starts and deltas, since the last event carries none. */
import { fieldsOf, isFields, listOf, textOrNull } from './wire-body.js';

type Fields = { readonly [field: string]: unknown };

interface Growing {
  readonly start: Fields;
  readonly deltas: Fields[];
  hasStopped: boolean;
}

export class ExpectedSteps {
  readonly #growing = new Map<number, Growing>();
  /** Does one of them begin in its middle? */
  lackStart = false;

  /** Has anything been said, and to its end? */
  get haveStopped(): boolean {
    return this.#growing.size > 0 && [...this.#growing.values()].every(({ hasStopped }) => hasStopped);
  }

  start(index: number, given: Fields): Fields {
    const start = { ...given, type: textOrNull(given['type']) ?? '' };
    this.#growing.set(index, { start, deltas: [], hasStopped: false });
    return start;
  }

  grow(index: number, delta: Fields): void {
    let step = this.#growing.get(index);
    if (step === undefined) {
      this.lackStart = true;
      step = { start: { type: typeBy(delta) }, deltas: [], hasStopped: false };
      this.#growing.set(index, step);
    }
    step.deltas.push(delta);
  }

  stop(index: number): Fields | null {
    const step = this.#growing.get(index);
    if (step === undefined) return null;
    step.hasStopped = true;
    return whole(step);
  }

  all(): readonly Fields[] {
    return [...this.#growing].sort(([a], [b]) => a - b).map(([, step]) => whole(step));
  }
}

/** The kind of a step, by its first delta. */
function typeBy({ type }: Fields): string {
  if (type === 'arguments_delta') return 'function_call';
  if (type === 'thought_signature' || type === 'thought_summary') return 'thought';
  return ['text', 'text_annotation', 'image', 'audio', 'video', 'document'].includes(String(type)) ? 'model_output' : String(type);
}

function whole({ deltas, start }: Growing): Fields {
  const of = (type: string): readonly Fields[] => deltas.filter((delta) => delta['type'] === type);
  const known = ['text', 'text_annotation', 'thought_signature', 'thought_summary', 'arguments_delta'];
  const others = deltas.filter(({ type }) => !known.includes(String(type)));
  const json = of('arguments_delta')
    .map((delta) => textOrNull(delta['arguments']) ?? '')
    .join('');
  const summary = of('thought_summary').map((delta) => delta['content'] ?? untyped(delta));
  const signature = of('thought_signature').at(-1)?.['signature'];
  const isOutput = start['type'] === 'model_output';
  const step: Record<string, unknown> = { ...start };
  if (!isOutput) for (const delta of others) Object.assign(step, untyped(delta));
  if (signature !== undefined) step['signature'] = signature;
  if (summary.length > 0) step['summary'] = [...listOf(start['summary']), ...summary];
  if (json !== '') step['arguments'] = objectIn(json) ?? json;
  if (start['type'] === 'text') return { ...step, ...textBy(start, deltas) };
  const content = contentBy(listOf(start['content']).map(fieldsOf), isOutput ? deltas : deltas.filter(({ type }) => known.includes(String(type))));
  return content.length > 0 || 'content' in start ? { ...step, content } : step;
}

/** What a delta adds: its type is its own. */
function untyped(delta: Fields): Fields {
  const { type: _, ...rest } = delta;
  return rest;
}

/** A content by itself, as they were before May 2026. */
function textBy(start: Fields, deltas: readonly Fields[]): Fields {
  const texts = deltas.filter(({ type }) => type === 'text').map(({ text }) => textOrNull(text) ?? '');
  const annotations = deltas.flatMap((delta) => (delta['type'] === 'text_annotation' ? listOf(delta['annotations']) : []));
  return {
    ...(texts.length > 0 ? { text: `${textOrNull(start['text']) ?? ''}${texts.join('')}` } : {}),
    ...(annotations.length > 0 ? { annotations: [...listOf(start['annotations']), ...annotations] } : {}),
  };
}

/** Texts that follow each other are one, with the annotations behind them; all else stands by itself. */
function contentBy(content: readonly Fields[], deltas: readonly Fields[]): readonly Fields[] {
  const grown = [...content];
  for (const delta of deltas) {
    const { annotations, text, type } = delta;
    const last = grown.at(-1);
    const isText = last?.['type'] === 'text';
    if (type === 'text' && isText) grown[grown.length - 1] = { ...last, text: `${textOrNull(last['text']) ?? ''}${textOrNull(text) ?? ''}` };
    else if (type === 'text_annotation') {
      if (isText) grown[grown.length - 1] = { ...last, annotations: [...listOf(last['annotations']), ...listOf(annotations)] };
    } else if (!['thought_signature', 'thought_summary', 'arguments_delta'].includes(String(type))) grown.push(delta);
  }
  return grown;
}

/** The functions that are to be called: those without a result among the steps. */
export function callsOf(steps: readonly Fields[]): readonly Fields[] {
  const answered = steps.filter(({ type }) => type === 'function_result').map((step) => step['call_id']);
  return steps
    .filter(({ id, type }) => type === 'function_call' && !answered.includes(id))
    .map(({ arguments: given = {}, id, name }) => ({
      ...{ id: textOrNull(id) ?? '', name: textOrNull(name) ?? '' },
      arguments: isFields(given) ? given : null,
    }));
}

/** What the model said, of all its outputs. */
export function textOf(steps: readonly Fields[]): string {
  const texts = (contents: readonly Fields[]): string => contents.map(({ text, type }) => (type === 'text' ? (textOrNull(text) ?? '') : '')).join('');
  return steps.map((step) => (step['type'] === 'model_output' ? texts(listOf(step['content']).map(fieldsOf)) : texts([step]))).join('');
}

function objectIn(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}
