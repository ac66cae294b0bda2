/**
 * Handlers of events, attached and detached by id. One that throws, or whose promise rejects, is detached and reported; whoever tells the event, and the other
 * handlers, never notice.
 * @see telemetry of Erlang: attach/4, detach/1, "if the handler fails, it is removed"
 */
import { sortOf } from '../option-checks.js';
import { TurnCount } from './circles.js';
import { count, invalid, requireFunction, requireOptions, requireText } from './refusal.js';
import { heedRejection } from './rejections.js';

/** What is told of a handler that failed. */
export interface HandlerFailure {
  readonly id: string;
  /** The type of the event that it failed at. */
  readonly type: string;
  readonly error: unknown;
}

export type AttachOutcome =
  | { readonly ok: true }
  /** `alreadyExists`: somebody has that id. `full`: there are as many handlers as may be. */
  | { readonly ok: false; readonly reason: 'alreadyExists' | 'full' };

/** Counts what is sent to actors in the midst of an event: there it waits, and a circle of that never ends. */
export interface Sends {
  /** Does something, and counts meanwhile. One may be within another. */
  during(act: () => void): void;
  /** How many there have been, as far as they were counted. */
  count(): number;
}

export interface HandlersOptions {
  readonly onFailure?: (failure: HandlerFailure) => void;
  readonly sends?: Sends;
  /** Default 100. */
  readonly maxHandlers?: number;
}

interface Attached<Event> {
  readonly id: string;
  readonly matches: (type: string) => boolean;
  readonly handle: (event: Event) => unknown;
  /** How many calls of it are under way, one within the other. */
  depth: number;
  /** What it has done since the event loop last turned. */
  readonly turn: TurnCount;
}

/** One that tells what it is told of, again and again, has no end; so deep it may go. */
const deepest = 32;

/** Handlers for events that have a type. */
export class Handlers<Event extends { readonly type: string }> {
  readonly #attached = new Map<string, Attached<Event>>();
  readonly #onFailure: ((failure: HandlerFailure) => void) | undefined;
  readonly #sends: Sends | undefined;
  readonly #most: number;
  /** Replaced and not changed: a handler may attach or detach while it is gone through. */
  #list: readonly Attached<Event>[] = [];

  /** @throws EspalierError `telemetry/invalid-options` */
  constructor(options: HandlersOptions = {}) {
    requireOptions('the options of handlers', options, ['onFailure', 'sends', 'maxHandlers']);
    requireFunction('onFailure', options.onFailure);
    this.#onFailure = options.onFailure;
    this.#sends = options.sends;
    this.#most = count('maxHandlers', options.maxHandlers, 100, 10_000);
  }

  /**
   * @param types   types of events, or beginnings of them that end with `.*`; `*` is all
   * @param handle  called in the call that tells the event; what it returns is not waited for
   * @throws EspalierError `telemetry/invalid-options`
   */
  attach(id: string, types: string | readonly string[], handle: (event: Event) => unknown): AttachOutcome {
    requireText('the id of a handler', id);
    const list = typeof types === 'string' ? [types] : types;
    const isType = (type: unknown): boolean => typeof type === 'string' && /^(?:\*|[\w$]+(?:\.[\w$]+)*(?:\.\*)?)$/.test(type);
    if (!Array.isArray(list) || list.length === 0 || !list.every(isType)) throw invalid('types', 'types of events, `noun.*` or `*`', sortOf(types));
    if (typeof handle !== 'function') throw invalid('handle', 'a function', sortOf(handle));
    if (this.#attached.has(id)) return { ok: false, reason: 'alreadyExists' };
    if (this.#attached.size >= this.#most) return { ok: false, reason: 'full' };
    this.#attached.set(id, { id, matches: matcherOf(list as readonly string[]), handle, depth: 0, turn: new TurnCount() });
    this.#renew();
    return { ok: true };
  }

  /** @returns whether there was one */
  detach(id: string): boolean {
    const was = this.#attached.delete(id);
    if (was) this.#renew();
    return was;
  }

  /** Ids, in the order in which they were attached. */
  ids(): readonly string[] {
    return [...this.#attached.keys()];
  }

  get size(): number {
    return this.#attached.size;
  }

  /** Tells an event to those who are attached now. @throws never */
  tell(event: Event): void {
    const list = this.#list;
    const first = list.findIndex(({ matches }) => matches(event.type));
    if (first === -1) return;
    if (this.#sends === undefined) this.#tellFrom(first, list, event);
    else this.#sends.during(() => this.#tellFrom(first, list, event));
  }

  #tellFrom(first: number, list: readonly Attached<Event>[], event: Event): void {
    for (let place = first; place < list.length; place++) {
      const attached = list[place] as Attached<Event>;
      // One that was detached by a handler before it is told nothing more.
      if (this.#attached.get(attached.id) === attached && attached.matches(event.type)) this.#tellOne(attached, event);
    }
  }

  #tellOne(attached: Attached<Event>, event: Event): void {
    const { depth, turn } = attached;
    const wrong = depth >= deepest ? `expected no circle, got: ${deepest} calls of it, each within the other` : turn.called();
    if (wrong !== null) return this.#failed(attached, event.type, new Error(wrong));
    const before = this.#sends?.count() ?? 0;
    attached.depth++;
    try {
      this.#call(attached, event);
    } finally {
      // Whatever comes out of it: where the stack is exhausted, even what catches a throw may throw.
      attached.depth--;
    }
    const hasSent = (this.#sends?.count() ?? 0) > before;
    const circle = hasSent ? turn.caused() : null;
    if (circle !== null) this.#failed(attached, event.type, new Error(circle));
  }

  #call(attached: Attached<Event>, event: Event): void {
    try {
      heedRejection(attached.handle(event), (error) => this.#failed(attached, event.type, error));
    } catch (error) {
      this.#failed(attached, event.type, error);
    }
  }

  #failed(attached: Attached<Event>, type: string, error: unknown): void {
    // By itself: another that has its id since is not meant. Of several rejections the first is told.
    if (this.#attached.get(attached.id) !== attached) return;
    this.detach(attached.id);
    try {
      heedRejection(this.#onFailure?.({ id: attached.id, type, error }), () => undefined);
    } catch {
      // Told once, and badly received: there is nobody else to tell.
    }
  }

  #renew(): void {
    this.#list = [...this.#attached.values()];
  }
}

function matcherOf(types: readonly string[]): (type: string) => boolean {
  if (types.includes('*')) return () => true;
  const whole = new Set(types.filter((type) => !type.endsWith('.*')));
  const beginnings = types.filter((type) => type.endsWith('.*')).map((type) => type.slice(0, -1));
  return (type) => whole.has(type) || beginnings.some((beginning) => type.startsWith(beginning));
}
