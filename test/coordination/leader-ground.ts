/** Participants of one election on a backend in memory and one virtual clock, which end with their test. */
import { expect } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, BackendLimits } from '../../src/backend/port.js';
import { leader } from '../../src/coordination/leader.js';
import { type LeaderHandle, leaderHandle } from '../../src/coordination/leader-handle.js';
import type { LeaderOptions } from '../../src/coordination/leader-options.js';
import { type FaultyBackend, faultyBackend } from '../../src/testing/backend/faulty.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

export interface Participant {
  readonly actor: AnyActorRef;
  readonly handle: LeaderHandle;
  /** What it has told, each in a line. */
  readonly facts: string[];
}

export interface Ground {
  readonly clock: VirtualClock;
  readonly backend: Backend;
  readonly line: FaultyBackend;
  join(id: string, options?: Partial<LeaderOptions>): Promise<Participant>;
  /** Who says that it leads. */
  leading(): string[];
}

const told = ['leader.elected', 'leader.lost', 'leader.resigned', 'leader.changed', 'leader.retrying', 'leader.rejected'] as const;

export function ground(limits: BackendLimits = {}): Ground {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock, ...limits });
  ends.push(() => backend.close());
  const all: [string, Participant][] = [];
  const line = faultyBackend(backend);
  const join = async (id: string, options: Partial<LeaderOptions> = {}): Promise<Participant> => {
    const actor = createActor(leader({ backend: line, election: 'planner', id, ttlMs: 900, ...options }), { clock });
    actor.subscribe({ error: () => {} });
    const facts: string[] = [];
    for (const type of told)
      actor.on(type, ({ type: name, election: where, ...fact }) => {
        expect(where).toBe('planner');
        facts.push([name.slice(7), ...Object.values(fact).map(String)].join(' '));
      });
    actor.start();
    ends.push(() => actor.stop());
    const participant: Participant = { actor, handle: leaderHandle(actor), facts };
    all.push([id, participant]);
    await clock.flush();
    return participant;
  };
  return { clock, backend, line, join, leading: () => all.flatMap(([id, { handle }]) => (handle.isLeading() ? [id] : [])) };
}

/** Work that says when it runs. */
export function noting(name: string, notes: string[]): NonNullable<LeaderOptions['work']> {
  return fromCallback<{ type: 'none' }, { term: number; token: number }>(({ input }) => {
    notes.push(`${name} begins in term ${input.term}`);
    return () => void notes.push(`${name} ends`);
  });
}
