import { describe, expect, it } from 'vitest';
import { assign, fromCallback, sendTo, setup } from 'xstate';
import type { Model } from '../../../src/testing/model/model.js';
import { type MutationOptions, mutationTest, type Verdict } from '../../../src/testing/mutation/mutation-test.js';
import { models } from '../../../src/testing/models/catalogue.js';
import { equivalent, type TurnstileModel, turnstileMachine, turnstileModel } from './turnstile.js';

const waived = { [equivalent]: 'an event without a transition is ignored as well' };
const survivors = ({ verdicts }: { readonly verdicts: readonly Verdict[] }): readonly string[] =>
  verdicts.filter(({ fate }) => fate === 'survived').map(({ id }) => id);

/** Asks three times, and is answered within the same step. */
const talkMachine = setup({
  types: { context: {} as { asked: number }, events: {} as { type: 'ask' } | { type: 'pong' } },
  actors: { peer: fromCallback(() => {}) },
  guards: { isEnough: ({ context }) => context.asked >= 3 },
  actions: { count: assign({ asked: ({ context }) => context.asked + 1 }), ping: sendTo('peer', { type: 'ping' }) },
}).createMachine({
  id: 'talk',
  context: { asked: 0 },
  invoke: { id: 'peer', src: 'peer' },
  initial: 'silent',
  states: {
    silent: { on: { ask: { target: 'talking', actions: 'ping' } } },
    talking: { on: { pong: [{ guard: 'isEnough', target: 'done' }, { actions: ['count', 'ping'] }] } },
    done: { type: 'final' },
  },
});

const talkModel: Model<typeof talkMachine> = {
  machine: talkMachine,
  events: { ask: true },
  outcomes: {
    peer: {
      sends: ['pong'],
      onEvent: ({ ref }) => {
        ref._parent?.send({ type: 'pong' });
        return undefined;
      },
    },
  },
  invariants: {},
};

/** The same cases, and nothing that must hold. */
const weak: TurnstileModel = {
  machine: turnstileMachine,
  events: {
    'coin.inserted': { 'enough is paid': { payload: { cents: 50 } }, 'too little is paid': { payload: { cents: 20 } } },
    'arm.pushed': true,
    'alarm.reset': true,
  },
  key: ({ clock }) => clock.pending(),
  invariants: {},
};

describe('mutationTest', { timeout: 60_000 }, () => {
  it('catches every mutant with a model that says what it owes, and waives with a reason', async () => {
    const result = await mutationTest(turnstileModel, { waived });
    expect(result).toMatchObject({ machine: 'turnstile', caught: 12, survived: 0, waived: 1 });
    expect(result.verdicts.find(({ id }) => id === equivalent)).toEqual({
      id: equivalent,
      kind: 'transition dropped',
      fate: 'waived',
      by: waived[equivalent],
    });
  });

  it('says what has caught each: what was owed, or what could not be reached any more', async () => {
    const by = new Map((await mutationTest(weak)).verdicts.map((verdict) => [verdict.id, verdict.by]));
    expect(by.get('turnstile.locked arm.pushed#0: dropped')).toBe('never: state turnstile.alarmed');
    const strong = new Map((await mutationTest(turnstileModel)).verdicts.map((verdict) => [verdict.id, verdict.by]));
    expect(strong.get('turnstile.open arm.pushed#0: without count')).toBe("what is owed for 'somebody pushes'");
  });

  it('lets survive what a weak model cannot see', async () => {
    const result = await mutationTest(weak);
    expect(result.survived).toBe(survivors(result).length);
    expect(survivors(result)).toEqual(
      expect.arrayContaining([
        'turnstile.open arm.pushed#0: without count',
        'turnstile.open after(5000)#0: dropped',
        'turnstile.alarmed alarm.reset#0: to turnstile.open',
      ]),
    );
    expect(survivors(result)).not.toContain('turnstile.locked arm.pushed#0: dropped');
  });

  it('has the same verdicts for the same seed, and tells each as it comes', async () => {
    const told: [string, number, number][] = [];
    const onMutant: MutationOptions['onMutant'] = ({ id }, done, total) => void told.push([id, done, total]);
    const first = await mutationTest(turnstileModel, { seed: 3, onMutant });
    expect(told).toEqual(first.verdicts.map(({ id }, index) => [id, index + 1, 13]));
    expect(await mutationTest(turnstileModel, { seed: 3 })).toEqual(first);
  });

  it.each([
    ['of no mutant', { 'turnstile.open: melted': 'why' }, /waivers of mutants of 'turnstile', got: "turnstile.open: melted"/],
    ['without a reason', { [equivalent]: ' ' }, /a reason for the waiver of 'turnstile.open coin.inserted#0: dropped'/],
    [
      'of a mutant that is caught',
      { 'turnstile.locked arm.pushed#0: dropped': 'why' },
      /survive, got: "turnstile.locked arm.pushed#0: dropped, which is/,
    ],
  ])('refuses a waiver %s', async (_, given, says) => {
    await expect(mutationTest(turnstileModel, { waived: given })).rejects.toThrow(says);
  });

  it('refuses options that it does not know, before anything is run', async () => {
    await expect(mutationTest(turnstileModel, { walks: 3 } as MutationOptions)).rejects.toThrow(/options out of seed, runs, waived/);
    await expect(mutationTest(turnstileModel, { onMutant: 3 } as unknown as MutationOptions)).rejects.toThrow(/`onMutant`, a function/);
  });

  it('proves nothing with a model that its own machine does not pass', async () => {
    const wrong: TurnstileModel = {
      ...turnstileModel,
      invariants: { 'it never opens': ({ snapshot }) => (snapshot.value === 'open' ? 'it is' : undefined) },
    };
    await expect(mutationTest(wrong)).rejects.toThrow(/^it never opens/);
    const idle: TurnstileModel = { ...weak, events: { ...weak.events, 'coin.inserted': [{ cents: 20 }] } };
    await expect(mutationTest(idle)).rejects.toThrow(/never: state turnstile.open/);
  });

  it('comes to an end with a mutant whose actors answer each other for ever', async () => {
    const { verdicts } = await mutationTest(talkModel);
    expect(verdicts.find(({ id }) => id === 'talk.talking pong#1: without count')).toMatchObject({
      fate: 'caught',
      by: 'the machine does not crash',
    });
  });

  it('catches every mutant of the task', async () => {
    expect(await mutationTest(models.task)).toMatchObject({ caught: 11, survived: 0, waived: 0 });
  });
});
