/** What can be done to an actor: end it, start it anew, send it an event. Only where the app allows it; the server refuses it otherwise, whatever is shown here. */
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import type { NextEvent } from '../chart/active.js';
import { element, setChildren, setHidden, setText } from '../components/element.js';
import type { ControlAction, Doors } from './view.js';

const orders: readonly (readonly [ControlAction, string])[] = [
  ['restart', 'stop it and start it anew, by its supervisor'],
  ['stop', 'ask it to end, and leave it down'],
  ['kill', 'end it at once, as a crash: its supervisor decides'],
];

export class OrderButtons {
  readonly element = element('div', { class: 'orders' });
  #armed: ControlAction | null = null;
  #actor = '';

  /** Each is asked twice: what ends an actor is not done by one slip. */
  show(actor: string, hasEnded: boolean, doors: Doors): void {
    if (actor !== this.#actor) this.#armed = null;
    this.#actor = actor;
    const refusal = doors.orders().refusal;
    setHidden(this.element, refusal !== null || hasEnded);
    const key = `${actor} ${this.#armed}`;
    if (this.element.dataset['key'] === key) return;
    this.element.dataset['key'] = key;
    setChildren(
      this.element,
      ...orders.map(([action, title]) => {
        const isArmed = this.#armed === action;
        const click = (): void => {
          if (isArmed) doors.orders().control(actor, action);
          this.#armed = isArmed ? null : action;
          this.show(actor, hasEnded, doors);
        };
        return element('button', { class: isArmed ? 'danger armed' : 'danger', title, on: { click } }, isArmed ? `${action}: sure?` : action);
      }),
    );
  }
}

/** The events that an actor would handle now, each a button; with control it opens a form. */
export class NextEvents {
  readonly element: HTMLElement;
  readonly #buttons = element('div', { class: 'next-events' });
  readonly #form: HTMLFormElement;
  readonly #text = element('textarea', { class: 'event-text', rows: 5, spellcheck: 'false', 'aria-label': 'the event, as JSON' });
  readonly #problem = element('p', { class: 'problem', role: 'alert' });
  readonly #doors: Doors;
  #actor = '';
  #events: readonly NextEvent[] = [];
  #key = '';

  constructor(doors: Doors) {
    this.#doors = doors;
    const cancel = element('button', { type: 'button', class: 'quiet-button', on: { click: () => this.#close() } }, 'cancel');
    this.#form = element(
      'form',
      { class: 'event-form', on: { submit: (event) => (event.preventDefault(), this.#send()) } },
      this.#text,
      this.#problem,
      element('div', { class: 'form-end' }, element('button', { type: 'submit', class: 'primary' }, 'send'), cancel),
    );
    this.#form.hidden = true;
    this.#text.addEventListener('input', () => setText(this.#problem, ''));
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#close();
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#send();
    });
    this.element = element('div', {}, this.#buttons, this.#form);
  }

  /** @param sample  the last event of a type that the actor was sent */
  show(actor: string, events: readonly NextEvent[], sample: (type: string) => Portable | null): void {
    const { refusal } = this.#doors.orders();
    const key = `${actor} ${refusal ?? ''} ${events.map(({ type }) => type).join(' ')}`;
    if (actor !== this.#actor || refusal !== null) this.#close();
    this.#actor = actor;
    this.#events = events;
    if (key === this.#key) return;
    this.#key = key;
    const shown = this.#events.map(({ type, edges }) => {
      const about = edges.map(({ guard, targets }) => `${guard === undefined ? '' : `[${guard}] `}→ ${targets?.join(', ') ?? 'stays'}`).join('\n');
      if (refusal !== null || type.includes('*')) return element('span', { class: 'event-chip', title: about }, type);
      return element('button', { class: 'event-chip', title: about, on: { click: () => this.#open(type, sample(type)) } }, type);
    });
    setChildren(this.#buttons, ...(shown.length === 0 ? [element('p', { class: 'quiet' }, 'it waits for no event')] : shown));
  }

  #open(type: string, sample: Portable | null): void {
    this.#text.value = JSON.stringify(sample ?? { type }, null, 2);
    setText(this.#problem, '');
    setHidden(this.#form, false);
    this.#text.focus();
  }

  #close(): void {
    setHidden(this.#form, true);
  }

  #send(): void {
    const event = eventOf(this.#text.value);
    if (typeof event === 'string') {
      setText(this.#problem, event);
      return;
    }
    this.#doors.orders().send(this.#actor, event);
    this.#close();
  }
}

/** The event that a text is, or what is wrong with it. */
export function eventOf(text: string): { readonly type: string } | string {
  try {
    const event = JSON.parse(text) as { readonly type?: unknown } | null;
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'An event is an object: { "type": "…" }';
    return typeof event.type === 'string' && event.type !== '' ? (event as { readonly type: string }) : 'An event has a "type" that is a text';
  } catch (error) {
    return `This is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
