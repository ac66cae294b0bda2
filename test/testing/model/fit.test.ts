import { describe, expect, it } from 'vitest';
import { createMachine, fromPromise, setup } from 'xstate';
import { EspalierError } from '../../../src/errors.js';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import type { AnyModel } from '../../../src/testing/model/model.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { callerModel } from './tool-caller.js';
import { kilnModel } from './kiln.js';

const refusal = (act: () => unknown): EspalierError => {
  try {
    act();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw error;
  }
  throw new Error('it was let pass');
};
const { events, outcomes } = kilnModel;
const sensor = outcomes.sensor;
const corner = (...path: string[]): object => ({ corners: { deep: path } });

describe('a model is refused, before anything starts,', () => {
  it.each<[string, object, string]>([
    ['for a key that nobody knows', { invariant: {} }, "the model has no 'invariant'; it has: machine, inputs, events"],
    ['without invariants', { invariants: undefined }, 'it has no `invariants`: an empty object where there are none'],
    ['for an invariant that is no function', { invariants: { whole: true } }, "invariant 'whole' is true, not a function"],
    ['for a machine that is none', { machine: { id: 'x' } }, 'its `machine` is {"id":"x"}, not a machine of XState'],
    ['for an event type that the machine has not', { events: { ...events, 'kiln2.fire': true } }, "the machine has no event 'kiln2.fire'; it has: "],
    [
      'for an event of its inside, which only the machine sends',
      { events: { ...events, 'xstate.done.actor.firing': true } },
      "no event 'xstate.done",
    ],
    ['for an event without cases', { events: { ...events, 'door.opened': {} } }, "events['door.opened'] has no case: `true` sends it bare"],
    ['for an event that is left out', { events: { 'kiln.fire': [{ degrees: 1 }] } }, "event 'door.opened' of the machine is never sent"],
    ['for a wildcard that nothing matches', { events: { 'door.opened': true, 'door.closed': true } }, "event 'kiln.*' of the machine is never sent"],
    ['for an ignored event without a reason', { ignored: { 'kiln.ask': '' } }, "ignored['kiln.ask'] needs a reason"],
    ['for an ignored event that is sent', { ignored: { 'kiln.ask': 'x' } }, "'kiln.ask' is ignored, and sent"],
    ['for an ignored event that the machine has not', { ignored: { fly: 'x' } }, "ignored['fly'] is no event of the machine"],
    ['for an empty list of payloads', { events: { ...events, 'kiln.ask': [] } }, "events['kiln.ask'] lists no payload: `true` sends it bare"],
    ['for a payload that is none', { events: { ...events, 'kiln.ask': [7] } }, "events['kiln.ask'] lists 7, not a payload object"],
    [
      'for a misspelt field of a case',
      { events: { ...events, 'kiln.ask': { ask: { paylaod: {} } } } },
      "case 'ask' of kiln.ask has no 'paylaod'; it has: when, owes",
    ],
    [
      'for a weight that is none',
      { events: { ...events, 'kiln.ask': { ask: { weight: 0 } } } },
      "case 'ask' of kiln.ask has the weight 0, not a finite number above 0",
    ],
    [
      'for a condition that is no function',
      { events: { ...events, 'kiln.ask': { ask: { when: true } } } },
      "case 'ask' of kiln.ask: `when` is not a function",
    ],
    ['for an actor without outcomes', { outcomes: { sensor } }, "actor 'firing' of the machine is not in `outcomes`: `{}` lets it hang"],
    [
      'for outcomes of no actor',
      { outcomes: { ...outcomes, typo: {} } },
      "outcomes['typo'] is for no actor of the machine; there are: sensor, firing",
    ],
    [
      'for a misspelt field of an actor',
      { outcomes: { ...outcomes, sensor: { ...sensor, fails: [1] } } },
      "outcomes['sensor'] has no 'fails'; it has: done, error",
    ],
    [
      'for an output where a case should be',
      { outcomes: { ...outcomes, firing: { done: { end: 1 } } } },
      "case 'end' of 'firing' is 1: write { output: … }",
    ],
    [
      'for an end that is awaited and never comes',
      { outcomes: { ...outcomes, firing: {} } },
      "state 'kiln.working.fire.burning' awaits the end of 'firing', which never comes",
    ],
    [
      'for a report of an event that the machine has not',
      { outcomes: { ...outcomes, sensor: { ...sensor, sends: ['typo'] } } },
      "the machine has no event 'typo'",
    ],
    ['for a delay that is not finite', { delays: { ever: Infinity } }, "delay 'ever' is Infinity, not a finite number of ms above 0"],
    ['for a move without a run', { cases: { move: {} } }, "case 'move' has no function `run`"],
    ['for a name given twice', { delays: { fire: 5 } }, "two cases have the name 'fire'"],
    ['for a corner with an unknown case', corner('a kiln of two firings', 'fly'), "corner 'deep' names the case 'fly'; there are: fire, fire madly"],
    ['for a corner with an unknown start', corner('a kiln', 'fire'), "corner 'deep' begins at 'a kiln'; the inputs are: a kiln of two firings"],
    [
      'for an excuse from nothing',
      { excused: { nothing: 'x' } },
      "'nothing' is no claim of the kit to be excused from; there are: the context is data; ",
    ],
    ['without a start', { inputs: {} }, 'it has no start: leave `inputs` out for one without input'],
  ])('%s', (_, change, words) => {
    const error = refusal(() => testPaths({ ...kilnModel, ...change } as AnyModel));
    expect(error.code).toBe('testing/invalid-model');
    expect(error.message).toContain(words);
  });

  it('with all its faults at once', () => {
    const { message } = refusal(() => testPaths({ ...kilnModel, outcomes: { typo: {} }, events: { typo: true } } as AnyModel));
    expect(message.match(/\n {2}- /gu)).toHaveLength(12);
    expect(message).toContain("expected a model that fits 'kiln'; to be mended first:");
  });

  it('for logic that is invoked without a name', () => {
    const machine = createMachine({ id: 'inline', invoke: { src: fromPromise(() => Promise.resolve(1)) } });
    expect(refusal(() => testPaths({ machine, invariants: {} })).message).toContain(
      "state 'inline' invokes logic without a name: name it in setup({ actors }), so that the model can stand in for it",
    );
  });

  it('when nothing can happen in it', () => {
    const machine = setup({}).createMachine({ id: 'still' });
    expect(refusal(() => testPaths({ machine, delays: {}, invariants: {} })).message).toContain('nothing can happen: give it events');
    const never = { machine, cases: { never: { when: () => false, run: () => undefined } }, invariants: {} };
    expect(refusal(() => testPaths(never)).message).toContain('searches in which nothing happens prove nothing');
  });

  it('when a corner cannot be walked', () => {
    expect(refusal(() => testPaths({ ...kilnModel, ...corner('a kiln of two firings', 'fire', 'stop', 'the firing fails') })).message).toContain(
      "'the firing fails' to be possible where corner 'deep' of the model of 'kiln' takes it, got: \"after a kiln of two firings → fire → stop\"",
    );
  });
});

describe('options are refused', () => {
  it.each<[string, () => unknown, string]>([
    [
      'by a misspelt name',
      () => testPaths(kilnModel, { maxState: 3 } as object),
      'testPaths: options out of machine, against, minStates, maxStates, waivers, got: "maxState"',
    ],
    [
      'when a limit is not finite',
      () => testPaths(kilnModel, { maxStates: Infinity }),
      'testPaths: `maxStates`, a whole number from 1 on, got: Infinity',
    ],
    ['when a limit is 0', () => interleavings(kilnModel, { depth: 0 }), 'interleavings: `depth`, a whole number from 1 on, got: 0'],
    ['without a depth', () => interleavings(kilnModel, {} as never), 'interleavings: `depth`'],
    ['for a start that is not there', () => interleavings(kilnModel, { depth: 1, start: 'x' }), '`start` out of a kiln of two firings, got: "x"'],
    ['for a step that is not there', () => interleavings(kilnModel, { depth: 1, after: ['x'] }), '`after` out of fire, fire madly'],
    ['for a step that cannot be', () => interleavings(kilnModel, { depth: 1, after: ['the firing is done'] }), "'the firing is done' to be possible"],
    ['by the gate', () => expectFullCoverage(kilnModel, { runs: 3 } as object), 'expectFullCoverage: options out of'],
    ['for a machine that is none', () => testPaths(kilnModel, { machine: 7 as never }), 'testPaths: `machine`, a machine of XState'],
    ['for the fixture of another model', () => replayPath(kilnModel, { model: 'x', start: '', path: [] }), 'a fixture for \'kiln\', got: "x"'],
    [
      'for a path that cannot be taken',
      () => replayPath(callerModel, { model: 'caller', start: 'start', path: ['SETTLE'] }),
      '\'SETTLE\' to be possible, got: "after start"',
    ],
  ])('%s', (_, act, words) => {
    expect(refusal(act).message).toContain(words);
    expect(refusal(act).code).toBe('testing/invalid-options');
  });

  it('of a random test, as a rejection', async () => {
    await expect(propertyTest(kilnModel, { runs: Number.NaN })).rejects.toThrow('propertyTest: `runs`, a whole number from 1 on, got: NaN');
  });
});
