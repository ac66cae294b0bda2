/** Members of one log on one backend and one virtual clock, which end with their test. */
import { afterEach } from 'vitest';
import type { ConsensusVote } from '../../machines/coordination/consensus-record.js';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, OpenBackend } from '../../src/backend/port.js';
import { type Consensus, createConsensus } from '../../src/coordination/consensus-handle.js';
import type { ConsensusOptions } from '../../src/coordination/consensus-options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export interface World {
  readonly clock: VirtualClock;
  readonly backend: OpenBackend;
  /** One member; its backend may be behind a bad line. Of those on a clock of their own the test has to let go itself. */
  member(id: string, options?: Partial<ConsensusOptions>, line?: Backend, clock?: VirtualClock): Consensus;
  /** Lets so many ms go by. */
  pass(ms: number): Promise<void>;
}

/** @param voters  of every member */
export function world(voters: ConsensusOptions['voters'] = ['ann', 'bob', 'eve']): World {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock });
  const members: Consensus[] = [];
  ends.push(async () => {
    const closed = Promise.all(members.map((each) => each.close()));
    await clock.advanceByAsync(60_000);
    await closed;
    await backend.close();
  });
  return {
    clock,
    backend,
    member: (id, options = {}, line = backend, own = clock) => {
      const made = createConsensus(line, { name: 'a', id, voters, ttlMs: 3_000, ...options }, { clock: own });
      if (own === clock) members.push(made);
      return made;
    },
    pass: (ms) => clock.advanceByAsync(ms),
  };
}

export const says = (vote: ConsensusVote) => (): ConsensusVote => vote;

/** What it hears, of all kinds of facts. */
export const facts = (member: Consensus): object[] => {
  const heard: object[] = [];
  const kinds = ['decided', 'missed', 'proposed', 'won', 'refused', 'voted', 'ignored', 'abandoned', 'mismatched', 'retrying'] as const;
  for (const kind of kinds) member.on(`consensus.${kind}`, (fact) => void heard.push(fact));
  return heard;
};

/** The next fact of a kind. */
export function next(member: Consensus, type: Parameters<Consensus['on']>[0]): Promise<object> {
  return new Promise((resolve) => {
    const heard = member.on(type, (fact) => {
      heard.unsubscribe();
      resolve(fact);
    });
  });
}
