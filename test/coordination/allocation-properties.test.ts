/** Whoever wants what, in whatever order it is heard: shares are those that one has who gives unit by unit, and wrong ones are caught. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createActor, type EventObject, fromCallback } from 'xstate';
import { allocationMachine } from '../../machines/coordination/allocation.js';
import type { AllocationEnd, AllocationInput, AllocationRule, Amounts } from '../../machines/coordination/allocation-events.js';
import { endOf } from '../../machines/coordination/allocation-rules.js';
import type { QuestionsEvent, QuestionsInput } from '../../machines/coordination/protocol-events.js';
import { at, due, type Said } from './naive-allocation.js';

const names = ['cpu', 'gpu'];

interface Scene {
  readonly input: AllocationInput;
  /** Of the agents in turn. */
  readonly said: readonly Said[];
  /** In which order they are heard. */
  readonly order: readonly number[];
}

const amounts = (most: number): fc.Arbitrary<Amounts> => fc.record({ cpu: fc.nat({ max: most }), gpu: fc.nat({ max: most }) });
const scenes: fc.Arbitrary<Scene> = fc.integer({ min: 1, max: 6 }).chain((count) =>
  fc
    .record({
      resources: amounts(20),
      rule: fc.constantFrom<AllocationRule>('maxMin', 'proportional', 'priority'),
      seed: fc.nat(),
      ranks: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: count, maxLength: count }),
      said: fc.array(fc.record({ demand: amounts(14), least: fc.oneof({ weight: 2, arbitrary: fc.constant({ cpu: 0, gpu: 0 }) }, amounts(8)) }), {
        minLength: count,
        maxLength: count,
      }),
      order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }),
    })
    .map(({ resources, rule, seed, ranks, said, order }) => {
      const agents = said.map((_, nth) => `a${nth}`);
      const priorities = rule === 'priority' ? Object.fromEntries(agents.map((agent, nth) => [agent, ranks[nth] as number])) : {};
      return { input: { session: 's', agents, seed, resources, rule, priorities, about: null, withinMs: 100 }, said, order };
    }),
);

/** Runs it, with the agents heard in that order. */
function play({ input, said, order }: Scene, changes: Parameters<(typeof allocationMachine)['provide']>[0] = {}): AllocationEnd {
  const questions = fromCallback<EventObject, QuestionsInput>(({ sendBack, input: { questions: put } }) => {
    const tell = (event: QuestionsEvent): void => sendBack(event);
    for (const nth of order) {
      const { id, agent } = put[nth] as (typeof put)[number];
      tell({ type: 'question.answered', id, agent, outcome: { ok: true, value: said[nth] } });
    }
    tell({ type: 'questions.answered' });
  });
  const actor = createActor(allocationMachine.provide({ actors: { questions } }).provide(changes), { input });
  actor.start();
  return actor.getSnapshot().output as AllocationEnd;
}

/** What is wrong with an end, without a word of how it should come about. */
function faults({ input, said }: Scene, end: AllocationEnd): readonly string[] {
  const rows = end.outcome === 'decided' ? end.value.claimants : end.details.claimants;
  const wrong: string[] = [];
  for (const name of names) {
    const given = rows.reduce((sum, { granted }) => sum + at(granted, name), 0);
    if (given > at(input.resources, name)) wrong.push(`more ${name} than there is`);
    if (end.outcome === 'decided' && given + at(end.value.left, name) !== at(input.resources, name)) wrong.push(`${name} is lost`);
  }
  for (const [nth, { granted, status }] of rows.entries()) {
    const { demand, least } = said[nth] as Said;
    const hasAny = names.some((name) => at(granted, name) > 0);
    if (names.some((name) => at(granted, name) > at(demand, name))) wrong.push('more than was asked for');
    if (hasAny && names.some((name) => at(granted, name) < at(least, name))) wrong.push('less than the least');
    if (hasAny !== (status === 'granted')) wrong.push(`${status}, and has ${JSON.stringify(granted)}`);
  }
  return wrong;
}

function differs(scene: Scene, end: AllocationEnd): boolean {
  const expected = due(scene.input, scene.said);
  const rows = end.outcome === 'decided' ? end.value.claimants : end.details.claimants;
  return rows.some(({ agent, status, granted }) => {
    const mine = expected[agent];
    if (mine === undefined) return status !== 'passed' && status !== 'invalid';
    if (mine === null) return status !== 'leastNotMet';
    return names.some((name) => at(mine, name) !== at(granted, name));
  });
}

describe('an allocation', () => {
  it('gives what one gives who goes unit by unit', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const end = play(scene);
        expect(faults(scene, end)).toEqual([]);
        expect(differs(scene, end)).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is the same in whatever order agents are heard', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        expect(play({ ...scene, order: [...scene.order].sort((a, b) => a - b) })).toEqual(play(scene));
      }),
      { numRuns: 500 },
    );
  });

  it('leaves nothing that somebody who has a share still wants', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const end = play(scene);
        if (end.outcome === 'failed') return;
        for (const { status, granted, demand } of end.value.claimants)
          for (const name of names) if (status === 'granted' && at(end.value.left, name) > 0) expect(at(granted, name)).toBe(at(demand ?? {}, name));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a wrong allocation', () => {
  type Context = Parameters<typeof endOf>[0];
  const caught = (share: (context: Context) => AllocationEnd): boolean =>
    fc.check(
      fc.property(scenes, (scene) => {
        const changes = { actions: { share: assign({ end: ({ context }: { context: Context }) => share(context) }) } };
        const end = play(scene, changes as never);
        return faults(scene, end).length === 0 && !differs(scene, end);
      }),
      { numRuns: 500, seed: 1 },
    ).failed;
  const changed = (context: Context, heard: (one: Context['heard'][number], nth: number) => Context['heard'][number]): Context => ({
    ...context,
    heard: context.heard.map(heard),
  });

  it('is told from a right one', () => {
    expect(caught(endOf)).toBe(false);
  });

  it.each<[string, (context: Context) => AllocationEnd]>([
    ['forgets what agents need at least', (context) => endOf(changed(context, (one) => (one.status === 'heard' ? { ...one, least: {} } : one)))],
    ['draws nothing', (context) => endOf({ ...context, seed: 0 })],
    [
      'gives whoever is heard first what it wants',
      (context) => endOf({ ...context, rule: 'priority', priorities: Object.fromEntries(context.heard.map(({ agent }, nth) => [agent, -nth])) }),
    ],
    ['shares in proportion where it should not', (context) => endOf({ ...context, rule: 'proportional' })],
    [
      'promises to all what they want',
      (context) => {
        const end = endOf(context);
        if (end.outcome === 'failed') return end;
        return { ...end, value: { ...end.value, claimants: end.value.claimants.map((row) => ({ ...row, granted: row.demand ?? row.granted })) } };
      },
    ],
    [
      'loses a unit',
      (context) => {
        const [name] = Object.keys(context.resources) as [string];
        return endOf({ ...context, resources: { ...context.resources, [name]: Math.max(0, at(context.resources, name) - 1) } });
      },
    ],
  ])('that %s is caught', (_, share) => {
    expect(caught(share)).toBe(true);
  });
});
