/** Messages in flight: posted, and delivered when the scheduler picks them. Those of one sender to one receiver keep their order, as in Erlang. */
import type { AnyActorRef, EventObject } from 'xstate';

import { hasStopped, systemOf } from '../../supervision/xstate-internals.js';
import type { Paths } from './paths.js';
import type { Trace } from './trace.js';

interface Flying {
  readonly source: AnyActorRef | undefined;
  readonly target: AnyActorRef;
  readonly event: EventObject;
}

/** All messages of one world that are in flight. */
export class Flight {
  readonly #channels = new Map<string, Flying[]>();
  readonly #paths: Paths;
  readonly #trace: Trace;

  constructor(paths: Paths, trace: Trace) {
    this.#paths = paths;
    this.#trace = trace;
  }

  /** How many are in flight. */
  get size(): number {
    let size = 0;
    for (const flying of this.#channels.values()) size += flying.length;
    return size;
  }

  post(flying: Flying): void {
    const { source, target, event } = flying;
    this.#trace.add('post', this.#trace.message(source, target, event));
    const key = `${this.#paths.of(source)} → ${this.#paths.of(target)}`;
    const channel = this.#channels.get(key);
    if (channel === undefined) this.#channels.set(key, [flying]);
    else channel.push(flying);
  }

  /** One delivery for each channel that has something: its oldest message. */
  ready(): (() => void)[] {
    return [...this.#channels.keys()].map((key) => () => this.#deliver(key));
  }

  /** The end: what is in flight never arrives. */
  drop(): void {
    for (const flying of this.#channels.values()) {
      for (const { source, target, event } of flying) this.#trace.add('lost', this.#trace.message(source, target, event));
    }
    this.#channels.clear();
  }

  #deliver(key: string): void {
    const channel = this.#channels.get(key) ?? [];
    const first = channel.shift();
    if (channel.length === 0) this.#channels.delete(key);
    if (first === undefined) return;
    const { source, target, event } = first;
    if (hasStopped(target)) this.#trace.add('lost', this.#trace.message(source, target, event));
    else systemOf(target)._relay(source, target, event);
  }
}
