/** The head of the page: what one is connected to, the tabs, and the switches. */
import type { Action } from '../state/reduce.js';
import { nextTheme, type Page, pages, type State, type Theme } from '../state/state.js';
import { connectionWords } from './connection-words.js';
import { drawn, element, setAttribute, setChildren, setText } from './element.js';
import { icon } from './icons.js';

const themeIcons = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

export class Header {
  readonly element: HTMLElement;
  readonly #state = element('span', { class: 'connection', role: 'status' });
  readonly #dot = element('span', { class: 'dot', 'aria-hidden': 'true' });
  readonly #words = element('span', { class: 'connection-words' });
  readonly #retry: HTMLElement;
  readonly #tabs: ReadonlyMap<Page, HTMLElement>;
  readonly #theme: HTMLElement;
  #shownTheme: Theme | null = null;

  constructor(dispatch: (action: Action) => void, retry: () => void, state: () => State) {
    this.#state.append(this.#dot, this.#words);
    this.#retry = element('button', { class: 'small retry', hidden: true, on: { click: retry } }, 'try now');
    this.#tabs = new Map(pages.map((page) => [page, tabOf(page, dispatch)]));
    const tabs = element('div', { class: 'tabs', role: 'tablist', 'aria-label': 'pages' }, ...this.#tabs.values());
    tabs.addEventListener('keydown', (event) => {
      const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (by === 0) return;
      const shown = [...this.#tabs].filter(([, tab]) => tab.offsetParent !== null);
      const at = shown.findIndex(([page]) => page === state().page);
      const [page, tab] = shown[(at + by + shown.length) % shown.length] ?? [];
      if (page === undefined) return;
      dispatch({ type: 'page.chosen', page });
      tab?.focus();
      event.preventDefault();
      event.stopPropagation();
    });
    const changeTheme = (): void => dispatch({ type: 'theme.chosen', theme: nextTheme(state().theme) });
    this.#theme = element('button', { class: 'small', on: { click: changeTheme } });
    const keys = element(
      'button',
      { class: 'small', title: 'keys (?)', 'aria-label': 'keys', on: { click: () => dispatch({ type: 'keys.toggled' }) } },
      icon('keys'),
    );
    this.element = element(
      'header',
      { class: 'head' },
      element('h1', { class: 'brand' }, logo(), element('span', {}, 'espalier')),
      this.#state,
      this.#retry,
      tabs,
      element('div', { class: 'head-end' }, this.#theme, keys),
    );
  }

  /** @param end  how the app has ended, in words; null while it lives */
  render({ connection, page, theme }: State, end: string | null): void {
    const now = Date.now();
    setAttribute(this.#state, 'data-kind', connection.kind === 'live' && end !== null ? 'ended' : connection.kind);
    const words = connectionWords(connection, now, end);
    setText(this.#words, words);
    setAttribute(this.#words, 'title', words);
    this.#retry.hidden = connection.kind !== 'lost';
    for (const [name, tab] of this.#tabs) {
      // Beside the tree, where there is room, the actor is what is seen first.
      setAttribute(tab, 'aria-selected', name === page || (page === 'tree' && name === 'actor' && tab.dataset['wide'] === 'true') ? 'true' : 'false');
      setAttribute(tab, 'tabindex', name === page ? 0 : -1);
    }
    if (theme === this.#shownTheme) return;
    this.#shownTheme = theme;
    const title = `colours: ${theme === 'auto' ? 'as the system has them' : theme} (t)`;
    setAttribute(this.#theme, 'title', title);
    setAttribute(this.#theme, 'aria-label', title);
    setChildren(this.#theme, icon(themeIcons[theme]));
  }
}

function tabOf(page: Page, dispatch: (action: Action) => void): HTMLElement {
  return element(
    'button',
    {
      class: `tab tab-${page}`,
      id: `tab-${page}`,
      role: 'tab',
      'aria-controls': `page-${page}`,
      on: { click: () => dispatch({ type: 'page.chosen', page }) },
    },
    page,
  );
}

/** A tree on a frame. */
function logo(): SVGSVGElement {
  const lines = drawn('path', {
    d: 'M9 17V2M9 13H3.5V8M9 13h5.5V8M9 8H5.5V4.500M9 8h3.500V4.500M1 17h16',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 1.6,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  });
  return drawn('svg', { class: 'logo', width: 18, height: 18, viewBox: '0 0 18 18', 'aria-hidden': 'true' }, lines);
}
