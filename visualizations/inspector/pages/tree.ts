/** The tree: every actor, how it is, and what it has cost lately. Ten thousand of them are a list of which forty have elements. */
import { element, setAttribute, setChildren, setHidden, setText } from '../components/element.js';
import { icon } from '../components/icons.js';
import { VirtualList } from '../components/virtual-list.js';
import { counted } from '../components/words.js';
import { type TreeRow, treeRows } from '../layout/tree-rows.js';
import { livingOf } from '../state/app-end.js';
import { filters } from '../state/state.js';
import { TreeRowView } from './tree-row.js';
import type { Doors, PageView, View } from './view.js';

/** Height of a row, px; style/c-tree.css has the same. */
const rowPx = 28;

export class TreePage implements PageView {
  readonly element: HTMLElement;
  readonly search: HTMLInputElement;
  readonly #doors: Doors;
  readonly #filterButtons: ReadonlyMap<string, HTMLElement>;
  readonly #follow: HTMLElement;
  readonly #pools: HTMLElement;
  readonly #count = element('span', { class: 'count quiet' });
  readonly #empty = element('div', { class: 'empty' });
  readonly #scroller = element('div', { class: 'rows', role: 'tree', tabindex: 0, 'aria-label': 'actors' });
  readonly #list: VirtualList<TreeRow>;
  #rows: readonly TreeRow[] = [];
  /** What the rows were made for. */
  #madeFor: readonly unknown[] = [];
  #view: View | null = null;
  #revealed: string | null = null;

  constructor(doors: Doors, refresh: () => void) {
    this.#doors = doors;
    const { dispatch } = doors;
    this.search = element('input', {
      type: 'search',
      class: 'search',
      placeholder: 'search actors and states',
      'aria-label': 'search actors and states',
      spellcheck: 'false',
      autocomplete: 'off',
      on: {
        input: () => dispatch({ type: 'query.changed', query: this.search.value }),
        keydown: (event) => this.#searchKey(event),
      },
    });
    this.#filterButtons = new Map(
      filters.map((filter) => [
        filter,
        element('button', { class: 'segment', on: { click: () => dispatch({ type: 'filter.chosen', filter }) } }, filter),
      ]),
    );
    this.#follow = element(
      'button',
      { class: 'toggle', title: 'follow who acts (f)', on: { click: () => dispatch({ type: 'follow.toggled' }) } },
      icon('follow'),
      'follow',
    );
    this.#pools = element(
      'button',
      { class: 'toggle', title: 'show the pools that carry children', on: { click: () => dispatch({ type: 'pools.toggled' }) } },
      'pools',
    );
    this.#list = new VirtualList(
      this.#scroller,
      rowPx,
      () =>
        new TreeRowView(
          () => this.#view as View,
          (path, how) => this.#chosen(path, how),
        ),
      refresh,
    );
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    this.element = element(
      'section',
      { class: 'page tree-page', 'aria-label': 'tree' },
      element('div', { class: 'bar' }, element('label', { class: 'search-room' }, icon('search'), this.search), this.#follow, this.#pools),
      element(
        'div',
        { class: 'bar second' },
        element('div', { class: 'segments', role: 'group', 'aria-label': 'which actors' }, ...this.#filterButtons.values()),
        this.#count,
      ),
      element(
        'div',
        { class: 'row columns', 'aria-hidden': 'true' },
        ...[
          ['who', 'actor', ''],
          ['chips', 'state', ''],
          ['cell restarts', 'restarts', 'of the budget'],
          ['cell wait', 'backoff', 'until the next attempt'],
          ['cell queue', 'queue', 'messages that wait'],
          ['cell timers', 'timers', 'delayed events'],
          ['cell rate', 'ev/s', 'events in the last second'],
        ].map(([name = '', word = '', title = '']) => element('span', { class: name, title }, word)),
      ),
      element('div', { class: 'rows-room' }, this.#scroller, this.#empty),
    );
  }

  render(view: View): void {
    this.#view = view;
    const { state, moment } = view;
    this.#makeRows(view);
    for (const [filter, button] of this.#filterButtons) setAttribute(button, 'aria-pressed', filter === state.filter ? 'true' : 'false');
    setAttribute(this.#follow, 'aria-pressed', state.follow ? 'true' : 'false');
    setAttribute(this.#pools, 'aria-pressed', state.showsPools ? 'true' : 'false');
    if (this.search.value !== state.query) this.search.value = state.query;
    const selected = this.#rows.findIndex(({ path }) => path === state.selected);
    if (state.selected !== this.#revealed && selected >= 0 && this.#list.reveal(selected, this.#rows.length)) this.#revealed = state.selected;
    setAttribute(this.#scroller, 'aria-activedescendant', selected < 0 ? null : `row-${selected}`);
    this.#list.show(this.#rows);
    setHidden(this.#empty, this.#rows.length > 0);
    if (this.#rows.length === 0) this.#sayEmpty(view);
    setText(this.#count, moment.actors.size === 0 ? '' : counted(livingOf(moment), 'living actor'));
  }

  #makeRows({ state, moment }: View): void {
    // A search looks at states too, and whoever is in backoff is seen by a context: then every moment has rows of its own.
    const isPlain = state.query === '' && state.filter === 'all';
    const key = [
      moment,
      moment.structure,
      isPlain ? Math.floor(performance.now() / 250) : moment.at,
      state.query,
      state.filter,
      state.toggled,
      state.showsPools,
    ];
    if (key.every((one, index) => one === this.#madeFor[index])) return;
    this.#madeFor = key;
    this.#rows = treeRows(moment.actors, state);
  }

  #sayEmpty({ state, moment }: View): void {
    const words =
      moment.actors.size === 0
        ? state.connection.kind === 'none'
          ? [element('strong', {}, 'No app is connected.'), element('p', {}, 'Drop a recording here, or open one.')]
          : [element('strong', {}, 'No actors yet.')]
        : [element('strong', {}, 'Nobody matches.'), element('p', {}, state.query === '' ? `Filter: ${state.filter}` : `Search: ${state.query}`)];
    if (this.#empty.textContent !== words.map(({ textContent }) => textContent).join('')) setChildren(this.#empty, ...words);
  }

  #chosen(path: string, how: 'select' | 'open' | 'toggle'): void {
    this.#revealed = path;
    if (how === 'toggle') this.#doors.dispatch({ type: 'branch.toggled', actor: path });
    else this.#doors.dispatch({ type: 'actor.chosen', actor: path, show: how === 'open' });
    this.#scroller.focus({ preventScroll: true });
  }

  #searchKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      this.#doors.dispatch({ type: 'query.changed', query: '' });
      this.#scroller.focus();
    } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      this.#scroller.focus();
      const [first] = this.#rows;
      if (first !== undefined && event.key === 'ArrowDown') this.#select(first);
    }
  }

  #select(row: TreeRow | undefined): void {
    if (row !== undefined) this.#doors.dispatch({ type: 'actor.chosen', actor: row.path });
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const selected = this.#rows.findIndex(({ path }) => path === this.#view?.state.selected);
    const row = this.#rows[selected];
    const to = (index: number): void => this.#select(this.#rows[Math.min(Math.max(0, index), this.#rows.length - 1)]);
    const toggle = (): void => this.#doors.dispatch({ type: 'branch.toggled', actor: row?.path ?? '' });
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => to(selected + 1),
      ArrowUp: () => to(selected < 0 ? 0 : selected - 1),
      PageDown: () => to(selected + this.#list.page),
      PageUp: () => to(selected - this.#list.page),
      Home: () => to(0),
      End: () => to(this.#rows.length - 1),
      ArrowRight: () => (row === undefined || row.below === 0 ? undefined : row.isOpen ? to(selected + 1) : toggle()),
      ArrowLeft: () => (row === undefined ? undefined : row.isOpen ? toggle() : this.#select(parentOf(this.#rows, selected))),
      Enter: () => row !== undefined && this.#doors.dispatch({ type: 'actor.chosen', actor: row.path, show: true }),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }
}

function parentOf(rows: readonly TreeRow[], index: number): TreeRow | undefined {
  const depth = rows[index]?.depth ?? 0;
  return rows.slice(0, index).findLast((row) => row.depth < depth);
}
