/** Iterative consensus: agents see what was proposed, propose anew, and have agreed when enough of them propose the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Backing, backingsOf, textOf } from '../../machines/coordination/agreement.js';
import type { IterativeDecision, Proposal } from '../../machines/coordination/iterative-consensus-events.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf } from '../../src/supervision/xstate-internals.js';
import { supervisorHandle } from '../../src/supervision/handle.js';
import { iterativeConsensus, type IterativeConsensusOptions } from '../../src/coordination/iterative-consensus.js';
import { refusal, type Script, silent } from './scripted-agents.js';
import { begun, room } from './session-room.js';

interface Asked {
  readonly round: number;
  readonly rounds: number;
  readonly proposals: readonly Backing[];
}

const insists =
  (value: unknown): Script =>
  () => ({ value });
/** Begins with a value of its own, and then joins what most propose. */
const joins =
  (value: unknown): Script =>
  (body) => ({ value: (body as Asked).proposals[0]?.value ?? value });
/** Takes part in so many rounds, and then does what the script says. */
const until =
  (rounds: number, script: Script, after: Script): Script =>
  (body, call) =>
    (body as Asked).round <= rounds ? script(body, call) : after(body, call);

async function held(scripts: readonly Script[], options: IterativeConsensusOptions = {}): Promise<SessionResult<IterativeDecision>> {
  const agents = scripts.map((_, index) => String.fromCodePoint(97 + index));
  const { coordinator, pass } = room(Object.fromEntries(agents.map((agent, index) => [agent, scripts[index] as Script])), { withinMs: 60_000 });
  const session = begun(coordinator, iterativeConsensus(options), { agents });
  await pass(30_000);
  return session.result();
}

describe('an iterative consensus', () => {
  it('is there when enough propose the same, after as many rounds as that takes', async () => {
    expect(await held([insists(3), insists(3)])).toMatchObject({ outcome: 'decided', value: { value: 3, round: 1, share: 1, left: [] } });
    expect(await held([insists(3), insists(3), joins(5)])).toMatchObject({ outcome: 'decided', value: { value: 3, round: 2, share: 1 } });
    const most = [...Array.from({ length: 19 }, () => insists('x')), insists('y')];
    expect(await held(most)).toMatchObject({ outcome: 'decided', value: { value: 'x', round: 1, share: 0.95 } });
    expect(await held(most.slice(1), { rounds: 1 })).toMatchObject({ outcome: 'failed', why: 'noAgreement' });
  });

  it('fails with its last round where they do not agree', async () => {
    const proposals = [
      { agent: 'a', value: 1 },
      { agent: 'b', value: 2 },
    ];
    expect(await held([insists(1), insists(2)], { rounds: 3 })).toEqual({
      ...{ outcome: 'failed', why: 'noAgreement', attempts: 1 },
      details: { round: 3, share: 0.5, proposals, left: [] },
    });
  });

  it('shows each agent what was proposed in the round before: how often, or by whom', async () => {
    for (const proposals of ['anonymous', 'named'] as const) {
      const { coordinator, agents } = room({ ann: insists({ b: 1, a: 2 }), bob: insists({ a: 2, b: 1 }), eve: insists([1]) });
      const protocol = iterativeConsensus({ about: 'a plan', rounds: 2, proposals });
      await begun(coordinator, protocol, { agents: ['ann', 'bob', 'eve'], id: 's' }).result();
      const named = ['ann', 'bob', 'eve'].map((agent) => ({ agent, value: agent === 'eve' ? [1] : { a: 2, b: 1 } }));
      const counted = [
        { value: { a: 2, b: 1 }, count: 2 },
        { value: [1], count: 1 },
      ];
      const bodies = [[], proposals === 'named' ? named : counted].map((told, index) => ({
        ...{ ask: 'propose', about: 'a plan', round: index + 1, rounds: 2, proposals: told },
      }));
      // A later round's question is made of the answers to the one before, and so is its key: other answers, another question.
      const keys = ['s/round-1', expect.stringMatching(/^s\/round-2\/[0-9a-f]{16}$/)];
      const expected = keys.flatMap((key, index) => ['ann', 'bob', 'eve'].map((agent) => ({ agent, body: bodies[index], key })));
      expect(agents.asked).toEqual(expected);
    }
  });

  it('goes on without who leaves, as long as enough are there, and names them', async () => {
    const gone = [until(1, insists(2), () => silent), until(1, insists(2), () => refusal('crashed')), until(1, insists(3), () => 'four')];
    const left = [
      { agent: 'c', round: 2, reason: 'late' },
      { agent: 'd', round: 2, reason: 'crashed' },
      { agent: 'e', round: 2, reason: 'invalid' },
    ];
    expect(await held([insists(1), insists(1), ...gone], { quorum: 0.4 })).toMatchObject({
      outcome: 'decided',
      value: { value: 1, round: 2, share: 1, left },
    });
    expect(await held([insists(1), insists(1), ...gone], { quorum: 0.5 })).toMatchObject({ outcome: 'failed', why: 'noQuorum', details: { left } });
    expect(await held([insists(1), insists(1), ...gone], { departures: 'fail' })).toMatchObject({ outcome: 'failed', why: 'agentLeft' });
    expect(await held([() => silent], { quorum: 0 })).toMatchObject({ outcome: 'failed', why: 'noQuorum' });
  });

  it('takes no Date, Map or list with holes for a proposal: two of them look the same, and are not', async () => {
    const holes: number[] = [];
    holes.length = 2;
    const pairs: readonly (readonly [unknown, unknown])[] = [
      ...[[new Date(1), new Date(2)] as const, [new Map([[1, 1]]), new Map()] as const, [/a/, /b/] as const],
      ...[[holes, holes] as const, [[new Date(1)], [new Date(1)]] as const, [Number.NaN, Number.NaN] as const],
    ];
    for (const [one, other] of pairs) {
      const left = ['a', 'b'].map((agent) => ({ agent, round: 1, reason: 'invalid' }));
      expect(await held([insists(one), insists(other)])).toMatchObject({ outcome: 'failed', why: 'noQuorum', details: { left }, attempts: 1 });
      expect([textOf(one), textOf(other)]).toEqual([null, null]);
    }
  });

  it('agrees on what was proposed, whatever becomes of that later, and shows all of a round the same', async () => {
    const plan = { at: 1 };
    const changes: Script = async (body) => {
      for (const { value } of (body as { proposals: readonly { value: { at: number } }[] }).proposals) value.at = 7;
      return { value: { at: 1 } };
    };
    const { coordinator, agents, clock } = room({
      ann: () => ({ value: plan }),
      bob: insists({ at: 1 }),
      eve: until(1, insists({ at: 2 }), changes),
    });
    const session = begun(coordinator, iterativeConsensus({ rounds: 2, withinMs: 1_000, agreement: 1 }), { agents: ['ann', 'bob', 'eve'] });
    await clock.flush();
    plan.at = 99;
    await clock.advanceByAsync(1_000);
    expect(await session.result()).toMatchObject({
      outcome: 'decided',
      value: { value: { at: 1 }, round: 2, left: [{ agent: 'eve', reason: 'error' }], proposals: [{ value: { at: 1 } }, { value: { at: 1 } }] },
    });
    expect(new Set(agents.asked.map(({ body }) => body)).size).toBe(2);
  });

  it('does not ask again who has left', async () => {
    const { coordinator, agents, pass } = room({ ann: insists(1), bob: insists(2), eve: until(0, insists(1), () => refusal('error')) });
    const session = begun(coordinator, iterativeConsensus({ rounds: 3 }), { agents: ['ann', 'bob', 'eve'] });
    await pass(1);
    await session.result();
    expect(agents.asked.filter(({ agent }) => agent === 'eve')).toHaveLength(1);
    expect(agents.asked).toHaveLength(7);
  });

  it('asks anew in a later round that shows other proposals, though an agent keeps its answer to the former attempt', async () => {
    const keysOf = async (first: number): Promise<readonly string[]> => {
      const { coordinator, agents } = room({ ann: until(1, insists(first), insists(7)), bob: until(1, insists(2), insists(7)) });
      await begun(coordinator, iterativeConsensus({ rounds: 2 }), { agents: ['ann', 'bob'], id: 's' }).result();
      return agents.asked.map(({ key }) => key as string);
    };
    const [one, same, other] = [await keysOf(1), await keysOf(1), await keysOf(3)];
    expect(same).toEqual(one);
    expect(other.slice(0, 2)).toEqual(one.slice(0, 2));
    expect(other[2]).not.toBe(one[2]);
  });

  it('asks the same again under the same keys after a crash of its worker', async () => {
    const { coordinator, agents, pass } = room({ ann: insists(1), bob: until(1, insists(2), () => silent) });
    const session = begun(coordinator, iterativeConsensus({ rounds: 2, withinMs: 1_000 }), { agents: ['ann', 'bob'], id: 's' });
    await pass(1);
    const [child] = await supervisorHandle(coordinator.ref as never).whichChildren();
    for (const worker of childrenOf(child?.ref as never)) exit(worker, 'kill');
    await pass(100);
    const keys = agents.asked.map(({ key }) => key);
    expect(keys.slice(0, 2)).toEqual(['s/round-1', 's/round-1']);
    expect(new Set(keys.slice(2, 4)).size).toBe(1);
    expect(keys.slice(4)).toEqual(keys.slice(0, 4));
    await pass(1_000);
    const left = [{ agent: 'bob', round: 2, reason: 'late' }];
    expect(await session.result()).toMatchObject({ outcome: 'decided', attempts: 2, value: { value: 1, round: 2, left } });
  });

  it('takes values for the same by what they are, in one order only', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (one, other) => {
        expect(textOf(one)).toBe(textOf(reversed(one)));
        expect(textOf(one) === textOf(other)).toBe(JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
      }),
      { numRuns: 500, seed: 20_251_126 },
    );
    const circle: { self?: unknown } = {};
    circle.self = circle;
    for (const none of [undefined, () => 1, 1n, Number.NaN, Symbol('x'), circle, { a: undefined }, [undefined]]) expect(textOf(none)).toBeNull();
  });

  it('shows the same to all, in whatever order they proposed', () => {
    const proposals = fc.array(fc.record({ agent: fc.string(), value: fc.constantFrom<unknown>(1, 2, 'x', { a: 1 }, [1]) }), { maxLength: 8 });
    fc.assert(
      fc.property(proposals, (list: readonly Proposal[]) => {
        expect(backingsOf([...list].reverse())).toEqual(backingsOf(list));
        const counts = backingsOf(list).map(({ count }) => count);
        expect([counts, counts.reduce((sum, count) => sum + count, 0)]).toEqual([[...counts].sort((a, b) => b - a), list.length]);
      }),
      { numRuns: 300, seed: 20_251_127 },
    );
  });

  it('needs agents, and refuses terms that cannot be meant', () => {
    expect(() => room().coordinator.run(iterativeConsensus(), { agents: [] })).toThrow(/^coordination\/insufficient-agents/);
    const wrong: readonly object[] = [
      ...[{ rounds: 0 }, { rounds: 1.5 }, { agreement: 0.5 }, { agreement: 1.1 }, { quorum: -1 }, { departures: 'stay' }],
      ...[{ proposals: 'secret' }, { withinMs: 0 }, { about: () => 1 }, { round: 1 }],
    ];
    for (const terms of wrong) expect(() => iterativeConsensus(terms as IterativeConsensusOptions)).toThrow(/^iterative\/invalid-options/);
  });
});

/** The same with the keys of each object in the opposite order. */
function reversed(value: unknown): unknown {
  return mapped(value, (keys) => keys.reverse());
}

/** The same with the keys of each object in one order. */
function sorted(value: unknown): unknown {
  return mapped(value, (keys) => keys.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mapped(value: unknown, order: (entries: [string, unknown][]) => [string, unknown][]): unknown {
  if (Array.isArray(value)) return value.map((item) => mapped(item, order));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(order(Object.entries(value)).map(([key, item]) => [key, mapped(item, order)]));
}
