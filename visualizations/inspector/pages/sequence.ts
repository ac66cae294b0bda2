/** The sequence: who has said what to whom, in order. A message that is chosen lights what led to it and what came of it. */
import { element, setAttribute, setChildren, setHidden, setStyle, setText } from '../components/element.js';
import { ValueView } from '../components/value-view.js';
import { VirtualList } from '../components/virtual-list.js';
import { counted, eventWords, moment as momentWords } from '../components/words.js';
import { causesOf, type Causes } from '../layout/causes.js';
import { outside, SequenceRows, type SequenceRow } from '../../../src/recording/exports/sequence.js';
import { isIn } from '../../../src/wire/recording/branch.js';
import { placeOf, stepTo } from '../layout/row-places.js';
import { firstIndex } from '../layout/time-scale.js';
import { nameOf } from '../layout/tree-rows.js';
import { madeWords } from '../layout/step-words.js';
import { eventType } from '../state/actor-view.js';
import { type RowContext, SequenceRowView } from './sequence-row.js';
import type { Doors, PageView, View } from './view.js';

/** Height of a row, px; style/e-sequence.css has the same. */
const rowPx = 24;
/** Lanes share the width, within these bounds, px. */
const narrowestLane = 76;
const widestLane = 170;

export class SequencePage implements PageView, RowContext {
  readonly element: HTMLElement;
  readonly #doors: Doors;
  readonly #scopeButton = element('button', { class: 'toggle', on: { click: () => this.#toggleScope() } }, 'chosen branch only');
  readonly #count = element('span', { class: 'count quiet' });
  readonly #heads = element('div', { class: 'lane-heads', 'aria-hidden': 'true' });
  readonly #scroller = element('div', { class: 'messages', role: 'listbox', tabindex: 0, 'aria-label': 'messages' });
  readonly #detail = element('div', { class: 'message-detail', hidden: true });
  readonly #detailTitle = element('h3');
  readonly #detailFacts = element('p', { class: 'quiet' });
  readonly #detailValue = new ValueView();
  readonly #empty = element(
    'div',
    { class: 'empty' },
    element('strong', {}, 'No messages yet.'),
    element('p', {}, 'Messages of actors that are watched in full are shown here.'),
  );
  readonly #list: VirtualList<SequenceRow>;
  lanePx = 116;
  seen = { left: 0, right: 0 };
  #isScoped = false;
  #rows = new SequenceRows(() => true);
  #madeFor: readonly unknown[] = [];
  #causes: {
    readonly of: number;
    readonly version: number;
    readonly found: Causes;
    readonly before: ReadonlySet<number>;
    readonly after: ReadonlySet<number>;
  } | null = null;
  #view: View | null = null;
  #revealed = -2;

  constructor(doors: Doors, refresh: () => void) {
    this.#doors = doors;
    this.#list = new VirtualList(
      this.#scroller,
      rowPx,
      () =>
        new SequenceRowView(
          () => this,
          (index) => this.#choose(index),
        ),
      refresh,
    );
    this.#scroller.addEventListener('scroll', () => setStyle(this.#heads, 'transform', `translateX(${-this.#scroller.scrollLeft}px)`), {
      passive: true,
    });
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    const close = element(
      'button',
      { class: 'small', 'aria-label': 'close', on: { click: () => doors.dispatch({ type: 'message.chosen', index: null }) } },
      '✕',
    );
    this.#detail.append(element('div', { class: 'title' }, this.#detailTitle, close), this.#detailFacts, this.#detailValue.element);
    this.element = element(
      'section',
      { class: 'page sequence-page', 'aria-label': 'sequence' },
      element('div', { class: 'bar' }, this.#scopeButton, this.#count),
      element('div', { class: 'lanes-room' }, this.#heads),
      element('div', { class: 'rows-room' }, this.#scroller, this.#empty),
      this.#detail,
    );
  }

  laneOf(actor: string | null): number {
    return this.#rows.laneOf(actor);
  }

  isLater(index: number): boolean {
    return index > (this.#view?.index ?? -1);
  }

  role(index: number): ReturnType<RowContext['role']> {
    const causes = this.#causes;
    if (causes === null) return null;
    if (index === causes.of) return 'chosen';
    if (causes.before.has(index)) return 'cause';
    return causes.after.has(index) ? 'effect' : 'other';
  }

  render(view: View): void {
    const { state, timeline, index } = view;
    const wasAtEnd = this.#list.isAtEnd(this.#rows.rows.length);
    this.#view = view;
    const branch = (this.#isScoped ? state.selected : null) ?? '';
    const key = [branch, timeline.generation];
    if (key.some((one, place) => one !== this.#madeFor[place])) {
      this.#madeFor = key;
      this.#rows = new SequenceRows((actor) => isIn(branch, actor));
      this.#revealed = -2;
    }
    this.#rows.extend(timeline);
    const { rows, lanes } = this.#rows;
    this.#trace(view);
    this.#showHeads(lanes, state.selected);
    setAttribute(this.#scopeButton, 'aria-pressed', this.#isScoped ? 'true' : 'false');
    setText(this.#count, rows.length === 0 ? '' : `${counted(rows.length, 'row')}, ${counted(lanes.length, 'lane')}`);
    setHidden(this.#empty, rows.length > 0);
    const timePx = this.#scroller.clientWidth < 500 ? 64 : 86;
    const room = this.#scroller.clientWidth - timePx - 4;
    this.lanePx = Math.round(Math.min(widestLane, Math.max(narrowestLane, room / Math.max(1, lanes.length))));
    setStyle(this.element, '--lane', `${this.lanePx}px`);
    const left = this.#scroller.scrollLeft;
    this.seen = { left, right: left + this.#scroller.clientWidth - timePx };
    setStyle(this.#scroller, '--lanes', String(lanes.length));
    const now = firstIndex(rows.length, (one) => (rows[one]?.index ?? 0) > index) - 1;
    const isLive = state.position === null;
    const wanted = isLive ? (wasAtEnd || this.#revealed === -2 ? rows.length - 1 : -1) : now === this.#revealed ? -1 : Math.max(0, now);
    if (wanted < 0 || this.#list.reveal(wanted, rows.length)) this.#revealed = now;
    this.#list.show(rows);
    const chosen = placeOf(rows, state.message);
    setAttribute(this.#scroller, 'aria-activedescendant', chosen < 0 ? null : `message-${chosen}`);
    this.#showDetail(view);
  }

  #trace({ state, timeline }: View): void {
    const { message } = state;
    if (message === null) this.#causes = null;
    else if (this.#causes?.of !== message || (this.#causes.version !== timeline.version && timeline.version - this.#causes.version > 200)) {
      const found = causesOf(timeline, message);
      this.#causes = { of: message, version: timeline.version, found, before: new Set(found.before), after: new Set(found.after) };
    }
  }

  #showHeads(lanes: readonly string[], selected: string | null): void {
    const key = `${lanes.length} ${lanes.at(-1) ?? ''} ${lanes[0] ?? ''} ${selected}`;
    if (this.#heads.dataset['key'] === key) return;
    this.#heads.dataset['key'] = key;
    setChildren(
      this.#heads,
      ...lanes.map((lane) =>
        element(
          'span',
          {
            class: lane === selected ? 'lane-head chosen' : 'lane-head',
            title: lane,
            on: { click: () => lane !== outside && this.#doors.dispatch({ type: 'actor.chosen', actor: lane }) },
          },
          lane === outside ? 'outside' : nameOf(lane),
        ),
      ),
    );
  }

  #showDetail({ state, timeline }: View): void {
    const line = state.message === null ? undefined : timeline.line(state.message);
    setHidden(this.#detail, line === undefined);
    if (line === undefined || !('at' in line)) return;
    const { found } = this.#causes ?? {};
    const chain = `led to by ${counted(found?.before.length ?? 0, 'message')}, has led to ${counted(found?.after.length ?? 0, 'message')}`;
    if (line.type === '@xstate.event') {
      setText(this.#detailTitle, eventWords(eventType(line.event)));
      const made = this.#transitionAfter(state.message as number);
      setText(this.#detailFacts, `${momentWords(line.at)} · ${line.source ?? 'outside'} → ${line.actor}${made} · ${chain}`);
      setHidden(this.#detailValue.element, false);
      this.#detailValue.show(line.event, undefined);
    } else if (line.type === '@xstate.actor' || line.type === '@espalier.exit') {
      setText(this.#detailTitle, line.type === '@xstate.actor' ? 'starts' : 'ends');
      setText(this.#detailFacts, `${momentWords(line.at)} · ${line.actor}`);
      const value = line.type === '@xstate.actor' ? line.input : line.reason;
      setHidden(this.#detailValue.element, value === undefined);
      this.#detailValue.show(value, undefined);
    }
  }

  /** What the receiver has made of it, where it is told within the next lines. */
  #transitionAfter(index: number): string {
    const { timeline } = this.#doors;
    const seq = timeline.seqOf(index);
    for (let at = index + 1; at < Math.min(timeline.length, index + 2_000); at++) {
      const line = timeline.line(at);
      if (line?.type !== '@xstate.transition' || line.event !== seq) continue;
      const words = madeWords(line);
      return words === '' ? '' : ` · ${words}`;
    }
    return '';
  }

  #toggleScope(): void {
    this.#isScoped = !this.#isScoped;
    this.#doors.dispatch({ type: 'message.chosen', index: null });
    if (this.#view !== null) this.render({ ...this.#view, state: { ...this.#view.state, message: null } });
  }

  #choose(index: number): void {
    const isAgain = this.#view?.state.message === index;
    this.#doors.dispatch({ type: 'message.chosen', index: isAgain ? null : index });
  }

  #key(event: KeyboardEvent): void {
    const { rows } = this.#rows;
    const at = placeOf(rows, this.#view?.state.message ?? null);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? rows.length - 1 : at - 1,
      PageDown: at + this.#list.page,
      PageUp: at - this.#list.page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = moves[event.key];
    if (event.key === 'Escape') this.#doors.dispatch({ type: 'message.chosen', index: null });
    else if (event.key === 'Enter' && at >= 0)
      this.#doors.dispatch({ type: 'time.moved', to: rows[at]?.index ?? null, last: this.#doors.timeline.last });
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const place = stepTo(rows, to, at);
    const row = rows[place];
    if (row === undefined) return;
    this.#list.reveal(place, rows.length);
    this.#doors.dispatch({ type: 'message.chosen', index: row.index });
  }
}
