/** What has happened in a world, one line each: `<ms> <kind> <what>`. */
import type { AnyActorRef, InspectionEvent, Snapshot } from 'xstate';

import { hash } from '../../../machines/hash.js';
import { isPool, type Paths } from './paths.js';
import type { Renderer } from './rendering.js';

/**
 * | kind | the line tells |
 * |---|---|
 * | `start` | an actor begins, with its input |
 * | `event` | an event is delivered: `from → to type payload` |
 * | `transition` | a transition is taken: `actor source --event--> targets` |
 * | `state` | what an actor has become: its state value or status, and a hash of its context, output or error |
 * | `post` | a message is put in flight |
 * | `timer` | a timer fires |
 * | `settle` | a controlled call ends |
 * | `fault` | a fault strikes, or is over |
 * | `lost` | a message does not arrive |
 * | `end` | the world's end begins |
 */
export type TraceKind = 'start' | 'event' | 'transition' | 'state' | 'post' | 'timer' | 'settle' | 'fault' | 'lost' | 'end';

interface TransitionLike {
  readonly source: { readonly id: string };
  readonly target?: readonly { readonly id: string }[] | undefined;
  readonly eventType: string | null;
}

/** The lines of one world. Two runs of one program with one seed give the same text, to the byte. */
export class Trace {
  readonly #lines: string[] = [];
  readonly #now: () => number;
  readonly #paths: Paths;
  readonly #renderer: Renderer;
  readonly #limit: number;
  readonly #states = new Map<AnyActorRef, string>();
  #left = 0;

  /** @param limit  lines kept; those beyond are only counted */
  constructor(options: { now: () => number; paths: Paths; renderer: Renderer; limit: number }) {
    this.#now = options.now;
    this.#paths = options.paths;
    this.#renderer = options.renderer;
    this.#limit = options.limit;
  }

  /** The lines so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** All lines, each ended by a line feed. */
  text(): string {
    const rest = this.#left === 0 ? '' : `… and ${this.#left} lines more\n`;
    return this.#lines.map((line) => `${line}\n`).join('') + rest;
  }

  add(kind: TraceKind, what: string): void {
    if (this.#lines.length < this.#limit) this.#lines.push(`${this.#now()} ${kind} ${what}`);
    else this.#left++;
  }

  /** `from → to type payload`. */
  message(source: AnyActorRef | undefined, target: AnyActorRef, event: { readonly type: string }): string {
    const { type, ...payload } = event;
    const rest = Object.keys(payload).length === 0 ? '' : ` ${this.#renderer.brief(payload)}`;
    return `${this.#paths.of(source)} → ${this.#paths.of(target)} ${this.#renderer.mask(type)}${rest}`;
  }

  /** Takes what XState tells of a system. */
  inspected(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    const path = this.#paths.of(actor);
    if (event.type === '@xstate.event') {
      if (event.event.type === 'xstate.init') this.add('start', `${path} ${this.#renderer.brief(event.event['input'])}`);
      else this.add('event', this.message(event.sourceRef as AnyActorRef | undefined, actor, event.event));
    } else if (event.type === '@xstate.microstep') {
      for (const { source, target, eventType } of event._transitions as unknown as readonly TransitionLike[]) {
        const targets = target?.map(({ id }) => id).join(', ') ?? '(stays)';
        this.add('transition', `${path} ${source.id} --${this.#renderer.mask(eventType ?? '')}--> ${targets}`);
      }
    } else if (event.type === '@xstate.snapshot' && !isPool(actor)) {
      const state = this.#stateOf(event.snapshot);
      if (this.#states.get(actor) === state) return;
      this.#states.set(actor, state);
      this.add('state', `${path} ${state}`);
    }
  }

  #stateOf(snapshot: Snapshot<unknown>): string {
    const { status, value, context, output, error, input } = snapshot as unknown as Record<string, unknown>;
    const parts = [
      ...(value === undefined ? [] : [JSON.stringify(value)]),
      ...(value === undefined || status !== 'active' ? [String(status)] : []),
      ...(output === undefined ? [] : [this.#renderer.brief(output)]),
      ...(error === undefined || error === null ? [] : [this.#renderer.brief(error)]),
      `#${hash(this.#renderer.whole([context ?? input, output, error])).toString(16)}`,
    ];
    return parts.join(' ');
  }
}
