/** Sentences at the edge: what became of an order, what could not be read. Told to screen readers too; they stay until they are closed or pushed out. */
import type { Action } from '../state/reduce.js';
import type { Notice } from '../state/state.js';
import { element } from './element.js';

export class Notices {
  readonly element = element('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
  #shown: readonly Notice[] = [];

  show(notices: readonly Notice[], dispatch: (action: Action) => void): void {
    if (notices === this.#shown) return;
    this.#shown = notices;
    this.element.replaceChildren(
      ...notices.map(({ id, tone, text }) =>
        element(
          'div',
          { class: `notice ${tone}` },
          element('span', {}, text),
          element('button', { class: 'small', 'aria-label': 'close', on: { click: () => dispatch({ type: 'notice.closed', id }) } }, '✕'),
        ),
      ),
    );
  }
}
