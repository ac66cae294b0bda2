/** A value of the app as a tree that can be unfolded. It is text throughout: nothing of it is ever read as markup. */
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import { type ValueLine, valueLines } from '../layout/value-lines.js';
import { element, setChildren, setStyle } from './element.js';

export class ValueView {
  readonly element = element('div', { class: 'value', role: 'group' });
  #toggled: ReadonlySet<string> = new Set();
  #shown: readonly unknown[] = [];

  /** @param before  what it was; undefined where nothing is to be said of changes */
  show(value: Portable | undefined, before: Portable | undefined): void {
    const key = [value, before, this.#toggled];
    if (key.every((one, index) => one === this.#shown[index]) && this.#shown.length > 0) return;
    this.#shown = key;
    // The focus stays on the line that was opened.
    const focused =
      document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement)
        ? document.activeElement.dataset['pointer']
        : undefined;
    const lines = value === undefined && before === undefined ? [] : valueLines(value, { before, toggled: this.#toggled });
    setChildren(
      this.element,
      ...(lines.length === 0 ? [element('p', { class: 'quiet' }, 'nothing is known of it')] : lines.map((line) => this.#line(line, before))),
    );
    if (focused !== undefined) this.element.querySelector<HTMLElement>(`[data-pointer="${CSS.escape(focused)}"]`)?.focus();
  }

  #line(line: ValueLine, before: Portable | undefined): HTMLElement {
    const { key, text, kind, change, isOpen, was, depth, pointer } = line;
    const toggle = (): void => {
      const after = new Set(this.#toggled);
      if (!after.delete(pointer)) after.add(pointer);
      this.#toggled = after;
      this.show(this.#shown[0] as Portable | undefined, before);
    };
    const parts = [
      element('span', { class: 'value-key' }, isOpen === null ? key : `${isOpen ? '▾' : '▸'} ${key}`),
      ...(was === null ? [] : [element('del', { class: 'value-was' }, was), ' → ']),
      element('span', { class: `value-text ${kind}` }, text),
    ];
    const attributes = { class: `value-line${change === null ? '' : ` is-${change}`}`, 'data-pointer': pointer };
    const made =
      isOpen === null
        ? element('div', attributes, ...parts)
        : element('button', { ...attributes, type: 'button', 'aria-expanded': isOpen ? 'true' : 'false', on: { click: toggle } }, ...parts);
    setStyle(made, '--depth', String(depth));
    return made;
  }
}
