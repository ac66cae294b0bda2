/** Coordination sessions where others do not keep to what was agreed: nothing is lost, and each end is told. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { type CoordinationSession, createCoordinator } from '../../src/coordination/coordinator-handle.js';
import { voting } from '../../src/coordination/voting.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { actorOf, begun, type Play, played, quick, room, treeRoom } from './session-room.js';
import { begin as beginAlone, crashOf } from './protocol-room.js';
import { silent } from './scripted-agents.js';

const agents = ['ann', 'bob'];

describe('a coordination session among those who do as they like', () => {
  it('takes it for a crash where who asks throws what has no words, or comes back with no outcome', async () => {
    const clock = new VirtualClock();
    const wordless = Object.create(null) as unknown;
    const askers: readonly (() => unknown)[] = [
      async () => {
        throw wordless;
      },
      () => Promise.resolve(),
      () => Promise.resolve({ ok: false }),
      () => {
        throw wordless;
      },
    ];
    for (const request of askers) {
      const coordinator = createCoordinator({ requests: { request } as never }, { clock });
      ends.push(() => coordinator.close());
      const session = begun(coordinator, voting({ options: ['yes'] }), { agents, retry: { attempts: 1 } });
      await clock.flush();
      expect([session.state, await session.result()]).toMatchObject(['failed', { why: 'crashed', details: expect.any(String) as string }]);
    }
    const { coordinator, clock: other } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents, retry: { attempts: 1 } });
    plays[0]?.crash(wordless as Error);
    await other.flush();
    expect(await session.result()).toMatchObject({ why: 'crashed', details: 'object without words' });
  });

  it('begins what it lets in, also while another ends and the next begins', async () => {
    const { coordinator, clock } = room({}, { maxSessions: 1, maxWaiting: 1 });
    const plays: Play[] = [];
    for (const id of ['a', 'b']) begun(coordinator, played(plays), { agents, id });
    const letIn: CoordinationSession<string>[] = [];
    coordinator.on('coordination.started', ({ session }) => {
      if (session === 'b') letIn.push(begun(coordinator, quick, { agents, id: 'c' }));
    });
    for (const index of [0, 1]) {
      plays[index]?.end({ outcome: 'decided', value: 'x' });
      await clock.flush();
    }
    expect(await letIn[0]?.result()).toEqual({ outcome: 'decided', value: 'at once', attempts: 1 });
  });

  it('says of each session that it has ended, also of one that was killed and cannot', async () => {
    const { coordinator } = room({}, { maxSessions: 1, maxWaiting: 1 });
    const facts: object[] = [];
    coordinator.on('coordination.failed', (fact) => void facts.push(fact));
    const sessions = ['s1', 's2'].map((id) => begun(coordinator, played(), { agents, id }));
    for (const id of ['s2', 's1']) exit(actorOf(coordinator, id), 'kill');
    for (const session of sessions) expect(await session.result()).toMatchObject({ outcome: 'failed', why: 'crashed' });
    const fact = { type: 'coordination.failed', protocol: 'played', why: 'crashed' };
    expect(facts).toEqual([
      { ...fact, session: 's2', attempts: 0 },
      { ...fact, session: 's1', attempts: 1 },
    ]);
  });

  it('is tried again where a stranger ends its worker, its chart, or what asks for that, and be it as their owners would', async () => {
    const { coordinator, clock, pass } = room();
    const plays: Play[] = [];
    const session = begun(coordinator, played(plays), { agents, retry: { attempts: 3, backoff: { jitter: 0 } } });
    exit(actorOf(coordinator, 'worker'), 'shutdown');
    expect(session.state).toBe('pausing');
    await pass(100);
    exit(plays[1]?.self as AnyActorRef, 'shutdown');
    expect(session.state).toBe('pausing');
    await pass(200);
    plays[2]?.end({ outcome: 'decided', value: 'x' });
    expect(await session.result()).toMatchObject({ outcome: 'decided', attempts: 3 });
    const { actor } = beginAlone(voting({ options: ['yes'] }), { ann: () => silent }, { clock });
    exit(childrenOf(actor)[0] as AnyActorRef, 'shutdown');
    expect(crashOf(actor)).toBe('killed');
  });

  it.each(['kill', 'shutdown'] as const)('does not wait for a turn that %s has ended, nor for a pool', async (reason) => {
    const { coordinator, app, clock } = treeRoom({}, { maxSessions: 1, maxWaiting: 1 });
    await app.started();
    const sessions = ['s1', 's2'].map((id) => begun(coordinator, played(), { agents, id }));
    exit(actorOf(coordinator, 'turn'), reason);
    expect(await sessions[1]?.result()).toEqual({ outcome: 'failed', why: 'crashed', attempts: 0 });
    exit(actorOf(coordinator, 'pool'), reason);
    expect(await sessions[0]?.result()).toEqual({ outcome: 'failed', why: 'coordinatorLost', attempts: 1 });
    await clock.flush();
    expect(await begun(coordinator, quick, { agents, id: 's1' }).result()).toMatchObject({ outcome: 'decided' });
  });
});
