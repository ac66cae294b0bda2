/** One row of the tree: of one height, with its figures in columns, and written only where they are others. */
import { chipsOf, moodOf, moodSigns, shortChipsOf } from '../components/chip.js';
import { element, setAttribute, setHidden, setStyle, setText } from '../components/element.js';
import { icon } from '../components/icons.js';
import type { VirtualRow } from '../components/virtual-list.js';
import { countdown, duration, short } from '../components/words.js';
import { nameOf, type TreeRow } from '../layout/tree-rows.js';
import { type ActorView, hasEnded } from '../state/actor-view.js';
import { budgetAt, queueOf, troubleOf } from '../state/supervision.js';
import type { View } from './view.js';

/** Most chips on a row; the rest is counted. */
const mostChips = 3;

export class TreeRowView implements VirtualRow<TreeRow> {
  readonly element: HTMLElement;
  readonly #twisty: HTMLElement;
  readonly #sign = element('span', { class: 'sign', 'aria-hidden': 'true' });
  readonly #name = element('span', { class: 'name' });
  readonly #run = element('span', { class: 'run' });
  readonly #trouble = element('span', { class: 'chip trouble', hidden: true });
  readonly #chips: HTMLElement[] = [];
  readonly #chipRoom = element('span', { class: 'chips' });
  readonly #restarts = element('span', { class: 'cell restarts' });
  readonly #wait = element('span', { class: 'cell wait' });
  readonly #queue = element('span', { class: 'cell queue' });
  readonly #timers = element('span', { class: 'cell timers' });
  readonly #rate = element('span', { class: 'cell rate' });
  readonly #view: () => View;
  #path = '';

  constructor(view: () => View, chosen: (path: string, how: 'select' | 'open' | 'toggle') => void) {
    this.#view = view;
    this.#twisty = element(
      'span',
      { class: 'twisty', on: { click: (event) => (event.stopPropagation(), chosen(this.#path, 'toggle')) } },
      icon('fold'),
    );
    const who = element('span', { class: 'who' }, this.#twisty, this.#sign, this.#name, this.#run);
    this.element = element(
      'div',
      {
        class: 'row',
        role: 'treeitem',
        on: { click: () => chosen(this.#path, 'select'), dblclick: () => chosen(this.#path, 'open') },
      },
      who,
      element('span', { class: 'states' }, this.#chipRoom, this.#trouble),
      this.#restarts,
      this.#wait,
      this.#queue,
      this.#timers,
      this.#rate,
    );
  }

  show(row: TreeRow, index: number): void {
    const { state, moment, at, rates } = this.#view();
    const actor = moment.actors.get(row.path);
    if (actor === undefined) return;
    this.#path = row.path;
    const mood = moodOf(actor, row.retryAt);
    setAttribute(this.element, 'id', `row-${index}`);
    setAttribute(this.element, 'data-path', row.path);
    setAttribute(this.element, 'data-mood', mood);
    setAttribute(this.element, 'aria-level', row.depth);
    setAttribute(this.element, 'aria-posinset', row.place);
    setAttribute(this.element, 'aria-setsize', row.siblings);
    setAttribute(this.element, 'aria-expanded', row.below === 0 ? null : row.isOpen ? 'true' : 'false');
    setAttribute(this.element, 'aria-selected', state.selected === row.path ? 'true' : 'false');
    setStyle(this.element, '--depth', String(row.depth - 1));
    setText(this.#sign, moodSigns[mood]);
    setText(this.#name, nameWords(row));
    setAttribute(this.#name, 'title', row.path);
    setText(this.#run, actor.run > 1 && !/[#~]\d+$/u.test(row.path) ? `#${actor.run}` : '');
    this.#showChips(mood === 'backoff' ? ['backing off'] : shortChipsOf(actor));
    setAttribute(this.#chipRoom, 'title', chipsOf(actor).join('\n'));
    const trouble = troubleOf(actor, moment.actors);
    setHidden(this.#trouble, trouble === null);
    setText(this.#trouble, trouble ?? '');
    setAttribute(this.#trouble, 'title', trouble);
    // What came to it within the second in which it ended comes no more.
    this.#showFigures(row, actor, at, hasEnded(actor) ? 0 : (rates.get(row.path) ?? 0));
  }

  #showChips(words: readonly string[]): void {
    const shown = words.length > mostChips ? [...words.slice(0, mostChips - 1), `+${words.length - mostChips + 1}`] : words;
    while (this.#chips.length < shown.length) {
      const chip = element('span', { class: 'chip' });
      this.#chips.push(chip);
      this.#chipRoom.append(chip);
    }
    for (const [index, chip] of this.#chips.entries()) {
      const word = shown[index];
      setHidden(chip, word === undefined);
      if (word === undefined) continue;
      setText(chip, word);
    }
  }

  #showFigures(row: TreeRow, actor: ActorView, at: number, rate: number): void {
    const budget = hasEnded(actor) && actor.gaveUp === null ? null : budgetAt(actor, at);
    setText(this.#restarts, budget === null ? (actor.run > 1 ? String(actor.run - 1) : '') : `${short(budget.used)}/${short(budget.intensity)}`);
    const level = budget === null || budget.used === 0 ? null : budget.used >= budget.intensity ? 'spent' : 'some';
    setAttribute(this.#restarts, 'data-level', level);
    setAttribute(
      this.#restarts,
      'title',
      budget === null
        ? actor.run > 1
          ? `restarted ${actor.run - 1} times`
          : null
        : `${budget.used} of ${budget.intensity} restarts within ${duration(budget.periodMs)}`,
    );
    setText(this.#wait, row.retryAt === null ? '' : countdown(row.retryAt - at));
    const queue = queueOf(actor);
    setText(this.#queue, queue === 0 ? '' : short(queue));
    setText(this.#timers, actor.timers.length === 0 ? '' : short(actor.timers.length));
    setText(this.#rate, rate === 0 ? '' : short(rate));
  }
}

function nameWords({ path, below, isOpen }: TreeRow): string {
  return below > 0 && !isOpen ? `${nameOf(path)} (${short(below)})` : nameOf(path);
}
