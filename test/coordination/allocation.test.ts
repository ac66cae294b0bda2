/** An allocation: agents are really asked, and who cannot be heard, or answers nonsense, has nothing and is named. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { AllocationEnd } from '../../machines/coordination/allocation-events.js';
import { allocation, type AllocationOptions } from '../../src/coordination/allocation.js';
import { exit } from '../../src/supervision/watch.js';
import { begin, crashOf, run, settled } from './protocol-room.js';
import { allBelow, begun, room } from './session-room.js';
import { refusal, scriptedAgents, silent } from './scripted-agents.js';

const wants =
  (demand: object, least?: object): (() => unknown) =>
  () => ({ demand, ...(least === undefined ? {} : { least }) });

const unreadable = (): never => {
  throw new Error('nobody reads that');
};

const rows = (end: AllocationEnd) => (end.outcome === 'decided' ? end.value.claimants : end.details.claimants);
const shares = (end: AllocationEnd): unknown => Object.fromEntries(rows(end).map(({ agent, granted }) => [agent, Object.values(granted)]));
const statuses = (end: AllocationEnd): unknown => Object.fromEntries(rows(end).map(({ agent, status }) => [agent, status]));

describe('an allocation', () => {
  it('asks everybody once, all at once, with one deadline, under a key of the session', async () => {
    const { end, agents, atMs } = await run<AllocationEnd>(allocation({ resources: { gpu: 4 }, about: 'tonight', withinMs: 700 }), {
      ann: wants({ gpu: 1 }),
      bob: () => silent,
      eve: () => silent,
    });
    expect(agents.asked).toEqual(
      ['ann', 'bob', 'eve'].map((agent) => ({ agent, body: { ask: 'demand', about: 'tonight', resources: { gpu: 4 } }, key: 's1/demand' })),
    );
    expect(atMs).toBe(700);
    expect(statuses(end)).toEqual({ ann: 'granted', bob: 'late', eve: 'late' });
  });

  it('is max-min fair where nothing else is said: who wants little has it, and the others the same', async () => {
    const { end, facts } = await run<AllocationEnd>(allocation({ resources: { gpu: 10, disk: 5 } }), {
      ann: wants({ gpu: 2, disk: 5 }),
      bob: wants({ gpu: 8 }),
      eve: wants({ gpu: 9 }),
    });
    expect(end).toMatchObject({ outcome: 'decided', value: { rule: 'maxMin', left: { gpu: 0, disk: 0 } } });
    expect(shares(end)).toEqual({ ann: [2, 5], bob: [4, 0], eve: [4, 0] });
    expect(facts.at(-1)).toEqual({ type: 'allocation.decided', session: 's1', served: 3 });
  });

  it('shares in proportion in whole units, whoever lost most by that first', async () => {
    const protocol = allocation({ resources: { gpu: 10 }, rule: 'proportional' });
    const { end } = await run<AllocationEnd>(protocol, { ann: wants({ gpu: 6 }), bob: wants({ gpu: 5 }), eve: wants({ gpu: 2 }) });
    // 4.6, 3.8 and 1.5.
    expect(shares(end)).toEqual({ ann: [5], bob: [4], eve: [1] });
  });

  it('counts amounts exactly that no product holds', async () => {
    const most = 1_000_000_000_000;
    const protocol = allocation({ resources: { byte: most }, rule: 'proportional' });
    const { end } = await run<AllocationEnd>(protocol, { ann: wants({ byte: most - 1 }), bob: wants({ byte: 2 ** 53 - 1 }) });
    expect(shares(end)).toEqual({ ann: [500_000_000_000], bob: [500_000_000_000] });
  });

  it('gives by priority, and equal ones as the seed draws', async () => {
    const protocol = allocation({ resources: { gpu: 5 }, rule: 'priority', priorities: { eve: 2, dan: -1 } });
    const scripts = { ann: wants({ gpu: 3 }), bob: wants({ gpu: 3 }), dan: wants({ gpu: 3 }), eve: wants({ gpu: 2 }) };
    const first = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { end } = await run<AllocationEnd>(protocol, scripts, { seed });
      expect(statuses(end)).toMatchObject({ eve: 'granted', dan: 'unserved' });
      const served = rows(end).filter(({ agent, status }) => agent !== 'eve' && status === 'granted');
      expect(served).toHaveLength(1);
      first.add(served[0]?.agent ?? '');
    }
    expect([...first].sort()).toEqual(['ann', 'bob']);
  });

  it('draws who has one more, by the seed and not by the name', async () => {
    const lucky = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { end } = await run<AllocationEnd>(allocation({ resources: { gpu: 3 } }), { ann: wants({ gpu: 3 }), bob: wants({ gpu: 3 }) }, { seed });
      for (const { agent, granted } of rows(end)) if (granted['gpu'] === 2) lucky.add(agent);
    }
    expect([...lucky].sort()).toEqual(['ann', 'bob']);
  });

  it('gives each its least or nothing, and names who has nothing; as many as can be are served', async () => {
    const protocol = allocation({ resources: { gpu: 10 } });
    const { end } = await run<AllocationEnd>(protocol, {
      ann: wants({ gpu: 9 }, { gpu: 9 }),
      bob: wants({ gpu: 6 }, { gpu: 3 }),
      eve: wants({ gpu: 6 }, { gpu: 4 }),
    });
    expect(shares(end)).toEqual({ ann: [0], bob: [5], eve: [5] });
    expect(statuses(end)).toEqual({ ann: 'leastNotMet', bob: 'granted', eve: 'granted' });
  });

  it('takes a least of two resources together, or not at all', async () => {
    const { end } = await run<AllocationEnd>(allocation({ resources: { cpu: 8, gpu: 1 }, rule: 'priority', priorities: { ann: 1 } }), {
      ann: wants({ cpu: 4, gpu: 1 }),
      bob: wants({ cpu: 4, gpu: 1 }, { gpu: 1 }),
      eve: wants({ cpu: 4 }),
    });
    expect(shares(end)).toEqual({ ann: [4, 1], bob: [0, 0], eve: [4, 0] });
  });

  it.each<[string, () => unknown, string]>([
    ['is late', () => silent, 'late'],
    ['dies', () => refusal('crashed'), 'crashed'],
    ['is nobody', () => refusal('noAgent'), 'noAgent'],
    ['wants nothing', wants({}), 'passed'],
    ['says nothing', () => null, 'invalid'],
    ['says it in another shape', () => 4, 'invalid'],
    ['wants a list', wants([4]), 'invalid'],
    ['wants a map', wants(new Map([['gpu', 4]])), 'invalid'],
    ['has a demand that cannot be read', () => Object.defineProperty({}, 'demand', { get: () => unreadable() }), 'invalid'],
    ['wants an amount that cannot be read', wants(Object.defineProperty({}, 'gpu', { enumerable: true, get: () => unreadable() })), 'invalid'],
    ['wants a fraction', wants({ gpu: 1.5 }), 'invalid'],
    ['wants less than nothing', wants({ gpu: -1 }), 'invalid'],
    ['wants what there is not', wants({ tpu: 1 }), 'invalid'],
    ['needs more than it wants', wants({ gpu: 1 }, { gpu: 2 }), 'invalid'],
    ['needs a fraction', wants({ gpu: 1 }, { gpu: 0.5 }), 'invalid'],
  ])('gives nothing to one who %s, and says so', async (_, script, status) => {
    const { end } = await run<AllocationEnd>(allocation({ resources: { gpu: 4 } }), { ann: script, bob: wants({ gpu: 9 }) });
    expect(rows(end)).toEqual([
      { agent: 'ann', status, demand: null, least: null, granted: { gpu: 0 } },
      { agent: 'bob', status: 'granted', demand: { gpu: 9 }, least: { gpu: 0 }, granted: { gpu: 4 } },
    ]);
  });

  it('fails where nobody is asked, heard or wants anything; and where nobody can have its least', async () => {
    const protocol = allocation({ resources: { gpu: 4 } });
    const nobody = await run<AllocationEnd>(protocol, {});
    expect(nobody.end).toEqual({ outcome: 'failed', why: 'noDemands', details: { claimants: [] } });
    const { end } = await run<AllocationEnd>(protocol, { ann: wants({}), bob: () => silent });
    expect(end).toMatchObject({ outcome: 'failed', why: 'noDemands' });
    const needy = await run<AllocationEnd>(protocol, { ann: wants({ gpu: 9 }, { gpu: 5 }) });
    expect(needy.end).toMatchObject({ outcome: 'failed', why: 'nothingGranted', details: { claimants: [{ status: 'leastNotMet' }] } });
    expect(needy.facts.at(-1)).toEqual({ type: 'allocation.failed', session: 's1', why: 'nothingGranted' });
  });

  it('takes its questions back where it is ended', async () => {
    const { actor, agents, clock } = begin(allocation({ resources: { gpu: 4 } }), { ann: () => silent });
    await clock.flush();
    actor.stop();
    await clock.flush();
    expect(agents.taken).toEqual([{ agent: 'ann', key: 's1/demand' }]);
  });

  it('is a crash where what asks is killed', async () => {
    const { actor, clock } = begin(allocation({ resources: { gpu: 4 } }), { ann: () => silent });
    const { questions } = (actor.getSnapshot() as { children: { questions: Parameters<typeof exit>[0] } }).children;
    exit(questions, 'kill');
    await settled(actor, clock);
    expect(crashOf(actor)).toBe('killed');
  });

  it('restored from a snapshot asks again under the same keys, and has whom it had heard', async () => {
    const protocol = allocation({ resources: { gpu: 4 } });
    const { actor, clock } = begin(protocol, { ann: wants({ gpu: 1 }), bob: () => silent });
    await clock.flush();
    const saved = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never;
    actor.stop();
    const agents = scriptedAgents(clock, { ann: wants({ gpu: 4 }), bob: wants({ gpu: 4 }) });
    const again = createActor(protocol.logic(agents), { snapshot: saved, clock } as never).start();
    await settled(again, clock);
    expect(agents.asked.map(({ key }) => key)).toEqual(['s1/demand', 's1/demand']);
    expect(shares((again.getSnapshot() as unknown as { output: AllocationEnd }).output)).toEqual({ ann: [1], bob: [3] });
  });
});

describe('an allocation in a session', () => {
  it('is tried again where its chart is killed, under the same key, and decided once', async () => {
    const { coordinator, agents, pass } = room({ ann: wants({ gpu: 3 }, { gpu: 2 }), bob: wants({ gpu: 3 }) });
    const session = begun(coordinator, allocation({ resources: { gpu: 4 } }), { agents: ['ann', 'bob'], seed: 1, id: 's1' });
    const chart = allBelow(coordinator.ref as AnyActorRef).find(({ id }) => id === 'worker') as AnyActorRef;
    exit(chart, 'kill');
    await pass(1_000);
    const result = await session.result();
    expect(result).toMatchObject({ outcome: 'decided', attempts: 2, value: { left: { gpu: 0 } } });
    expect(new Set(agents.asked.map(({ key }) => key))).toEqual(new Set(['s1/demand']));
  });
});

describe('misuse', () => {
  const refused = { code: 'allocation/invalid-options' };

  it.each<[string, unknown]>([
    ['nothing to share', { resources: {} }],
    ['no resources', {}],
    ['a list of them', { resources: [1] }],
    ['more than are shared at once', { resources: Object.fromEntries(Array.from({ length: 101 }, (_, nth) => [`r${nth}`, 1])) }],
    ['a fraction', { resources: { gpu: 0.5 } }],
    ['less than nothing', { resources: { gpu: -1 } }],
    ['more than is counted exactly', { resources: { gpu: 1_000_000_000_001 } }],
    ['a resource without a name', { resources: { '': 1 } }],
    ['a rule that there is not', { resources: { gpu: 1 }, rule: 'fair' }],
    ['priorities for nothing', { resources: { gpu: 1 }, priorities: { ann: 1 } }],
    ['a priority that is none', { resources: { gpu: 1 }, rule: 'priority', priorities: { ann: 'high' } }],
    ['what is no JSON', { resources: { gpu: 1 }, about: 1n }],
    ['no time', { resources: { gpu: 1 }, withinMs: 0 }],
    ['a word that nobody knows', { resources: { gpu: 1 }, limit: 1 }],
  ])('of the options: %s', (_, options) => {
    expect(() => allocation(options as AllocationOptions)).toThrow(expect.objectContaining(refused) as Error);
  });

  it.each<[string, unknown]>([
    ['no list', 'ann'],
    ['one twice', ['ann', 'ann']],
    ['one without a name', ['']],
    ['more than may be asked', Array.from({ length: 1_001 }, (_, nth) => `a${nth}`)],
  ])('of the agents: %s', (_, agents) => {
    expect(() => allocation({ resources: { gpu: 1 } }).requireAgents(agents as string[])).toThrow(expect.objectContaining(refused) as Error);
  });
});
