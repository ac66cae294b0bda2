/** Where shared variables stand: their values, what they were, and whoever wants to hear of them. */
import type { AnyActorRef, EventObject } from 'xstate';
import type { VariableRefusal, VariablesEmitted } from '../../machines/agents/variables-events.js';
import type { Clock } from '../supervision/clock.js';
import { printFault } from '../supervision/last-resort.js';
import { exitReason, type ExitWatch, onExit } from '../supervision/watch.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import type { Coordination } from './coordination.js';
import { Outbox } from './outbox.js';
import { keep, type VariableOptions, type VariablesPlan } from './variables-options.js';

/** One version of a variable. */
export interface VariableVersion {
  readonly value: unknown;
  /** 1 for the first; a variable that is deleted and defined again goes on counting from where it was. */
  readonly version: number;
  /** Monotonic ms of the clock. */
  readonly at: number;
  /** Who has written it, where that was said. */
  readonly by: string | null;
}

export type VariableOutcome =
  | { readonly ok: true; readonly value: unknown; readonly version: number }
  /** `version`: the last one, where there is one; for `threw`, `error` is what was thrown. */
  | { readonly ok: false; readonly reason: VariableRefusal; readonly version?: number; readonly error?: unknown };

/** What a subscriber is told; an actor is sent it. */
export type VariableNews =
  | ({ readonly type: 'variable.changed'; readonly name: string } & VariableVersion)
  | { readonly type: 'variable.deleted'; readonly name: string; readonly version: number };

export interface WriteOptions {
  /** The version that the writer has seen. */
  readonly version?: number;
  /** Who writes. */
  readonly by?: string;
}

interface Subscriber {
  readonly name: string;
  readonly tell: (news: VariableNews) => void;
  watch: ExitWatch | null;
}

interface Variable {
  readonly conflict: Required<VariableOptions>['conflict'];
  readonly merge: VariableOptions['merge'];
  readonly past: VariableVersion[];
  now: VariableVersion;
}

export interface ShelfWorld {
  readonly clock: Clock;
  emit(fact: VariablesEmitted): void;
  /** The highest version of the shelf before it. Default 0. */
  readonly versionsFrom?: number;
}

export class Shelf {
  readonly plan: VariablesPlan;
  readonly clock: Clock;
  /** What is under way with agents; ended with the shelf. */
  readonly coordinations = new Set<Coordination>();
  readonly #emit: ShelfWorld['emit'];
  readonly #outbox = new Outbox();
  readonly #variables = new Map<string, Variable>();
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  #listening = 0;
  /** The highest version of any that was deleted: what was read of one is no version of the next one of that name. */
  #highest: number;
  #isOver = false;

  constructor(plan: VariablesPlan, { clock, emit, versionsFrom = 0 }: ShelfWorld) {
    this.plan = plan;
    this.clock = clock;
    this.#emit = emit;
    this.#highest = versionsFrom;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of all versions there have been. */
  get highest(): number {
    return [...this.#variables.values()].reduce((most, { now }) => Math.max(most, now.version), this.#highest);
  }

  get size(): number {
    return this.#variables.size;
  }

  get listening(): number {
    return this.#listening;
  }

  names(): string[] {
    return this.#isOver ? [] : [...this.#variables.keys()];
  }

  define(name: string, { conflict = 'lastWrite', merge }: VariableOptions, value: unknown): VariableOutcome {
    if (this.#isOver) return { ok: false, reason: 'closed' };
    if (this.#variables.has(name)) return this.#refuse(name, 'taken');
    if (this.#variables.size >= this.plan.maxVariables) return this.#refuse(name, 'full');
    const now = { value, version: this.#highest + 1, at: this.clock.now(), by: null };
    this.#variables.set(name, { conflict, merge, past: [], now });
    this.#note({ type: 'variables.defined', name });
    this.#tell(name, { type: 'variable.changed', name, ...now });
    return { ok: true, value, version: now.version };
  }

  get(name: string): VariableOutcome {
    if (this.#isOver) return { ok: false, reason: 'closed' };
    const found = this.#variables.get(name)?.now;
    return found === undefined ? { ok: false, reason: 'unknown' } : { ok: true, value: found.value, version: found.version };
  }

  /** The present version is the last of them. */
  history(name: string): VariableVersion[] {
    const found = this.#isOver ? undefined : this.#variables.get(name);
    return found === undefined ? [] : [...found.past, found.now];
  }

  set(name: string, value: unknown, { version, by }: WriteOptions): VariableOutcome {
    const found = this.#find(name);
    if (!('now' in found)) return found;
    const { conflict, merge, now } = found;
    if (version === now.version || conflict === 'lastWrite') return this.#write(name, found, value, by);
    if (merge === undefined) return this.#refuse(name, 'conflict', now.version);
    const base = version === undefined ? undefined : this.history(name).find((each) => each.version === version)?.value;
    return this.#make(name, found, () => merge(now.value, value, { base }), by);
  }

  /** The function sees the last value, so that nobody's write is lost; where it writes itself, that one stands. */
  update(name: string, fn: (value: unknown) => unknown, { version, by }: WriteOptions): VariableOutcome {
    const found = this.#find(name);
    if (!('now' in found)) return found;
    const { now } = found;
    if (version !== undefined && version !== now.version) return this.#refuse(name, 'conflict', now.version);
    return this.#make(name, found, () => fn(now.value), by);
  }

  delete(name: string, version: number | undefined): VariableOutcome {
    const found = this.#find(name);
    if (!('now' in found)) return found;
    const { now, conflict } = found;
    const mustName = conflict === 'refuse' || version !== undefined;
    if (mustName && version !== now.version) return this.#refuse(name, 'conflict', now.version);
    this.#variables.delete(name);
    this.#highest = Math.max(this.#highest, now.version);
    this.#note({ type: 'variables.deleted', name, version: now.version });
    this.#tell(name, { type: 'variable.deleted', name, version: now.version });
    return { ok: true, value: now.value, version: now.version };
  }

  /** @returns what ends it, or why it has not begun */
  subscribe(name: string, listener: ((news: VariableNews) => void) | AnyActorRef): (() => void) | 'full' | 'ended' | 'closed' {
    if (this.#isOver) return 'closed';
    if (this.#listening >= this.plan.maxSubscribers) return 'full';
    const isFunction = typeof listener === 'function';
    if (!isFunction && exitReason(listener) !== null) return 'ended';
    const subscriber: Subscriber = {
      name,
      tell: isFunction ? listener : (news) => void (hasStopped(listener) || (listener as { send(event: EventObject): void }).send(news)),
      watch: null,
    };
    const all = this.#subscribers.get(name) ?? new Set();
    this.#subscribers.set(name, all.add(subscriber));
    this.#listening++;
    if (!isFunction)
      subscriber.watch = onExit(listener, () => {
        this.#forget(subscriber);
        this.#note({ type: 'variables.subscriberLost', name, actor: listener.id });
        this.#outbox.tell();
      });
    return () => this.#forget(subscriber);
  }

  /** A fact of what was done with agents. */
  note(fact: VariablesEmitted): void {
    if (!this.#isOver) this.#note(fact);
    this.#outbox.tell();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const each of this.coordinations) each.stop();
    for (const all of this.#subscribers.values()) for (const { watch } of all) watch?.unsubscribe();
    this.#subscribers.clear();
    this.#outbox.tellNow();
  }

  #find(name: string): Variable | Exclude<VariableOutcome, { ok: true }> {
    if (this.#isOver) return { ok: false, reason: 'closed' };
    return this.#variables.get(name) ?? this.#refuse(name, 'unknown');
  }

  /** Writes what a function makes, which belongs to the app, and may throw or write meanwhile. */
  #make(name: string, found: Variable, make: () => unknown, by: string | undefined): VariableOutcome {
    const { version } = found.now;
    let made: unknown;
    try {
      made = make();
    } catch (error) {
      return { ...this.#refuse(name, 'threw', version), error };
    }
    if (this.#isOver || this.#variables.get(name) !== found || found.now.version !== version)
      return this.#refuse(name, 'conflict', found.now.version);
    const kept = keep(made);
    return kept === null ? this.#refuse(name, 'notJson', version) : this.#write(name, found, kept.value, by);
  }

  #write(name: string, found: Variable, value: unknown, by: string | undefined): VariableOutcome {
    found.past.push(found.now);
    if (found.past.length >= this.plan.history) found.past.shift();
    found.now = { value, version: found.now.version + 1, at: this.clock.now(), by: by ?? null };
    this.#note({ type: 'variables.changed', name, version: found.now.version, by: found.now.by });
    const { version } = found.now;
    this.#tell(name, { type: 'variable.changed', name, ...found.now });
    return { ok: true, value, version };
  }

  #refuse(name: string, reason: VariableRefusal, version?: number): Exclude<VariableOutcome, { ok: true }> {
    this.#note({ type: 'variables.refused', name, reason });
    this.#outbox.tell();
    return { ok: false, reason, ...(version === undefined ? {} : { version }) };
  }

  #tell(name: string, news: VariableNews): void {
    for (const subscriber of this.#subscribers.get(name) ?? []) {
      this.#outbox.add(() => {
        // Who has left meanwhile hears nothing more.
        if (this.#subscribers.get(name)?.has(subscriber) !== true) return;
        try {
          subscriber.tell(news);
        } catch (error) {
          printFault(`a subscriber of '${name}'`, error);
        }
      });
    }
    this.#outbox.tell();
  }

  #forget(subscriber: Subscriber): void {
    const all = this.#subscribers.get(subscriber.name);
    if (all?.delete(subscriber) !== true) return;
    this.#listening--;
    subscriber.watch?.unsubscribe();
    if (all.size === 0) this.#subscribers.delete(subscriber.name);
  }

  #note(fact: VariablesEmitted): void {
    this.#outbox.add(() => this.#emit(fact));
  }
}
