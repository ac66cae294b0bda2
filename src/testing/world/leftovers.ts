/** What a world has left behind, by name and by place. */
import { pendingEvents } from '../../supervision/scheduler.js';
import { systemClock } from '../../supervision/clock.js';
import { hasStopped, isUnstarted } from '../../supervision/xstate-internals.js';
import { unnoted, type Ledger } from './ledger.js';
import { whereOf, type Origin } from './origin.js';
import { isPool, type Paths } from './paths.js';
import type { WorldClock } from './world-clock.js';

/** `wallClock`: an actor has set a timer of the runtime, so that its world does not repeat; `fault`: a planned one that never struck. */
export type LeftoverKind = 'actor' | 'timer' | 'subscription' | 'socket' | 'handle' | 'wallClock' | 'fault';

/** One thing that was left, or that no world should have seen. */
export interface Leftover {
  readonly kind: LeftoverKind;
  /** `app/voice`, `a TCP server`, `after 500 ms, in app/voice`. */
  readonly what: string;
  /** `test/tree.test.ts:12:5`: where it was started, taken or set, below the working directory. */
  readonly where: string;
}

/** A leftover that is allowed, and why. */
export interface Allowed {
  readonly kind: LeftoverKind;
  /** Part of `what` or `where`; default anything of that kind. */
  readonly holding?: string;
  readonly because: string;
}

/** A test that did not hold: its world left something behind, never came to rest, or planned faults that never struck. */
export class WorldFailure extends Error {
  override readonly name = 'WorldFailure';
  readonly leftovers: readonly Leftover[];

  constructor(message: string, leftovers: readonly Leftover[] = []) {
    super(message);
    this.leftovers = leftovers;
  }
}

/** Why a world has failed, in words that follow its name. */
export function failureText(left: readonly Leftover[]): string {
  const behind = left.filter(({ kind }) => kind !== 'wallClock' && kind !== 'fault');
  const [first, ...others] = [
    behind.length === 0 ? '' : `has left ${behind.length} behind:\n${listed(behind)}`,
    textOf(left, 'wallClock', 'was not alone with its time:'),
    textOf(left, 'fault', 'had planned faults that never struck; say `mayMiss` where one may not:'),
  ].filter((text) => text !== '');
  return [first, ...others.map((text) => `It ${text}`)].join('\n');
}

function textOf(left: readonly Leftover[], only: LeftoverKind, head: string): string {
  const found = left.filter(({ kind }) => kind === only);
  return found.length === 0 ? '' : `${head}\n${listed(found)}`;
}

/** A planned fault that never struck. */
export function missedFault(what: string, origin: Origin): Leftover {
  return { kind: 'fault', what, where: place(origin) };
}

/** Leftovers as a table, one a line. */
export function listed(leftovers: readonly Leftover[]): string {
  return leftovers.map(({ kind, what, where }) => `  ${kind.padEnd(12)} ${what}\n${' '.repeat(15)}started at ${where}`).join('\n');
}

function place(origin: Origin | undefined): string {
  return (origin === undefined ? undefined : whereOf(origin)) ?? '(no frame of yours on the stack)';
}

const onWallClock = "a timer of the wall clock, set by an actor: use a delay, or the clock of the actor's system";

/** What is left now of all that was started within a world; what was done on the wall clock counts too, though it is over. */
export function leftoversOf({ ledger, clock, paths }: { ledger: Ledger; clock: WorldClock; paths: Paths }): Leftover[] {
  const actors = new Set([...paths.all(), ...ledger.actors.keys()].filter((actor) => !hasStopped(actor) && !isUnstarted(actor)));
  const events = new Map<unknown, string>();
  for (const actor of actors) {
    for (const { timer, event, delay } of pendingEvents(actor)) events.set(timer, `${event.type} after ${delay} ms, in ${paths.of(actor)}`);
  }
  const found: Leftover[] = [];
  for (const actor of actors) if (!isPool(actor)) found.push({ kind: 'actor', what: paths.of(actor), where: place(ledger.actors.get(actor)) });
  for (const timer of clock.waiting()) {
    if (timer.label !== undefined) continue;
    found.push({ kind: 'timer', what: events.get(timer) ?? `due at ${timer.dueAt} ms of the world's clock`, where: place(timer.origin) });
  }
  for (const { actor, what, origin } of ledger.subscriptions) {
    if (hasStopped(actor) || isUnstarted(actor) || actors.has(actor)) continue;
    found.push({ kind: 'subscription', what: `${what} of ${actor.id}`, where: place(origin) });
  }
  for (const { kind, what, origin } of ledger.living()) found.push({ kind, what, where: place(origin) });
  for (const origin of ledger.wallTimers()) found.push({ kind: 'wallClock', what: onWallClock, where: place(origin) });
  return found;
}

/** Those that are not allowed. */
export function unallowed(leftovers: readonly Leftover[], allow: readonly Allowed[]): Leftover[] {
  return leftovers.filter(
    ({ kind, what, where }) => !allow.some((one) => one.kind === kind && (one.holding === undefined || `${what} ${where}`.includes(one.holding))),
  );
}

/** Turns of the event loop that a closing socket is given before anybody looks at a clock. */
const closingTurns = 4;

/**
 * Waits until the runtime's resources of a ledger are gone: those that were told to close need the event loop for it.
 * @param graceMs  real time to wait at most for what is still there; spent only when something is
 */
export async function untilClosed(ledger: Ledger, turn: () => Promise<void>, graceMs: number): Promise<void> {
  // A timer that was cleared is gone by now; one that was not never goes.
  const isOpen = (): boolean => ledger.living().some(({ kind }) => kind !== 'timer');
  for (let count = 0; count < closingTurns; count++) await turn();
  if (!isOpen()) return;
  let timer: unknown;
  const over = new Promise<'over'>((resolve) => {
    timer = unnoted(() => systemClock.setTimeout(() => resolve('over'), graceMs));
  });
  while (isOpen()) {
    const end = ledger.nextEnd();
    const first = await Promise.race([end.promise, over]);
    end.forget();
    if (first === 'over') break;
  }
  systemClock.clearTimeout(timer);
}
