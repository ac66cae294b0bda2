/** One actor as the page knows it at a moment. A record is never changed: another moment has another record, and shares what is the same. */
import { isCrash } from '../../../src/recording/exports/story.js';
import type { SceneActor } from '../../../src/recording/scene.js';
import type { Portable } from '../../../src/wire/recording/portable-shape.js';
import { stateParts } from '../../../src/wire/recording/state-value.js';

export type Status = SceneActor['status'];

export interface ActorView extends SceneActor {
  /** The context before its last change. */
  readonly contextBefore: Portable | undefined;
  readonly input: Portable | undefined;
  /** The type of the event that its machine has handled last. */
  readonly lastEvent: string | null;
}

/** Has it ended? An actor whose machine is done has, whether or not its exit was told. */
export function hasEnded({ exit, status }: ActorView): boolean {
  return exit !== null || status !== 'active';
}

/** Has it ended by an error, or given up? A supervisor that gives up ends `shutdown`, as OTP's do. */
export function hasFailed({ exit, status, gaveUp }: ActorView): boolean {
  return status === 'error' || gaveUp !== null || isCrash(exit?.reason);
}

/** What an actor is in, in words: its leaf states, `a.b` and in parallel regions one for each; empty for what has no states. */
export function stateNames(value: Portable | undefined): readonly string[] {
  return (stateParts(value) ?? []).flatMap(([key, inner]) => {
    const names = stateNames(inner);
    return names.length === 0 ? [key] : names.map((name) => `${key}.${name}`);
  });
}

/** The type of an event; `?` where it has none. */
export function eventType(event: Portable): string {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return '?';
  const { type } = event as { readonly type?: Portable };
  return typeof type === 'string' ? type : '?';
}
