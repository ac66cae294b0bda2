import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { and, assign, createMachine, fromPromise, not, or, raise, setup } from 'xstate';
import { catalogue } from '../../machines/index.js';
import { chartStates, definitionOf } from '../../src/charts/definition.js';
import { edgesOf, statesOf } from '../../src/charts/edges.js';

const machines = Object.entries<AnyStateMachine>(catalogue);

const walk = setup({
  types: { events: {} as { type: 'go' | 'stop' | 'rest' } },
  actors: { work: fromPromise(() => Promise.resolve(1)) },
  actions: { note: () => undefined, tell: (_args, _params: { to: string }) => undefined },
  guards: { isReady: () => true, isTired: () => false, isFar: (_args, _params: { km: number }) => false },
  delays: { patience: 100 },
}).createMachine({
  id: 'walk',
  description: 'A walk',
  initial: 'resting',
  entry: 'note',
  states: {
    resting: {
      description: 'Nothing moves.',
      tags: ['calm', 'accepting'],
      entry: ['note', { type: 'tell', params: { to: 'all' } }],
      exit: 'note',
      on: {
        go: [
          {
            guard: and(['isReady', or([not('isTired'), { type: 'isFar', params: { km: 3 } }])]),
            target: 'walking',
            actions: 'note',
            description: 'Off!',
          },
          { guard: not('isReady'), actions: [assign({}), raise({ type: 'rest' })] },
        ],
      },
      after: { patience: { target: 'walking', reenter: true } },
    },
    walking: {
      invoke: [{ id: 'legs', src: 'work', onDone: 'resting', onError: { target: ['resting'] } }, { src: fromPromise(() => Promise.resolve(2)) }],
      initial: 'slow',
      states: { slow: { always: { guard: 'isTired', target: '#walk.end' } }, past: { type: 'history', history: 'deep', target: 'slow' } },
    },
    end: { type: 'final' },
  },
});

describe('the definition of a machine', () => {
  it('says of each state what its file says', () => {
    const definition = definitionOf(walk);
    expect(definition).toMatchObject({
      id: 'walk',
      key: 'walk',
      type: 'compound',
      description: 'A walk',
      initial: 'walk.resting',
      entry: ['note'],
      exit: [],
    });
    const [resting, walking, end] = definition.states;
    expect(resting).toMatchObject({
      id: 'walk.resting',
      type: 'atomic',
      tags: ['calm', 'accepting'],
      entry: ['note', 'tell'],
      exit: ['note'],
      states: [],
    });
    expect(resting).not.toHaveProperty('initial');
    expect(walking?.invoke).toEqual([
      { id: 'legs', src: 'work' },
      { id: '1.walk.walking', src: 'actor 1' },
    ]);
    expect(walking?.states[1]).toMatchObject({ id: 'walk.walking.past', type: 'history', history: 'deep', initial: 'walk.walking.slow' });
    expect(end).toMatchObject({ type: 'final', edges: [] });
  });

  it('says of each transition what its file says, in the names of setup', () => {
    const [resting, walking] = definitionOf(walk).states;
    expect(resting?.edges).toEqual([
      {
        id: 'walk.resting --go[and(isReady,or(not(isTired),isFar))]#0--> walk.walking',
        event: 'go',
        descriptor: 'go',
        guard: 'isReady && (!isTired || isFar)',
        targets: ['walk.walking'],
        reenter: false,
        actions: ['note'],
        description: 'Off!',
      },
      {
        id: 'walk.resting --go[not(isReady)]#1--> (stays)',
        event: 'go',
        descriptor: 'go',
        guard: '!isReady',
        targets: null,
        reenter: false,
        actions: ['assign', 'raise'],
      },
      {
        id: 'walk.resting --after(patience)#0--> walk.walking',
        event: 'after(patience)',
        descriptor: 'xstate.after.patience.walk.resting',
        targets: ['walk.walking'],
        reenter: true,
        actions: [],
      },
    ]);
    expect(walking?.edges.map(({ event, descriptor }) => [event, descriptor])).toEqual([
      ['done(legs)', 'xstate.done.actor.legs'],
      ['error(legs)', 'xstate.error.actor.legs'],
    ]);
    expect(walking?.states[0]?.edges).toMatchObject([{ event: 'always', descriptor: '', guard: 'isTired' }]);
  });

  it('numbers what has no name, each function once', () => {
    const twice = (): void => undefined;
    const named = function tired(): boolean {
      return true;
    };
    const inline = createMachine({
      id: 'inline',
      entry: [() => undefined, twice],
      on: { a: { guard: () => true, actions: () => undefined }, b: { guard: () => false, actions: twice }, c: { guard: named } },
    });
    const { entry, edges } = definitionOf(inline);
    expect(entry).toEqual(['action 1', 'twice']);
    expect(edges.map(({ guard, actions }) => [guard, actions])).toEqual([
      ['guard 1', ['action 2']],
      ['guard 2', ['twice']],
      ['tired', []],
    ]);
  });

  it.each(machines)('of %s has every state and every edge, by the ids of recordings and coverage', (_, machine) => {
    const states = chartStates(definitionOf(machine));
    expect(states.filter(({ type }) => type !== 'history').map(({ id }) => id)).toEqual(statesOf(machine).map(({ id }) => id));
    expect(states.flatMap(({ edges }) => edges.map(({ id }) => id))).toEqual(edgesOf(machine).map(({ id }) => id));
  });

  it.each(machines)('of %s is JSON, the same each time', (_, machine) => {
    const text = JSON.stringify(definitionOf(machine));
    expect(JSON.parse(text)).toEqual(definitionOf(machine));
    expect(JSON.stringify(definitionOf(machine))).toBe(text);
  });

  it('is made of what cannot start as well', () => {
    const broken = createMachine({
      id: 'm',
      initial: 'nowhere',
      states: { a: { type: 'history', target: 'gone.gone' }, b: { type: 'history', target: '#gone' } },
    });
    expect(definitionOf(broken)).not.toHaveProperty('initial');
    expect(definitionOf(broken).states.map(({ initial }) => initial)).toEqual([undefined, undefined]);
  });
});
