/** A participant that is closed, or shut down: its lease is given back before it ends. */
import { describe, expect, it } from 'vitest';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { backendHandle, coordinationBackend } from '../../src/coordination/backend.js';
import { leader } from '../../src/coordination/leader.js';
import { leaderHandle } from '../../src/coordination/leader-handle.js';
import { createEventStore } from '../../src/event-store/handle.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ground, noting } from './leader-ground.js';

/** The same, of which some methods are others. */
const methodsOf = (backend: Backend, others: Partial<Backend>): Backend =>
  new Proxy(backend, { get: (target, name: keyof Backend) => others[name] ?? (target[name] as (...call: unknown[]) => unknown).bind(target) });

describe('a participant', () => {
  it.each([
    ['until its lease is given back', 0],
    ['until that is over, where nobody answers', 900],
  ])('that is closed leads no more, and does not end %s', async (_, afterMs) => {
    const { clock, backend, join } = ground();
    let answer = (): void => {};
    const isLetGo = new Promise<void>((resolve) => (answer = resolve));
    const slow: Backend = methodsOf(backend, { revoke: (...call) => isLetGo.then(() => backend.revoke(...call)) });
    const notes: string[] = [];
    const a = await join('a', { backend: slow, work: noting('a', notes) });
    a.actor.send({ type: 'leader.close' });
    await clock.flush();
    expect([a.handle.isLeading(), a.handle.status().part, a.actor.getSnapshot().status]).toEqual([false, 'resigning', 'active']);
    expect([notes, a.handle.stand()]).toEqual([['a begins in term 1', 'a ends'], { ok: false, reason: 'ended' }]);
    if (afterMs === 0) answer();
    await clock.advanceByAsync(afterMs);
    expect([a.handle.status().part, a.actor.getSnapshot().status]).toEqual(['ended', 'done']);
    answer();
  });

  it('leaves no lease to the next process, where its backend ends with it', async () => {
    const clock = new VirtualClock();
    await using store = createEventStore({ memory: true });
    const backend = backendHandle(() => app.child('backend'));
    const app: App = orchestrator({
      actors: { backend: coordinationBackend({ store }), leader: leader({ backend, election: 'planner', id: 'a' }) },
      children: [
        { id: 'backend', src: 'backend', restart: 'transient' },
        { id: 'leader', src: 'leader' },
      ],
    }).start({ clock });
    const handle = leaderHandle(() => app.child('leader'));
    const isElected = new Promise((resolve) => handle.on('leader.elected', resolve));
    // Whoever asks before the backend has read what is stored asks again after a pause.
    handle.on('leader.retrying', ({ pauseMs }) => void clock.advanceByAsync(pauseMs));
    await isElected;
    await app.stop();
    const next = memoryBackend({ clock, store });
    expect(await next.status()).toMatchObject({ outcome: 'ok', leases: 0 });
    await next.close();
  });
});
