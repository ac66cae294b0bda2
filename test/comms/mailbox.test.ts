/** Mailboxes: bounded, with a policy that is stated, and nothing that was taken is lost without a word. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, type EventObject, fromTransition } from 'xstate';
import type { CommsNotice } from '../../machines/comms/message.js';
import { credit, respondent } from '../../src/comms/respondent.js';
import { exit } from '../../src/supervision/watch.js';
import { balance, room } from './comms-room.js';

const ok = { ok: true } as const;
const no = (reason: string) => ({ ok: false, reason });

/** What the agent takes from now on is nothing; all again. */
const shut = (notice: CommsNotice | undefined): void => notice?.replyTo.send(credit(notice, -1_000));
const open = (notice: CommsNotice | undefined): void => notice?.replyTo.send(credit(notice, 1_000));

describe('a mailbox', () => {
  it('is delivered in order, whatever is sent', async () => {
    const { comms, puppet } = room({ credits: 1 });
    const ann = puppet('ann');
    const asked = comms.request('ann', 'first');
    const { replyTo, holder } = ann.of('comms.request')[0] ?? {};
    expect(await Promise.all([comms.notify('ann', 1), comms.notify('ann', 2, { from: 'bob' })])).toEqual([ok, ok]);
    const last = comms.request('ann', 'last');
    expect(comms.channel('ann')).toEqual({ state: 'paused', queued: 3, waiting: 0, out: 1, credits: 0 });
    ann.answer('first', 0);
    await asked;
    expect(ann.heard.map((event) => ('body' in event ? event.body : null))).toEqual(['first', 1, 2, 'last']);
    expect(ann.of('comms.notice')[1]).toEqual({ type: 'comms.notice', to: 'ann', holder, from: 'bob', body: 2, replyTo });
    ann.answer('last', 0);
    await last;
    expect(comms.channel('ann')).toMatchObject({ state: 'flowing', out: 0, credits: 1 });
  });

  it('holds what an agent does not want now, and flows when it does', async () => {
    const { comms, puppet, pass } = room({ maxQueued: 2 });
    const ann = puppet('ann');
    await comms.notify('ann', 0);
    shut(ann.of('comms.notice')[0]);
    const outcomes = [comms.notify('ann', 1), comms.notify('ann', 2), comms.notify('ann', 3)];
    expect(await Promise.all(outcomes)).toEqual([ok, ok, no('full')]);
    open(ann.of('comms.notice')[0]);
    await pass(0);
    expect(ann.of('comms.notice').map(({ body }) => body)).toEqual([0, 1, 2]);
    expect(balance(comms)).toEqual({ sent: 4, accounted: 4 });
    expect(comms.deadLetters()).toEqual([]);
  });

  it('gives up the oldest for the newest, where that is its policy: the caller hears, and it is kept', async () => {
    const { comms, puppet } = room({ credits: 1, maxQueued: 2, policy: 'dropOldest' });
    const ann = puppet('ann');
    void comms.request('ann', 0);
    const dropped = comms.request('ann', 1, { from: 'bob' });
    expect(await Promise.all([comms.notify('ann', 2), comms.notify('ann', 3), comms.notify('ann', 4)])).toEqual([ok, ok, ok]);
    expect(await dropped).toEqual(no('dropped'));
    expect(comms.deadLetters()).toMatchObject([
      { kind: 'request', agent: 'ann', from: 'bob', body: 1, why: 'dropped' },
      { kind: 'notice', body: 2, why: 'dropped' },
    ]);
    expect(comms.status().counts).toMatchObject({ sent: 5, delivered: 1, dead: 2, dropped: 2 });
    ann.answer(0, 0);
  });

  it('lets whoever comes wait for a place, where that is its policy: as long as he will, and in order', async () => {
    const { comms, puppet, pass } = room({ credits: 1, maxQueued: 1, maxWaiting: 3, policy: 'wait' });
    const ann = puppet('ann');
    const over = new AbortController();
    const asked = [comms.request('ann', 0), comms.request('ann', 1)];
    const [given, late, third] = [comms.notify('ann', 2, { signal: over.signal }), comms.notify('ann', 3, { withinMs: 10 }), comms.request('ann', 4)];
    expect(await comms.notify('ann', 5)).toEqual(no('full'));
    expect(comms.channel('ann')).toMatchObject({ queued: 1, waiting: 3 });
    over.abort();
    expect(await given).toEqual(no('cancelled'));
    await pass(10);
    expect(await late).toEqual(no('late'));
    const sixth = comms.notify('ann', 6);
    for (const body of [0, 1]) {
      ann.answer(body, body);
      await asked[body];
    }
    ann.answer(4, 4);
    expect(await third).toEqual({ ok: true, value: 4 });
    expect(await sixth).toEqual(ok);
    expect(ann.of('comms.notice').map(({ body }) => body)).toEqual([6]);
    expect(balance(comms)).toEqual({ sent: 7, accounted: 7 });
    expect(comms.status().counts).toMatchObject({ withdrawn: 2, refused: 1 });
  });

  it('is another one for an agent that is named', async () => {
    const { comms, puppet } = room({ credits: 3, channels: { ann: { credits: 1, maxQueued: 1 } } });
    puppet('ann');
    puppet('bob');
    for (const agent of ['ann', 'bob']) for (let n = 0; n < 4; n++) void comms.request(agent, n);
    expect([comms.channel('ann'), comms.channel('bob')]).toMatchObject([
      { queued: 1, out: 1 },
      { queued: 1, out: 3 },
    ]);
    expect(comms.status().counts).toMatchObject({ sent: 8, refused: 2 });
  });

  it('is not refused to a burst that its agent takes as it comes', async () => {
    const { comms, puppet } = room({ credits: 1, maxQueued: 2 });
    const ann = puppet('ann');
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, n) => comms.notify('ann', n)));
    expect(new Set(outcomes.map((outcome) => outcome.ok))).toEqual(new Set([true]));
    expect(ann.of('comms.notice').map(({ body }) => body)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('lets no more lie before an agent in the midst of something than it has credits', async () => {
    const { comms, add } = room({ credits: 2, maxQueued: 3 });
    const taken: unknown[] = [];
    const told: Promise<unknown>[] = [];
    const ref = add(
      'ann',
      fromTransition((_, event: EventObject & { body?: unknown }) => {
        taken.push(event.body);
        // It tells itself more than it takes, and can take nothing meanwhile.
        if (event.body === 0) for (let n = 1; n <= 9; n++) told.push(comms.notify('ann', n));
        return null;
      }, null),
    );
    ref.send({ type: 'comms.notice', body: 0 });
    const outcomes = await Promise.all(told);
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => ok), ...Array.from({ length: 4 }, () => no('full'))]);
    await Promise.resolve();
    expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('costs the same beside any number of others that are full', async () => {
    let asked = 0;
    const costs: number[] = [];
    for (const others of [1, 1_000]) {
      const known = new Map<string, AnyActorRef>();
      const { comms, add } = room({
        credits: 1,
        maxQueued: 1,
        agents: (name) => {
          asked++;
          return known.get(name);
        },
      });
      known.set('quick', add('quick', respondent({ request: (body) => body })));
      const slow = add('slow', respondent({ request: () => new Promise(() => {}) }));
      for (let n = 0; n < others; n++) {
        known.set(`slow${n}`, slow);
        void comms.request(`slow${n}`, 'out');
        void comms.request(`slow${n}`, 'queued');
      }
      await comms.request('quick', 'first');
      asked = 0;
      expect(await comms.request('quick', 'second')).toEqual({ ok: true, value: 'second' });
      costs.push(asked);
      expect(comms.status()).toMatchObject({ queued: others, out: others });
    }
    expect(costs[1]).toBe(costs[0]);
  });

  it('waits for a respondent whose notices are under way', async () => {
    const { comms, add, pass } = room({ credits: 2 });
    const open: (() => void)[] = [];
    const heard: unknown[] = [];
    add(
      'ann',
      respondent({
        notice: (body) => {
          heard.push(body);
          return new Promise<void>((resolve) => open.push(resolve));
        },
      }),
    );
    for (let n = 0; n < 4; n++) await comms.notify('ann', n);
    expect(heard).toEqual([0, 1]);
    expect(comms.channel('ann')).toMatchObject({ state: 'paused', queued: 2 });
    open[0]?.();
    await pass(0);
    expect(heard).toEqual([0, 1, 2]);
  });
});

describe('dead letters', () => {
  it('are those of an agent that has gone for good, whoever sent them', async () => {
    const { comms, puppet, clock } = room({ credits: 1 });
    const ann = puppet('ann');
    const facts: object[] = [];
    comms.on('comms.deadLetter', (fact) => void facts.push(fact));
    const [out, queued] = [comms.request('ann', 0), comms.request('ann', 1)];
    await comms.notify('ann', 2);
    exit(ann.ref, 'kill');
    expect(await Promise.all([out, queued])).toEqual([no('crashed'), no('noAgent')]);
    const letters = comms.deadLetters();
    expect(letters).toMatchObject([
      { id: 'letter-1', kind: 'request', body: 1, why: 'noAgent', at: clock.now() },
      { id: 'letter-2', kind: 'notice', body: 2, why: 'noAgent' },
    ]);
    expect(facts).toEqual(letters.map(({ id, kind, why }) => ({ type: 'comms.deadLetter', id, agent: 'ann', kind, why })));
    expect(balance(comms)).toEqual({ sent: 3, accounted: 3 });
  });

  it('are sent again, and stay where that is refused', async () => {
    const { comms, puppet } = room({ credits: 1 });
    exit(puppet('ann').ref, 'kill');
    const first = puppet('ann');
    void comms.request('ann', 0);
    const asked = comms.request('ann', 1, { from: 'bob' });
    await comms.notify('ann', 2);
    exit(first.ref, 'kill');
    await asked;
    const [question, notice] = comms.deadLetters();
    expect(await comms.redeliver(question?.id ?? '')).toEqual(no('noAgent'));
    expect(comms.deadLetters()).toHaveLength(2);
    const again = puppet('ann');
    const answer = comms.redeliver(question?.id ?? '');
    expect(again.of('comms.request')).toMatchObject([{ body: 1, from: 'bob' }]);
    again.answer(1, 'yes');
    expect(await answer).toEqual({ ok: true, value: 'yes' });
    expect(await comms.redeliver(notice?.id ?? '')).toEqual(ok);
    expect(again.of('comms.notice')).toMatchObject([{ body: 2 }]);
    expect(comms.deadLetters()).toEqual([]);
    expect(await comms.redeliver(notice?.id ?? '')).toEqual(no('noLetter'));
    expect(comms.discard('letter-1')).toBe(false);
  });

  it('are one where what was published is refused again', async () => {
    const { comms, puppet } = room({ credits: 1, maxQueued: 1 });
    const ann = puppet('ann');
    comms.subscribe('news', 'ann');
    void comms.request('ann', 0);
    await comms.notify('ann', 1);
    await comms.publish('news', 'much');
    const [letter] = comms.deadLetters();
    for (let times = 0; times < 3; times++) expect(await comms.redeliver(letter?.id ?? '')).toEqual(no('full'));
    expect(comms.deadLetters()).toEqual([letter]);
    expect(comms.status().counts).toMatchObject({ dead: 1, refused: 3 });
    expect(balance(comms).accounted).toBe(balance(comms).sent);
    ann.answer(0, 'done');
    await Promise.resolve();
    expect(await comms.redeliver(letter?.id ?? '')).toEqual(ok);
    expect(comms.deadLetters()).toEqual([]);
  });

  it('are there again where they have waited in vain', async () => {
    const { comms, puppet, pass } = room({ credits: 1, maxQueued: 1, policy: 'wait', withinMs: 100 });
    const first = puppet('ann');
    void comms.request('ann', 0);
    await comms.notify('ann', 'word');
    exit(first.ref, 'kill');
    const next = puppet('ann');
    await comms.notify('ann', 'shut it');
    shut(next.of('comms.notice')[0]);
    await comms.notify('ann', 1);
    const again = comms.redeliver(comms.deadLetters()[0]?.id ?? '');
    expect(comms.deadLetters()).toEqual([]);
    await pass(100);
    expect(await again).toEqual(no('late'));
    expect(comms.deadLetters()).toMatchObject([{ body: 'word', why: 'late' }]);
    expect(balance(comms).accounted).toBe(balance(comms).sent);
  });

  it('are so many at most, and by agent', async () => {
    const { comms, puppet } = room({ credits: 1, maxDeadLetters: 3 });
    for (const name of ['ann', 'bob']) {
      const agent = puppet(name);
      void comms.request(name, 0);
      for (let n = 1; n <= 3; n++) await comms.notify(name, n);
      exit(agent.ref, 'kill');
    }
    expect(comms.deadLetters().map(({ agent, body }) => [agent, body])).toEqual([
      ['bob', 1],
      ['bob', 2],
      ['bob', 3],
    ]);
    expect(comms.deadLetters({ agent: 'bob', limit: 1 })).toHaveLength(1);
    expect(comms.deadLetters({ agent: 'ann' })).toEqual([]);
    expect(comms.discard('letter-4')).toBe(true);
    expect(comms.status()).toMatchObject({ deadLetters: 2, counts: { dead: 6 } });
  });
});
