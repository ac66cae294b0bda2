/** A delegation: representatives hand a task out, members do it, and what they deliver comes up; whoever fails is replaced or missing, and named. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type {
  DelegationEnd,
  DelegationQuestion,
  DelegationRows,
  Required as DelegationRequired,
} from '../../machines/coordination/delegation-events.js';
import { delegation } from '../../src/coordination/delegation.js';
import type { DelegationOptions } from '../../src/coordination/delegation-options.js';
import { exit } from '../../src/supervision/watch.js';
import { begin, crashOf, run, settled } from './protocol-room.js';
import { refusal, type Script, scriptedAgents, silent } from './scripted-agents.js';
import { allBelow, begun, room } from './session-room.js';

/** What an agent answers, by what it is asked; default: it accepts, delivers its number, approves, and adds up. */
type Answers = Partial<Record<DelegationQuestion['ask'], Script>>;

const answers =
  (result: unknown, by: Answers = {}): Script =>
  (body, call) => {
    const question = body as DelegationQuestion;
    const own = by[question.ask];
    if (own !== undefined) return own(body, call);
    if (question.ask === 'delegate') return { accept: true };
    if (question.ask === 'work') return { result };
    if (question.ask === 'approve') return { approve: true };
    return { result: question.results.map(({ value }) => value) };
  };

const one = { name: 'north', agents: ['ann', 'bob', 'eve'] };
const rowsOf = (end: DelegationEnd): DelegationRows => (end.outcome === 'decided' ? end.value : end.details);
const valueOf = (end: DelegationEnd): unknown => (end.outcome === 'decided' ? end.value.value : end.why);
const clusterOf = (end: DelegationEnd, name: string) => rowsOf(end).clusters.find(({ cluster }) => cluster === name);
const statuses = (end: DelegationEnd): unknown => Object.fromEntries(rowsOf(end).agents.map(({ agent, lead, work }) => [agent, [lead, work]]));

const asks = (body: unknown): string => (body as DelegationQuestion).ask;
const three = { ann: answers(1), bob: answers(2), eve: answers(3) };

describe('a delegation', () => {
  it('asks the representative, then its members, then the representative for its word', async () => {
    const { end, agents, facts } = await run<DelegationEnd>(delegation({ task: 'count', clusters: [one], combine: 'sum' }), three);
    const results = [
      { part: 'bob', value: 2 },
      { part: 'eve', value: 3 },
    ];
    const parts = ['bob', 'eve'].map((name) => ({ name, sort: 'agent' }));
    expect(agents.asked.map(({ agent, body }) => [agent, body])).toEqual([
      ['ann', { ask: 'delegate', cluster: 'north', task: 'count', parts }],
      ['bob', { ask: 'work', cluster: 'north', task: 'count' }],
      ['eve', { ask: 'work', cluster: 'north', task: 'count' }],
      ['ann', { ask: 'approve', cluster: 'north', task: 'count', results, missing: [], combined: 5 }],
    ]);
    expect(end).toEqual({
      outcome: 'decided',
      value: {
        value: 5,
        clusters: [{ cluster: 'north', above: null, status: 'delivered', by: 'ann', replaced: [], value: 5 }],
        agents: [
          { agent: 'ann', cluster: 'north', lead: 'led', work: null, result: null },
          { agent: 'bob', cluster: 'north', lead: null, work: 'delivered', result: 2 },
          { agent: 'eve', cluster: 'north', lead: null, work: 'delivered', result: 3 },
        ],
      },
    });
    expect(facts.at(-1)).toEqual({ type: 'delegation.decided', session: 's1', clusters: 1, agents: 2 });
  });

  it('lets the representative say who does what, and asks nobody else', async () => {
    const ann = answers(0, { delegate: () => ({ tasks: { eve: { count: 'gulls' } } }) });
    const { end, agents } = await run<DelegationEnd>(delegation({ clusters: [one], combine: 'list' }), { ...three, ann });
    expect(agents.asked.filter(({ body }) => asks(body) === 'work')).toMatchObject([{ agent: 'eve', body: { task: { count: 'gulls' } } }]);
    expect(valueOf(end)).toEqual([{ part: 'north', value: [{ part: 'eve', value: 3 }] }]);
    expect(statuses(end)).toEqual({ ann: ['led', null], bob: [null, null], eve: [null, 'delivered'] });
  });

  it('goes through three levels, each combined by its own rule, the uppermost by the coordinator', async () => {
    const coast = { name: 'coast', agents: ['joe', 'kim', 'lea'] };
    const clusters = [
      { name: 'south', agents: ['max'], clusters: [{ name: 'shore', agents: ['ned'], clusters: [coast] }] },
      { ...one, agents: ['ann', 'bob'] },
    ];
    const protocol = delegation({
      ...{ clusters, task: 7, combine: 'sum' },
      levels: [
        { combine: (results, { level, cluster }) => ({ level, cluster, results }) },
        {},
        { combine: 'representative' },
        { combine: 'majority' },
      ],
    });
    const scripts = {
      ...{ max: answers(0, { delegate: () => ({ tasks: { shore: 'go on' } }) }), joe: answers(0), kim: answers(4), lea: answers(4) },
      ...{ ned: answers(0, { combine: (body) => ({ result: 10 * Number((body as { results: { value: number }[] }).results[0]?.value) }) }) },
      ...{ ann: answers(0), bob: answers(2) },
    };
    const { end, agents } = await run<DelegationEnd>(protocol, scripts, { who: protocol.agents });
    const results = [
      { part: 'south', value: 40 },
      { part: 'north', value: 2 },
    ];
    expect(valueOf(end)).toEqual({ level: 0, cluster: null, results });
    expect(agents.asked.map(({ agent, body }) => `${agent} ${asks(body)}`)).toEqual([
      ...['max delegate', 'ann delegate', 'ned delegate', 'joe delegate', 'kim work', 'lea work', 'bob work'],
      ...['joe approve', 'ned combine', 'max approve', 'ann approve'],
    ]);
    expect(agents.asked.find(({ agent }) => agent === 'ned')?.body).toMatchObject({ task: 'go on', parts: [{ name: 'coast', sort: 'cluster' }] });
  });

  it.each<[string, Script, string]>([
    ['is late', () => silent, 'late'],
    ['dies', () => refusal('crashed'), 'crashed'],
    ['says nonsense', () => ({ accept: 'yes' }), 'invalid'],
    ['hands out to nobody', () => ({ tasks: {} }), 'invalid'],
    ['hands out to itself, though there are others', () => ({ tasks: { ann: 1 } }), 'invalid'],
    ['hands out to a stranger', () => ({ tasks: { bob: 1, joe: 1 } }), 'invalid'],
    ['says two things', () => ({ accept: true, decline: true }), 'invalid'],
    ['says more than may be said', () => ({ tasks: { bob: 'x'.repeat(20_000) } }), 'invalid'],
  ])('replaces a representative that %s before it has handed out', async (_, delegate, reason) => {
    const { end, agents, facts } = await run<DelegationEnd>(delegation({ clusters: [one], combine: 'sum' }), {
      ...three,
      ann: answers(1, { delegate }),
    });
    expect(clusterOf(end, 'north')).toEqual({
      ...{ cluster: 'north', above: null, status: 'delivered', by: 'bob', value: 3 },
      replaced: [{ agent: 'ann', reason }],
    });
    expect(statuses(end)).toEqual({ ann: [reason, null], bob: ['led', null], eve: [null, 'delivered'] });
    expect(agents.asked[1]).toMatchObject({ agent: 'bob', body: { ask: 'delegate', parts: [{ name: 'eve', sort: 'agent' }] } });
    expect(facts).toContainEqual({ type: 'delegation.replaced', session: 's1', cluster: 'north', agent: 'ann', reason, by: 'bob' });
  });

  it('lets stand what was handed out when its representative dies after that: nobody works twice, and the next has the word', async () => {
    const ann = answers(1, { approve: () => refusal('crashed') });
    const { end, agents } = await run<DelegationEnd>(delegation({ clusters: [one], combine: 'sum' }), { ...three, ann });
    expect(valueOf(end)).toBe(5);
    expect(agents.asked.map(({ agent, body }) => `${agent} ${asks(body)}`)).toEqual([
      'ann delegate',
      'bob work',
      'eve work',
      'ann approve',
      'bob approve',
    ]);
    const [first, second] = agents.asked.slice(-2);
    expect(second).toEqual({ ...first, agent: 'bob' });
    expect(clusterOf(end, 'north')).toMatchObject({ by: 'bob', replaced: [{ agent: 'ann', reason: 'crashed' }] });
    expect(statuses(end)).toEqual({ ann: ['crashed', null], bob: ['led', 'delivered'], eve: [null, 'delivered'] });
  });

  it('does not let represent who could not be heard when it was to work', async () => {
    const scripts = { ann: answers(1, { approve: () => silent }), bob: answers(2, { work: () => silent }), eve: answers(3) };
    const { end } = await run<DelegationEnd>(delegation({ clusters: [one], required: 'any' }), scripts);
    expect(clusterOf(end, 'north')).toMatchObject({ by: 'eve', status: 'delivered', replaced: [{ agent: 'ann', reason: 'late' }] });
  });

  it('is leaderless where as many were replaced as may be, or nobody is left', async () => {
    const dead = answers(0, { delegate: () => refusal('noAgent') });
    const { end, agents } = await run<DelegationEnd>(delegation({ clusters: [one] }), { ann: dead, bob: dead, eve: answers(3) });
    expect(end).toMatchObject({ outcome: 'failed', why: 'tooFew', details: { clusters: [{ status: 'leaderless', by: null }] } });
    expect(agents.asked).toHaveLength(2);
    const more = await run<DelegationEnd>(delegation({ clusters: [one], replacements: 2 }), { ann: dead, bob: dead, eve: answers(3) });
    // Who alone is left does the work itself.
    expect(statuses(more.end)).toEqual({ ann: ['noAgent', null], bob: ['noAgent', null], eve: ['led', 'delivered'] });
    const none = await run<DelegationEnd>(delegation({ clusters: [one], replacements: 9 }), { ann: dead, bob: dead, eve: dead });
    expect(clusterOf(none.end, 'north')?.replaced).toHaveLength(3);
    const never = await run<DelegationEnd>(delegation({ clusters: [one], replacements: 0 }), { ann: dead, bob: answers(2), eve: answers(3) });
    expect(clusterOf(never.end, 'north')).toMatchObject({ status: 'leaderless', replaced: [{ agent: 'ann' }] });
  });

  it('takes a refusal as a word: of a representative for its cluster, of an agent for its part', async () => {
    const decline = (): object => ({ decline: true });
    const early = await run<DelegationEnd>(delegation({ clusters: [one] }), { ...three, ann: answers(1, { delegate: decline }) });
    expect(clusterOf(early.end, 'north')).toMatchObject({ status: 'refused', by: 'ann', replaced: [] });
    expect(early.agents.asked).toHaveLength(1);
    const late = await run<DelegationEnd>(delegation({ clusters: [one] }), { ...three, ann: answers(1, { approve: decline }) });
    expect(clusterOf(late.end, 'north')).toMatchObject({ status: 'refused', by: 'ann', value: null });
    const part = await run<DelegationEnd>(delegation({ clusters: [one], combine: 'sum' }), { ...three, bob: answers(2, { work: decline }) });
    expect(valueOf(part.end)).toBe('tooFew');
    expect(clusterOf(part.end, 'north')).toMatchObject({ status: 'tooFew', by: 'ann' });
    expect(statuses(part.end)).toEqual({ ann: ['led', null], bob: [null, 'refused'], eve: [null, 'delivered'] });
  });

  it.each<[string, DelegationRequired, number, unknown]>([
    ['all, and one is missing', 'all', 1, 'tooFew'],
    ['all, and none is', 'all', 0, 6],
    ['any, and one is left', 'any', 2, 3],
    ['any, and none is', 'any', 3, 'tooFew'],
    ['two of three, and they are there', { quorum: 2 / 3 }, 1, 5],
    ['two of three, and one is', { quorum: 2 / 3 }, 2, 'tooFew'],
    ['none, and still one must be', { quorum: 0 }, 3, 'tooFew'],
  ])('requires %s', async (_, required, missing, expected) => {
    const work = (nth: number): Script => answers(nth, nth <= missing ? { work: () => refusal('crashed') } : {});
    const scripts = { zoe: answers(0), ann: work(1), bob: work(2), eve: work(3) };
    const clusters = [{ name: 'north', agents: ['zoe', 'ann', 'bob', 'eve'] }];
    const { end, agents } = await run<DelegationEnd>(delegation({ clusters, combine: 'sum', required }), scripts);
    expect(valueOf(end)).toBe(expected);
    const told = agents.asked.find(({ body }) => asks(body) === 'approve')?.body as { missing: unknown[] } | undefined;
    if (typeof expected === 'number') expect(told?.missing).toEqual(['ann', 'bob'].slice(0, missing).map((part) => ({ part, why: 'crashed' })));
  });

  it('goes on without a cluster, where the coordinator requires fewer, and says which is missing', async () => {
    const clusters = [one, { name: 'south', agents: ['joe', 'kim'] }];
    const dead = answers(0, { delegate: () => refusal('crashed') });
    const scripts = { ...three, joe: dead, kim: dead };
    const combine: DelegationOptions['combine'] = (results, { missing }) => ({ results, missing });
    const { end } = await run<DelegationEnd>(delegation({ clusters, levels: [{ required: { quorum: 0.5 }, combine }, { combine: 'sum' }] }), scripts);
    expect(valueOf(end)).toEqual({ results: [{ part: 'north', value: 5 }], missing: [{ part: 'south', why: 'leaderless' }] });
  });

  it.each<[string, DelegationOptions, unknown]>([
    ['a sum of what is no number', { clusters: [one], combine: 'sum' }, 'tooFew'],
    [
      'a list',
      { clusters: [one] },
      [
        {
          part: 'north',
          value: [
            { part: 'bob', value: 'x' },
            { part: 'eve', value: 3 },
          ],
        },
      ],
    ],
    ['a majority that there is not', { clusters: [one], levels: [{}, { combine: 'majority' }] }, 'tooFew'],
    ['a sum above lists', { clusters: [one], levels: [{ combine: 'sum' }] }, 'tooFew'],
    ['a majority of one', { clusters: [one], levels: [{ combine: 'majority' }, { combine: () => ({ b: 1, a: 2 }) }] }, { a: 2, b: 1 }],
    ['the word of the representative', { clusters: [one], levels: [{ combine: 'majority' }, { combine: 'representative' }] }, ['x', 3]],
  ])('combines by rule: %s', async (_, options, expected) => {
    const { end } = await run<DelegationEnd>(delegation(options), { ...three, bob: answers('x') });
    expect(valueOf(end)).toEqual(expected);
  });

  it('has a sum that is finite, or none', async () => {
    const most = { ...three, bob: answers(1e308), eve: answers(1e308) };
    const { end } = await run<DelegationEnd>(delegation({ clusters: [one], combine: 'sum' }), most);
    expect(clusterOf(end, 'north')).toMatchObject({ status: 'noResult' });
    const top = await run<DelegationEnd>(delegation({ clusters: [one, { name: 'b', agents: ['joe'] }], levels: [{ combine: 'majority' }] }), {
      ...three,
      joe: answers(1),
    });
    expect(top.end).toMatchObject({ outcome: 'failed', why: 'noResult', details: { clusters: [{ status: 'delivered' }, { status: 'delivered' }] } });
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('oh');
      },
      'Error: oh',
    ],
    [
      'throws what has no words',
      () => {
        throw Object.create(null);
      },
      'object without words',
    ],
    ['returns NaN', () => Number.NaN, 'it returns what is no JSON, or is more than 100 deep'],
    ['returns a Map', () => new Map([[1, 2]]), 'it returns what is no JSON, or is more than 100 deep'],
    ['returns nothing', () => undefined, 'it returns what is no JSON, or is more than 100 deep'],
    ['returns what is no JSON', () => 1n, 'it returns what is no JSON, or is more than 100 deep'],
    ['promises', () => Promise.reject(new Error('later')), 'it returns what is no JSON, or is more than 100 deep'],
    [
      'draws by itself',
      (() => {
        let count = 0;
        return () => count++;
      })(),
      'it says something else of the same results',
    ],
  ])("takes the app's own rule for failed where it %s", async (_, combine, why) => {
    const { end, facts } = await run<DelegationEnd>(delegation({ clusters: [one], levels: [{}, { combine }] }), three);
    expect(clusterOf(end, 'north')).toMatchObject({ status: 'ruleFailed', value: null });
    expect(facts).toContainEqual({ type: 'delegation.ruleFailed', session: 's1', cluster: 'north', why });
    const top = await run<DelegationEnd>(delegation({ clusters: [one], levels: [{ combine }] }), three);
    expect(valueOf(top.end)).toBe('ruleFailed');
  });

  it("gives the app's own rule copies: what it does to them is nothing to anybody", async () => {
    const combine: DelegationOptions['combine'] = (results) => (results as unknown[]).splice(0).length;
    const { end, agents } = await run<DelegationEnd>(delegation({ clusters: [one], levels: [{}, { combine }] }), three);
    expect(valueOf(end)).toEqual([{ part: 'north', value: 2 }]);
    expect(agents.asked.at(-1)?.body).toMatchObject({ results: [{ part: 'bob' }, { part: 'eve' }] });
  });

  it('draws by the seed who represents, where it is to', async () => {
    const first = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { agents } = await run<DelegationEnd>(delegation({ clusters: [one], succession: 'drawn' }), three, { seed });
      first.add(agents.asked[0]?.agent ?? '');
    }
    expect([...first].sort()).toEqual(['ann', 'bob', 'eve']);
  });

  it('ends in its time though nobody ever answers, and each level has its share', async () => {
    const clusters = [{ ...one, clusters: [{ name: 'coast', agents: ['joe', 'kim'] }] }];
    const never = answers(0, { delegate: () => silent });
    for (const options of [{ deadlineMs: 900 }, { deadlineMs: 1_000, workMs: 500 }, { deadlineMs: 5_000, levels: [{}, { withinMs: 10 }] }]) {
      const protocol = delegation({ clusters, ...options });
      expect(protocol.longestMs).toBeLessThanOrEqual(options.deadlineMs);
      expect(protocol.longestMs).toBeGreaterThan(options.deadlineMs - 10);
      const scripts = {
        ...three,
        joe: answers(1, { approve: () => silent }),
        kim: answers(2, { work: () => silent, approve: () => silent }),
        ann: never,
      };
      const { atMs } = await run<DelegationEnd>(
        protocol,
        { ...scripts, bob: answers(1, { approve: () => silent }), eve: never },
        { who: protocol.agents },
      );
      expect(atMs).toBeLessThanOrEqual(protocol.longestMs);
    }
    expect(delegation({ clusters: [one], workMs: 5, levels: [{}, { withinMs: 7 }] }).longestMs).toBe(33);
  });

  it('asks the same again under the same key, and something else under another', async () => {
    const ids = async (task: unknown): Promise<readonly (string | undefined)[]> =>
      (await run<DelegationEnd>(delegation({ clusters: [one], task }), three)).agents.asked.map(({ key }) => key);
    const [first, again, other] = [await ids({ a: 1, b: 2 }), await ids({ b: 2, a: 1 }), await ids(3)];
    expect(again).toEqual(first);
    expect(first.filter((key) => other.includes(key))).toEqual([]);
    expect(first[1]).toBe(first[2]);
    expect(new Set(first).size).toBe(3);
  });

  it('takes its questions back where it is ended', async () => {
    const { actor, agents, clock } = begin(delegation({ clusters: [one] }), { ...three, ann: () => silent });
    await clock.flush();
    actor.stop();
    await clock.flush();
    expect(agents.taken).toMatchObject([{ agent: 'ann' }]);
  });

  it('is a crash where what asks is killed', async () => {
    const { actor, clock } = begin(delegation({ clusters: [one] }), { ...three, ann: () => silent });
    const { questions } = (actor.getSnapshot() as { children: { questions: Parameters<typeof exit>[0] } }).children;
    exit(questions, 'kill');
    await settled(actor, clock);
    expect(crashOf(actor)).toBe('killed');
  });

  it('restored from a snapshot asks again under the same keys, and has whom it had heard', async () => {
    const protocol = delegation({ clusters: [one], combine: 'sum' });
    const { actor, clock } = begin(protocol, { ...three, eve: () => silent });
    await clock.flush();
    const saved = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never;
    actor.stop();
    const agents = scriptedAgents(clock, { ann: answers(1), bob: answers(50), eve: answers(3) });
    const again = createActor(protocol.logic(agents), { snapshot: saved, clock } as never).start();
    await settled(again, clock);
    expect(agents.asked.map(({ agent, body }) => `${agent} ${asks(body)}`)).toEqual(['bob work', 'eve work', 'ann approve']);
    expect(valueOf((again.getSnapshot() as unknown as { output: DelegationEnd }).output)).toBe(5);
  });
});

describe('a delegation in a session', () => {
  it('asks the same under the same keys after a crash, so that nobody does anything twice', async () => {
    const { coordinator, agents, pass } = room(three);
    const protocol = delegation({ clusters: [one], combine: 'sum' });
    const session = begun(coordinator, protocol, { agents: protocol.agents, id: 's1' });
    const chart = allBelow(coordinator.ref as AnyActorRef).find(({ id }) => id === 'worker') as AnyActorRef;
    exit(chart, 'kill');
    await pass(1_000);
    expect(await session.result()).toMatchObject({ outcome: 'decided', attempts: 2, value: { value: 5 } });
    const did = agents.asked.map(({ agent, key }) => `${agent} ${key}`);
    expect(new Set(did).size).toBe(4);
    expect(did.length).toBeGreaterThan(4);
  });

  it('asks an agent anew where another representative hands out something else, and never takes the old answer for the new', async () => {
    // First ann is late and bob hands out; then the worker is killed, and ann is there.
    let tries = 0;
    const ann = answers(0, { delegate: () => (tries++ === 0 ? silent : { tasks: { eve: 'of ann' } }) });
    const bob = answers(0, { delegate: () => ({ tasks: { eve: 'of bob' } }), approve: () => silent });
    const eve = answers(0, { work: (body) => ({ result: (body as { task: string }).task }) });
    const { coordinator, agents, pass } = room({ ann, bob, eve });
    const session = begun(coordinator, delegation({ clusters: [one], deadlineMs: 5_000, levels: [{}, { withinMs: 100 }] }), {
      agents: ['ann', 'bob', 'eve'],
    });
    await pass(150);
    exit(allBelow(coordinator.ref as AnyActorRef).find(({ id }) => id === 'worker') as AnyActorRef, 'kill');
    await pass(5_000);
    expect(await session.result()).toMatchObject({ outcome: 'decided', value: { value: [{ value: [{ part: 'eve', value: 'of ann' }] }] } });
    const keys = agents.asked.filter(({ body }) => asks(body) === 'work').map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
  });

  it('needs the agents of its clusters, and no others', () => {
    const { coordinator } = room(three);
    const protocol = delegation({ clusters: [one] });
    for (const agents of [['ann', 'bob'], ['ann', 'bob', 'eve', 'joe'], ['ann', 'bob', 'joe'], []])
      expect(() => coordinator.run(protocol, { agents })).toThrow(/^coordination\/insufficient-agents/);
  });
});
