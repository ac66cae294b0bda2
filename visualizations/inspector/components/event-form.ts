/** The form of an event: fields by its schema, or its JSON. Nothing is sent that its schema refuses; what was filled in stays. */
import type { EventSchemas, JsonSchema } from '../../../src/wire/recording/event-schema.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import { eventOf } from '../layout/event-text.js';
import { eventOfFields, type Field, fieldsOf, isSameWay } from '../layout/form-fields.js';
import { element, setAttribute, setChildren, setHidden, setText } from './element.js';

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

interface Shown {
  readonly field: Field;
  readonly input: Input | null;
  readonly problem: HTMLElement;
}

let forms = 0;

export class EventForm {
  readonly element: HTMLFormElement;
  readonly #title = element('p', { class: 'form-title' });
  readonly #fields = element('div', { class: 'fields' });
  readonly #text = element('textarea', { class: 'event-text', rows: 5, spellcheck: 'false', 'aria-label': 'the event, as JSON' });
  readonly #problem = element('p', { class: 'problem', role: 'alert' });
  /** Why it has no fields. */
  readonly #why = element('p', { class: 'quiet form-why' });
  readonly #asJson = element('button', { type: 'button', class: 'quiet-button', on: { click: () => this.#change() } }, 'as JSON');
  readonly #sent: (event: { readonly type: string }) => void;
  readonly #name = `form${forms++}`;
  #type = '';
  #schema: JsonSchema | null = null;
  #shown: readonly Shown[] = [];
  #isJson = true;

  /** @param verb  what stands on its button */
  constructor(sent: (event: { readonly type: string }) => void, verb = 'send') {
    this.#sent = sent;
    const cancel = element('button', { type: 'button', class: 'quiet-button', on: { click: () => this.close() } }, 'cancel');
    this.element = element(
      'form',
      {
        class: 'event-form',
        novalidate: true,
        on: {
          submit: (event) => (event.preventDefault(), this.#send()),
          input: () => this.#forgive(),
          keydown: (event) => {
            if (event.key === 'Escape') this.close();
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#send();
          },
        },
      },
      this.#title,
      this.#fields,
      this.#why,
      this.#text,
      this.#problem,
      element('div', { class: 'form-end' }, element('button', { type: 'submit', class: 'primary' }, verb), cancel, this.#asJson),
    );
    this.element.hidden = true;
  }

  /** @param sample  an event of this type, to begin with */
  open(type: string, sample: Portable | null, schemas: EventSchemas | undefined): void {
    this.#type = type;
    this.#schema = schemas !== undefined && Object.hasOwn(schemas, type) ? (schemas[type] ?? null) : null;
    const fields = this.#schema === null ? null : fieldsOf(this.#schema, sample);
    this.#shown = (fields ?? []).map((field, index) => this.#show(field, index));
    setChildren(this.#fields, ...this.#shown.map((shown) => rowOf(shown)));
    this.#text.value = JSON.stringify(sample ?? { type }, null, 2);
    setText(this.#title, fields?.length === 0 ? `${type}: nothing to fill in` : type);
    setHidden(this.#asJson, fields === null);
    setHidden(this.#why, fields !== null);
    setText(
      this.#why,
      this.#schema === null
        ? `No schema of ${type} is known: it is written as JSON.`
        : `The schema of ${type} makes no form: it is written as JSON, and checked.`,
    );
    setText(this.#problem, '');
    this.#use(fields === null);
    setHidden(this.element, false);
    (this.#isJson
      ? this.#text
      : (this.#shown.find(({ input }) => input !== null)?.input ?? this.element.querySelector<HTMLElement>('.primary'))
    )?.focus();
  }

  close(): void {
    setHidden(this.element, true);
  }

  /** What is filled in is taken along. */
  #change(): void {
    if (!this.#isJson && this.#schema !== null) {
      const { ok, ...filled } = this.#filled(this.#schema);
      if (ok && 'event' in filled) this.#text.value = JSON.stringify(filled.event, null, 2);
    }
    this.#use(!this.#isJson);
  }

  #use(isJson: boolean): void {
    this.#isJson = isJson;
    setHidden(this.#text, !isJson);
    setHidden(this.#fields, isJson);
    setHidden(this.#title, isJson);
    setText(this.#asJson, isJson ? 'as a form' : 'as JSON');
  }

  #forgive(): void {
    setText(this.#problem, '');
    for (const { input, problem } of this.#shown) {
      setText(problem, '');
      if (input !== null) setAttribute(input, 'aria-invalid', null);
    }
  }

  #filled(schema: JsonSchema) {
    return eventOfFields(
      this.#type,
      schema,
      this.#shown.map(({ field }) => field),
      this.#shown.map(({ input }) => textOf(input)),
    );
  }

  #send(): void {
    const schema = this.#schema;
    if (this.#isJson || schema === null) {
      const event = eventOf(this.#text.value, this.#type, schema);
      if (typeof event === 'string') setText(this.#problem, event);
      else this.#done(event);
      return;
    }
    const filled = this.#filled(schema);
    if (filled.ok) return this.#done(filled.event);
    this.#forgive();
    for (const { at, words } of filled.problems) {
      const shown = this.#shown.find(({ field, input }) => input !== null && isSameWay(field.at, at.slice(0, field.at.length)));
      if (shown === undefined) setText(this.#problem, `${at.join('.') || this.#type} ${words}`);
      else {
        const inside = at.slice(shown.field.at.length).join('.');
        setText(shown.problem, inside === '' ? words : `${inside}: ${words}`);
        if (shown.input !== null) setAttribute(shown.input, 'aria-invalid', 'true');
      }
    }
    this.#shown.find(({ input }) => input?.getAttribute('aria-invalid') === 'true')?.input?.focus();
  }

  #done(event: { readonly type: string }): void {
    this.#sent(event);
    this.close();
  }

  #show(field: Field, index: number): Shown {
    const id = `${this.#name}-${index}`;
    const problem = element('span', { class: 'problem', id: `${id}-problem`, role: 'alert' });
    const input = field.kind === 'group' ? null : inputOf(field);
    if (input !== null) {
      setAttribute(input, 'id', id);
      setAttribute(input, 'name', field.at.join('.'));
      setAttribute(input, 'aria-required', field.isRequired ? 'true' : null);
      setAttribute(input, 'aria-describedby', `${id}-problem`);
    }
    return { field, input, problem };
  }
}

function inputOf({ kind, choices, first }: Field): Input {
  switch (kind) {
    case 'select': {
      const options = choices.map((choice) => element('option', { value: choice }, choice === '' ? '—' : wordsOf(choice)));
      const select = element('select', { class: 'field-input' }, ...options);
      select.value = first;
      return select;
    }
    case 'checkbox': {
      const box = element('input', { type: 'checkbox' });
      box.checked = first === 'true';
      return box;
    }
    case 'json': {
      const text = element('textarea', { class: 'field-input event-text', rows: 2, spellcheck: 'false', placeholder: 'JSON' });
      text.value = first;
      return text;
    }
    default: {
      const input = element('input', { class: 'field-input', type: 'text', inputmode: kind === 'number' ? 'decimal' : null, autocomplete: 'off' });
      input.value = first;
      return input;
    }
  }
}

/** A text without its quotes, other JSON as it is. */
function wordsOf(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : json;
}

function textOf(input: Input | null): string {
  if (input instanceof HTMLInputElement && input.type === 'checkbox') return String(input.checked);
  return input?.value ?? '';
}

function rowOf({ field: { at, isRequired, about }, input, problem }: Shown): HTMLElement {
  const name = at.at(-1) ?? '';
  const star = isRequired ? [element('span', { class: 'required', title: 'required' }, ' *')] : [];
  const label =
    input === null
      ? element('span', { class: 'field-name' }, name, ...star)
      : element('label', { class: 'field-name', for: input.id }, name, ...star);
  const hint = about === '' ? [] : [element('span', { class: 'quiet field-about' }, about)];
  const row = element('div', { class: input === null ? 'field group' : 'field' }, label, ...(input === null ? [] : [input]), ...hint, problem);
  row.style.setProperty('--depth', String(at.length - 1));
  return row;
}
