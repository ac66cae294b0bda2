/**
 * A list of any length of which only what is seen has elements. Rows are used again: a frame in which nothing has changed touches no element, and one in
 * which every row has changed touches as many as fit on the screen.
 */
import { scrollToRow, windowOf } from '../layout/virtual-window.js';
import { element, setStyle } from './element.js';

export interface VirtualRow<Item> {
  readonly element: HTMLElement;
  show(item: Item, index: number): void;
}

export class VirtualList<Item> {
  /** What scrolls. */
  readonly element: HTMLElement;
  readonly #tall = element('div', { class: 'tall', role: 'presentation' });
  readonly #rows: VirtualRow<Item>[] = [];
  readonly #rowPx: number;
  readonly #make: () => VirtualRow<Item>;
  #viewPx = 0;
  #scrollPx = 0;

  /**
   * @param scroller  an element that scrolls, of a height that does not hang on its content
   * @param scrolled  called when other rows are to be seen
   */
  constructor(scroller: HTMLElement, rowPx: number, make: () => VirtualRow<Item>, scrolled: () => void) {
    this.element = scroller;
    this.#rowPx = rowPx;
    this.#make = make;
    scroller.append(this.#tall);
    scroller.addEventListener(
      'scroll',
      () => {
        this.#scrollPx = scroller.scrollTop;
        scrolled();
      },
      { passive: true },
    );
    new ResizeObserver(([entry]) => {
      this.#viewPx = entry?.contentRect.height ?? 0;
      scrolled();
    }).observe(scroller);
  }

  /** How many rows fit. */
  get page(): number {
    return Math.max(1, Math.floor(this.#viewPx / this.#rowPx));
  }

  /** Whether its last row is seen, so that it should stay so when more come. */
  isAtEnd(count: number): boolean {
    return this.#scrollPx + this.#viewPx >= count * this.#rowPx - this.#rowPx;
  }

  show(items: readonly Item[]): void {
    const { first, end } = windowOf({ count: items.length, rowPx: this.#rowPx, scrollPx: this.#scrollPx, viewPx: this.#viewPx });
    setStyle(this.#tall, 'height', `${items.length * this.#rowPx}px`);
    while (this.#rows.length < end - first) {
      const row = this.#make();
      this.#rows.push(row);
      this.#tall.append(row.element);
    }
    for (const [place, row] of this.#rows.entries()) {
      // A row keeps its index while the list is scrolled by less than a screen: then only one row in ten is another.
      const index = first + ((((place - first) % this.#rows.length) + this.#rows.length) % this.#rows.length);
      const item = items[index];
      const isShown = index < end && item !== undefined;
      if (row.element.hidden === isShown) row.element.hidden = !isShown;
      if (!isShown) continue;
      setStyle(row.element, 'transform', `translateY(${index * this.#rowPx}px)`);
      row.show(item, index);
    }
  }

  /**
   * Scrolls no further than needed.
   * @param count  how many rows there are
   * @returns false where the list has no room yet, so that nothing can be seen in it
   */
  reveal(index: number, count: number): boolean {
    if (this.#viewPx === 0) return false;
    const wanted = scrollToRow(index, { rowPx: this.#rowPx, scrollPx: this.#scrollPx, viewPx: this.#viewPx });
    if (wanted === this.#scrollPx) return true;
    setStyle(this.#tall, 'height', `${count * this.#rowPx}px`);
    this.element.scrollTop = wanted;
    this.#scrollPx = this.element.scrollTop;
    return true;
  }
}
