/**
 * Values as the text of a trace: the same text for the same value in every run.
 *
 * What differs from run to run is called by a number of the world's own: actors by their paths, XState's session ids, the ids that handles give their
 * calls, the names of monitors.
 */
import type { AnyActorRef } from 'xstate';

import type { Paths } from './paths.js';

const longestText = 400;
const deepest = 6;
/** What is counted per process, not per world: uuids (with the count after them), session ids, monitors. */
const counted = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:\.\d+)?|\bx:\d+\b|\bmonitor\.\d+\b/gu;

/** Renders the values of one world. */
export class Renderer {
  readonly #paths: Paths;
  readonly #namespace: string;
  readonly #numbers = new Map<string, string>();

  constructor(paths: Paths, namespace: string) {
    this.#paths = paths;
    this.#namespace = namespace;
  }

  /** A value as JSON-like text, whole. */
  whole(value: unknown): string {
    let text: string;
    try {
      text = this.#text(value, 0, new Set());
    } catch {
      // A getter or a toJSON that throws: the actor that is looked at must not pay for it.
      text = '[unreadable]';
    }
    return this.mask(text);
  }

  /** A value as JSON-like text on one line, cut after 400 characters. */
  brief(value: unknown): string {
    const text = this.whole(value);
    return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  }

  /** Text with all that is counted per process numbered anew. */
  mask(text: string): string {
    return text.replaceAll(this.#namespace, '<namespace>').replaceAll(counted, (found) => {
      const known = this.#numbers.get(found);
      if (known !== undefined) return known;
      const name = `<${found.startsWith('x:') ? 'session' : found.startsWith('monitor') ? 'monitor' : 'id'} ${this.#numbers.size + 1}>`;
      this.#numbers.set(found, name);
      return name;
    });
  }

  #text(value: unknown, depth: number, above: Set<object>): string {
    if (typeof value === 'function') return `[function ${value.name || 'anonymous'}]`;
    if (typeof value === 'number') return String(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol' || value === undefined) return String(value);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (isActor(value)) return `[actor ${this.#paths.of(value)}]`;
    if (value instanceof Error) return `[${value.name}: ${value.message}]`;
    if (above.has(value)) return '[circle]';
    if (depth >= deepest) return '[…]';
    above.add(value);
    const text = this.#parts(value, depth, above);
    above.delete(value);
    return text;
  }

  #parts(value: object, depth: number, above: Set<object>): string {
    const inner = (item: unknown): string => this.#text(item, depth + 1, above);
    if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`;
    if (value instanceof Map) return `Map{${[...value].map(([key, item]) => `${inner(key)}:${inner(item)}`).join(',')}}`;
    if (value instanceof Set) return `Set{${[...value].map(inner).join(',')}}`;
    if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`;
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
    if (prototype !== null && prototype !== Object.prototype && !('toJSON' in value)) return `[${prototype.constructor?.name ?? 'object'}]`;
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return inner((value as { toJSON(): unknown }).toJSON());
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${inner(item)}`).join(',')}}`;
  }
}

function isActor(value: object): value is AnyActorRef {
  const { sessionId, getSnapshot, send } = value as Partial<AnyActorRef>;
  return typeof sessionId === 'string' && typeof getSnapshot === 'function' && typeof send === 'function';
}
