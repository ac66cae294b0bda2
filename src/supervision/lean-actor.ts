/** Objects that stand in for actors of XState until they are made in full (xstate-internals.ts: `becomeActor`), and are the same object from then on. */
import { Actor } from 'xstate';

import { actorFields } from './xstate-internals.js';

/** What one that is in part does itself. */
export interface LeanParts<Lean> {
  /** Fields that it has no need to be in full for. */
  readonly told: Readonly<Record<string, (lean: Lean) => unknown>>;
  /** Methods of its own, while it is in part; all others are those of XState's actors. */
  readonly methods: Readonly<Record<string, (this: Lean, ...given: never[]) => unknown>>;
  /** Makes it an actor in full, whose fields are its own. Called when any other of them is touched. */
  inFull(lean: Lean): void;
}

/** Has the objects with this prototype stand in for actors. */
export function standInForActor<Lean extends object>(prototype: Lean, { told, methods, inFull }: LeanParts<Lean>): void {
  Object.setPrototypeOf(prototype, Actor.prototype);
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(prototype, name, { value });
  for (const field of actorFields) {
    const tell = told[field];
    const touch = (lean: Lean): unknown => {
      inFull(lean);
      return (lean as Record<string, unknown>)[field];
    };
    Object.defineProperty(prototype, field, {
      get(this: Lean) {
        return tell === undefined ? touch(this) : tell(this);
      },
      set(this: Lean, value: unknown) {
        inFull(this);
        (this as Record<string, unknown>)[field] = value;
      },
    });
  }
}
