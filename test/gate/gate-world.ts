/** A gate on a virtual clock, with holders that live and die as a test says. */
import { expect } from 'vitest';
import { type Actor, type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { GateEmitted } from '../../machines/gate/gate-events.js';
import { gate as gateLogic, tableOf } from '../../src/gate/gate.js';
import { type Gate, gateHandle } from '../../src/gate/handle.js';
import type { GateOptions } from '../../src/gate/options.js';
import type { AcquireOutcome, Permit, Refusal } from '../../src/gate/permit.js';
import type { PermitTable } from '../../src/gate/permits.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const idle = fromCallback(() => undefined);

export interface GateWorld {
  readonly clock: VirtualClock;
  readonly gate: Gate;
  readonly table: PermitTable;
  readonly facts: GateEmitted[];
  /** Types of all facts. */
  told(): string[];
  /** The latest actor of the gate's system that goes by that id: `permits`, `watchers`, `supervisor`, `watcher`. */
  part(id: string): AnyActorRef;
}

const worlds: GateWorld[] = [];
const actors: AnyActorRef[] = [];

const types = ['waited', 'refused', 'reclaimed', 'expired', 'paused', 'levelChanged', 'watchersRestarted'] as const;

export function gateWorld(options: GateOptions = {}): GateWorld {
  const clock = new VirtualClock();
  const parts = new Map<string, AnyActorRef>();
  const root = createActor(gateLogic(options), {
    clock,
    inspect: ({ type, actorRef }) => {
      if (type === '@xstate.actor') parts.set((actorRef as AnyActorRef).id, actorRef as AnyActorRef);
    },
  });
  root.subscribe({ error: () => {} });
  const gate = gateHandle(root.start());
  const facts: GateEmitted[] = [];
  for (const type of types) gate.on(`gate.${type}`, (fact) => facts.push(fact));
  const part = (id: string): AnyActorRef => {
    const found = parts.get(id);
    if (found === undefined) throw new Error(`expected an actor '${id}', got: ${[...parts.keys()].join(', ')}`);
    return found;
  };
  const world: GateWorld = { clock, gate, table: tableOf(root) as PermitTable, facts, told: () => facts.map(({ type }) => type), part };
  worlds.push(world);
  return world;
}

/** An actor that does nothing until it is ended. */
export function actor(): Actor<typeof idle> {
  const made = createActor(idle).start();
  actors.push(made);
  return made;
}

/** Ends the gates of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { gate, clock, table } of worlds.splice(0)) {
    await gate.close();
    expect(clock.pending(), 'timers left').toBe(0);
    expect(table.owners.size, 'owners left').toBe(0);
  }
  for (const each of actors.splice(0)) each.stop();
}

/** The permit of an acquisition that was granted. */
export function permitOf(outcome: AcquireOutcome): Permit {
  if (!outcome.ok) throw new Error(`expected a permit, got: ${outcome.reason}`);
  return outcome.permit;
}

export function refusalOf(outcome: AcquireOutcome): Refusal {
  if (outcome.ok) throw new Error('expected a refusal, got: a permit');
  return outcome;
}

/** What becomes of an acquisition, looked at without waiting: after the microtasks that are due. */
export class Watched {
  outcome: AcquireOutcome | undefined;
  heard = 0;

  constructor(acquisition: Promise<AcquireOutcome>) {
    void acquisition.then((outcome) => {
      this.outcome = outcome;
      this.heard++;
    });
  }

  get state(): string {
    if (this.outcome === undefined) return 'waiting';
    return this.outcome.ok ? 'granted' : this.outcome.reason;
  }

  get permit(): Permit {
    if (this.outcome === undefined) throw new Error('expected a permit, got: nothing yet');
    return permitOf(this.outcome);
  }
}

/** Lets everything that is due be heard. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}
