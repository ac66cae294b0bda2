/** Members of one log on one backend and one virtual clock, which end with their test. */
import type { ConsensusVote } from '../../machines/coordination/consensus-record.js';
import type { Backend } from '../../src/backend/port.js';
import { type Consensus, createConsensus } from '../../src/coordination/consensus-handle.js';
import type { ConsensusOptions } from '../../src/coordination/consensus-options.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type BackendRoom, backendRoom } from './backend-room.js';

export interface World extends BackendRoom {
  /** One member; its backend may be behind a bad line. Of those on a clock of their own the test has to let go itself. */
  member(id: string, options?: Partial<ConsensusOptions>, line?: Backend, clock?: VirtualClock): Consensus;
}

/** @param voters  of every member */
export function world(voters: ConsensusOptions['voters'] = ['ann', 'bob', 'eve']): World {
  const { shared, add } = backendRoom<Consensus>();
  const { backend, clock } = shared;
  return {
    ...shared,
    member: (id, options = {}, line = backend, own = clock) =>
      add(createConsensus(line, { name: 'a', id, voters, ttlMs: 3_000, ...options }, { clock: own }), own),
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
