/**
 * The chart of a machine: laid out once, then only lit. A step of the machine changes classes and counts, and moves nothing.
 */
import type { ChartDefinition } from '../../../src/charts/definition.js';
import { layOut, type Layout } from '../../../src/charts/layout.js';
import { svgOf } from '../../../src/charts/svg.js';
import { element, setAttribute, setHidden, setStyle, setText } from '../components/element.js';
import { icon } from '../components/icons.js';
import { WorkerElk } from './elk.js';

export interface Lit {
  readonly active: readonly string[];
  readonly last: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const elk = new WorkerElk();
/** One layout for each definition, however often it is shown. */
const layouts = new WeakMap<ChartDefinition, Promise<Layout>>();

/** The layout of a definition, with room for counts. */
export function layoutOf(definition: ChartDefinition): Promise<Layout> {
  let layout = layouts.get(definition);
  if (layout === undefined) {
    layout = layOut(definition, elk, { roomLetters: 6 });
    layouts.set(definition, layout);
  }
  return layout;
}

/** How small a chart is made so that it fits, before it is scrolled instead. */
const smallest = 0.7;

export class ChartView {
  readonly element: HTMLElement;
  readonly #paper = element('div', { class: 'paper-room', tabindex: 0, role: 'group', 'aria-label': 'statechart, scrolls' });
  readonly #word = element('p', { class: 'chart-word quiet' });
  #actor = '';
  #definition: ChartDefinition | null = null;
  #svg: SVGSVGElement | null = null;
  #size = { width: 1, height: 1 };
  #zoom: number | null = null;
  #lit: Lit = { active: [], last: [], counts: {} };
  #seen: readonly string[] = [];
  #states = new Map<string, Element[]>();
  #edges = new Map<string, Element[]>();
  #counts = new Map<string, Element[]>();

  constructor() {
    const zoomBy = (factor: number) => () => this.#zoomTo((this.#zoom ?? this.#fitting()) * factor);
    const tools = element(
      'div',
      { class: 'chart-tools' },
      element('button', { class: 'small', title: 'smaller', 'aria-label': 'smaller', on: { click: zoomBy(1 / 1.25) } }, '−'),
      element('button', { class: 'small', title: 'fit', 'aria-label': 'fit', on: { click: () => this.#zoomTo(null) } }, icon('fit')),
      element('button', { class: 'small', title: 'larger', 'aria-label': 'larger', on: { click: zoomBy(1.25) } }, '+'),
    );
    this.element = element('div', { class: 'chart-view' }, this.#paper, this.#word, tools);
    new ResizeObserver(() => this.#resize()).observe(this.#paper);
  }

  /** @param actor  whose chart it is: that of another begins where that one is */
  show(actor: string, definition: ChartDefinition | null, lit: Lit): void {
    const isOther = actor !== this.#actor;
    this.#actor = actor;
    this.#lit = lit;
    if (definition !== this.#definition) this.#load(definition);
    else this.#light();
    if (isOther) this.#reveal('state');
    else if (lit.last !== this.#seen) this.#reveal('edge');
    this.#seen = lit.last;
  }

  #load(definition: ChartDefinition | null): void {
    this.#definition = definition;
    this.#svg = null;
    this.#zoom = null;
    this.#paper.replaceChildren();
    setHidden(this.#word, false);
    setText(this.#word, definition === null ? 'no chart is known of this actor' : 'drawing…');
    if (definition === null) return;
    void layoutOf(definition).then((layout) => this.#draw(definition, layout));
  }

  #draw(definition: ChartDefinition, layout: Layout): void {
    if (definition !== this.#definition) return;
    // The text is escaped by svgOf, and the policy of the page runs nothing of it.
    this.#paper.innerHTML = svgOf(layout, { title: `statechart ${definition.id}`, style: false, highlights: { counts: {} } });
    this.#svg = this.#paper.querySelector('svg');
    this.#size = { width: Math.ceil(layout.width), height: Math.ceil(layout.height) };
    this.#states = this.#byData('state');
    this.#edges = this.#byData('edge');
    this.#counts = this.#byData('count');
    setHidden(this.#word, layout.rung !== 'grid');
    if (layout.rung === 'grid') setText(this.#word, 'drawn without arrows: the layout failed');
    this.#resize();
    this.#light();
    this.#reveal('state');
  }

  #byData(name: 'state' | 'edge' | 'count'): Map<string, Element[]> {
    const found = new Map<string, Element[]>();
    for (const one of this.#paper.querySelectorAll<SVGElement>(`[data-${name}]`)) {
      const id = one.dataset[name] ?? '';
      const known = found.get(id);
      if (known === undefined) found.set(id, [one]);
      else known.push(one);
    }
    return found;
  }

  #light(): void {
    if (this.#svg === null) return;
    light(this.#states, 'active', new Set(this.#lit.active));
    light(this.#edges, 'last', new Set(this.#lit.last));
    for (const [id, elements] of this.#counts) {
      const count = this.#lit.counts[id] ?? 0;
      for (const one of elements) setText(one, count === 0 ? '' : ` ×${count > 9_999 ? '9999+' : count}`);
    }
  }

  /** Scrolls to the innermost state of the first region, or to the edge that was taken last, where there is one; unless it is seen. */
  #reveal(what: 'state' | 'edge'): void {
    if (this.#svg === null) return;
    const leaf = this.#lit.active.find((id, place) => place > 0 && !(this.#lit.active[place + 1] ?? '').startsWith(`${id}.`));
    const state = this.#states.get(leaf ?? '')?.[0];
    const first = what === 'state' ? state : (this.#edges.get(this.#lit.last.at(-1) ?? '')?.at(-1) ?? state);
    if (first === undefined) return;
    const [at, room] = [first.getBoundingClientRect(), this.#paper.getBoundingClientRect()];
    if (at.left >= room.left && at.right <= room.right && at.top >= room.top && at.bottom <= room.bottom) return;
    this.#paper.scrollBy(at.left + at.width / 2 - room.left - room.width / 2, at.top + at.height / 2 - room.top - room.height / 2);
  }

  #fitting(): number {
    return Math.min(1, Math.max(smallest, (this.#paper.clientWidth - 2) / this.#size.width));
  }

  #zoomTo(zoom: number | null): void {
    this.#zoom = zoom === null ? null : Math.min(3, Math.max(0.2, zoom));
    this.#resize();
  }

  #resize(): void {
    if (this.#svg === null) return;
    const zoom = this.#zoom ?? this.#fitting();
    setAttribute(this.#svg, 'width', Math.round(this.#size.width * zoom));
    setAttribute(this.#svg, 'height', Math.round(this.#size.height * zoom));
    setStyle(this.#svg, 'display', 'block');
  }
}

function light(elements: ReadonlyMap<string, readonly Element[]>, name: string, lit: ReadonlySet<string>): void {
  for (const [id, ones] of elements) for (const one of ones) one.classList.toggle(name, lit.has(id));
}
