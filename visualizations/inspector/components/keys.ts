/** The keys of the page, and the card that shows them. */
import type { Action } from '../state/reduce.js';
import { nextTheme, type Page, type State } from '../state/state.js';
import type { Timeline } from '../state/timeline.js';
import { element } from './element.js';

const card: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['↑ ↓ ← →', 'move, open and close branches'],
  ['Enter', 'the chosen actor; of a message: its moment'],
  ['[ ]', 'one line back, one on'],
  ['{ }', 'to the crash or restart before, after'],
  ['Space', 'hold this moment, or live again'],
  ['f', 'follow who acts'],
  ['1 2 3 4', 'tree, actor, sequence, recording'],
  ['o', 'open a recording'],
  ['t', 'light, dark, as the system'],
  ['Esc', 'close'],
  ['?', 'this card'],
];

export class KeyCard {
  readonly element: HTMLDialogElement;

  constructor(dispatch: (action: Action) => void) {
    const close = element('button', { class: 'small', 'aria-label': 'close', on: { click: () => this.element.close() } }, '✕');
    this.element = element(
      'dialog',
      { class: 'key-card', 'aria-label': 'keys', on: { close: () => dispatch({ type: 'keys.toggled', shown: false }) } },
      element('div', { class: 'title' }, element('h2', {}, 'Keys'), close),
      element(
        'dl',
        {},
        ...card.flatMap(([keys, words]) => [element('dt', {}, ...keys.split(' ').map((key) => element('kbd', {}, key))), element('dd', {}, words)]),
      ),
    );
  }

  show(isShown: boolean): void {
    if (isShown && !this.element.open) this.element.showModal();
    if (!isShown && this.element.open) this.element.close();
  }
}

/** What a key of the whole page does; null: nothing. Pure but for the timeline, which is read. */
export function actionOf(key: string, state: State, timeline: Timeline): Action | null {
  const { last } = timeline;
  const page = ({ '1': 'tree', '2': 'actor', '3': 'sequence', '4': 'recording' } as Readonly<Record<string, Page>>)[key];
  if (page !== undefined) return { type: 'page.chosen', page };
  switch (key) {
    case '[':
      return { type: 'time.stepped', by: timeline.stepFrom(state.position ?? last, -1), last };
    case ']':
      return { type: 'time.stepped', by: timeline.stepFrom(state.position ?? last, 1), last };
    case '{':
    case '}': {
      const from = state.position ?? last;
      const marks = timeline.marks.filter(({ kind }) => kind === 'crash' || kind === 'restart');
      const to = key === '{' ? marks.findLast(({ index }) => index < from) : marks.find(({ index }) => index > from);
      return to === undefined ? null : { type: 'time.moved', to: to.index, last };
    }
    case ' ':
      return { type: 'time.paused', last };
    case 'f':
      return { type: 'follow.toggled' };
    case 't':
      return { type: 'theme.chosen', theme: nextTheme(state.theme) };
    case '?':
      return { type: 'keys.toggled' };
    default:
      return null;
  }
}
