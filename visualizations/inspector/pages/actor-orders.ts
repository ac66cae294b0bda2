/** What can be done to an actor: end it, start it anew, send it an event. Only where the app allows it; the server refuses it otherwise, whatever is shown here. */
import type { EventSchemas } from '../../../src/wire/recording/event-schema.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import type { NextEvent } from '../../../src/charts/active.js';
import { element, setChildren, setHidden } from '../components/element.js';
import { EventForm } from '../components/event-form.js';
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
  readonly #form: EventForm;
  readonly #doors: Doors;
  #actor = '';
  #schemas: EventSchemas | undefined;
  #sample: (type: string) => Portable | null = () => null;
  #key = '';

  constructor(doors: Doors) {
    this.#doors = doors;
    this.#form = new EventForm((event) => this.#doors.orders().send(this.#actor, event));
    this.element = element('div', {}, this.#buttons, this.#form.element);
  }

  /** @param sample  the last event of a type that the actor was sent, when somebody asks */
  show(actor: string, events: readonly NextEvent[], schemas: EventSchemas | undefined, sample: (type: string) => Portable | null): void {
    const { refusal } = this.#doors.orders();
    const key = JSON.stringify([actor, refusal, events.map(({ type, edges }) => [type, edges.map(({ id }) => id)])]);
    if (actor !== this.#actor || refusal !== null) this.#form.close();
    this.#actor = actor;
    this.#schemas = schemas;
    this.#sample = sample;
    if (key === this.#key) return;
    this.#key = key;
    const shown = events.map(({ type, edges }) => {
      const about = edges.map(({ guard, targets }) => `${guard === undefined ? '' : `[${guard}] `}→ ${targets?.join(', ') ?? 'stays'}`).join('\n');
      if (refusal !== null || type.includes('*')) return element('span', { class: 'event-chip', title: about }, type);
      return element(
        'button',
        { class: 'event-chip', title: about, on: { click: () => this.#form.open(type, this.#sample(type), this.#schemas) } },
        type,
      );
    });
    setChildren(this.#buttons, ...(shown.length === 0 ? [element('p', { class: 'quiet' }, 'it waits for no event')] : shown));
  }
}
