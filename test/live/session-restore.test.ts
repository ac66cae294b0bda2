/** A session's chart that was stored, and goes on in another process: without its socket, its calls' actors, and its timers. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Snapshot } from 'xstate';
import { connectingAgain } from '../../machines/live/session-restore.js';
import { reasonOfOutput, startOfOutput } from '../../machines/supervision/exit.js';
import { input, leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

/** As `liveSession()` stores and restores it. */
const restored = (former: SessionWorld, options: WorldOptions = {}): SessionWorld =>
  sessionWorld({ ...options, snapshot: connectingAgain(former.saved() as Snapshot<unknown>, false) });
const ready = (): SessionWorld => {
  const w = sessionWorld({ ready: true });
  w.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
  w.message({ goAway: { timeLeft: '50s' }, serverContent: { modelTurn: {} } });
  w.call('done', 'open');
  w.settle('done');
  return w;
};
const stages: readonly [string, () => SessionWorld][] = [
  ['connecting', () => sessionWorld()],
  [
    'settingUp',
    () => {
      const w = sessionWorld();
      w.opened();
      return w;
    },
  ],
  ['ready.generating', ready],
  [
    'rotating',
    () => {
      const w = ready();
      w.session.send({ type: 'rotation.forced' });
      return w;
    },
  ],
  [
    'backingOff',
    () => {
      const w = ready();
      w.closed(1006);
      return w;
    },
  ],
];

describe.each(stages)('restored while %s', (stage, begin) => {
  it('is connecting, and accepts nothing before it is ready again', () => {
    const former = begin();
    expect(former.state()).toBe(stage);
    const wasReady = former.session.getSnapshot().context.hasBeenReady;
    const w = restored(former);
    expect([w.state(), [...w.session.getSnapshot().tags]]).toEqual(['connecting', wasReady ? [] : ['starting']]);
    expect(w.log.filter((line) => !line.startsWith('function')).sort()).toEqual(['socket 1 begins', 'tools begins', 'uplink begins']);
    w.opened();
    expect(w.sockets[0]?.heard).toEqual([
      { type: 'connection.setup', message: { setup: { ...input.setup, sessionResumption: wasReady ? { handle: 'h1' } : {} } } },
    ]);
    w.message({ setupComplete: {} });
    expect([w.state(), [...w.session.getSnapshot().tags], w.region('rotation')]).toEqual(['ready.idle', ['accepting'], 'steady']);
  });

  it('has its deadline', () => {
    const w = restored(begin());
    w.clock.advanceBy(999);
    expect(w.state()).toBe('connecting');
    w.clock.advanceBy(1);
    expect(w.state()).toBe(w.session.getSnapshot().context.hasBeenReady ? 'backingOff' : 'failed');
  });

  it('abandons what calls were open, runs none again, and knows what was answered', () => {
    const w = restored(begin());
    const wasReady = w.session.getSnapshot().context.hasBeenReady;
    expect(w.told()).toEqual(wasReady ? ['tool.abandoned'] : []);
    expect([w.runs, w.region('tools')]).toEqual([[], 'idle']);
    w.opened();
    w.message({ setupComplete: {} });
    w.call('done', 'open');
    expect([w.statusOf('done'), w.statusOf('open')]).toEqual([wasReady ? 'answered' : 'running', 'running']);
    expect(w.fact('tool.repeated').map(({ id }) => id)).toEqual(wasReady ? ['done'] : []);
  });

  it('can be closed before it has begun', () => {
    const former = begin();
    const w = sessionWorld({ snapshot: connectingAgain(former.saved() as Snapshot<unknown>, false), closed: true });
    expect(w.state()).toBe('closed');
  });
});

describe('restored', () => {
  it('writes answers again that the conversation may not have had', () => {
    const former = sessionWorld({ ready: true });
    former.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
    former.call('a', 'open');
    former.settle('a');
    const w = restored(former);
    w.opened();
    w.message({ setupComplete: {} });
    expect(w.told()).toEqual(['tool.abandoned', 'session.ready', 'tool.resent']);
    expect(w.wire).toEqual(former.wire);
  });

  it('while closing, is closed: there is no socket to wait for', () => {
    const former = sessionWorld({ ready: true });
    former.isFast = false;
    former.call('a');
    former.settle('a');
    former.session.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'rolling'] });
    const w = restored(former);
    expect(w.state()).toBe('closed');
    expect(w.facts).toEqual([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'closed' },
      { type: 'session.closed', by: 'client', code: 1006, reason: 'restored while closing: its socket is gone' },
    ]);
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual(['shutdown', 'rolling']);
  });

  it('at its end, stays ended', () => {
    const former = sessionWorld({ ready: true });
    former.closed(1008);
    const saved = former.saved() as Snapshot<unknown>;
    expect(connectingAgain(saved, false)).toBe(saved);
  });

  it('and closed before it is ready again, exits as one that has lived', () => {
    const w = restored(ready());
    w.session.send({ type: 'session.close' });
    const { output } = w.session.getSnapshot();
    expect([w.state(), reasonOfOutput(output), startOfOutput(output)]).toEqual(['closed', 'normal', undefined]);
  });

  it('has all its attempts again: the moments of another clock mean nothing', () => {
    const former = ready();
    former.closed(1006);
    former.clock.advanceBy(100);
    former.closed(1006);
    const w = restored(former);
    for (const delayMs of [100, 200]) {
      w.closed(1006);
      w.clock.advanceBy(delayMs);
    }
    expect(w.state()).toBe('connecting');
    w.closed(1006);
    expect(w.state()).toBe('failed');
  });

  it.each([
    ['settingUp', stages[1]?.[1]],
    ['ready', stages[2]?.[1]],
    ['rotating', stages[3]?.[1]],
  ])('as XState does it by itself, while %s, connects anew and stops what calls there were', (_, begin) => {
    const former = begin?.() as SessionWorld;
    const w = sessionWorld({ snapshot: former.saved() });
    expect([w.state(), w.fact('tool.abandoned').length]).toEqual(['connecting', former.runs.length === 0 ? 0 : 1]);
    expect(w.runs.filter(({ isRunning }) => isRunning)).toEqual([]);
    expect(Object.keys(w.session.getSnapshot().children).sort()).toEqual(['connection', 'tools', 'uplink']);
    w.opened();
    w.message({ setupComplete: {} });
    expect([w.state(), w.region('rotation'), w.statusOf('open')]).toEqual(['ready.idle', 'steady', w.statusOf('open')]);
  });
});
