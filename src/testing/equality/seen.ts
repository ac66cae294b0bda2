/** Everything that can be seen of a machine at work: what a compiled one must have in common with the interpreted. */
import { isMachineSnapshot, type AnyStateMachine, type EventObject, type InspectionEvent } from 'xstate';

import { isActor } from '../../option-checks.js';

type AnySnapshot = ReturnType<AnyStateMachine['resolveState']>;

/** What one actor and those below it have shown, line by line. */
export class Seen {
  /** Since they were taken last: a word for what it is, and then what was shown. */
  lines: (readonly unknown[])[] = [];
  /** Whether nothing is written down. */
  isPaused = false;
  readonly #names = new Map<unknown, string>();

  /** Writes a line. @param said  a word for what it is, and then data, actors, snapshots */
  note(...said: readonly unknown[]): void {
    if (!this.isPaused) this.lines.push(said);
  }

  /** The lines since the last time. */
  take(): (readonly unknown[])[] {
    return this.lines.splice(0);
  }

  /** What XState tells an inspector. */
  readonly inspect = (event: InspectionEvent): void => {
    if (this.isPaused) return;
    const { type, actorRef } = event;
    if (type === '@xstate.actor') this.note(type, actorRef);
    else if (type === '@xstate.action') this.note(type, actorRef, event.action.type, event.action.params);
    else if (type === '@xstate.event') this.note(type, event.sourceRef, actorRef, event.event);
    else if (type === '@xstate.snapshot') this.note(type, actorRef, event.event, event.snapshot);
    else if (type === '@xstate.microstep') {
      const taken = event._transitions.map(({ source, eventType, target }) => [source.id, eventType, target?.map(({ id }: { id: string }) => id)]);
      this.note(type, actorRef, event.event, taken, event.snapshot);
    }
  };

  /** A line as text, in which actors have names that do not depend on how many the process has had. */
  lineText(line: readonly unknown[]): string {
    return line.map((part) => (isActor(part) ? this.#nameOf(part) : isMachineSnapshot(part) ? this.snapshotText(part) : this.textOf(part))).join(' ');
  }

  #nameOf(ref: unknown): string {
    let name = this.#names.get(ref);
    if (name === undefined) this.#names.set(ref, (name = `actor${this.#names.size}`));
    return name;
  }

  /** Every part of a snapshot that a program can read, its nodes and the order of its keys included. */
  snapshotText(snapshot: unknown): string {
    if (!isMachineSnapshot(snapshot)) return this.textOf(snapshot);
    const { status, value, context, tags, children, output, error } = snapshot as AnySnapshot & { output?: unknown; error?: unknown };
    const idsOf = (nodes: readonly { readonly id: string }[]): readonly string[] => nodes.map(({ id }) => id);
    const history = Object.entries((snapshot.historyValue ?? {}) as Record<string, readonly { readonly id: string }[]>);
    return this.textOf({
      keys: Object.keys(snapshot),
      status,
      value,
      context,
      nodes: idsOf((snapshot as unknown as { readonly _nodes: readonly { readonly id: string }[] })._nodes),
      history: history.map(([id, kept]) => [id, idsOf(kept)]),
      tags: [...tags],
      children: Object.entries(children).map(([id, child]) => [id, this.#nameOf(child)]),
      output,
      error,
      meta: snapshot.getMeta(),
      answers: [snapshot.matches(value), [...tags].every((tag) => snapshot.hasTag(tag)), snapshot.hasTag('no tag')],
    });
  }

  /** What a program can ask a snapshot beside its parts: whether it can do something; what it is when it is saved. */
  asked(actor: { getSnapshot(): unknown; getPersistedSnapshot(): unknown }, probes: readonly EventObject[]): readonly unknown[] {
    const snapshot = actor.getSnapshot() as AnySnapshot;
    const answer = (ask: () => unknown): unknown => {
      try {
        return ask();
      } catch (error) {
        return ['throws', error];
      }
    };
    const can = probes.map((probe) => [probe.type, snapshot.status === 'active' ? answer(() => snapshot.can(probe)) : null]);
    return [can, answer(() => JSON.stringify(actor.getPersistedSnapshot()))];
  }

  /** Any value as text; errors, functions, maps and what JSON leaves out are spelt. */
  textOf(value: unknown): string {
    try {
      return JSON.stringify(value, (_key, part: unknown) => this.#spelt(part)) ?? 'undefined';
    } catch (error) {
      return `(no text: ${String(error)})`;
    }
  }

  #spelt(part: unknown): unknown {
    switch (typeof part) {
      case 'undefined':
        return '(undefined)';
      case 'function':
        return `function ${part.name}`;
      case 'bigint':
      case 'symbol':
        return String(part);
      case 'number':
        return Number.isFinite(part) ? part : `(${part})`;
      case 'string':
        // XState numbers its actors through the whole process.
        return /^x:\d+$/.test(part) ? this.#nameOf(part) : part;
      case 'object':
        if (part instanceof Error) return `${part.name}: ${part.message}${part.cause === undefined ? '' : ` because of ${this.textOf(part.cause)}`}`;
        return part instanceof Map || part instanceof Set ? [part.constructor.name, ...part] : part;
      case 'boolean':
        return part;
    }
  }
}
