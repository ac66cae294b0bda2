import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { mutantsOf } from '../../../src/testing/mutation/mutants.js';
import { models } from '../../../src/testing/models/catalogue.js';
import { kilnMachine, mutant as changed } from '../model/kiln.js';
import { turnstileMachine } from './turnstile.js';

const idsOf = (machine: Parameters<typeof mutantsOf>[0]): readonly string[] => mutantsOf(machine).map(({ id }) => id);

/** Where a mutant of the turnstile is after some events, and how many it has counted. */
function after(id: string, ...events: readonly { type: string; cents?: number }[]) {
  const found = mutantsOf(turnstileMachine).find((mutant) => mutant.id === id);
  if (found === undefined) throw new Error(`no mutant '${id}'`);
  const actor = createActor(found.make()).start();
  for (const event of events) actor.send(event as Parameters<typeof actor.send>[0]);
  const { value, context } = actor.getSnapshot();
  actor.stop();
  return [value, context.visitors];
}

const coin = { type: 'coin.inserted', cents: 50 };
const push = { type: 'arm.pushed' };

describe('the mutants of a machine', () => {
  it('are one for each line that can be wrong, in document order', () => {
    expect(mutantsOf(turnstileMachine).map(({ id, kind }) => [kind, id])).toEqual([
      ['transition dropped', 'turnstile.locked coin.inserted#0: dropped'],
      ['target changed', 'turnstile.locked coin.inserted#0: to turnstile.alarmed'],
      ['guard flipped', 'turnstile.locked coin.inserted#0: unless isEnough'],
      ['transition dropped', 'turnstile.locked arm.pushed#0: dropped'],
      ['target changed', 'turnstile.locked arm.pushed#0: to turnstile.locked'],
      ['transition dropped', 'turnstile.open arm.pushed#0: dropped'],
      ['target changed', 'turnstile.open arm.pushed#0: to turnstile.open'],
      ['action dropped', 'turnstile.open arm.pushed#0: without count'],
      ['transition dropped', 'turnstile.open coin.inserted#0: dropped'],
      ['transition dropped', 'turnstile.open after(5000)#0: dropped'],
      ['target changed', 'turnstile.open after(5000)#0: to turnstile.open'],
      ['transition dropped', 'turnstile.alarmed alarm.reset#0: dropped'],
      ['target changed', 'turnstile.alarmed alarm.reset#0: to turnstile.open'],
    ]);
  });

  it.each([
    ['a transition that is dropped', 'turnstile.locked arm.pushed#0: dropped', [push], ['locked', 0]],
    ['a target that is its neighbour', 'turnstile.locked coin.inserted#0: to turnstile.alarmed', [coin], ['alarmed', 0]],
    ['a guard that answers the opposite', 'turnstile.locked coin.inserted#0: unless isEnough', [coin], ['locked', 0]],
    ['an action that is forgotten', 'turnstile.open arm.pushed#0: without count', [coin, push], ['locked', 0]],
  ] as const)('have one line wrong: %s', (_, id, events, is) => {
    expect(after(id, ...events)).toEqual(is);
  });

  it('find every kind of place: entries, alternatives, always, ends of actors and states, delays, combined guards', () => {
    expect(idsOf(kilnMachine)).toEqual(
      expect.arrayContaining([
        'kiln kiln.*#0: without refuse',
        'kiln.working done#0: to kiln.broken',
        'kiln.working error(sensor)#0: dropped',
        'kiln.working after(5000)#1: without answer',
        'kiln.working.fire.cold always#0: unless not(firingsLeft)',
        'kiln.working.fire.cold kiln.fire#0: unless and(sane, firingsLeft)',
        'kiln.working.fire.burning done(firing)#0: to kiln.working.fire.ash',
        'kiln.working.fire.cooling entry: without spend',
        'kiln.working.fire.cooling after(cooling)#0: to kiln.working.fire.burning',
      ]),
    );
  });

  it('keep their ids when the machine is provided, and when other lines change', () => {
    expect(idsOf(kilnMachine.provide({ delays: { cooling: 1 } }))).toEqual(idsOf(kilnMachine));
    const more = changed((config: { states: { working: { states: { door: { states: { open: { on: object } } } } } } }) => {
      Object.assign(config.states.working.states.door.states.open.on, { 'kiln.stop': 'closed' });
    });
    const added = idsOf(more).filter((id) => !idsOf(kilnMachine).includes(id));
    expect(added).toEqual(['kiln.working.door.open kiln.stop#0: dropped', 'kiln.working.door.open kiln.stop#0: to kiln.working.door.open']);
    expect(idsOf(more).filter((id) => !added.includes(id))).toEqual(idsOf(kilnMachine));
  });

  it.each(Object.entries(models))('have ids of their own: %s', (_, { machine }) => {
    expect(new Set(idsOf(machine)).size).toBe(idsOf(machine).length);
  });

  it('leave the machine as it is, and keep what it was provided with', () => {
    const provided = turnstileMachine.provide({ actions: { count: () => {} } });
    const before = JSON.stringify(provided.config);
    const made = mutantsOf(provided).map((mutant) => mutant.make());
    expect(JSON.stringify(provided.config)).toBe(before);
    expect(made.every((machine) => machine.implementations.actions['count'] === provided.implementations.actions['count'])).toBe(true);
  });
});
