/** Whether two machines have shown the same: everything alike but the actors and the nodes themselves, which each has of its own. */
import { isMachineSnapshot, type AnyStateMachine } from 'xstate';

import { isActor } from '../../option-checks.js';

type Parts = ReturnType<AnyStateMachine['resolveState']> & {
  readonly output?: unknown;
  readonly error?: unknown;
  readonly _nodes: readonly { readonly id: string }[];
};

type Fields = { readonly [key: string]: unknown };

/** XState numbers its actors through the whole process. */
const sessionId = /^x:\d+$/;

/** What of one side stands for what of the other; it grows as they are compared. */
export class Likeness {
  /** Actors and their session ids, both ways. */
  readonly #counterparts = new Map<unknown, unknown>();
  /** Snapshots do not change, and each is shown more than once. */
  readonly #snapshots = new WeakMap<object, object>();
  #circles = new WeakMap<object, object>();

  /** The first line of either in which they differ; undefined where they are alike. */
  differAt(some: readonly (readonly unknown[])[], others: readonly (readonly unknown[])[]): number | undefined {
    this.#circles = new WeakMap();
    for (let at = 0; at < Math.max(some.length, others.length); at++) {
      const [line, other] = [some[at], others[at]];
      if (line === undefined || other === undefined || !this.#alike(line, other)) return at;
    }
    return undefined;
  }

  #alike(one: unknown, other: unknown): boolean {
    if (Object.is(one, other)) return typeof one !== 'string' || !sessionId.test(one) || this.#paired(one, other);
    if (typeof one === 'string') return typeof other === 'string' && sessionId.test(one) && sessionId.test(other) && this.#paired(one, other);
    if (typeof one === 'function') return typeof other === 'function' && one.name === other.name;
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
    if (isMachineSnapshot(one)) return isMachineSnapshot(other) && this.#alikeSnapshots(one as never, other as never);
    if (isActor(one)) return isActor(other) && this.#paired(one, other);
    if (this.#circles.get(one) === other) return true;
    this.#circles.set(one, other);
    if (one instanceof Error) {
      return other instanceof Error && one.name === other.name && one.message === other.message && this.#alike(one.cause, other.cause);
    }
    if (one instanceof Date) return other instanceof Date && one.getTime() === other.getTime();
    if (one instanceof Map || one instanceof Set) {
      return (other instanceof Map || other instanceof Set) && this.#alikeLists([...one], [...(other as Iterable<unknown>)]);
    }
    if (Array.isArray(one)) return Array.isArray(other) && this.#alikeLists(one, other);
    const keys = Object.keys(one);
    const others = Object.keys(other);
    if (keys.length !== others.length) return false;
    return keys.every((key, at) => key === others[at] && this.#alike((one as Fields)[key], (other as Fields)[key]));
  }

  #alikeLists(some: readonly unknown[], others: readonly unknown[]): boolean {
    return some.length === others.length && some.every((one, at) => this.#alike(one, others[at]));
  }

  /** Is each the other's counterpart? Those that meet for the first time become it. */
  #paired(one: unknown, other: unknown): boolean {
    if (!this.#counterparts.has(one)) this.#counterparts.set(one, other);
    return this.#counterparts.get(one) === other;
  }

  #alikeSnapshots(one: Parts, other: Parts): boolean {
    if (this.#snapshots.get(one) === other) return true;
    const idsOf = (nodes: readonly { readonly id: string }[]): readonly string[] => nodes.map(({ id }) => id);
    const shown = (snapshot: Parts): readonly unknown[] => {
      const { status, value, context, _nodes: nodes, tags, children, output, error, historyValue } = snapshot;
      return [
        ...[status, Object.keys(snapshot), JSON.stringify(value), idsOf(nodes), [...tags], output, error, context, children, snapshot.getMeta()],
        ...Object.entries((historyValue ?? {}) as Record<string, readonly { readonly id: string }[]>).map(([id, kept]) => [id, idsOf(kept)]),
        ...[snapshot.matches(value), [...tags].every((tag) => snapshot.hasTag(tag)), snapshot.hasTag('no tag')],
      ];
    };
    const areAlike = this.#alikeLists(shown(one), shown(other));
    if (areAlike) this.#snapshots.set(one, other);
    return areAlike;
  }
}
