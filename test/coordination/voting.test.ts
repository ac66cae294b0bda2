/** Votes: what agents really answer is counted by a rule, and nothing else is. */
import { describe, expect, it } from 'vitest';
import { createActor, type EventObject, fromCallback } from 'xstate';
import { votingMachine } from '../../machines/coordination/voting.js';
import type { QuestionsInput } from '../../machines/coordination/protocol-events.js';
import type { VotingDecision } from '../../machines/coordination/voting-events.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import type { Protocol } from '../../src/coordination/protocol.js';
import { voting, type VotingOptions } from '../../src/coordination/voting.js';
import { type Script, refusal, silent } from './scripted-agents.js';
import { begun, room } from './session-room.js';

const options = ['tea', 'milk', 'water'];
const votes =
  (option: unknown): Script =>
  () => ({ vote: option });
const abstains: Script = () => ({ abstain: true });

/** One vote by scripts, each named by its place: a, b, c … */
async function held(scripts: readonly Script[], more: Partial<VotingOptions> = {}, seed = 1): Promise<SessionResult<VotingDecision>> {
  const agents = scripts.map((_, index) => String.fromCodePoint(97 + index));
  const { coordinator, pass } = room(Object.fromEntries(agents.map((agent, index) => [agent, scripts[index] as Script])));
  const session = begun(coordinator, voting({ options, ...more }), { agents, seed });
  await pass(5_000);
  return session.result();
}

const tea = votes('tea');
const milk = votes('milk');
const water = votes('water');

describe('a vote', () => {
  it('asks each agent once, what it is about and what can be voted for', async () => {
    const { coordinator, agents } = room({ ann: tea, bob: tea });
    const about = { drink: 'for the morning' };
    await begun(coordinator, voting({ options, about, abstentions: 'refused' }), { agents: ['ann', 'bob'], id: 's' }).result();
    const body = { ask: 'vote', about, options, mayAbstain: false };
    expect(agents.asked).toEqual(['ann', 'bob'].map((agent) => ({ agent, body, key: 's/vote' })));
  });

  it.each<[string, readonly Script[], Partial<VotingOptions>, unknown]>([
    ['by a majority: more than half of what was cast', [tea, tea, milk], {}, 'tea'],
    ['by a majority: an abstention counts for no side', [tea, milk, tea, abstains, abstains], {}, 'tea'],
    ['by a majority: half is not more than half', [tea, tea, milk, water], {}, 'noMajority'],
    ['by a majority: of two that have half each none', [tea, tea, milk, milk], {}, 'tie'],
    ['by a majority: the most of three is none', [tea, tea, milk, milk, water], {}, 'noMajority'],
    ['by a plurality: the most of three', [tea, tea, milk, water], { rule: 'plurality' }, 'tea'],
    ['by a plurality: of equals none', [tea, milk, abstains], { rule: 'plurality' }, 'tie'],
    ['by weight: one against two', [tea, milk, milk], { rule: 'weighted', weights: { a: 5, b: 2, c: 2 } }, 'tea'],
    ['by weight: half is not more than half', [tea, milk], { rule: 'weighted', weights: { a: 2, b: 2 } }, 'tie'],
    ['unanimously', [tea, tea, tea], { rule: 'unanimous' }, 'tea'],
    ['unanimously: with an abstention, which takes part', [tea, tea, abstains], { rule: 'unanimous' }, 'tea'],
    ['unanimously: not with one against', [tea, tea, milk], { rule: 'unanimous' }, 'notUnanimous'],
    ['unanimously: not without one who is away', [tea, tea, () => silent], { rule: 'unanimous' }, 'noQuorum'],
    ['byzantine: 3 of 4', [tea, tea, tea, milk], { rule: 'byzantine' }, 'tea'],
    ['byzantine: 2 of 4 are too few, however many are away', [tea, tea, () => silent, abstains], { rule: 'byzantine' }, 'noMajority'],
    ['byzantine: 4 of 5, where one may lie', [tea, tea, tea, tea, milk], { rule: 'byzantine' }, 'tea'],
    ['byzantine: 3 of 5 could be 3 others for another asker', [tea, tea, tea, milk, milk], { rule: 'byzantine', faults: 1 }, 'noMajority'],
    ['with its quorum: half of them', [tea, () => silent], {}, 'tea'],
    ['without its quorum', [tea, () => silent, () => silent], {}, 'noQuorum'],
    ['with a quorum of abstentions and no vote', [abstains, abstains], {}, 'noVotes'],
    ['with no quorum at all, and nobody there', [() => silent], { quorum: 0 }, 'noVotes'],
  ])('is decided %s', async (_, scripts, more, expected) => {
    for (const endsEarly of [false, true]) {
      const result = await held(scripts, { ...more, endsEarly });
      expect(result.outcome === 'decided' ? result.value.option : result.outcome === 'failed' && result.why).toBe(expected);
    }
  });

  it('names everybody in its tally: what is no vote counts for nothing, nor does who is late, gone or refuses', async () => {
    const scripts: readonly Script[] = [
      ...[tea, tea, abstains, () => silent, () => refusal('crashed'), () => Promise.reject(new Error('no'))],
      ...[votes('beer'), votes(3), () => 'tea', () => null, () => ({ vote: 'tea', abstain: true }), () => ({ abstain: 'yes' }), () => ['tea']],
    ];
    const result = await held(scripts, { quorum: 0 });
    expect(result).toMatchObject({
      outcome: 'decided',
      value: {
        option: 'tea',
        isDrawn: false,
        tally: {
          votes: [
            { option: 'tea', count: 2 },
            { option: 'milk', count: 0 },
            { option: 'water', count: 0 },
          ],
          ballots: [
            { agent: 'a', option: 'tea' },
            { agent: 'b', option: 'tea' },
          ],
          abstained: ['c'],
          absent: [
            { agent: 'd', reason: 'late' },
            { agent: 'e', reason: 'crashed' },
            { agent: 'f', reason: 'error' },
          ],
          invalid: ['g', 'h', 'i', 'j', 'k', 'l', 'm'],
          unheard: [],
          repeated: [],
        },
      },
    });
  });

  it('takes an abstention for no vote where it is refused', async () => {
    expect(await held([tea, abstains], { abstentions: 'refused', quorum: 0 })).toMatchObject({ value: { tally: { abstained: [], invalid: ['b'] } } });
    expect(await held([tea, abstains], { abstentions: 'refused', quorum: 1 })).toMatchObject({ why: 'noQuorum' });
  });

  it('draws among equals by the seed, the same each time, and not always the same', async () => {
    const drawn = async (seed: number): Promise<unknown> => {
      const result = await held([tea, milk], { ties: 'draw' }, seed);
      return result.outcome === 'decided' && result.value.isDrawn && result.value.option;
    };
    const first = await Promise.all(Array.from({ length: 20 }, (_, seed) => drawn(seed)));
    expect(await Promise.all(Array.from({ length: 20 }, (_, seed) => drawn(seed)))).toEqual(first);
    expect(new Set(first)).toEqual(new Set(['tea', 'milk']));
  });

  it('ends as soon as nothing can change its end, where that is wanted, and takes the rest back', async () => {
    const { coordinator, agents, clock } = room({ a: tea, b: tea, c: tea, d: () => silent, e: () => silent });
    const all = ['a', 'b', 'c', 'd', 'e'];
    const patient = begun(coordinator, voting({ options }), { agents: all });
    const result = await begun(coordinator, voting({ options, endsEarly: true }), { agents: all, id: 'early' }).result();
    expect(result).toMatchObject({ outcome: 'decided', value: { option: 'tea', tally: { unheard: ['d', 'e'], absent: [] } } });
    expect(agents.taken).toEqual(['d', 'e'].map((agent) => ({ agent, key: 'early/vote' })));
    expect([patient.state, clock.now()]).toEqual(['working', 0]);
  });

  it('lets no agent change what can be voted for, nor its own vote when it has given that', async () => {
    const about = { drink: 'for the morning' };
    const asks = { options, about };
    const given = { vote: 'tea' };
    // Such an agent has a fault of its own, in a world in which modules are strict.
    const adds: Script = async (body) => ({ vote: (body as { options: string[] }).options.push('gin') > 0 && 'gin' });
    const takes: Script = async (body) => ({ vote: (body as { options: string[] }).options.pop() });
    const { coordinator, agents, clock } = room({ a: adds, b: takes, c: () => given, d: () => silent, e: tea });
    const protocol = voting({ ...asks, quorum: 0.4 });
    const session = begun(coordinator, protocol, { agents: ['a', 'b', 'c', 'd', 'e'] });
    await clock.flush();
    given.vote = 'gin';
    await clock.advanceByAsync(5_000);
    expect(await session.result()).toMatchObject({
      value: { option: 'tea', tally: { votes: options.map((option) => ({ option, count: option === 'tea' ? 2 : 0 })), invalid: [] } },
    });
    expect(asks).toEqual({ options: ['tea', 'milk', 'water'], about: { drink: 'for the morning' } });
    const bodies = new Set(agents.asked.map(({ body }) => body));
    expect([bodies.size, [...bodies]]).toMatchObject([1, [{ about, options: ['tea', 'milk', 'water'] }]]);
  });

  it('counts the first word of an agent that says another thing later, and names that agent', async () => {
    const usual = voting({ options });
    const said = (agent: string, vote: string) => ({ type: 'question.answered', id: 'vote', agent, outcome: { ok: true, value: { vote } } });
    // A line that hears the first agent three times, which no line of comms does.
    const questions = fromCallback<EventObject, QuestionsInput>(({ sendBack }) => {
      for (const [agent, vote] of ['a tea', 'b milk', 'a milk', 'c tea', 'a water'].map((one) => one.split(' ')))
        sendBack(said(agent ?? '', vote ?? ''));
      sendBack({ type: 'questions.answered' });
    });
    const twice: Protocol<VotingDecision> = {
      ...usual,
      logic: (requests) => (usual.logic(requests) as typeof votingMachine).provide({ actors: { questions } }),
    };
    const { coordinator } = room();
    const session = begun(coordinator, twice, { agents: ['a', 'b', 'c'] });
    expect(await session.result()).toMatchObject({
      outcome: 'decided',
      value: {
        option: 'tea',
        tally: {
          votes: [2, 1, 0].map((count, index) => ({ option: options[index], count })),
          ballots: ['tea', 'milk', 'tea'].map((option, index) => ({ agent: 'abc'[index], option })),
          repeated: ['a'],
        },
      },
      attempts: 1,
    });
  });

  it('takes for no vote what would be another at the end of a wire, or cannot be looked at', async () => {
    const trap = {
      get vote(): string {
        throw new Error('a trap');
      },
    };
    class Ballot {
      vote = 'tea';
    }
    const circle: { vote?: unknown } = {};
    circle.vote = circle;
    for (const answer of [trap, new Ballot(), circle, new Map([['vote', 'tea']]), new Proxy({}, { ownKeys: () => [trap.vote] })])
      expect(await held([tea, tea, () => ({ ok: true, value: answer })])).toMatchObject({ value: { tally: { invalid: ['c'] } }, attempts: 1 });
  });

  it('counts one more with each answer, and not all anew: that many hold a vote is no harm', () => {
    const agents = Array.from({ length: 200 }, (_, index) => `a${index}`);
    let looks = 0;
    const weights = new Proxy(Object.fromEntries(agents.map((agent) => [agent, 1])), {
      getOwnPropertyDescriptor: (target, key) => {
        looks++;
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
    const terms = { options, about: null, rule: 'weighted', quorum: 0, faults: null, abstentions: 'allowed', ties: 'fail', withinMs: 1 } as const;
    const machine = votingMachine.provide({ actors: { questions: fromCallback(() => {}) } });
    const actor = createActor(machine, { input: { session: 's', agents, seed: 1, ...terms, weights, endsEarly: true } }).start();
    for (const [index, agent] of agents.entries())
      actor.send({ type: 'question.answered', id: 'vote', agent, outcome: { ok: true, value: { vote: index % 2 === 0 ? 'tea' : 'milk' } } });
    expect(actor.getSnapshot().output).toMatchObject({ outcome: 'failed', why: 'tie' });
    expect(looks).toBeLessThan(10 * agents.length);
  });

  it('needs agents that suffice for it', () => {
    const { coordinator } = room();
    const code = (options: VotingOptions, agents: readonly string[]): unknown => {
      try {
        return coordinator.run(voting(options), { agents });
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const codes = [
      ...[code({ options }, []), code({ options, rule: 'byzantine' }, ['a', 'b', 'c'])],
      ...[
        code({ options, rule: 'byzantine', faults: 2 }, ['a', 'b', 'c', 'd', 'e', 'f']),
        code({ options, rule: 'weighted', weights: { a: 1 } }, ['a', 'b']),
      ],
    ];
    expect(codes).toEqual(codes.map(() => 'coordination/insufficient-agents'));
    expect(coordinator.status().working).toBe(0);
  });

  it('refuses terms that cannot be meant', () => {
    const wrong: readonly object[] = [
      ...[{}, { options: [] }, { options: ['a', 'a'] }, { options: [1] }, { options, rule: 'most' }, { options, quorum: 2 }],
      ...[
        { options, weights: { a: 1 } },
        { options, rule: 'weighted' },
        { options, rule: 'weighted', weights: { a: 0.5 } },
      ],
      ...[
        { options, faults: 1 },
        { options, rule: 'byzantine', quorum: 1 },
        { options, rule: 'byzantine', faults: 0 },
        { options, ties: 'coin' },
      ],
      ...[
        { options, abstentions: 'no' },
        { options, endsEarly: 1 },
        { options, withinMs: 0 },
        { options, about: () => 1 },
        { options, kind: 1 },
      ],
    ];
    for (const terms of wrong) expect(() => voting(terms as VotingOptions)).toThrow(/^voting\/invalid-options/);
  });
});
