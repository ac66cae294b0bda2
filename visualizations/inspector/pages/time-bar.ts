/** The time bar: where one is, how much happened when, and what went wrong there. All pages show the moment that it points to. */
import { nowWord } from '../components/connection-words.js';
import { drawn, element, setAttribute, setHidden, setText } from '../components/element.js';
import { icon } from '../components/icons.js';
import { clock, counted, duration, moment as momentWords } from '../components/words.js';
import { appEndOf } from '../state/app-end.js';
import type { Mark } from '../state/timeline.js';
import type { Doors, PageView, View } from './view.js';

/** Parts of the bar in which lines are counted, and marks are told apart. */
const parts = 240;
const heightPx = 34;
/** Most pauses that are marked. */
const mostGaps = 60;

const markNames: Readonly<Record<Mark['kind'], string>> = { crash: 'crash', restart: 'restart', dead: 'dead letter', gap: 'lines left out' };

export class TimeBar implements PageView {
  readonly element: HTMLElement;
  readonly #doors: Doors;
  readonly #live: HTMLElement;
  readonly #liveWord = element('span', {}, 'live');
  readonly #track: HTMLElement;
  readonly #density = drawn('path', { class: 'density' });
  readonly #passed = drawn('rect', { class: 'passed', x: 0, y: 0, width: 0, height: heightPx });
  readonly #gaps = drawn('path', { class: 'gaps' });
  readonly #marks = new Map<Mark['kind'], SVGPathElement>();
  readonly #hand = element('span', { class: 'hand', 'aria-hidden': 'true' });
  readonly #where = element('span', { class: 'where' });
  readonly #what = element('span', { class: 'what quiet' });
  readonly #buttons: readonly HTMLButtonElement[];
  #drawnFor: readonly unknown[] = [];
  #isDragging = false;
  /** The line that is shown. */
  #index = -1;

  constructor(doors: Doors) {
    this.#doors = doors;
    const { dispatch, timeline } = doors;
    const step = (direction: 1 | -1) => () => dispatch({ type: 'time.stepped', by: timeline.stepFrom(this.#index, direction), last: timeline.last });
    this.#live = element(
      'button',
      { class: 'live-button', on: { click: () => dispatch({ type: 'time.paused', last: timeline.last }) } },
      icon('live'),
      this.#liveWord,
    );
    this.#buttons = [
      element('button', { class: 'small', title: 'one line back ([)', 'aria-label': 'one line back', on: { click: step(-1) } }, icon('back')),
      element('button', { class: 'small', title: 'one line on (])', 'aria-label': 'one line on', on: { click: step(1) } }, icon('forward')),
    ];
    const picture = drawn(
      'svg',
      { viewBox: `0 0 ${parts} ${heightPx}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      this.#passed,
      this.#gaps,
      this.#density,
    );
    for (const kind of ['gap', 'dead', 'restart', 'crash'] as const) {
      const path = drawn('path', { class: `mark ${kind}` }, drawn('title', {}, markNames[kind]));
      this.#marks.set(kind, path);
      picture.append(path);
    }
    this.#track = element(
      'div',
      { class: 'track', role: 'slider', tabindex: 0, 'aria-label': 'moment', 'aria-valuemin': 0, 'aria-orientation': 'horizontal' },
      picture,
      this.#hand,
    );
    this.#track.addEventListener('pointerdown', (event) => this.#drag(event));
    this.#track.addEventListener('pointermove', (event) => this.#isDragging && this.#scrub(event));
    for (const type of ['pointerup', 'pointercancel'] as const) this.#track.addEventListener(type, () => (this.#isDragging = false));
    this.#track.addEventListener('keydown', (event) => this.#key(event));
    this.element = element(
      'footer',
      { class: 'time-bar', 'aria-label': 'time' },
      element('div', { class: 'time-tools' }, this.#live, ...this.#buttons),
      this.#track,
      element('div', { class: 'time-words' }, this.#where, this.#what),
    );
  }

  render(view: View): void {
    const { state, timeline, index } = view;
    this.#index = index;
    const isLive = state.position === null;
    const now = nowWord(state.connection, appEndOf(timeline.newest));
    setText(this.#liveWord, isLive ? now : 'paused');
    setAttribute(this.#live, 'data-fed', now === 'live' ? 'true' : 'false');
    setAttribute(this.#live, 'aria-pressed', isLive ? 'true' : 'false');
    setAttribute(this.#live, 'title', isLive ? 'hold this moment (space)' : now !== 'end' ? 'back to now (space)' : 'to the end (space)');
    for (const button of this.#buttons) button.disabled = timeline.length === 0;
    setAttribute(this.#track, 'aria-valuemax', Math.max(0, timeline.last));
    setAttribute(this.#track, 'aria-valuenow', Math.max(0, index));
    const place = timeline.scale.placeOf(index);
    this.#hand.style.left = `${place * 100}%`;
    setHidden(this.#hand, timeline.length === 0);
    setAttribute(this.#passed, 'width', Math.round(place * parts * 10) / 10);
    this.#draw(view);
    this.#say(view);
  }

  #draw({ timeline }: View): void {
    const { scale, marks, version } = timeline;
    const key = [version, timeline.generation];
    if (key.every((one, place) => one === this.#drawnFor[place])) return;
    this.#drawnFor = key;
    const densities = scale.densities(parts);
    const most = Math.max(1, ...densities);
    setAttribute(
      this.#density,
      'd',
      densities.map((count, part) => (count === 0 ? '' : barOf(part, 4 + (Math.log1p(count) / Math.log1p(most)) * (heightPx - 14)))).join(''),
    );
    const places = new Map<Mark['kind'], Set<number>>([...this.#marks.keys()].map((kind) => [kind, new Set()]));
    for (const { index, kind } of marks) places.get(kind)?.add(Math.min(parts - 1, Math.floor(scale.placeOf(index) * parts)));
    for (const [kind, path] of this.#marks) setAttribute(path, 'd', [...(places.get(kind) ?? [])].map((part) => `M${part} 0h1.6v6h-1.6z`).join(''));
    const gaps = scale.gaps.length > mostGaps ? [...scale.gaps].sort((a, b) => b.ms - a.ms).slice(0, mostGaps) : scale.gaps;
    const middles = gaps.map(({ before }) => (scale.placeOf(before - 1) + scale.placeOf(before)) / 2);
    setAttribute(this.#gaps, 'd', middles.map((place) => `M${(place * parts).toFixed(2)} 8v${heightPx - 8}`).join(''));
  }

  #say({ timeline, index, at }: View): void {
    const { head } = timeline;
    if (timeline.length === 0) {
      setText(this.#where, 'no lines yet');
      setText(this.#what, '');
      setAttribute(this.#track, 'aria-valuetext', 'no lines yet');
      return;
    }
    const wall = head?.wallAt === undefined ? '' : ` · ${clock(head.wallAt + at)}`;
    const words = `${momentWords(at)}${wall}`;
    setText(this.#where, words);
    const gap = timeline.scale.gaps.find(({ before }) => before === index);
    setText(
      this.#what,
      `line ${(index + 1).toLocaleString('en')} of ${counted(timeline.length, 'line')}${gap === undefined ? '' : `, after ${duration(gap.ms)}`}`,
    );
    setAttribute(this.#track, 'aria-valuetext', `${words}, line ${index + 1}`);
  }

  #drag(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#isDragging = true;
    this.#track.setPointerCapture(event.pointerId);
    this.#scrub(event);
  }

  #scrub(event: PointerEvent): void {
    const { left, width } = this.#track.getBoundingClientRect();
    const { timeline, dispatch } = this.#doors;
    if (timeline.length === 0) return;
    dispatch({ type: 'time.moved', to: timeline.scale.lineAt((event.clientX - left) / width), last: timeline.last });
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { timeline, dispatch } = this.#doors;
    const { last } = timeline;
    const leap = Math.max(1, Math.round(timeline.length / 20));
    const [back, on] = [timeline.stepFrom(this.#index, -1), timeline.stepFrom(this.#index, 1)];
    const steps: Readonly<Record<string, number>> = { ArrowLeft: back, ArrowDown: back, ArrowRight: on, ArrowUp: on, PageUp: leap, PageDown: -leap };
    const by = steps[event.key];
    if (by !== undefined) dispatch({ type: 'time.stepped', by, last });
    else if (event.key === 'Home') dispatch({ type: 'time.moved', to: 0, last });
    else if (event.key === 'End') dispatch({ type: 'time.moved', to: null, last });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function barOf(part: number, height: number): string {
  return `M${part} ${heightPx}v${(-height).toFixed(1)}h0.8V${heightPx}z`;
}
