/** What a model has noted of a run, as text: two texts are equal only where nothing differs that can be seen. */
import type { AnyStateMachine } from 'xstate';
import type { Fake } from './fake.js';
import type { Run } from './run.js';

/** Names what is no data: an actor, a function, an instance of a class. */
type Name = (value: object) => string;

const numbers = new WeakMap<object, number>();
let count = 0;

/** For the states of a search, which compares runs: what is no data is called by its kind, and the dead are forgotten. */
export function notedOf<M extends AnyStateMachine>(run: Run<M>): string {
  return notes(run, run.running(), kindOf);
}

/** Any value as text: maps and sets by what they hold, instances of other classes by their kind. */
export function textOf(value: unknown): string {
  return JSON.stringify(plain(value, kindOf, []));
}

/** For the steps of one run: an actor or a function is itself, and the inside of an instance may have changed since it was looked at last. */
export function notedNow<M extends AnyStateMachine>(run: Run<M>): string {
  return notes(run, run.fakes, (value) => {
    if (typeof value !== 'function' && !('getSnapshot' in value)) return `${kindOf(value)} ${++count}`;
    const known = numbers.get(value) ?? ++count;
    numbers.set(value, known);
    return `#${known}`;
  });
}

function notes<M extends AnyStateMachine>({ notes: own }: Run<M>, fakes: readonly Fake[], name: Name): string {
  return JSON.stringify([plain(own, name, []), fakes.map((fake) => plain(fake.notes, name, []))]);
}

function kindOf(value: object): string {
  if (typeof value === 'function') return 'function';
  return (value.constructor as { readonly name?: string } | undefined)?.name ?? 'object';
}

function plain(value: unknown, name: Name, within: readonly unknown[]): unknown {
  if (typeof value === 'function') return { function: name(value) };
  if (typeof value !== 'object' || value === null) return typeof value === 'string' || typeof value === 'boolean' ? value : `(${String(value)})`;
  if (within.includes(value)) return '(circle)';
  const inner = [...within, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, name, inner));
  if (value instanceof Map || value instanceof Set) return { [kindOf(value)]: [...value].map((item) => plain(item, name, inner)) };
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) return { instance: name(value) };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, name, inner)]));
}
