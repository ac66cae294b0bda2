/** Asking an agent: one answer to each question, whatever the agent does, and nobody waits for another's. */
import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromCallback, fromTransition, sendTo, setup } from 'xstate';
import type { AgentEvent, CommsRequest } from '../../machines/comms/message.js';
import { createComms } from '../../src/comms/handle.js';
import { reply, respondent } from '../../src/comms/respondent.js';
import { exit, exitReason } from '../../src/supervision/watch.js';
import { ends } from '../ends.js';
import { balance, room } from './comms-room.js';

describe('a request', () => {
  it('is answered by what the agent says', async () => {
    const { comms, puppet } = room();
    const ann = puppet('ann');
    const outcomes = [comms.request('ann', 'a', { from: 'bob' }), comms.request('ann', 'b')];
    ann.refuse('b', 'not that');
    ann.answer('a', { n: 1 });
    expect(await Promise.all(outcomes)).toEqual([
      { ok: true, value: { n: 1 } },
      { ok: false, reason: 'error', error: 'not that' },
    ]);
    expect(ann.of('comms.request')[0]).toMatchObject({ to: 'ann', from: 'bob', body: 'a' });
    expect(comms.status()).toMatchObject({ out: 0, queued: 0, counts: { sent: 2, delivered: 2, answered: 2 } });
  });

  it('is answered by a machine that sends to replyTo', async () => {
    const { comms, add } = room();
    const agent = setup({ types: { events: {} as CommsRequest } }).createMachine({
      on: {
        'comms.request': {
          actions: sendTo(
            ({ event }) => event.replyTo,
            ({ event }) => reply(event, [event.body, event.from]),
          ),
        },
      },
    });
    add('ann', agent);
    expect(await comms.request('ann', 7)).toEqual({ ok: true, value: [7, null] });
  });

  it('is refused at once where nobody goes by the name', async () => {
    const { comms } = room();
    expect(await comms.request('ann', 1)).toEqual({ ok: false, reason: 'noAgent' });
    expect(comms.status()).toMatchObject({ channels: 0, counts: { sent: 1, refused: 1 } });
  });

  it('is an error, at once, of an agent that does not know it, and harms it not', async () => {
    const { comms, add } = room();
    const ignorant = add('machine', createMachine({ on: { other: {} } }));
    const later = setup({ types: { events: {} as CommsRequest | { type: 'go' } } }).createMachine({
      initial: 'shut',
      states: {
        shut: { on: { go: 'open' } },
        open: {
          on: {
            'comms.request': {
              actions: sendTo(
                ({ event }) => event.replyTo,
                ({ event }) => reply(event, 'yes'),
              ),
            },
          },
        },
      },
    });
    const door = add('door', later);
    add('listener', respondent({ notice: () => {} }));
    const error = expect.stringContaining('comms.request') as unknown;
    expect(await comms.request('machine', 1)).toEqual({ ok: false, reason: 'error', error });
    expect(await comms.request('listener', 1)).toEqual({ ok: false, reason: 'error', error });
    expect(await comms.request('door', 1)).toEqual({ ok: false, reason: 'error', error });
    door.send({ type: 'go' });
    expect(await comms.request('door', 1)).toEqual({ ok: true, value: 'yes' });
    expect(exitReason(ignorant)).toBeNull();
    expect(comms.deadLetters().map(({ agent, why }) => [agent, why])).toEqual([
      ['machine', 'error'],
      ['listener', 'error'],
      ['door', 'error'],
    ]);
    expect(await comms.notify('machine', 1)).toEqual({ ok: true });
    expect(comms.deadLetters({ agent: 'machine' })).toHaveLength(2);
  });

  it('is crashed at once when its agent ends, and also where it ends by what it was asked', async () => {
    const { comms, puppet, add } = room();
    const ann = puppet('ann');
    const asked = comms.request('ann', 1);
    exit(ann.ref, 'kill');
    expect(await asked).toEqual({ ok: false, reason: 'crashed' });
    add(
      'bob',
      fromTransition(() => {
        throw new Error('no more');
      }, 0),
    );
    expect(await comms.request('bob', 1)).toEqual({ ok: false, reason: 'crashed' });
    expect(await comms.request('bob', 1)).toEqual({ ok: false, reason: 'noAgent' });
    expect(comms.status()).toMatchObject({ channels: 0, out: 0 });
  });

  it('is late when its time is over: the agent is told, and its answer is dropped and counted', async () => {
    const { comms, puppet, pass } = room();
    const ann = puppet('ann');
    const heard: object[] = [];
    comms.on('comms.replyDropped', (fact) => void heard.push(fact));
    const asked = comms.request('ann', 1, { withinMs: 100 });
    await pass(99);
    expect(ann.of('comms.cancelled')).toEqual([]);
    await pass(1);
    expect(await asked).toEqual({ ok: false, reason: 'late' });
    expect(ann.of('comms.cancelled')).toEqual([{ type: 'comms.cancelled', to: 'ann', ref: ann.of('comms.request')[0]?.ref }]);
    ann.answer(1, 'at last');
    await pass(0);
    expect(heard).toHaveLength(1);
    expect(comms.status().counts).toMatchObject({ lateReplies: 1, answered: 1 });
  });

  it('has one answer, though the agent gives two, or answers what nobody has asked', async () => {
    const { comms, puppet } = room();
    const ann = puppet('ann');
    const asked = comms.request('ann', 1);
    ann.of('comms.request')[0]?.replyTo.send({ type: 'comms.reply', ref: 'nobody', ok: true, value: 0 });
    ann.answer(1, 'first');
    ann.answer(1, 'second');
    expect(await asked).toEqual({ ok: true, value: 'first' });
    expect(comms.status().counts.lateReplies).toBe(2);
  });

  it('is an error where what the agent sends is no answer', async () => {
    const { comms, puppet } = room();
    const ann = puppet('ann');
    const asked = comms.request('ann', 1);
    const [event] = ann.of('comms.request');
    event?.replyTo.send({ type: 'comms.reply', ref: event.ref });
    event?.replyTo.send({ type: 'nonsense' });
    expect(await asked).toEqual({ ok: false, reason: 'error', error: 'it gave no reason' });
  });

  it('is taken back by its signal: before it is put, from the mailbox, and from the agent', async () => {
    const { comms, puppet } = room({ credits: 1 });
    const ann = puppet('ann');
    const [before, queued, out] = [new AbortController(), new AbortController(), new AbortController()];
    before.abort();
    expect(await comms.request('ann', 0, { signal: before.signal })).toEqual({ ok: false, reason: 'cancelled' });
    const first = comms.request('ann', 1, { signal: out.signal });
    const second = comms.request('ann', 2, { signal: queued.signal });
    const third = comms.request('ann', 3);
    queued.abort();
    expect(await second).toEqual({ ok: false, reason: 'cancelled' });
    expect(ann.of('comms.cancelled')).toEqual([]);
    out.abort();
    expect(await first).toEqual({ ok: false, reason: 'cancelled' });
    expect(ann.of('comms.cancelled')).toMatchObject([{ ref: ann.of('comms.request')[0]?.ref }]);
    expect(ann.asked()).toEqual([1, 3]);
    ann.answer(3, 'three');
    expect(await third).toEqual({ ok: true, value: 'three' });
    expect(balance(comms)).toEqual({ sent: 3, accounted: 3 });
    expect(comms.status().counts).toMatchObject({ withdrawn: 1, delivered: 2 });
  });

  it('waits for nobody else: an agent that never answers holds up its own mailbox alone', async () => {
    const { comms, puppet, add, pass } = room({ credits: 2, maxQueued: 3 });
    puppet('slow');
    add('quick', respondent({ request: (body) => body }));
    const slow = Array.from({ length: 6 }, (_, n) => comms.request('slow', n));
    const quick = Array.from({ length: 20 }, (_, n) => comms.request('quick', n));
    expect(await slow.at(-1)).toEqual({ ok: false, reason: 'full' });
    expect(await Promise.all(quick)).toEqual([
      ...Array.from({ length: 5 }, (_, value) => ({ ok: true, value })),
      ...Array.from({ length: 15 }, () => ({ ok: false, reason: 'full' })),
    ]);
    expect(comms.channel('slow')).toMatchObject({ state: 'paused', queued: 3, out: 2, credits: 0 });
    expect(comms.channel('quick')).toMatchObject({ state: 'flowing', queued: 0, out: 0 });
    await pass(5_000);
    expect(await Promise.all(slow)).toEqual([...Array.from({ length: 5 }, () => ({ ok: false, reason: 'late' })), { ok: false, reason: 'full' }]);
    expect(comms.channel('slow')).toMatchObject({ state: 'flowing', queued: 0, out: 0 });
  });

  it('is answered closed where comms end, and the agent is told', async () => {
    const { comms, puppet, clock } = room({ credits: 1 });
    const ann = puppet('ann');
    const [out, queued] = [comms.request('ann', 1), comms.request('ann', 2)];
    await comms.close();
    expect([await out, await queued, await comms.request('ann', 3)]).toEqual(Array.from({ length: 3 }, () => ({ ok: false, reason: 'closed' })));
    expect(ann.of('comms.cancelled')).toHaveLength(1);
    expect(comms.status()).toMatchObject({ state: 'ended', channels: 0 });
    expect(clock.pending()).toBe(0);
    await comms.close();
  });

  it('is told by its reference from that of any other comms', async () => {
    const { comms, clock, add } = room();
    const answers: ((value: string) => void)[] = [];
    const ann = add('ann', respondent({ request: () => new Promise((resolve) => answers.push(resolve)) }));
    const others = createComms({ agents: () => ann }, { clock });
    ends.push(() => others.close());
    const over = new AbortController();
    const first = comms.request('ann', 1, { signal: over.signal });
    const second = others.request('ann', 2);
    over.abort();
    expect(await first).toEqual({ ok: false, reason: 'cancelled' });
    answers[1]?.('second');
    expect(await second).toEqual({ ok: true, value: 'second' });
  });

  it('has its answer at once where what goes before it, to make room, ends its agent, comms, or itself', async () => {
    for (const policy of ['wait', 'refuse', 'dropOldest'] as const)
      for (const [what, reason] of [
        ['agent', 'noAgent'],
        ['comms', 'closed'],
        ['asked', 'cancelled'],
      ] as const) {
        const { comms, agents, add } = room({ credits: 1, maxQueued: 1, policy });
        const over = new AbortController();
        const acts = { agent: () => agents.delete('ann') && exit(ann, 'kill'), comms: () => void comms.close(), asked: () => over.abort() };
        const ann = add(
          'ann',
          fromCallback<AgentEvent>(({ receive }) => receive(({ type }) => type === 'comms.request' && acts[what]())),
        );
        const asked: Promise<unknown>[] = [];
        const put = (): void => void asked.push(comms.request('ann', 1), comms.request('ann', 2, { signal: over.signal }));
        add(
          'bob',
          fromCallback<AgentEvent>(({ receive }) => receive(put)),
        );
        await comms.notify('bob', 'ask');
        // No time passes.
        expect(await asked[1]).toEqual({ ok: false, reason });
        expect(balance(comms).accounted).toBe(balance(comms).sent);
      }
  });

  it('aborts the signal of a respondent also where that is looked at only afterwards', async () => {
    const { comms, add } = room();
    const given = new AbortController();
    const scopes: { readonly signal: AbortSignal }[] = [];
    add('ann', respondent({ request: (_, scope) => new Promise(() => scopes.push(scope)) }));
    const asked = comms.request('ann', 1, { signal: given.signal });
    given.abort();
    expect(await asked).toEqual({ ok: false, reason: 'cancelled' });
    const [scope] = scopes;
    expect([scope?.signal.aborted, scope?.signal === scope?.signal]).toEqual([true, true]);
  });

  it('is taken by a respondent for as much at once as its channel has credits, and aborts its signal', async () => {
    const { comms, add, pass } = room({ credits: 2 });
    const signals: AbortSignal[] = [];
    const ref = add('ann', respondent({ request: (_, { signal }) => new Promise(() => signals.push(signal)) }));
    const asked = [comms.request('ann', 1, { withinMs: 10 }), comms.request('ann', 2), comms.request('ann', 3)];
    expect(signals).toHaveLength(2);
    await pass(10);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
    exit(ref, 'kill');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(await Promise.all(asked)).toEqual(['late', 'crashed', 'crashed'].map((reason) => ({ ok: false, reason })));
  });

  it('hears what a respondent throws, in words', async () => {
    const { comms, add } = room();
    add('ann', respondent({ request: () => Promise.reject(new Error('no idea')) }));
    add('bob', respondent({ request: (body, { to, from }) => [body, to, from] }));
    expect(await comms.request('ann', 1)).toEqual({ ok: false, reason: 'error', error: 'no idea' });
    expect(await comms.request('bob', 1, { from: 'ann' })).toEqual({ ok: true, value: [1, 'bob', 'ann'] });
  });

  it('may be put by an agent that is being asked, through any number of agents', async () => {
    const { comms, add, agents } = room();
    const many = 1_000;
    for (let n = 0; n < many; n++)
      add(
        `a${n}`,
        respondent({
          request: async (body) => {
            const outcome = agents.has(`a${n + 1}`) ? await comms.request(`a${n + 1}`, body) : { ok: true as const, value: 'the end' };
            return outcome.ok ? outcome.value : outcome.reason;
          },
        }),
      );
    expect(await comms.request('a0', 1)).toEqual({ ok: true, value: 'the end' });
  });

  it('leaves a machine that counts its questions with as many', async () => {
    const { comms, add } = room();
    const counter = setup({ types: { context: {} as { n: number }, events: {} as CommsRequest } }).createMachine({
      context: { n: 0 },
      on: {
        'comms.request': {
          actions: [
            assign({ n: ({ context }) => context.n + 1 }),
            sendTo(
              ({ event }) => event.replyTo,
              ({ event, context }) => reply(event, context.n),
            ),
          ],
        },
      },
    });
    add('ann', counter);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => comms.request('ann', 0)));
    expect(outcomes.map((each) => each.ok && each.value)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });
});

describe('misuse', () => {
  it('rejects, and nothing is sent', async () => {
    const { comms, puppet } = room();
    const ann = puppet('ann');
    for (const call of [
      comms.request('', 1),
      comms.request('ann', 1, { withinMs: 0 }),
      comms.request('ann', 1, { keyMs: 10 }),
      comms.request('ann', 1, { onRestart: 'again' }),
      comms.request('ann', 1, { within: 1 } as never),
      comms.notify('ann', 1, { signal: 1 } as never),
      comms.notify('ann', 1, { key: 'k' } as never),
    ])
      await expect(call).rejects.toMatchObject({ code: 'comms/invalid-options' });
    expect(ann.heard).toEqual([]);
    expect(() => room({ policy: 'other' as never })).toThrow(expect.objectContaining({ code: 'comms/invalid-options' }) as Error);
    expect(() => room({ credits: 0 })).toThrow(expect.objectContaining({ code: 'comms/invalid-options' }) as Error);
    expect(() => room({ agents: 1 as never })).toThrow(expect.objectContaining({ code: 'comms/invalid-options' }) as Error);
    expect(() => respondent({ ask: () => 1 } as never)).toThrow(expect.objectContaining({ code: 'comms/invalid-options' }) as Error);
  });
});
