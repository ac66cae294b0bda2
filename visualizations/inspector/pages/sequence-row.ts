/** One row of the sequence: an arrow from lane to lane, a mark on a lane, or a pause. */
import { element, setAttribute, setHidden, setStyle, setText } from '../components/element.js';
import type { VirtualRow } from '../components/virtual-list.js';
import { duration, eventWords, moment } from '../components/words.js';
import { missingWords, type SequenceRow } from '../../../src/recording/exports/sequence.js';

export interface RowContext {
  /** Width of a lane. */
  readonly lanePx: number;
  /** The part of the lanes that is seen, px. */
  readonly seen: { readonly left: number; readonly right: number };
  laneOf(actor: string | null): number;
  /** Whether the row lies after the moment that is shown. */
  isLater(index: number): boolean;
  /** How it stands to the message that is chosen. */
  role(index: number): 'chosen' | 'cause' | 'effect' | 'other' | null;
}

/** How near to the edge words cannot stand, px. */
const edgePx = 34;

const signs = { start: '○ starts', restart: '↻ restarts', end: '□ ends', crash: '✕ crashes' } as const;

export class SequenceRowView implements VirtualRow<SequenceRow> {
  readonly element: HTMLElement;
  readonly #time = element('span', { class: 'time' });
  readonly #arrow = element('span', { class: 'arrow' });
  readonly #words = element('span', { class: 'words' });
  readonly #context: () => RowContext;
  #index = 0;

  constructor(context: () => RowContext, chosen: (index: number) => void) {
    this.#context = context;
    this.element = element(
      'div',
      { class: 'message', role: 'option', on: { click: () => chosen(this.#index) } },
      this.#time,
      element('span', { class: 'lanes' }, this.#arrow, this.#words),
    );
  }

  show(row: SequenceRow, place: number): void {
    const context = this.#context();
    this.#index = row.index;
    const role = context.role(row.index);
    // A pause has the line that ends it, and is not that line.
    const relation = row.kind === 'idle' && role !== null ? 'other' : role;
    setAttribute(this.element, 'id', `message-${place}`);
    setAttribute(this.element, 'data-kind', row.kind);
    setAttribute(this.element, 'data-role', relation);
    setAttribute(this.element, 'data-later', context.isLater(row.index));
    setAttribute(this.element, 'aria-selected', relation === 'chosen' ? 'true' : 'false');
    setHidden(this.#arrow, row.kind !== 'message');
    setText(this.#time, 'at' in row ? moment(row.at) : '');
    setAttribute(this.element, 'data-dead', row.kind === 'message' && row.isDead);
    if (row.kind === 'message') this.#message(row, context);
    else if (row.kind === 'idle' || row.kind === 'missing') {
      setText(this.#words, row.kind === 'idle' ? `${duration(row.ms)} without a message` : missingWords(row));
      this.#place('left', 8, 'wide');
      setAttribute(this.element, 'title', null);
    } else {
      this.#say(signs[row.kind], (context.laneOf(row.actor) + 0.5) * context.lanePx + 8, 'left', context);
      setAttribute(this.element, 'title', row.actor);
    }
  }

  #message(row: Extract<SequenceRow, { kind: 'message' }>, context: RowContext): void {
    const [from, to] = [context.laneOf(row.from), context.laneOf(row.to)];
    const [left, right] = [Math.min(from, to), Math.max(from, to)];
    const { lanePx } = context;
    const isSelf = from === to;
    setAttribute(this.#arrow, 'data-way', isSelf ? 'self' : from < to ? 'right' : 'left');
    setStyle(this.#arrow, 'left', `${left * lanePx + lanePx / 2}px`);
    setStyle(this.#arrow, 'width', `${isSelf ? 16 : (right - left) * lanePx}px`);
    const waited = row.delayMs === null ? '' : ` after ${duration(row.delayMs)}`;
    const words = `${eventWords(row.event)}${waited}${row.isDead ? ' (dead letter)' : ''}`;
    if (isSelf) this.#say(words, (left + 0.5) * lanePx + 22, 'left', context);
    else this.#say(words, ((left + right + 1) * lanePx) / 2, 'middle', context);
    setAttribute(this.element, 'title', `${row.from ?? 'outside'} → ${row.to}: ${row.event}`);
  }

  /** Says it where it belongs; where that is not seen, at the edge, with the way to it. */
  #say(words: string, px: number, how: 'left' | 'middle', { seen }: RowContext): void {
    const isBeyond = px > seen.right - edgePx;
    const isBefore = px < seen.left + (how === 'middle' ? edgePx : 0);
    setText(this.#words, isBeyond ? `${words} ›` : isBefore ? `‹ ${words}` : words);
    this.#place(isBeyond ? 'right' : isBefore ? 'left' : how, isBeyond ? seen.right - 4 : isBefore ? seen.left + 4 : px, null);
  }

  #place(how: 'left' | 'middle' | 'right', px: number, width: string | null): void {
    setStyle(this.#words, 'left', `${px}px`);
    setAttribute(this.#words, 'data-from', how);
    setAttribute(this.#words, 'data-width', width);
  }
}
