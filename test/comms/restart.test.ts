/** Agents that end, and those that come after them under their names. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { AgentEvent, CommsRequest } from '../../machines/comms/message.js';
import { comms as commsLogic } from '../../src/comms/comms.js';
import { commsHandle } from '../../src/comms/handle.js';
import type { CommsOptions } from '../../src/comms/options.js';
import { credit, reply, respondent } from '../../src/comms/respondent.js';
import { registryHandle } from '../../src/registry/handle.js';
import { registry as registryLogic } from '../../src/registry/registry.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { balance, room } from './comms-room.js';

const ok = { ok: true } as const;
const no = (reason: string) => ({ ok: false, reason });

/** A tree: names, one agent that is restarted after `pauseMs`, and comms. `heard`: what each incarnation was sent. */
async function tree(options: Partial<CommsOptions> = {}, pauseMs = 100) {
  const clock = new VirtualClock();
  const heard: AgentEvent[][] = [];
  const agent = fromCallback<AgentEvent>(({ receive }) => {
    const own: AgentEvent[] = [];
    heard.push(own);
    receive((event) => own.push(event));
  });
  const find: { app?: { child(id: string): AnyActorRef | undefined } } = {};
  const names = registryHandle(() => find.app?.child('names'));
  const app = orchestrator({
    actors: { names: registryLogic(), agent, comms: commsLogic({ agents: names, credits: 1, ...options }) },
    children: [
      { id: 'names', src: 'names' },
      { id: 'ann', src: 'agent', backoff: { minMs: pauseMs, maxMs: pauseMs, factor: 1, jitter: 0, resetAfterMs: 60_000 } },
      { id: 'comms', src: 'comms' },
    ],
  }).start({ clock });
  find.app = app;
  ends.push(() => app.stop());
  await app.started();
  expect(names.register('ann', app.child('ann') as AnyActorRef, { follow: true })).toEqual(ok);
  const asked = (incarnation: number): CommsRequest[] =>
    (heard[incarnation] ?? []).filter((event): event is CommsRequest => event.type === 'comms.request');
  return {
    ...{ app, clock, names, heard, asked, comms: commsHandle(() => app.child('comms')) },
    kill: () => exit(app.child('ann') as AnyActorRef, 'kill'),
    pass: (ms: number) => clock.advanceByAsync(ms),
  };
}

describe('an agent that is restarted', () => {
  it('goes on with what waited for its predecessor; what that had is crashed at once', async () => {
    const { comms, kill, asked, heard, pass } = await tree();
    const [out, queued] = [comms.request('ann', 1), comms.request('ann', 2)];
    kill();
    expect(await out).toEqual(no('crashed'));
    expect(comms.channel('ann')).toMatchObject({ state: 'vacant', queued: 1, out: 0 });
    expect(await comms.notify('ann', 3)).toEqual(ok);
    await pass(100);
    expect(asked(1).map(({ body }) => body)).toEqual([2]);
    const [event] = asked(1);
    event?.replyTo.send(reply(event, 'from the second'));
    expect(await queued).toEqual({ ok: true, value: 'from the second' });
    await pass(0);
    expect(heard[1]?.map(({ type }) => type)).toEqual(['comms.request', 'comms.notice']);
    expect(balance(comms)).toEqual({ sent: 3, accounted: 3 });
  });

  it('is asked again what its predecessor had not answered, where that was chosen: first, and once', async () => {
    const { comms, kill, asked, pass } = await tree({ credits: 2 });
    const first = comms.request('ann', 1, { key: 'one', onRestart: 'again' });
    const second = comms.request('ann', 2, { key: 'two', onRestart: 'again' });
    const third = comms.request('ann', 3);
    const stale = asked(0);
    kill();
    await pass(100);
    expect(asked(1).map(({ body }) => body)).toEqual([1, 2]);
    // Another delivery has another reference: what the dead one sent late is nobody's.
    for (const event of stale) event.replyTo.send(reply(event, 'from the dead'));
    for (const event of asked(1)) event.replyTo.send(reply(event, `again ${String(event.body)}`));
    expect([await first, await second]).toEqual([1, 2].map((n) => ({ ok: true, value: `again ${n}` })));
    await pass(0);
    expect(asked(1).map(({ body }) => body)).toEqual([1, 2, 3]);
    const last = asked(1).at(-1) as CommsRequest;
    last.replyTo.send(reply(last, 0));
    await third;
    expect(comms.status().counts).toMatchObject({ sent: 3, delivered: 3, lateReplies: 2 });
  });

  it('begins with all its credits, whatever its predecessor had taken of them', async () => {
    const { comms, kill, heard, pass } = await tree();
    await comms.notify('ann', 0);
    const [notice] = heard[0] as [CommsRequest];
    notice.replyTo.send(credit(notice, -5));
    await comms.notify('ann', 1);
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', queued: 1, credits: -4 });
    kill();
    await pass(100);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', queued: 0, credits: 1 });
    expect(heard[1]).toHaveLength(1);
  });

  it('leaves its mailbox to the dead letters when its name is given up', async () => {
    const { comms, kill, names, pass, app } = await tree({}, 120_000);
    const [out, queued] = [comms.request('ann', 1), comms.request('ann', 2, { withinMs: 90_000 })];
    await comms.notify('ann', 3);
    kill();
    expect(await out).toEqual(no('crashed'));
    expect(names.awaits('ann')).toBe(true);
    await pass(60_000);
    expect(names.awaits('ann')).toBe(false);
    expect(await queued).toEqual(no('noAgent'));
    expect(comms.deadLetters()).toMatchObject([{ body: 2 }, { body: 3 }]);
    expect(comms.channel('ann')).toBeUndefined();
    expect(app.child('comms')).toBeDefined();
  });
});

describe('a name', () => {
  it('that passes to another leads to that one; what the first one has may still be answered', async () => {
    const { comms, names, asked, heard, app } = await tree({ credits: 2 });
    const first = comms.request('ann', 1);
    const next = createActor(
      fromCallback<AgentEvent>(({ receive }) => receive((event) => event.type === 'comms.request' && event.replyTo.send(reply(event, 'next')))),
    ).start();
    ends.push(() => next.stop());
    names.unregister('ann', app.child('ann') as AnyActorRef);
    expect(comms.channel('ann')).toBeUndefined();
    expect(await comms.request('ann', 2)).toEqual(no('noAgent'));
    names.register('ann', next);
    expect(await comms.request('ann', 3)).toEqual({ ok: true, value: 'next' });
    const [event] = asked(0);
    event?.replyTo.send(reply(event, 'first'));
    expect(await first).toEqual({ ok: true, value: 'first' });
    expect(heard[0]).toHaveLength(1);
  });

  it("that passes to another has that one's credits: what the first one does not answer holds up itself", async () => {
    const { comms, puppet, agents } = room({ credits: 1 });
    const first = puppet('ann');
    void comms.request('ann', 1);
    const next = puppet('ann');
    const second = comms.request('ann', 2);
    expect(next.asked()).toEqual([2]);
    expect(comms.channel('ann')).toMatchObject({ out: 2, credits: 0 });
    next.answer(2, 'next');
    expect(await second).toEqual({ ok: true, value: 'next' });
    // The first one is at it still: it takes no more, now that it goes by the name again.
    agents.set('ann', first.ref);
    const third = comms.request('ann', 3);
    expect(first.asked()).toEqual([1]);
    first.answer(1, 'at last');
    await Promise.resolve();
    expect(first.asked()).toEqual([1, 3]);
    first.answer(3, 'first');
    expect(await third).toEqual({ ok: true, value: 'first' });
    expect(comms.channel('ann')).toMatchObject({ out: 0, credits: 1 });
  });

  it('that passes to another leaves the first one his credit: what he takes more or less at once from then on is nothing to the other', async () => {
    const { comms, add, puppet, agents, pass } = room({ credits: 2 });
    const done: (() => void)[] = [];
    const first = add('ann', respondent({ notice: () => new Promise<void>((resolve) => done.push(resolve)) }));
    for (const n of [1, 2, 3]) await comms.notify('ann', n);
    await pass(0);
    expect(done).toHaveLength(2);
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', queued: 1, credits: 0 });
    const next = puppet('ann');
    await comms.notify('ann', 4);
    expect(next.of('comms.notice').map(({ body }) => body)).toEqual([3, 4]);
    expect(comms.channel('ann')).toMatchObject({ credits: 2 });
    done[0]?.();
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ credits: 2 });
    // He goes by the name again, and is at one still.
    agents.set('ann', first);
    for (const n of [5, 6]) await comms.notify('ann', n);
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', queued: 1, credits: 0 });
    for (const each of done.splice(0)) each();
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', queued: 0, credits: 1 });
    for (const each of done.splice(0)) each();
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ credits: 2 });
    // What the other had is his still, and ends with him.
    const [notice] = next.of('comms.notice');
    notice?.replyTo.send(credit(notice, 5));
    expect(comms.channel('ann')).toMatchObject({ credits: 2 });
  });

  it('that is given up and taken again by the same actor has the credits of the start, whatever comes of before', async () => {
    const { comms, add, agents, pass } = room({ credits: 2 });
    const done: (() => void)[] = [];
    const ann = add('ann', respondent({ notice: () => new Promise<void>((resolve) => done.push(resolve)) }));
    await comms.notify('ann', 1);
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ credits: 1 });
    agents.delete('ann');
    expect(await comms.notify('ann', 2)).toEqual(no('noAgent'));
    agents.set('ann', ann);
    await comms.notify('ann', 3);
    await pass(0);
    for (const each of done.splice(0)) each();
    await pass(0);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', credits: 2 });
  });

  it('whose channel was ended since nobody used it is known by what was sent before', async () => {
    const { comms, puppet, pass } = room({ credits: 2, idleMs: 100 });
    const ann = puppet('ann');
    await comms.notify('ann', 1);
    const [notice] = ann.of('comms.notice');
    await pass(200);
    expect(comms.channel('ann')).toBeUndefined();
    await comms.notify('ann', 2);
    notice?.replyTo.send(credit(notice, -2));
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', credits: 0 });
  });

  it('is looked up anew each time, where a function knows it', async () => {
    const { comms, puppet } = room();
    const first = puppet('ann');
    await comms.notify('ann', 1);
    const next = puppet('ann');
    await comms.notify('ann', 2);
    expect([first.of('comms.notice').length, next.of('comms.notice').length]).toEqual([1, 1]);
  });
});

describe('comms', () => {
  it('that are restarted begin anew, and who waited is answered', async () => {
    const { comms, app, asked, pass } = await tree();
    const [out, queued] = [comms.request('ann', 1), comms.request('ann', 2)];
    exit(app.child('comms') as AnyActorRef, 'kill');
    expect([await out, await queued]).toEqual([no('closed'), no('closed')]);
    await pass(0);
    const anew = comms.request('ann', 4);
    const event = asked(0).at(-1) as CommsRequest;
    event.replyTo.send(reply(event, 'yes'));
    expect(await anew).toEqual({ ok: true, value: 'yes' });
  });

  it('fail where a stranger ends their exchange, and have another channel where he ends one', async () => {
    const { comms, app, asked, clock, pass } = await tree();
    const children = (ref: AnyActorRef) => Object.values((ref.getSnapshot() as { children: Record<string, AnyActorRef> }).children);
    const [exchange] = children(app.child('comms') as AnyActorRef);
    const out = comms.request('ann', 1);
    exit(exchange as AnyActorRef, 'kill');
    expect(await out).toEqual(no('closed'));
    await pass(100);
    expect(comms.status().state).toBe('serving');
    const again = comms.request('ann', 2);
    const queued = comms.request('ann', 3);
    const channel = comms.channelRef('ann') as AnyActorRef;
    exit(channel, 'kill');
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', queued: 1, out: 1 });
    for (const body of [2, 3]) {
      const event = asked(0).find((each) => each.body === body) as CommsRequest;
      event.replyTo.send(reply(event, body));
      await pass(0);
    }
    expect([await again, await queued]).toEqual([2, 3].map((value) => ({ ok: true, value })));
    expect(clock.now()).toBeGreaterThan(0);
  });

  it('end a channel that nobody has used for a time, and make another', async () => {
    const { comms, puppet, pass, clock } = room({ idleMs: 100 });
    const ann = puppet('ann');
    await comms.notify('ann', 1);
    await pass(150);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing' });
    void comms.request('ann', 2, { withinMs: 1_000 });
    await pass(500);
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', out: 1 });
    ann.answer(2, 0);
    await pass(200);
    expect(comms.channel('ann')).toBeUndefined();
    expect(clock.pending()).toBe(0);
    expect(await comms.notify('ann', 3)).toEqual(ok);
    expect(ann.of('comms.notice').map(({ body }) => body)).toEqual([1, 3]);
  });

  it('have so many channels at most', async () => {
    const { comms, puppet } = room({ maxChannels: 1 });
    puppet('ann');
    puppet('bob');
    await comms.notify('ann', 1);
    expect(await comms.notify('bob', 1)).toEqual(no('full'));
  });
});
