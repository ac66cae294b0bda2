import { createActor, type AnyActorRef } from 'xstate';
import { describe, expect, test } from 'vitest';

import type { StartAction, StopBehaviour } from './otp/line.js';
import { planLogic, workerLogic } from './otp/worker.js';
import { Unsettled, World } from './otp/world.js';

const anError = new Error();

function worker(world: World, start?: readonly StartAction[], stop?: StopBehaviour): { ref: AnyActorRef; facts: unknown[]; errors: unknown[] } {
  const input = { role: 'worker', path: 'top/a', ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
  const ref = createActor(workerLogic(world), { input, clock: world.clock });
  const facts: unknown[] = [];
  const errors: unknown[] = [];
  ref.on('*', (fact) => facts.push(fact));
  ref.subscribe({ error: (error: unknown) => errors.push(error ?? anError) });
  ref.start();
  return { ref, facts, errors };
}

const stateOf = (ref: AnyActorRef): { status: string; output?: unknown; hasTag(tag: string): boolean; can(event: object): boolean } =>
  ref.getSnapshot() as never;
const asked = { type: 'supervisor.shutdown', reason: 'shutdown' };

describe('the test worker starts as its plan says', () => {
  test('at once, or after a delay during which it is starting', () => {
    const world = new World();
    expect(stateOf(worker(world).ref).hasTag('starting')).toBe(false);
    const { ref } = worker(world, [{ do: 'ok', delay: 100 }]);
    expect(stateOf(ref).hasTag('starting')).toBe(true);
    world.clock.advanceTo(100);
    expect(stateOf(ref).hasTag('starting')).toBe(false);
  });

  test('an attempt takes the next action of its path, the last one for ever', () => {
    const world = new World();
    const plan = ['ok', 'ignore', { do: 'error', reason: 'no' }];
    const outcomes = [0, 1, 2, 3].map(() => stateOf(worker(world, plan).ref));
    expect(outcomes.map(({ status }) => status)).toEqual(['active', 'done', 'done', 'done']);
    expect(outcomes[3]?.output).toEqual(outcomes[2]?.output);
    expect(outcomes[1]?.output).not.toEqual(outcomes[2]?.output);
  });

  test('a crashing start throws its reason, a nonsensical one ends with a value that says nothing', () => {
    const world = new World();
    expect(worker(world, [{ do: 'exit', reason: 'bad' }]).errors).toEqual(['bad']);
    expect(stateOf(worker(new World(), ['bad']).ref).output).toBe('bad_value');
  });

  test('extra start info is told before the start is over', () => {
    const { facts } = worker(new World(), [{ do: 'ok', extra: 'info' }]);
    expect(facts).toEqual([{ type: 'supervisor.ready', info: 'info' }]);
  });
});

describe('the test worker ends as it is told', () => {
  test('by itself after a while, with the reason of its plan', () => {
    const world = new World();
    const calm = worker(world, [{ do: 'ok', die_after: 100 }]);
    const rough = worker(new World(), [{ do: 'ok', die_after: 100, reason: 'boom' }]);
    world.clock.advanceTo(99);
    expect(stateOf(calm.ref).status).toBe('active');
    world.clock.advanceTo(100);
    expect(stateOf(calm.ref)).toMatchObject({ status: 'done' });
    expect(rough.errors).toEqual([]);
  });

  test('a crash with an abnormal reason is an error, one with an ordinary reason is an end', () => {
    const rough = worker(new World());
    rough.ref.send({ type: 'test.crash', reason: 'boom' });
    expect(rough.errors).toEqual(['boom']);
    const calm = worker(new World());
    calm.ref.send({ type: 'test.crash', reason: ['shutdown', 'x'] });
    expect(stateOf(calm.ref).status).toBe('done');
    expect(calm.errors).toEqual([]);
  });

  test('a prompt one does not trap exits; the others do, each in its way', () => {
    expect(stateOf(worker(new World()).ref).can(asked)).toBe(false);
    const stubborn = worker(new World(), undefined, 'ignore').ref;
    expect(stateOf(stubborn).can(asked)).toBe(true);
    stubborn.send(asked);
    expect(stateOf(stubborn).status).toBe('active');
    const quick = worker(new World(), undefined, { reason: 'normal' }).ref;
    quick.send(asked);
    expect(stateOf(quick).status).toBe('done');
  });

  test('inside its stop delay it hears nothing, yet still traps', () => {
    const world = new World();
    const { ref, errors } = worker(world, [{ do: 'ok', die_after: 50 }], { delay: 100, reason: 'late' });
    ref.send(asked);
    ref.send({ type: 'test.crash', reason: 'boom' });
    ref.send({ type: 'supervisor.shutdown', reason: 'killed' });
    expect(stateOf(ref).can(asked)).toBe(true);
    world.clock.advanceTo(99);
    expect(errors).toEqual([]);
    world.clock.advanceTo(100);
    expect(errors).toEqual(['late']);
  });
});

describe('the start action of a supervisor', () => {
  test('ends well, declines, fails or throws', () => {
    const world = new World();
    const outputs = ['ok', 'ignore', 'bad', { do: 'error', reason: 'no' }].map((action, index) => {
      const ref = createActor(planLogic(world), { input: { role: 'plan', path: `top/${index}`, start: [action] }, clock: world.clock });
      ref.subscribe({ error: () => undefined });
      ref.start();
      return (ref.getSnapshot() as { output: unknown }).output;
    });
    expect(outputs[0]).toBeUndefined();
    expect(new Set(outputs.map((output) => JSON.stringify(output))).size).toBe(4);
  });
});

describe('the world is bounded', () => {
  test('a timer that sets itself for ever ends in Unsettled, not in a hang', async () => {
    const world = new World(1_000);
    const again = (): void => {
      world.clock.setTimeout(again, 0);
    };
    again();
    await expect(world.advanceTo(10)).rejects.toThrow(Unsettled);
  });

  test('a start plan beyond the bound hangs, so that a loop of restarts ends', () => {
    const world = new World(2);
    expect([1, 2, 3].map(() => world.take('top/a', ['ignore']).do)).toEqual(['ignore', 'ignore', 'hang']);
  });

  test('a result that nothing can bring is Unsettled', async () => {
    const world = new World();
    await expect(world.settle(new Promise(() => undefined))).rejects.toThrow(Unsettled);
    const soon = new Promise((done) => world.clock.setTimeout(() => done('value'), 500));
    await expect(world.settle(soon)).resolves.toBe('value');
  });
});
