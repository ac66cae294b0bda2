/** Negotiations: parties offer in turn, and nothing is agreed but what all others have accepted in one round. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { textOf } from '../../machines/coordination/agreement.js';
import type { NegotiationEnd, NegotiationQuestion } from '../../machines/coordination/negotiation-events.js';
import { fingerprint } from '../../machines/hash.js';
import { createComms } from '../../src/comms/handle.js';
import { respondent } from '../../src/comms/respondent.js';
import { negotiation } from '../../src/coordination/negotiation.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { begin, crashOf, run as runProtocol, settled } from './protocol-room.js';
import { refusal, type Script, scriptedAgents, silent } from './scripted-agents.js';

const run = runProtocol<NegotiationEnd>;
const accept = { say: 'accept' };
const leave = { say: 'leave' };
const offers = (offer: unknown): object => ({ say: 'offer', offer });
const mute: Script = () => silent;
/** Of a question about this very offer. */
const keyOf = (body: NegotiationQuestion & { readonly ask: 'answer' }): string =>
  `s1/round-${body.round}/${fingerprint(textOf(body, Infinity) ?? '')}`;
/** One answer after the other, the first for the first question that it hears. */
const saying = (...answers: readonly unknown[]): Script => {
  let asked = 0;
  return () => answers[asked++];
};
/** Wants at least so much of a hundred, offers it, and gives way by ten with each offer of its own. */
const wanting = (least: number, first: number): Script => {
  let wish = first;
  return (body) => {
    const question = body as NegotiationQuestion;
    if (question.ask === 'answer' && 100 - (question.offer as { mine: number }).mine >= Math.max(least, wish)) return accept;
    const mine = Math.max(least, wish);
    wish -= 10;
    return offers({ mine });
  };
};

describe('two who negotiate', () => {
  it('offer in turn, until one accepts what the other has offered', async () => {
    const { end, agents, facts } = await run(negotiation({ subject: 'the pie' }), { ann: wanting(30, 80), bob: wanting(30, 70) });
    expect(end).toEqual({
      outcome: 'decided',
      value: {
        ...{ offer: { mine: 50 }, by: 'bob', rounds: 6 },
        history: [
          { round: 1, by: 'ann', offer: { mine: 80 }, accepted: [] },
          { round: 2, by: 'bob', offer: { mine: 70 }, accepted: [] },
          { round: 3, by: 'ann', offer: { mine: 70 }, accepted: [] },
          { round: 4, by: 'bob', offer: { mine: 60 }, accepted: [] },
          { round: 5, by: 'ann', offer: { mine: 60 }, accepted: [] },
          { round: 6, by: 'bob', offer: { mine: 50 }, accepted: ['ann'] },
        ],
      },
    });
    const [first, second] = [
      { ask: 'answer', subject: 'the pie', maxRounds: 20, round: 1, by: 'ann', offer: { mine: 80 } },
      { ask: 'answer', subject: 'the pie', maxRounds: 20, round: 2, by: 'bob', offer: { mine: 70 } },
    ] as const;
    expect(agents.asked.slice(0, 3)).toEqual([
      { agent: 'ann', body: { ask: 'offer', subject: 'the pie', maxRounds: 20 }, key: 's1/round-0' },
      { agent: 'bob', body: first, key: keyOf(first) },
      { agent: 'ann', body: second, key: keyOf(second) },
    ]);
    expect(facts.slice(0, 3)).toEqual([
      { type: 'negotiation.answered', session: 's1', round: 0, agent: 'ann', status: 'offered' },
      { type: 'negotiation.offered', session: 's1', round: 1, by: 'ann' },
      { type: 'negotiation.answered', session: 's1', round: 1, agent: 'bob', status: 'offered' },
    ]);
    expect(facts.at(-1)).toEqual({ type: 'negotiation.agreed', session: 's1', rounds: 6, by: 'bob' });
  });

  it('stop at the most rounds, and tell the newest offers', async () => {
    const stubborn = { ann: wanting(90, 90), bob: wanting(90, 90) };
    const { end, facts } = await run(negotiation({ maxRounds: 5, maxHistory: 2 }), stubborn);
    expect(end).toEqual({
      ...{ outcome: 'failed', why: 'noAgreement' },
      details: {
        rounds: 5,
        parties: [
          { agent: 'ann', status: 'offered' },
          { agent: 'bob', status: 'offered' },
        ],
        history: [
          { round: 4, by: 'bob', offer: { mine: 90 }, accepted: [] },
          { round: 5, by: 'ann', offer: { mine: 90 }, accepted: [] },
        ],
      },
    });
    expect(facts.at(-1)).toEqual({ type: 'negotiation.failed', session: 's1', rounds: 5, why: 'noAgreement' });
  });

  it('have until the deadline of all, whatever round it is', async () => {
    const clock = new VirtualClock();
    const slow =
      (mine: number): Script =>
      () =>
        new Promise((resolve) => void clock.setTimeout(() => resolve(offers({ mine })), 400));
    const { end, atMs, agents } = await run(negotiation({ deadlineMs: 1_000 }), { ann: slow(80), bob: slow(90) }, { clock });
    expect(end).toMatchObject({
      why: 'timeUp',
      details: { rounds: 2, history: [{ round: 1 }, { round: 2, by: 'bob', offer: { mine: 90 }, accepted: [] }] },
    });
    expect([atMs, agents.taken.map(({ agent }) => agent)]).toEqual([1_000, ['ann']]);
  });
});

describe('more than two who negotiate', () => {
  it('agree when all others have accepted one offer in one round, and not before', async () => {
    const { end } = await run(negotiation(), {
      ann: saying(offers('a'), accept, offers('a2')),
      bob: saying(accept, offers('b'), accept),
      eve: saying(offers('e'), accept),
    });
    // Bob accepted what ann offered, and ann and eve what others did: nobody all of one round until the third.
    expect(end).toMatchObject({ outcome: 'failed' });
    const agreed = await run(negotiation(), {
      ann: saying(offers('a'), accept, accept),
      bob: saying(accept, offers('b')),
      eve: saying(offers('e'), accept),
    });
    expect(agreed.end).toMatchObject({
      value: {
        ...{ offer: 'b', by: 'bob', rounds: 3 },
        history: [
          { by: 'ann', offer: 'a', accepted: ['bob'] },
          { by: 'eve', offer: 'e', accepted: ['ann'] },
          { by: 'bob', offer: 'b', accepted: ['ann', 'eve'] },
        ],
      },
    });
  });

  it('have their turn in the order of the session, whoever answers first', async () => {
    const clock = new VirtualClock();
    const after =
      (ms: number, offer: string): Script =>
      () =>
        new Promise((resolve) => void clock.setTimeout(() => resolve(offers(offer)), ms));
    const { end } = await run(negotiation({ maxRounds: 7 }), { ann: after(5, 'a'), bob: after(30, 'b'), eve: after(1, 'e') }, { clock });
    expect(end.outcome === 'failed' && end.details.history.map(({ by }) => by)).toEqual(['ann', 'bob', 'eve', 'ann', 'bob', 'eve', 'ann']);
  });
});

describe('a party that cannot go on', () => {
  it.each([
    ['leaves', leave, 'left', 'left'],
    ['dies', refusal('crashed'), 'lost', 'crashed'],
    ['cannot be found', refusal('noAgent'), 'lost', 'noAgent'],
    ['says nothing', silent, 'late', 'late'],
    ['answers with a text', 'accept', 'invalid', 'invalid'],
    ['answers with nothing', null, 'invalid', 'invalid'],
    ['offers nothing', { say: 'offer' }, 'invalid', 'invalid'],
    ['offers what is no JSON', { say: 'offer', offer: () => 1 }, 'invalid', 'invalid'],
    ['offers too much', offers('x'.repeat(100)), 'invalid', 'invalid'],
    ['offers too much in other letters', offers('ä'.repeat(50)), 'invalid', 'invalid'],
  ])('ends it where it %s', async (_, answer, why, status) => {
    const { end } = await run(negotiation({ maxBytes: 100 }), { ann: saying(offers(1)), bob: saying(accept), eve: saying(answer) });
    expect(end).toMatchObject({ outcome: 'failed', why, details: { rounds: 1, history: [{ by: 'ann', offer: 1, accepted: ['bob'] }] } });
    expect(end.outcome === 'failed' && end.details.parties).toEqual([
      { agent: 'ann', status: 'offered' },
      { agent: 'bob', status: 'accepted' },
      { agent: 'eve', status },
    ]);
    const first = await run(negotiation({ maxBytes: 100 }), { ann: saying(answer), bob: mute });
    expect(first.end).toMatchObject({ why, details: { rounds: 0, history: [], parties: [{ status }, { agent: 'bob', status: 'unasked' }] } });
  });

  it('is told by the gravest of what is wrong, whoever is first', async () => {
    const why = async (...who: readonly string[]): Promise<unknown> => {
      const scripts = { ann: saying(offers(1)), bob: mute, eve: saying(7), joe: saying(refusal('full')), sue: saying(leave) };
      const { end } = await run(negotiation(), scripts, { who });
      return end.outcome === 'failed' ? end.why : null;
    };
    expect(await why('ann', 'bob', 'eve', 'joe', 'sue')).toBe('left');
    expect(await why('ann', 'bob', 'eve', 'joe')).toBe('lost');
    expect(await why('ann', 'eve', 'bob')).toBe('late');
    expect(await why('ann', 'eve')).toBe('invalid');
  });

  it('cannot accept where there is no offer yet', async () => {
    expect((await run(negotiation(), { ann: saying(accept), bob: mute })).end).toMatchObject({ why: 'invalid' });
  });

  it('does not change an offer that is on the table', async () => {
    const own = { mine: 60 };
    const heard: unknown[] = [];
    const bob: Script = (body) => {
      heard.push(body);
      own.mine = 99;
      return accept;
    };
    const { end } = await run(negotiation(), { ann: () => ({ say: 'offer', offer: own }), bob });
    expect(end).toMatchObject({ value: { offer: { mine: 60 } } });
    expect(heard).toMatchObject([{ offer: { mine: 60 } }]);
  });

  it('cannot change what it is asked about', async () => {
    const heard: unknown[] = [];
    const bob: Script = (body) => {
      const asked = body as { readonly subject: { hours: number }; readonly offer: { mine: number } };
      return Reflect.set(asked.subject, 'hours', 99) || Reflect.set(asked.offer, 'mine', 1) ? {} : accept;
    };
    const eve: Script = (body) => {
      heard.push(body);
      return accept;
    };
    const { end } = await run(negotiation({ subject: { hours: 8 } }), { ann: saying(offers({ mine: 60 })), bob, eve });
    expect(end).toMatchObject({ value: { offer: { mine: 60 }, history: [{ offer: { mine: 60 } }] } });
    expect(heard).toMatchObject([{ subject: { hours: 8 }, offer: { mine: 60 } }]);
  });
});

describe('a negotiation', () => {
  it('is agreed exactly where the last offer was accepted by all others, in whatever order answers come', { timeout: 60_000 }, async () => {
    const answer = fc.oneof(
      { weight: 6, arbitrary: fc.constant<unknown>(accept) },
      { weight: 3, arbitrary: fc.nat(9).map(offers) },
      fc.constantFrom<unknown>(leave, silent, refusal('crashed'), 7),
    );
    const party = fc.record({
      answers: fc.array(answer, { minLength: 5, maxLength: 5 }),
      times: fc.array(fc.nat(40), { minLength: 5, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(party, { minLength: 2, maxLength: 5 }), async (parties) => {
        const ran = async (isTimed: boolean) => {
          const clock = new VirtualClock();
          const scripts = parties.map(({ answers, times }, index): [string, Script] => {
            const say = saying(...(index === 0 ? [offers('first'), ...answers] : answers));
            const after = (body: unknown, call: object): unknown => {
              const said = say(body, call);
              return said === silent ? silent : new Promise((resolve) => void clock.setTimeout(() => resolve(said), isTimed ? (times[0] ?? 0) : 0));
            };
            return [`p${index}`, after];
          });
          return run(negotiation({ maxRounds: 5, withinMs: 50 }), Object.fromEntries(scripts), { clock });
        };
        const [{ end, agents }, other] = [await ran(true), await ran(false)];
        expect(other.end).toEqual(end);
        const history = end.outcome === 'decided' ? end.value.history : end.details.history;
        const names = parties.map((_, index) => `p${index}`);
        const last = history.at(-1);
        const isAccepted = last !== undefined && names.every((name) => name === last.by || last.accepted.includes(name));
        expect(isAccepted).toBe(end.outcome === 'decided');
        expect(history.slice(0, -1).some(({ by, accepted }) => accepted.length === names.length - 1 && !accepted.includes(by))).toBe(false);
        if (end.outcome === 'failed') expect(end.details.parties.map(({ agent }) => agent)).toEqual(names);
        expect(agents.asked.length).toBeLessThanOrEqual(1 + 5 * (names.length - 1));
      }),
    );
  });

  it('takes back what is open when it is stopped', async () => {
    const { actor, agents, clock } = begin(negotiation(), { ann: saying(offers(1)), bob: mute });
    await clock.flush();
    exit(actor, 'shutdown');
    expect([agents.taken.map(({ agent }) => agent), clock.pending()]).toEqual([['bob'], 0]);
  });

  it('is a crash where a stranger ends what asks', async () => {
    const { actor } = begin(negotiation(), { ann: mute, bob: mute });
    exit((actor.getSnapshot() as { children: Record<string, AnyActorRef> }).children['opening'] as AnyActorRef, 'kill');
    expect([actor.getSnapshot().value, crashOf(actor)]).toEqual(['broken', 'killed']);
  });

  it('goes on from a snapshot where it was, and keeps what it had heard', async () => {
    const clock = new VirtualClock();
    const protocol = negotiation();
    const before = begin(protocol, { ann: saying(offers(1)), bob: saying(accept), eve: mute }, { clock });
    await clock.flush();
    const snapshot = JSON.parse(JSON.stringify(before.actor.getPersistedSnapshot()));
    exit(before.actor, 'shutdown');
    const agents = scriptedAgents(clock, { bob: saying(leave), eve: saying(accept) });
    const actor = createActor(protocol.logic(agents), { clock, snapshot, input: { session: 's1', agents: [], seed: 1 } }).start();
    await settled(actor, clock);
    expect(actor.getSnapshot().output).toMatchObject({ value: { offer: 1, by: 'ann', rounds: 1 } });
    const key = keyOf({ ask: 'answer', subject: null, maxRounds: 20, round: 1, by: 'ann', offer: 1 });
    expect(agents.asked.map((one) => one.key)).toEqual([key, key]);
  });

  it('that is begun again asks nobody twice, and takes no answer for that to another offer', async () => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    let [wish, isDeaf] = [50, true];
    const answers: Readonly<Record<string, (body: NegotiationQuestion) => unknown>> = {
      ann: () => offers(wish),
      bob: (body) => {
        const answer = body.ask === 'answer' && (body.offer as number) > 50 ? leave : accept;
        return new Promise((resolve) => void clock.setTimeout(() => resolve(answer), 50));
      },
      eve: () => (isDeaf ? new Promise(() => {}) : accept),
    };
    const agents = new Map(
      Object.entries(answers).map(([name, answer]) => {
        const request = (body: unknown): unknown => {
          const { offer = 'first' } = body as { readonly offer?: number };
          asked.push(`${name} ${offer}`);
          return answer(body as NegotiationQuestion);
        };
        return [name, createActor(respondent({ request })).start()];
      }),
    );
    const again = async (keyMs: number, first: number, then: number): Promise<NegotiationEnd> => {
      asked.length = 0;
      const comms = createComms({ agents: (name) => agents.get(name), keyMs }, { clock });
      const input = { session: 's1', agents: ['ann', 'bob', 'eve'], seed: 1 };
      [wish, isDeaf] = [first, true];
      const killed = createActor(negotiation().logic(comms), { clock, input }).start();
      await clock.advanceToAsync(clock.now() + 120);
      exit(killed, 'kill');
      [wish, isDeaf] = [then, false];
      const actor = createActor(negotiation().logic(comms), { clock, input }).start();
      await settled(actor, clock);
      await comms.close();
      return actor.getSnapshot().output as NegotiationEnd;
    };
    expect(await again(1_000, 50, 99)).toMatchObject({ value: { offer: 50, by: 'ann' } });
    expect(asked).toEqual(['ann first', 'bob 50', 'eve 50', 'eve 50']);
    // Of bob's answer comms know still, of ann's no more.
    expect(await again(100, 50, 99)).toMatchObject({ why: 'left', details: { history: [{ by: 'ann', offer: 99, accepted: ['eve'] }] } });
    expect(asked).toEqual(['ann first', 'bob 50', 'eve 50', 'ann first', 'bob 99', 'eve 99']);
  });

  it('refuses options that cannot be meant, and fewer than two parties', () => {
    const wrong: readonly unknown[] = [
      ...[null, [], { maxRounds: 0 }, { maxRounds: 1_001 }, { maxRounds: 1.5 }, { maxBytes: 0 }, { maxBytes: 1_048_577 }, { maxHistory: 1_001 }],
      ...[{ withinMs: 0 }, { deadlineMs: Infinity }, { rounds: 3 }, { subject: () => 1 }, { subject: 1n }],
    ];
    for (const options of wrong)
      expect(() => negotiation(options as never)).toThrow(expect.objectContaining({ code: 'negotiation/invalid-options' }));
    const { requireAgents } = negotiation();
    for (const who of ['ann', null, [], ['ann'], ['ann', 'ann'], ['ann', ''], Array.from({ length: 1_001 }, (_, index) => `p${index}`)])
      expect(() => requireAgents(who as never)).toThrow(expect.objectContaining({ code: 'negotiation/invalid-options' }));
  });
});
