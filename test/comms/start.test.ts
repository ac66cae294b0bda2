/** Agents that have their name and are not started yet: nothing is sent to them, and what is for them waits by the policy of their mailbox. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { respondent } from '../../src/comms/respondent.js';
import { createRegistry } from '../../src/registry/handle.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { balance, room } from './comms-room.js';

const ok = { ok: true } as const;
const no = (reason: string) => ({ ok: false, reason });

function unstarted(clock: VirtualClock, heard: unknown[]) {
  const ref = createActor(respondent({ request: (body) => body, notice: (body) => void heard.push(body) }), { clock });
  ends.push(() => ref.stop());
  return ref;
}

describe('an agent that is not started', () => {
  it('has no more waiting for it than its mailbox holds, and all of it in order when it is', async () => {
    const { comms, agents, clock, pass } = room({ credits: 2, maxQueued: 3 });
    const heard: unknown[] = [];
    const ann = unstarted(clock, heard);
    agents.set('ann', ann);
    const outcomes = [];
    for (let n = 1; n <= 5; n++) {
      outcomes.push(await comms.notify('ann', n));
      await pass(0);
    }
    expect(outcomes).toEqual([ok, ok, ok, no('full'), no('full')]);
    expect(comms.channel('ann')).toMatchObject({ state: 'vacant', queued: 3, out: 0 });
    ann.start();
    expect(await comms.request('ann', 6)).toEqual({ ok: true, value: 6 });
    expect(heard).toEqual([1, 2, 3]);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', queued: 0, out: 0, credits: 2 });
    expect(balance(comms)).toEqual({ sent: 6, accounted: 6 });
  });

  it('is told by nobody but its start', async () => {
    const { comms, agents, clock, pass } = room();
    const heard: unknown[] = [];
    const ann = unstarted(clock, heard);
    agents.set('ann', ann);
    const asked = comms.request('ann', 'question');
    await comms.notify('ann', 'word');
    ann.start();
    await pass(0);
    expect(heard).toEqual(['word']);
    expect(await asked).toEqual({ ok: true, value: 'question' });
  });

  it('costs its callers no more than their time', async () => {
    const { comms, agents, clock, pass } = room({ withinMs: 100, idleMs: 1_000 });
    const ann = unstarted(clock, []);
    agents.set('ann', ann);
    const late = comms.request('ann', 1);
    await pass(100);
    expect(await late).toEqual(no('late'));
    expect(await comms.broadcast(['ann'], 2, { strategy: 'allOrNothing' })).toMatchObject({ ok: false, outcomes: { ann: no('noAgent') } });
    await comms.notify('ann', 3);
    // XState tells nobody of an end before the start: it is seen by the look that each channel gets from time to time.
    ann.stop();
    await pass(1_000);
    expect(comms.deadLetters()).toMatchObject([{ body: 3, why: 'noAgent' }]);
    expect(comms.channel('ann')).toBeUndefined();
    await pass(1_000);
    expect(clock.pending()).toBe(0);
  });

  it('is forgotten for another who takes its name, and not sent anything later', async () => {
    const { comms, agents, clock, puppet, pass } = room();
    const heard: unknown[] = [];
    const ann = unstarted(clock, heard);
    agents.set('ann', ann);
    await comms.notify('ann', 1);
    const next = puppet('ann');
    ann.start();
    await comms.notify('ann', 2);
    await pass(0);
    expect([heard, next.of('comms.notice').map(({ body }) => body)]).toEqual([[], [1, 2]]);
  });

  it('is watched as long as its channel is there', async () => {
    const { comms, agents, clock, pass } = room();
    const heard: unknown[] = [];
    const ann = unstarted(clock, heard);
    agents.set('ann', ann);
    await comms.notify('ann', 1);
    await comms.close();
    ann.start();
    await pass(0);
    expect(heard).toEqual([]);
  });

  it('may be one whom a registry starts with its name', async () => {
    const clock = new VirtualClock();
    const names = createRegistry({}, { clock });
    ends.push(() => names.close());
    const { comms, pass } = room({ agents: names });
    const heard: unknown[] = [];
    let told: Promise<unknown> | undefined;
    names.on('registry.registered', ({ key }) => void (told = comms.notify(key, 'welcome')));
    const ann: AnyActorRef = unstarted(clock, heard);
    expect(names.start('ann', ann)).toMatchObject(ok);
    expect(await told).toEqual(ok);
    await pass(0);
    expect(heard).toEqual(['welcome']);
  });
});
