/**
 * The replay of an actor up to the moment that is shown: what it was sent then, taken again by its machine, in the app and without an effect. And what one
 * more event would have brought.
 */
import type { NextEvent } from '../../../src/charts/active.js';
import type { EventSchemas } from '../../../src/wire/recording/event-schema.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import type { ReplayedState, ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import { element, setAttribute, setChildren, setHidden, setText } from '../components/element.js';
import { EventForm } from '../components/event-form.js';
import { counted, eventWords, moment as momentWords } from '../components/words.js';
import { stateNames } from '../state/actor-view.js';
import type { Doors, View } from './view.js';

type Words = readonly (Node | string)[];
type Outcome<Kind extends ReplayOutcome['outcome']> = Extract<ReplayOutcome, { outcome: Kind }>;

/** What can be asked about at this moment. */
export interface Supposable {
  readonly events: readonly NextEvent[];
  readonly schemas: EventSchemas | undefined;
  /** The last event of a type that the actor was sent. */
  readonly sample: (type: string) => Portable | null;
}

const idle = 'takes what it was sent up to here again in its machine, and compares; executes nothing';
/** The longest value of a difference that is shown, characters. */
const longest = 120;

export class ReplayPanel {
  readonly element: HTMLElement;
  readonly #doors: Doors;
  readonly #button = element('button', { class: 'small', on: { click: () => this.#ask() } }, 'Replay to here');
  readonly #words = element('p', { class: 'replay-words', role: 'status' }, idle);
  /** The moment that an answer is of, where another one is shown. */
  readonly #when = element('span', { class: 'replay-when quiet', hidden: true });
  readonly #more = element('ul', { class: 'replay-more', hidden: true });
  readonly #chips = element('div', { class: 'next-events' });
  readonly #suppose: HTMLElement;
  readonly #form = new EventForm((event) => this.#ask(event), 'what if?');
  #actor = '';
  #to = 0;
  #key = '';
  #refusal: string | null = null;
  #supposable: Supposable = { events: [], schemas: undefined, sample: () => null };
  /** The request whose answer is shown; another one's comes too late. */
  #asked = 0;
  /** The line up to which it was asked; null: no answer is shown. */
  #askedTo: number | null = null;
  #isWaiting = false;

  constructor(doors: Doors) {
    this.#doors = doors;
    this.#suppose = element('div', { class: 'suppose' }, element('span', { class: 'quiet' }, 'What if, at this moment, there came'), this.#chips);
    this.element = element(
      'section',
      { class: 'replay', 'aria-label': 'replay' },
      element('div', { class: 'replay-head' }, this.#button, this.#when, this.#words),
      this.#more,
      this.#suppose,
    );
  }

  show(actor: string, supposable: Supposable, { state: { position, connection }, timeline, index }: View): void {
    this.#to = timeline.seqOf(index);
    this.#supposable = supposable;
    const { replayRefusal: refusal } = this.#doors.orders();
    if (actor !== this.#actor || refusal !== this.#refusal) {
      this.#actor = actor;
      this.#refusal = refusal;
      this.#asked++;
      this.#askedTo = null;
      this.#wait(false);
      this.#tell(connection.kind === 'file' ? inTerminal(connection.name) : [refusal ?? idle]);
    }
    this.#showWhen();
    setHidden(this.#button, refusal !== null);
    const canSuppose = refusal === null && position !== null && supposable.events.length > 0;
    setHidden(this.#suppose, !canSuppose);
    const key = canSuppose ? `${actor} ${supposable.events.map(({ type }) => type).join(' ')}` : '';
    if (key === this.#key) return;
    this.#key = key;
    this.#form.close();
    setChildren(
      this.#chips,
      ...(canSuppose ? supposable.events : [])
        .filter(({ type }) => !type.includes('*') && !type.startsWith('xstate.'))
        .map(({ type }) => element('button', { class: 'suppose-chip', on: { click: () => this.#open(type) } }, type)),
    );
  }

  #open(type: string): void {
    if (!this.#form.element.isConnected) this.element.append(this.#form.element);
    this.#form.open(type, this.#supposable.sample(type), this.#supposable.schemas);
  }

  #ask(event?: { readonly type: string }): void {
    const answer = this.#isWaiting ? null : this.#doors.orders().replay(this.#actor, this.#to, event);
    if (answer === null) return;
    const asked = ++this.#asked;
    this.#askedTo = this.#to;
    this.#showWhen();
    this.#wait(true);
    this.#tell(['replaying…']);
    const told = (words: Words, more: readonly string[] = []): void => {
      if (asked !== this.#asked) return;
      this.#wait(false);
      this.#tell(words, more);
    };
    answer.then(
      (outcome) => told(this.#wordsOf(outcome), moreOf(outcome)),
      (error: unknown) => told([error instanceof Error ? error.message : String(error)]),
    );
  }

  /** An answer of another moment than the one that is shown says so. */
  #showWhen(): void {
    const seq = this.#askedTo;
    const isOfAnother = seq !== null && seq !== this.#to;
    setHidden(this.#when, !isOfAnother);
    if (isOfAnother) setChildren(this.#when, `asked at line ${seq}, `, this.#link(seq), ':');
  }

  #wait(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
    // Without the focus, a keyboard would have to find its way back.
    setAttribute(this.#button, 'aria-disabled', isWaiting ? 'true' : null);
  }

  #tell(words: Words, more: readonly string[] = []): void {
    setChildren(this.#words, ...words);
    setChildren(this.#more, ...more.map((text) => element('li', {}, text)));
    setHidden(this.#more, more.length === 0);
    setText(this.#button, 'Replay to here');
  }

  #wordsOf(outcome: ReplayOutcome): Words {
    switch (outcome.outcome) {
      case 'same':
        return outcome.next === undefined ? this.#same(outcome) : supposed(outcome.next);
      case 'differs':
        return [
          element('strong', { class: 'differs' }, `${eventWords(outcome.event)} came out otherwise`),
          ' at ',
          this.#link(outcome.seq),
          `: recorded ${stateWords(outcome.expected)}, replayed ${stateWords(outcome.replayed)}. ${before(outcome.steps)}`,
        ];
      default:
        return ['It cannot be told', ...(outcome.seq === null ? [] : [' from ', this.#link(outcome.seq), ' on']), `: ${outcome.words}.`];
    }
  }

  #same({ steps, from, to }: Outcome<'same'>): Words {
    if (steps === 0) return ['It was sent nothing since ', this.#link(from), ', where what is known of it begins.'];
    return [element('strong', {}, `${counted(steps, 'event')} came out as recorded`), ', from ', this.#link(from), ' to ', this.#link(to), '.'];
  }

  /** A moment, to be gone to; where its line is not here, its number. */
  #link(seq: number): Node | string {
    const { timeline, dispatch } = this.#doors;
    const line = timeline.line(timeline.indexOf(seq));
    if (line === undefined) return `line ${seq}`;
    const click = (): void => {
      const index = timeline.indexOf(seq);
      // Its line may have been let go since.
      if (index >= 0) dispatch({ type: 'time.moved', to: index, last: timeline.last });
    };
    return element('button', { class: 'link', title: 'go to this moment', on: { click } }, momentWords(line.at));
  }
}

function inTerminal(name: string): Words {
  return ['To replay it, give its machines to a terminal: ', element('code', {}, `espalier replay ${name} --machines MODULE`)];
}

function supposed({ type, handled, state, changed, actions }: NonNullable<Outcome<'same'>['next']>): Words {
  if (!handled) return [element('strong', {}, eventWords(type)), ' would not be handled.'];
  const context = changed.length === 0 ? 'leave its context as it is' : `change ${changed.join(', ')}`;
  const orders = actions.length === 0 ? 'order nothing' : `order ${actions.join(', ')}`;
  return [element('strong', {}, eventWords(type)), ` would lead to ${stateWords(state)}, ${context}, and ${orders}. Nothing of it was done.`];
}

function stateWords({ status, value, error }: ReplayedState): string {
  const names = stateNames(value).join(', ');
  if (status === 'error') return `a crash${error === undefined ? '' : ` (${short(error)})`}`;
  return status === 'active' ? names || 'the same' : names === '' ? status : `${names} (${status})`;
}

function before(steps: number): string {
  return steps === 0 ? 'It was the first step.' : `${counted(steps, 'event')} before it came out as recorded.`;
}

function moreOf(outcome: ReplayOutcome): readonly string[] {
  if (outcome.outcome === 'unknown') return [];
  const changes = outcome.outcome === 'same' ? [] : outcome.changes.filter(({ path }) => path !== 'status' && path !== 'value');
  return [...changes.map(({ path, expected, replayed }) => `${path}: recorded ${short(expected)}, replayed ${short(replayed)}`), ...outcome.notes];
}

function short(value: Portable | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
