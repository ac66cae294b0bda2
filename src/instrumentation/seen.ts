/** An actor, as telemetry knows it. */
import type { AnyActorRef } from 'xstate';
import { idOfPath, type ActorNames } from '../recording/names.js';
import { clockOf } from '../supervision/clock.js';
import { logicOf, parentOf } from '../supervision/xstate-internals.js';
import { type Subject, subjectOf } from '../telemetry/subject.js';

/** What is known of an actor; its names are made when somebody wants them. */
export class Seen {
  readonly ref: AnyActorRef;
  /** The id of its machine; null for other logic. */
  readonly machine: string | null;
  readonly #names: ActorNames;
  #path: string | undefined;

  constructor(ref: AnyActorRef, names: ActorNames) {
    this.ref = ref;
    const logic = logicOf(ref) as { readonly id?: unknown; readonly root?: unknown };
    this.machine = typeof logic.id === 'string' && logic.root !== undefined ? logic.id : null;
    this.#names = names;
  }

  /** The way down from the root: `app/pool/worker#3`. */
  get path(): string {
    return (this.#path ??= this.#names.pathOf(this.ref));
  }

  /** Which actor of its place it is, from 1. */
  get incarnation(): number {
    const [, number = '1'] = /#(\d+)$/.exec(this.path) ?? [];
    return idOfPath(this.path)?.endsWith(`#${number}`) === true ? 1 : Number(number);
  }

  /** The place in the tree, whoever has it: the way down without its number. */
  get place(): string {
    return this.incarnation === 1 ? this.path : this.path.replace(/#\d+$/, '');
  }

  /** What its machine is called in labels. */
  get kind(): string {
    return this.machine ?? 'other';
  }

  /** Which model it asks, where it asks one. */
  get subject(): Subject | undefined {
    return subjectOf(logicOf(this.ref));
  }

  /** Monotonic ms. */
  now(): number {
    return clockOf(this.ref.system).now();
  }

  /** Is it somewhere below a machine of that id? */
  isBelow(machine: string): boolean {
    for (let above = parentOf(this.ref); above !== undefined; above = parentOf(above))
      if ((logicOf(above) as { readonly id?: unknown }).id === machine) return true;
    return false;
  }
}
