/** Agents that tell each other something for ever: the thread is everybody's, and comms let it go again and again. */
import { stat } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { createComms } from '../../src/comms/handle.js';
import { type Respondent, respondent } from '../../src/comms/respondent.js';
import { mostInOneGo } from '../../src/comms/turns.js';
import { ends } from '../ends.js';
import { balance, type Room, room } from './comms-room.js';

const ok = { ok: true } as const;

/** Beyond this they are silent, so that a run that has no end has one. */
const enough = 5 * mostInOneGo;

/** Ann and Bob, who tell each other what they have heard: at once, or later by promises, one word or more for each. */
function chatter({ add, comms }: Room, how: 'at once' | 'by promises', words = 1) {
  const chat = { heard: 0, isOver: false, inOrder: true };
  let last = 0;
  const to = (name: string): Respondent => {
    const answer = (body: unknown): void => {
      chat.heard++;
      if (words === 1 && body !== ++last) chat.inOrder = false;
      if (chat.isOver || chat.heard > enough) return;
      for (let word = 0; word < words; word++) void comms.notify(name, Number(body) + 1);
    };
    return {
      notice: (body) => {
        if (how === 'at once') return answer(body);
        void Promise.resolve().then(() => answer(body));
      },
    };
  };
  add('ann', respondent(to('bob')));
  add('bob', respondent(to('ann')));
  return chat;
}

describe('two agents that tell each other something for ever', () => {
  it.each(['at once', 'by promises'] as const)('let the thread go again and again (%s), and everybody else has his turn', async (how) => {
    const made = room();
    const { comms, clock, add, pass } = made;
    const chat = chatter(made, how);
    add('carol', respondent({ request: (body) => body }));
    let timers = 0;
    for (let ms = 1; ms <= 3; ms++) clock.setTimeout(() => timers++, ms);
    expect(await comms.notify('ann', 1)).toEqual(ok);
    await pass(0);
    expect(chat.heard).toBeGreaterThan(0);
    for (let ms = 1; ms <= 3; ms++) {
      const before = chat.heard;
      expect(before).toBeLessThanOrEqual(ms * mostInOneGo);
      const asked = comms.request('carol', ms);
      await pass(1);
      expect(timers).toBe(ms);
      expect(await asked).toEqual({ ok: true, value: ms });
      expect(chat.heard).toBeGreaterThan(before);
    }
    expect(chat).toMatchObject({ inOrder: true });
    chat.isOver = true;
    await pass(10);
    expect(comms.status()).toMatchObject({ queued: 0, out: 0 });
    expect(balance(comms).accounted).toBe(balance(comms).sent);
  });

  it.each(['at once', 'by promises'] as const)('let it go also where each word makes two (%s): what has no place is refused', async (how) => {
    const made = room({ maxQueued: 5 });
    const chat = chatter(made, how, 2);
    await made.comms.notify('ann', 1);
    for (let ms = 0; ms < 3; ms++) {
      await made.pass(ms === 0 ? 0 : 1);
      // What is delivered for want of a place is one more for each of those in a go.
      expect(chat.heard).toBeLessThanOrEqual(2 * (ms + 1) * mostInOneGo);
    }
    chat.isOver = true;
    await made.pass(10);
    expect(made.comms.status().queued).toBe(0);
    expect(balance(made.comms).accounted).toBe(balance(made.comms).sent);
  });

  it('end with comms, which answer whoever waits meanwhile', async () => {
    const made = room();
    const { comms, pass } = made;
    const chat = chatter(made, 'at once');
    await comms.notify('ann', 1);
    const facts: string[] = [];
    comms.on('comms.deadLetter', ({ why }) => void facts.push(why));
    const [asked, told] = [comms.request('ann', 0), comms.notify('ann', 0)];
    await comms.close();
    expect(await asked).toEqual({ ok: false, reason: 'closed' });
    expect(await told).toEqual(ok);
    expect(facts).toEqual(['closed', 'closed', 'closed']);
    const { heard } = chat;
    await pass(10);
    expect(chat.heard).toBe(heard);
    expect(made.clock.pending()).toBe(0);
    expect(balance(comms).accounted).toBe(balance(comms).sent);
  });

  it("let it go by the machine's clock too: timers and sockets have their turn", async () => {
    let isOver = false;
    let words = 0;
    const agents = new Map<string, AnyActorRef>();
    const comms = createComms({ agents: (name) => agents.get(name) });
    ends.push(() => comms.close());
    for (const [name, other] of [
      ['ann', 'bob'],
      ['bob', 'ann'],
    ] as const) {
      const ref = createActor(
        respondent({
          notice: async () => {
            words++;
            if (!isOver && words < 50 * enough) await comms.notify(other, words);
          },
        }),
      ).start();
      ends.push(() => ref.stop());
      agents.set(name, ref);
    }
    await comms.notify('ann', 0);
    // Neither comes while promises go on and on.
    await new Promise((resolve) => stat('.', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    isOver = true;
    expect(words).toBeLessThan(50 * enough);
  });
});

describe('a sender that waits for each of his words to be taken', () => {
  it('has none of them refused, however many they are: he rests with comms', async () => {
    const { comms, add, clock } = room({ maxQueued: 2 });
    let heard = 0;
    add('ann', respondent({ notice: () => void heard++ }));
    const many = 2 * mostInOneGo;
    let taken = 0;
    const sending = (async () => {
      for (let n = 0; n < many; n++) if ((await comms.notify('ann', n)).ok) taken++;
    })();
    await clock.advanceByAsync(10);
    await sending;
    expect([taken, heard]).toEqual([many, many]);
    expect(comms.status().counts).toMatchObject({ refused: 0, delivered: many });
  });
});

describe('who asks again as soon as he is answered', () => {
  type Again = (room: Room) => Promise<unknown>;
  const kinds: Readonly<Record<string, Again>> = {
    'a notice that is refused, full': ({ comms }) => comms.notify('ann', 0),
    'a question that is refused, full': ({ comms }) => comms.request('ann', 0),
    'a notice that is refused, noAgent': ({ comms }) => comms.notify('nobody', 0),
    'a question that is answered already': ({ comms }) => comms.request('bob', 0, { key: 'once' }),
    'a topic that nobody hears': ({ comms }) => comms.publish('news', 0),
    'a broadcast that nobody takes': ({ comms }) => comms.broadcast(['nobody'], 0),
    'a broadcast that one lacks': ({ comms }) => comms.broadcast(['bob', 'nobody'], 0, { strategy: 'allOrNothing' }),
  };

  it.each(Object.entries(kinds))('lets the thread go again and again (%s), and comms go on', async (_, again) => {
    const made = room({ maxQueued: 1, channels: { ann: { credits: 1 } } });
    const { comms, add, pass } = made;
    add('ann', respondent({ request: () => new Promise(() => {}), notice: () => {} }));
    add('bob', respondent({ request: (body) => body, notice: () => {} }));
    // One is out at her, and one lies before her.
    void comms.request('ann', 1);
    void comms.request('ann', 2);
    const run = { times: 0, isOver: false };
    const asking = (async () => {
      for (; !run.isOver && run.times < enough; run.times++) await again(made);
    })();
    for (let ms = 0; ms < 3; ms++) {
      const before = run.times;
      await pass(ms === 0 ? 0 : 1);
      expect(run.times).toBeGreaterThan(before);
      expect(run.times).toBeLessThanOrEqual((ms + 1) * mostInOneGo);
    }
    run.isOver = true;
    await pass(10);
    await asking;
    expect(await comms.request('bob', 3)).toEqual({ ok: true, value: 3 });
  });

  it('and waits for no answer has no more kept for those who are told than there are in one go', async () => {
    const { comms, pass } = room();
    let told = 0;
    comms.on('comms.refused', () => void told++);
    const many = 4 * mostInOneGo;
    for (let n = 0; n < many; n++) {
      void comms.notify('nobody', n);
      expect(n + 1 - told).toBeLessThanOrEqual(mostInOneGo);
    }
    await pass(10);
    expect(told).toBe(many);
    expect(comms.status().counts).toMatchObject({ sent: many, refused: many });
  });
});
