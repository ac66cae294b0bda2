/** Events that actors have been sent and have made nothing of yet: a transition names its event by its number only. */
import type { RecordedEvent, RecordedLine, RecordedTransition } from '../../wire/recording/lines.js';
import type { Portable } from '../../wire/recording/portable-shape.js';

/** Of one actor no more are kept; the oldest go. */
const mostOfOne = 64;

export class OnTheWay {
  readonly #events = new Map<string, Map<number, RecordedEvent>>();

  clear(): void {
    this.#events.clear();
  }

  take(line: RecordedLine): void {
    if (line.type === '@xstate.event' && line.dead === undefined) this.#keep(line);
    else if (line.type === '@espalier.exit') this.#events.delete(line.actor);
    else if (line.type === '@xstate.transition' && typeof line.event === 'number') this.#drop(line.actor, line.event);
  }

  /** The event that a transition was made of; undefined where nobody saw it. To be asked before the transition is taken. */
  eventOf({ actor, event }: RecordedTransition): Portable | undefined {
    return typeof event === 'number' ? this.#events.get(actor)?.get(event)?.event : event;
  }

  /** In order. */
  to(actor: string): readonly RecordedEvent[] {
    return [...(this.#events.get(actor)?.values() ?? [])];
  }

  #keep(line: RecordedEvent): void {
    const events = this.#events.get(line.actor) ?? new Map<number, RecordedEvent>();
    this.#events.set(line.actor, events);
    events.set(line.seq, line);
    const [oldest] = events.keys();
    if (events.size > mostOfOne && oldest !== undefined) events.delete(oldest);
  }

  /** Those before it were for nobody, or their transitions were left out. */
  #drop(actor: string, until: number): void {
    const events = this.#events.get(actor);
    for (const seq of events?.keys() ?? []) if (seq <= until) events?.delete(seq);
    if (events?.size === 0) this.#events.delete(actor);
  }
}
