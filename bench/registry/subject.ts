/** What the registry benchmark asks of each subject: names of actors, all measured by the same code. */
import type { AnyActorRef } from 'xstate';

/** One store of names. All that is asked of one is asked of each: a bare Map looks at all names for what the registry has an index of. */
export interface Rig {
  /** Gives a name to an actor; false where somebody has it. */
  register(key: string, ref: AnyActorRef): boolean;
  /** Takes it away from that actor. */
  unregister(key: string, ref: AnyActorRef): boolean;
  whereis(key: string): AnyActorRef | undefined;
  /** The same, of an actor that has just ended: does the subject forget it by itself? */
  readonly forgetsTheDead: boolean;
  /** Says of a name in which zone it is. */
  describe(key: string, ref: AnyActorRef, zone: number): void;
  /** Who is in a zone. */
  inZone(zone: number): readonly AnyActorRef[];
  /** The share of the usual number of searches: 1, less for one that looks at all names each time. */
  readonly share: number;
  close(): unknown;
}

/** One thing that is measured beside the others. */
export interface Subject {
  readonly name: string;
  open(): Rig;
}
