/** One actor under a reader's eye, and what is asked of XState about it. */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';

import { childOfEvent, reasonOfEvent, type ExitReason } from '../../machines/supervision/exit.js';
import { exitReason, orderOf } from '../supervision/watch.js';
import { hasStopped, isInTurn, logicOf } from '../supervision/xstate-internals.js';
import type { LogicKind, RecordedAction, RecordedState, RecordedTimer } from '../wire/recording/lines.js';
import type { ContextWriter } from './line-values.js';
import type { Place } from './lineage.js';
import type { BookedMachine } from './machine-book.js';
import type { PendingTimers } from './pending-timers.js';

/** An event that was ordered to come later. */
export interface Ordered {
  readonly ms: number;
  readonly by: number | null;
  readonly id?: string;
}

/** What is known of one actor. */
export interface Watched {
  readonly actor: AnyActorRef;
  readonly logic: LogicKind;
  /** Null for an actor that is no machine, or is not recorded in detail. */
  readonly machine: BookedMachine | null;
  phase: 'created' | 'starting' | 'running' | 'ended';
  /** Empty until somebody asks for it: who is created and never started has none. */
  path: string;
  /** Its input, as the machine was given it. */
  init: { readonly input?: unknown } | undefined;
  /** Events that it has not finished with, oldest first. */
  readonly pending: { readonly event: object; readonly seq: number }[];
  /** Of the transition that is under way. With fewer than two, `taken` is everybody's list. */
  taken: string[];
  actions: RecordedAction[];
  actionBytes: number;
  takenLeft: number;
  actionsLeft: number;
  context: ContextWriter | null;
  /** As it was told last; its context, or what had changed of it, is not to be read here. */
  state: RecordedState | undefined;
  /** The number of its start. */
  started: number;
  /** The number of the event, or the start, in whose processing it ended. */
  endedBy: number | undefined;
  replaces: string | null;
  run: number;
  place: Place | undefined;
  /** The last child of each id, while it runs. */
  places: Map<string, Place> | undefined;
  /** Events that were ordered for it, by themselves. */
  ordered: WeakMap<object, Ordered> | undefined;
}

/** No edges, no actions: most actors never have any. Not to be filled. */
export const none: never[] = [];

export function watch(actor: AnyActorRef, logic: LogicKind, machine: BookedMachine | null): Watched {
  return {
    actor,
    logic,
    machine,
    phase: 'created',
    path: '',
    init: undefined,
    pending: [],
    taken: none,
    actions: none,
    actionBytes: 0,
    takenLeft: 0,
    actionsLeft: 0,
    context: null,
    state: undefined,
    started: 0,
    endedBy: undefined,
    replaces: null,
    run: 1,
    place: undefined,
    places: undefined,
    ordered: undefined,
  };
}

/** Is something of it being processed now, its start included? */
export function isAtWork({ actor, phase }: Watched): boolean {
  return phase === 'starting' ? !hasStopped(actor) : isInTurn(actor);
}

/** The number of what is being processed; undefined where that has none. */
export function atWorkOn({ pending, phase, started }: Watched): number | undefined {
  return pending[0]?.seq ?? (phase === 'starting' ? started : undefined);
}

/** Has the machine's way to its first snapshot been replaced? XState's own is a bound function. */
export function hasOwnStart(actor: AnyActorRef): boolean {
  return !logicOf(actor).getInitialSnapshot.name.startsWith('bound ');
}

/** Did it begin from a state that was saved? */
export function isRestored(actor: AnyActorRef): boolean {
  const { options } = actor as unknown as { options: { snapshot?: unknown; state?: unknown } };
  return (options.snapshot ?? options.state) !== undefined;
}

export function hasCrashed(actor: AnyActorRef): boolean {
  return hasStopped(actor) && statusOf(actor) === 'error';
}

export function statusOf(actor: AnyActorRef): string | undefined {
  return (actor.getSnapshot() as { status?: string } | undefined)?.status;
}

/** Why it has ended, or is about to: XState tells of a stop before it is done. */
export function endOf(actor: AnyActorRef): ExitReason {
  return exitReason(actor) ?? orderOf(actor) ?? 'shutdown';
}

/** Is it XState's word that an actor has ended? */
export function saysItEnded(event: { readonly type: string }, actor: AnyActorRef): boolean {
  return reasonOfEvent(event) !== undefined && childOfEvent(event) === actor.id;
}

export function historyOf({ historyValue }: AnyMachineSnapshot): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries((historyValue ?? {}) as Record<string, readonly { readonly id: string }[]>).map(([id, nodes]) => [
      id,
      nodes.map((node) => node.id),
    ]),
  );
}

/** What waits. @param text  how names are written; `pathOf` of an actor that may not be known */
export function timersOf(
  pending: ReturnType<PendingTimers['of']>,
  text: (text: string) => string,
  pathOf: (actor: AnyActorRef) => string,
): RecordedTimer[] {
  return pending.map(({ id, event, delay, dueAt, target }) => ({
    id: text(id),
    to: pathOf(target),
    event: text(event.type),
    ms: delay,
    dueAt: rounded(dueAt),
  }));
}

/** Ms with three decimals: what a clock is good for. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
