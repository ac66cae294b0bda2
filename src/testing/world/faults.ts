/** Faults at work: decides of each event whether it passes, waits, is lost or comes twice, and strikes actors when their time has come. */
import type { AnyActorRef, EventObject } from 'xstate';

import { kindOf } from '../../supervision/kind.js';
import { exit } from '../../supervision/watch.js';
import { hasStopped, isUnstarted } from '../../supervision/xstate-internals.js';
import { crashActor } from './crash.js';
import type { Chance } from './chance.js';
import { isReliable, requirePlan, type ActorFault, type Fault, type MessageFault, type WorldFault } from './fault-plan.js';
import { Holds } from './holds.js';
import { originHere, type Origin } from './origin.js';
import { isPool, type Paths } from './paths.js';
import type { Trace } from './trace.js';
import type { WorldClock, WorldTimer } from './world-clock.js';

/** One event on its way. */
export interface Passage {
  readonly source: AnyActorRef | undefined;
  readonly target: AnyActorRef;
  readonly event: EventObject;
  /** Hands it over. */
  readonly deliver: () => void;
}

interface Entry<Kind extends Fault = Fault> {
  readonly fault: Kind;
  /** Where it was planned. */
  readonly origin: Origin;
  /** Occasions so far, of a fault that strikes at the nth. */
  seen: number;
  struck: number;
  timer?: WorldTimer;
}

interface Deps {
  readonly clock: WorldClock;
  readonly paths: Paths;
  readonly trace: Trace;
  readonly chance: Chance;
}

/** The faults of one world. */
export class Faults {
  readonly #deps: Deps;
  readonly #holds: Holds;
  readonly #entries: Entry[] = [];
  readonly #partitions = new Set<readonly [string, string]>();
  #lifted = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#holds = new Holds(deps);
  }

  /**
   * Adds faults to come. A moment (`atMs`) is of the world's clock; one that is past strikes at the next timer.
   * @throws EspalierError `testing/invalid-options` for a plan that is none, before any of it is added
   */
  plan(faults: readonly Fault[]): void {
    for (const fault of requirePlan(faults)) {
      const entry: Entry = { fault, origin: originHere(), seen: 0, struck: 0 };
      this.#entries.push(entry);
      if (typeof fault.when === 'object' && 'atMs' in fault.when && !('to' in fault)) {
        const { clock } = this.#deps;
        entry.timer = clock.set(() => this.#strikeNow(entry), Math.max(0, fault.when.atMs - clock.now()), `fault ${fault.fault}`);
      }
    }
  }

  /** Strikes at once, whoever matches; `when` is not looked at. @returns how many actors were struck, 1 for a fault of the world */
  strike(fault: ActorFault | WorldFault): number {
    requirePlan([fault]);
    return this.#strikeNow({ fault, origin: originHere(), seen: 0, struck: 0 });
  }

  /** The faults that may strike in any step, and could in this. */
  ready(): (() => void)[] {
    const ready: (() => void)[] = [];
    for (const entry of this.#entries) {
      if (entry.fault.when !== 'anytime' || !this.#isLeft(entry) || 'to' in entry.fault) continue;
      if (!('actor' in entry.fault)) ready.push(() => this.#strikeNow(entry));
      else for (const actor of this.#victims(entry.fault)) ready.push(() => this.#strikeActor(entry as Entry<ActorFault>, actor));
    }
    return ready;
  }

  /** Planned faults that never struck and should have. */
  missed(): { readonly fault: Fault; readonly origin: Origin }[] {
    return this.#entries
      .filter(({ fault, struck }) => struck === 0 && fault.mayMiss !== true && !(typeof fault.when === 'object' && 'chance' in fault.when))
      .map(({ fault, origin }) => ({ fault, origin }));
  }

  /** No fault strikes any more; what was held is delivered. */
  lift(): void {
    if (this.#lifted) return;
    this.#lifted = true;
    for (const { timer } of this.#entries) if (timer !== undefined) this.#deps.clock.clearTimeout(timer);
    this.#holds.lift();
  }

  /** Takes one event that XState is about to deliver. */
  pass(passage: Passage): void {
    if (this.#lifted || (this.#entries.length === 0 && this.#holds.isIdle && this.#partitions.size === 0) || isPool(passage.target)) {
      passage.deliver();
      return;
    }
    const { target } = passage;
    for (const entry of this.#entries) {
      if (!('actor' in entry.fault) || !this.#deps.paths.matches(entry.fault.actor, target) || !this.#isDue(entry)) continue;
      this.#strikeActor(entry as Entry<ActorFault>, target);
      if (entry.fault.fault === 'crash' || entry.fault.fault === 'kill') {
        this.#lose(passage);
        return;
      }
    }
    if (this.#holds.holds(passage)) return;
    if (isMessage(passage)) this.#message(passage);
    else passage.deliver();
  }

  #message(passage: Passage): void {
    const { paths } = this.#deps;
    const { source, target, event } = passage;
    const isCut = [...this.#partitions].some(
      ([one, other]) => (paths.matches(one, source) && paths.matches(other, target)) || (paths.matches(other, source) && paths.matches(one, target)),
    );
    if (isCut) {
      this.#lose(passage);
      return;
    }
    for (const entry of this.#entries) {
      if (!('to' in entry.fault)) continue;
      const { fault } = entry as Entry<MessageFault>;
      const { to, from, event: type } = fault;
      if (!paths.matches(to, target) || (from !== undefined && !paths.matches(from, source)) || (type !== undefined && type !== event.type)) continue;
      if (!this.#isDue(entry)) continue;
      entry.struck++;
      this.#tell(`${fault.fault} ${this.#deps.trace.message(source, target, event)}`);
      if (fault.fault === 'drop') this.#lose(passage);
      else if (fault.fault === 'duplicate') {
        passage.deliver();
        if (!hasStopped(target)) passage.deliver();
      } else this.#holds.putBehind(passage, fault.withinMs ?? 1_000);
      return;
    }
    passage.deliver();
    this.#holds.releaseBehind(passage);
  }

  #lose({ source, target, event }: Passage): void {
    this.#deps.trace.add('lost', this.#deps.trace.message(source, target, event));
  }

  #tell(what: string): void {
    this.#deps.trace.add('fault', what);
  }

  #isLeft({ fault, struck }: Entry): boolean {
    const most = ('times' in fault ? fault.times : undefined) ?? (typeof fault.when === 'object' && 'chance' in fault.when ? Infinity : 1);
    return struck < most;
  }

  /** An occasion: does this fault strike at it? */
  #isDue(entry: Entry): boolean {
    const { when } = entry.fault;
    if (typeof when !== 'object' || !this.#isLeft(entry)) return false;
    if ('chance' in when) return this.#deps.chance.next() < when.chance;
    if ('nth' in when) return ++entry.seen >= when.nth;
    return 'to' in entry.fault && this.#deps.clock.now() >= when.atMs;
  }

  #victims({ actor }: ActorFault): AnyActorRef[] {
    return this.#deps.paths.all().filter((one) => this.#deps.paths.matches(actor, one) && !hasStopped(one) && !isUnstarted(one));
  }

  #strikeNow(entry: Entry): number {
    const { fault } = entry;
    const before = entry.struck;
    if ('actor' in fault) {
      for (const actor of this.#victims(fault)) if (!hasStopped(actor)) this.#strikeActor(entry as Entry<ActorFault>, actor);
    } else if (fault.fault === 'partition') {
      entry.struck++;
      const { between, forMs } = fault;
      this.#tell(`partition ${between[0]} | ${between[1]}`);
      this.#partitions.add(between);
      if (forMs !== undefined) this.#deps.clock.set(() => this.#heal(between), forMs, 'partition heals');
    } else if (fault.fault === 'clockJump') {
      entry.struck++;
      this.#tell(`clockJump ${fault.byMs} ms`);
      this.#deps.clock.jump(fault.byMs);
    }
    return entry.struck - before;
  }

  #heal(between: readonly [string, string]): void {
    this.#partitions.delete(between);
    this.#tell(`partition ${between[0]} | ${between[1]} is over`);
  }

  #strikeActor(entry: Entry<ActorFault>, actor: AnyActorRef): void {
    const { fault } = entry;
    entry.struck++;
    this.#tell(`${fault.fault} ${this.#deps.paths.of(actor)}`);
    switch (fault.fault) {
      case 'crash':
        crashActor(actor, new Error(fault.error ?? 'planned crash'));
        break;
      case 'kill':
        exit(actor, 'kill');
        break;
      case 'hang':
        this.#holds.hang(actor, fault.forMs);
        break;
      case 'slow':
        this.#holds.slow(actor, fault.byMs, fault.forMs);
    }
  }
}

/** A message of the app: from one actor to another, or from outside; no word of the runtime. */
function isMessage({ source, target, event }: Passage): boolean {
  if (source === target || isReliable(event.type) || kindOf(target) !== undefined) return false;
  return source === undefined || !isPool(source);
}
