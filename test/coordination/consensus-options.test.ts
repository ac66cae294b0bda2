/** What a member of a log is asked for: misuse is thrown before anything starts. */
import { describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import { consensus } from '../../src/coordination/consensus.js';
import { type Consensus, consensusHandle, createConsensus } from '../../src/coordination/consensus-handle.js';
import type { ConsensusOptions } from '../../src/coordination/consensus-options.js';
import { EspalierError } from '../../src/errors.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { world } from './consensus-room.js';

const backend = memoryBackend({ clock: new VirtualClock() });
const code = 'consensus/invalid-options';
const whole: ConsensusOptions = { name: 'a', id: 'ann', voters: ['ann', 'bob', 'eve'], vote: () => 'accept' };

/** The code of what a call throws; null: nothing. */
function codeOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof EspalierError) return error.code;
    throw error;
  }
}

describe('the options of a member', () => {
  it.each<[string, object]>([
    ['a name that nobody knows', { quota: 2 }],
    ['a log with a slash', { name: 'a/b' }],
    ['no log', { name: '' }],
    ['an id with a slash', { id: 'a/b' }],
    ['no voters', { voters: [] }],
    ['a voter twice', { voters: ['ann', 'ann'] }],
    ['a voter that is no name', { voters: ['ann', 1] }],
    ['voters that are no list', { voters: 'ann' }],
    ['too many voters', { voters: 101 }],
    ['half a voter', { voters: 1.5 }],
    ['the vote of one who is no voter', { id: 'joe' }],
    ['a vote that is no function', { vote: 'accept' }],
    ['a quorum of no more than half', { voters: ['ann', 'bob', 'eve', 'joe'], quorum: 2 }],
    ['a quorum of more than all', { quorum: 4 }],
    ['a participation of more than all', { participation: 4 }],
    ['no window', { window: 0 }],
    ['an index below 1', { from: 0 }],
    ['values without end', { maxValueBytes: 131_073 }],
    ['a lease of no time', { ttlMs: 0 }],
    ['a margin of all of it', { ttlMs: 100, marginMs: 100 }],
    ['no time to renew', { ttlMs: 100, renewEveryMs: 95 }],
    ['no pause', { retryMs: 0 }],
    ['no time to think', { voteMs: 0 }],
    ['no time to wait', { withinMs: Infinity }],
  ])('are refused for %s', (_, options) => {
    expect(codeOf(() => consensus(backend, { ...whole, ...options }))).toBe(code);
  });

  it('are refused without a backend, and a handle without a member', () => {
    const stranger = createActor(fromCallback(() => {}));
    const calls = [
      () => consensus({} as never, whole),
      () => consensus(backend, null as never),
      () => createConsensus(backend, whole, { clocks: 1 } as never),
      () => consensusHandle(stranger),
      () => consensusHandle(() => stranger).status(),
      () => consensusHandle(() => undefined).on('consensus.forgotten' as never, () => {}),
      () => consensusHandle(() => undefined).on('consensus.decided', 1 as never),
    ];
    expect(calls.map(codeOf)).toEqual(calls.map(() => code));
  });

  it('are taken in any order of the voters, and of one who only follows', () => {
    expect(codeOf(() => consensus(backend, { name: 'a', id: 'joe', voters: ['eve', 'ann', 'bob'] }))).toBeNull();
    expect(codeOf(() => consensus(backend, { ...whole, quorum: 3, participation: 1 }))).toBeNull();
  });
});

describe('a call', () => {
  it.each<[string, (member: Consensus) => Promise<unknown>]>([
    ['a value that is no JSON', (member) => member.propose(undefined)],
    ['what JSON cannot make', (member) => member.propose(Object.assign([], { toJSON: () => 1n }))],
    ['an index below 1', (member) => member.propose(1, { index: 0 })],
    ['no time', (member) => member.propose(1, { withinMs: 0 })],
    ['a signal that is none', (member) => member.propose(1, { signal: {} as never })],
    ['a name that nobody knows', (member) => member.propose(1, { at: 1 } as never)],
    ['an index that is none', (member) => member.decided(0.5)],
    ['a deadline that is none', (member) => member.decided(1, { withinMs: -1 })],
  ])('rejects for %s', async (_, call) => {
    await expect(call(world().member('ann'))).rejects.toMatchObject({ code });
  });

  it('is answered where no member runs', async () => {
    const none = consensusHandle(() => undefined);
    expect(await none.propose(1)).toEqual({ ok: false, reason: 'closed' });
    expect(await none.decided(1)).toEqual({ ok: false, reason: 'closed' });
    expect(none.status()).toEqual({ state: 'ended', next: 1, isFollowing: false });
    await none.close();
  });
});
