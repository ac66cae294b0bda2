/** One word to many: who takes it takes it, and what one does with it is nothing to the others. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { AgentEvent, CommsTopicEvent } from '../../machines/comms/message.js';
import { comms as commsLogic } from '../../src/comms/comms.js';
import { commsHandle, createComms } from '../../src/comms/handle.js';
import { credit, respondent } from '../../src/comms/respondent.js';
import { createRegistry, registryHandle } from '../../src/registry/handle.js';
import { registry as registryLogic } from '../../src/registry/registry.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { balance, puppet, room } from './comms-room.js';

const ok = { ok: true } as const;
const no = (reason: string) => ({ ok: false, reason });

/** Three agents: ann takes all, bob has a full mailbox, eve is not there. */
async function three(policy: 'refuse' | 'wait' = 'refuse') {
  const made = room({ credits: 1, maxQueued: 1, policy });
  const [ann, bob] = [made.puppet('ann'), made.puppet('bob')];
  void made.comms.request('bob', 'out');
  await made.comms.notify('bob', 'queued');
  return { ...made, ann, bob };
}

describe('a broadcast', () => {
  it('reaches whom it can, and says of each', async () => {
    const { comms, ann, bob } = await three();
    const outcome = await comms.broadcast(['ann', 'bob', 'eve', 'ann'], 1, { from: 'dan' });
    expect(outcome).toEqual({ ok: true, taken: 1, outcomes: { ann: ok, bob: no('full'), eve: no('noAgent') } });
    expect(ann.of('comms.notice')).toMatchObject([{ body: 1, from: 'dan', to: 'ann' }]);
    expect(bob.of('comms.notice')).toEqual([]);
    expect(comms.deadLetters()).toEqual([]);
    expect(balance(comms)).toEqual({ sent: 5, accounted: 5 });
  });

  it('fails where one at least was to take it, and none has', async () => {
    const { comms } = await three();
    expect(await comms.broadcast(['bob', 'eve'], 1, { strategy: 'atLeastOne' })).toMatchObject({ ok: false, taken: 0 });
    expect(await comms.broadcast(['bob', 'ann'], 1, { strategy: 'atLeastOne' })).toMatchObject({ ok: true, taken: 1 });
    expect(await comms.broadcast(['bob', 'eve'], 1)).toMatchObject({ ok: true, taken: 0 });
  });

  it('is taken by all or by none: whoever lacks room, is not there or does not know notices is a reason', async () => {
    const { comms, ann, add, puppet: agent } = await three();
    add('deaf', respondent({ request: () => 1 }));
    const dan = agent('dan');
    const all = { strategy: 'allOrNothing' } as const;
    expect(await comms.broadcast(['ann', 'dan', 'bob', 'eve', 'deaf'], 1, all)).toEqual({
      ok: false,
      taken: 0,
      outcomes: { ann: no('notAll'), dan: no('notAll'), bob: no('full'), eve: no('noAgent'), deaf: no('error') },
    });
    expect([ann.heard, dan.heard]).toEqual([[], []]);
    expect(await comms.broadcast(['ann', 'dan'], 2, all)).toEqual({ ok: true, taken: 2, outcomes: { ann: ok, dan: ok } });
    expect([...ann.of('comms.notice'), ...dan.of('comms.notice')].map(({ body }) => body)).toEqual([2, 2]);
    expect(await comms.broadcast([], 3, all)).toEqual({ ok: true, taken: 0, outcomes: {} });
    expect(balance(comms)).toEqual({ sent: 9, accounted: 9 });
  });

  it('has a place kept for each, whatever the first does as it is told', async () => {
    const { comms, add, puppet: agent } = room({ credits: 1, maxQueued: 1 });
    const told: Promise<unknown>[] = [];
    add('ann', respondent({ notice: () => void told.push(comms.notify('bob', 'in between')) }));
    const bob = agent('bob');
    void comms.request('bob', 'out');
    expect(await comms.broadcast(['ann', 'bob'], 1, { strategy: 'allOrNothing' })).toMatchObject({ ok: true, taken: 2 });
    expect(await Promise.all(told)).toEqual([no('full')]);
    bob.answer('out', 0);
    await Promise.resolve();
    expect(bob.of('comms.notice').map(({ body }) => body)).toEqual([1]);
  });

  it('is taken by all or by none, though a mailbox that drops is full again when all have been looked at', async () => {
    const { comms, agents, add, puppet: agent } = room({ maxQueued: 1, policy: 'dropOldest' });
    const cat = agent('cat');
    const acts: Record<string, () => unknown> = {
      first: () => comms.notify('ann', 'second'),
      second: () => agents.delete('cat') && exit(cat.ref, 'kill'),
    };
    add(
      'ann',
      fromCallback<AgentEvent>(({ receive }) => receive((event) => 'body' in event && acts[String(event.body)]?.())),
    );
    const told: Promise<unknown>[] = [];
    const tell = (): void => void told.push(comms.notify('ann', 'first'), comms.broadcast(['ann', 'cat'], 'all', { strategy: 'allOrNothing' }));
    add(
      'bob',
      fromCallback<AgentEvent>(({ receive }) => receive(tell)),
    );
    await comms.notify('bob', 'tell');
    expect(await told[1]).toEqual({ ok: true, taken: 2, outcomes: { ann: ok, cat: ok } });
    expect(cat.of('comms.notice').map(({ body }) => body)).toEqual(['all']);
  });

  it('waits for a place in the mailbox of one, and the others have it at once', async () => {
    const { comms, ann, bob, pass } = await three('wait');
    const outcome = comms.broadcast(['bob', 'ann'], 1, { withinMs: 100 });
    expect(ann.of('comms.notice')).toHaveLength(1);
    const late = comms.broadcast(['bob'], 2, { withinMs: 10, strategy: 'atLeastOne' });
    await pass(10);
    expect(await late).toEqual({ ok: false, taken: 0, outcomes: { bob: no('late') } });
    bob.answer('out', 0);
    expect(await outcome).toEqual({ ok: true, taken: 2, outcomes: { ann: ok, bob: ok } });
    const over = new AbortController();
    over.abort();
    expect(await comms.broadcast(['ann'], 3, { signal: over.signal })).toMatchObject({ taken: 0, outcomes: { ann: no('cancelled') } });
    await comms.close();
    expect(await comms.broadcast(['ann'], 4)).toEqual({ ok: false, taken: 0, outcomes: { ann: no('closed') } });
  });
});

describe('a multicast', () => {
  it('reaches those who can all of it, as long as they do', async () => {
    const clock = new VirtualClock();
    const names = createRegistry({ indexes: ['capabilities'] }, { clock });
    const comms = createComms({ agents: names }, { clock });
    ends.push(
      () => names.close(),
      () => comms.close(),
    );
    const agents = { ann: puppet(), bob: puppet(), eve: puppet() };
    names.register('ann', agents.ann.ref, { metadata: { capabilities: ['vote', 'count'] } });
    names.register('bob', agents.bob.ref, { metadata: { capabilities: ['vote'] } });
    names.register('eve', agents.eve.ref);
    expect(await comms.multicast('vote', 1)).toEqual({ ok: true, taken: 2, outcomes: { ann: ok, bob: ok } });
    expect(await comms.multicast(['vote', 'count'], 2)).toEqual({ ok: true, taken: 1, outcomes: { ann: ok } });
    names.update('bob', agents.bob.ref, () => ({ capabilities: ['count', 'vote'] }));
    expect(await comms.multicast(['count', 'vote'], 3, { strategy: 'allOrNothing' })).toMatchObject({ ok: true, taken: 2 });
    exit(agents.ann.ref, 'kill');
    expect(await comms.multicast('count', 4)).toEqual({ ok: true, taken: 1, outcomes: { bob: ok } });
    expect(await comms.multicast('fly', 5, { strategy: 'atLeastOne' })).toEqual({ ok: false, taken: 0, outcomes: {} });
    expect(agents.eve.heard).toEqual([]);
    expect(agents.bob.of('comms.notice').map(({ body }) => body)).toEqual([1, 3, 4]);
  });

  it('is misuse where nobody knows who can what', async () => {
    const { comms } = room();
    for (const call of [comms.multicast('vote', 1), comms.multicast([], 1), comms.broadcast('ann' as never, 1), comms.broadcast([''], 1)])
      await expect(call).rejects.toMatchObject({ code: 'comms/invalid-options' });
    await expect(comms.broadcast(['ann'], 1, { strategy: 'most' as never })).rejects.toMatchObject({ code: 'comms/invalid-options' });
    await expect(comms.publish('', 1)).rejects.toMatchObject({ code: 'comms/invalid-options' });
  });
});

describe('a topic', () => {
  it('is heard by those who have subscribed, until they have not', async () => {
    const { comms, puppet: agent } = room();
    const [ann, bob] = [agent('ann'), agent('bob')];
    const facts: object[] = [];
    for (const type of ['comms.subscribed', 'comms.unsubscribed', 'comms.published'] as const) comms.on(type, (fact) => void facts.push(fact));
    expect([comms.subscribe('news', 'ann'), comms.subscribe('news', 'ann'), comms.subscribe('news', 'bob'), comms.subscribe('news', 'eve')]).toEqual([
      ok,
      ok,
      ok,
      no('noAgent'),
    ]);
    expect(comms.subscribers('news')).toEqual(['ann', 'bob']);
    expect(await comms.publish('news', 1, { from: 'eve' })).toEqual({ ok: true, taken: 2, refused: {} });
    expect(ann.of('comms.event')).toMatchObject([{ topic: 'news', body: 1, from: 'eve', to: 'ann' }]);
    expect([comms.unsubscribe('news', 'ann'), comms.unsubscribe('news', 'ann')]).toEqual([true, false]);
    expect(await comms.publish('news', 2)).toEqual({ ok: true, taken: 1, refused: {} });
    expect(await comms.publish('weather', 3)).toEqual({ ok: true, taken: 0, refused: {} });
    expect([ann, bob].map((each) => each.of('comms.event').map(({ body }) => body))).toEqual([[1], [1, 2]]);
    expect(facts).toEqual([
      { type: 'comms.subscribed', topic: 'news', agent: 'ann' },
      { type: 'comms.subscribed', topic: 'news', agent: 'bob' },
      { type: 'comms.published', topic: 'news', from: 'eve', taken: 2, refused: 0 },
      { type: 'comms.unsubscribed', topic: 'news', agent: 'ann', because: 'asked' },
      { type: 'comms.published', topic: 'news', from: null, taken: 1, refused: 0 },
      { type: 'comms.published', topic: 'weather', from: null, taken: 0, refused: 0 },
    ]);
  });

  it('forgets a subscriber who has ended, and keeps one that nobody has told anything for long', async () => {
    const { comms, puppet: agent, agents, pass } = room({ idleMs: 10 });
    const [ann, bob] = [agent('ann'), agent('bob')];
    for (const topic of ['news', 'weather']) for (const name of ['ann', 'bob']) comms.subscribe(topic, name);
    await pass(100);
    expect(comms.status()).toMatchObject({ subscriptions: 4, channels: 2 });
    exit(ann.ref, 'kill');
    expect([comms.subscribers('news'), comms.subscribers('weather')]).toEqual([['bob'], ['bob']]);
    agents.delete('ann');
    const next = agent('ann');
    expect(await comms.publish('news', 1)).toEqual({ ok: true, taken: 1, refused: {} });
    expect([next.heard.length, bob.heard.length]).toEqual([0, 1]);
    comms.unsubscribe('news', 'bob');
    comms.unsubscribe('weather', 'bob');
    await pass(100);
    expect(comms.status()).toMatchObject({ subscriptions: 0, channels: 0 });
  });

  it('fills the mailbox of a subscriber who takes nothing, and no other; what that refuses is a dead letter', async () => {
    const { comms, puppet: agent, add, pass } = room({ maxQueued: 2 });
    const slow = agent('slow');
    let heard = 0;
    for (let n = 0; n < 1_000; n++) {
      add(`a${n}`, respondent({ event: () => void heard++ }));
      comms.subscribe('news', `a${n}`);
    }
    comms.subscribe('news', 'slow');
    await comms.publish('news', 0);
    const first = slow.of('comms.event')[0] as CommsTopicEvent;
    first.replyTo.send(credit(first, -100));
    for (let n = 1; n <= 3; n++)
      expect(await comms.publish('news', n)).toEqual({ ok: true, taken: n < 3 ? 1_001 : 1_000, refused: n < 3 ? {} : { slow: 'full' } });
    expect(heard).toBe(4_000);
    expect(comms.deadLetters()).toMatchObject([{ kind: 'event', topic: 'news', agent: 'slow', body: 3, why: 'full' }]);
    first.replyTo.send(credit(first, 100));
    await pass(0);
    expect(await comms.redeliver(comms.deadLetters()[0]?.id ?? '')).toEqual(ok);
    expect(slow.of('comms.event').map(({ body, topic }) => [body, topic])).toEqual([0, 1, 2, 3].map((n) => [n, 'news']));
    expect(balance(comms)).toEqual({ sent: 4_005, accounted: 4_005 });
  });

  it('keeps as a dead letter what has waited for a place in vain', async () => {
    const { comms, bob, pass } = await three('wait');
    comms.subscribe('news', 'bob');
    const published = comms.publish('news', 1, { withinMs: 10 });
    await pass(10);
    expect(await published).toEqual({ ok: true, taken: 0, refused: { bob: 'late' } });
    expect(comms.deadLetters()).toMatchObject([{ kind: 'event', body: 1, why: 'late' }]);
    expect(balance(comms)).toEqual({ sent: 3, accounted: 3 });
    expect(bob.of('comms.event')).toEqual([]);
  });

  it('has so many subscriptions at most, and none where comms have ended', async () => {
    const { comms, puppet: agent } = room({ maxSubscriptions: 1 });
    agent('ann');
    expect([comms.subscribe('news', 'ann'), comms.subscribe('weather', 'ann')]).toEqual([ok, no('full')]);
    await comms.close();
    expect([comms.subscribe('news', 'ann'), comms.unsubscribe('news', 'ann'), comms.subscribers('news')]).toEqual([no('closed'), false, []]);
    expect(await comms.publish('news', 1)).toEqual(no('closed'));
  });

  it('is heard over restarts of subscribers and of comms; closed ones forget it', async () => {
    const clock = new VirtualClock();
    const heard: unknown[][] = [];
    const agent = respondent({ event: (body) => void heard.at(-1)?.push(body) });
    const find: { app?: { child(id: string): AnyActorRef | undefined } } = {};
    const names = registryHandle(() => find.app?.child('names'));
    const app = orchestrator({
      actors: { names: registryLogic({ names: { ann: 'ann' } }), agent, comms: commsLogic({ agents: names }) },
      children: [
        { id: 'names', src: 'names' },
        { id: 'ann', src: 'agent' },
        { id: 'comms', src: 'comms' },
      ],
    }).start({ clock });
    find.app = app;
    ends.push(() => app.stop());
    await app.started();
    const comms = commsHandle(() => app.child('comms'));
    heard.push([]);
    expect(comms.subscribe('news', 'ann')).toEqual(ok);
    exit(app.child('ann') as AnyActorRef, 'kill');
    expect(await comms.publish('news', 1)).toMatchObject({ taken: 1 });
    await comms.notify('ann', 'a notice, which it does not take');
    exit(app.child('comms') as AnyActorRef, 'kill');
    await clock.advanceByAsync(0);
    expect(comms.status()).toMatchObject({ subscriptions: 1, deadLetters: 1 });
    expect(await comms.publish('news', 2)).toMatchObject({ taken: 1 });
    expect(heard).toEqual([[1, 2]]);
    const gone = createActor(agent).start();
    names.register('bob', gone);
    comms.subscribe('news', 'bob');
    exit(app.child('comms') as AnyActorRef, 'kill');
    gone.stop();
    await clock.advanceByAsync(0);
    expect(await comms.publish('news', 3)).toEqual({ ok: true, taken: 1, refused: {} });
    expect(comms.subscribers('news')).toEqual(['ann']);
  });
});
