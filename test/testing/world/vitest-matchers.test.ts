import { createActor, fromCallback, setup } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import '../../../src/testing/vitest.js';
import type { Model } from '../../../src/testing/model/model.js';
import { EspalierError } from '../../../src/errors.js';
import { systemClock } from '../../../src/supervision/clock.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import type { World } from '../../../src/testing/world/world.js';

const lamp = setup({ types: { events: {} as { type: 'press' | 'break' } } }).createMachine({
  id: 'lamp',
  initial: 'off',
  states: {
    off: { on: { press: 'on' } },
    on: {
      initial: 'bright',
      states: { bright: { after: { 5_000: 'dim' } }, dim: {} },
      on: { press: 'off', break: 'broken' },
      after: { 20_000: 'off' },
    },
    broken: { type: 'final' },
  },
});

/** What the matcher says when it fails. */
async function failureOf(assertion: Promise<void>): Promise<string> {
  return await assertion.then(
    () => 'passed',
    (error: unknown) => (error as Error).message,
  );
}

describe('toReach', () => {
  it('calls an actor by its path, also one that has no id', async () => {
    await using world = createWorld();
    const app = await world.startSupervised({ actors: { lamp }, children: [{ id: 'hall', src: 'lamp' }] });
    expect(await failureOf(expect(app.child('hall')).toReach(() => false))).toContain("expected 'app/hall' to reach");
    expect(await failureOf(expect(world.start(lamp)).toReach('on'))).toContain("expected 'lamp' to reach");
    const alone = createActor(lamp, { clock: new VirtualClock() }).start();
    expect(await failureOf(expect(alone).toReach('on'))).toContain("expected 'lamp' to reach");
    alone.stop();
  });

  it('waits by subscription for a state of an actor of real time', async () => {
    const actor = createActor(lamp).start();
    onTestFinished(() => void actor.stop());
    const reached = expect(actor).toReach('on');
    actor.send({ type: 'press' });
    await reached;
  });

  it('counts a state that is only passed through', async () => {
    const actor = createActor(lamp).start();
    onTestFinished(() => void actor.stop());
    const reached = expect(actor).toReach({ on: 'bright' });
    actor.send({ type: 'press' });
    actor.send({ type: 'press' });
    await reached;
    expect(actor.getSnapshot().value).toBe('off');
  });

  it('takes a condition, for any actor', async () => {
    await using world = createWorld();
    const job = world.controlled<undefined, number>('job');
    const ref = world.start(job);
    job.calls[0]?.resolveAfter(10, 3);
    await expect(ref).toReach((snapshot) => snapshot.output === 3);
  });

  it('moves an actor of a world on: time passes, and no more of it than is needed', async () => {
    await using world = createWorld();
    const ref = world.start(lamp);
    world.post(ref, { type: 'press' });
    await expect(ref).toReach({ on: 'dim' });
    expect(world.clock.now()).toBe(5_000);
  });

  it('moves a virtual clock on', async () => {
    const clock = new VirtualClock();
    const actor = createActor(lamp, { clock }).start();
    actor.send({ type: 'press' });
    await expect(actor).toReach('off');
    expect(clock.now()).toBe(20_000);
    actor.stop();
  });

  it('fails at once when nothing is left that could bring it about, and tells where the actor is', async () => {
    await using world = createWorld();
    const ref = world.start(lamp, { id: 'hall' });
    expect(await failureOf(expect(ref).toReach('on'))).toBe(`expected 'hall' to reach "on": nothing is left that could move it, in "off"`);
  });

  it('fails when its time is up', async () => {
    const real = createActor(lamp, { id: 'real' }).start();
    onTestFinished(() => void real.stop());
    await using world = createWorld();
    const ref = world.start(lamp, { id: 'hall' });
    ref.send({ type: 'press' });
    expect(await failureOf(expect(ref).toReach({ on: 'dim' }, { withinMs: 4_999 }))).toBe(
      `expected 'hall' to reach {"on":"dim"}: its time is up, in {"on":"bright"}`,
    );
    expect(await failureOf(expect(real).toReach('on', { withinMs: 1 }))).toContain('its time is up');
  });

  it('fails when the actor has ended', async () => {
    await using world = createWorld();
    const ref = world.start(lamp, { id: 'hall' });
    ref.send({ type: 'press' });
    world.post(ref, { type: 'break' });
    expect(await failureOf(expect(ref).toReach('off'))).toBe(`expected 'hall' to reach "off": it has ended, in "broken" (done)`);
    await expect(ref).toReach('broken');
  });

  it('can be denied', async () => {
    await using world = createWorld();
    const ref = world.start(lamp, { id: 'hall' });
    await expect(ref).not.toReach('on');
    ref.send({ type: 'press' });
    expect(await failureOf(expect(ref).not.toReach('on'))).toBe(`expected 'hall' never to reach "on"`);
  });

  it('leaves no subscription and no timer', async () => {
    await using _world = createWorld();
    const actor = createActor(lamp).start();
    await expect(actor).not.toReach('on', { withinMs: 1 });
    actor.stop();
  });

  it('refuses a state that its machine does not have, an option that nobody knows, and what is no actor', async () => {
    await using world = createWorld();
    const ref = world.start(lamp);
    // @ts-expect-error the lamp has no such state
    await expect(expect(ref).toReach('onn')).rejects.toThrow(/expected a state among off, on, broken, got: "onn"/u);
    // @ts-expect-error nor one of these below `on`
    await expect(expect(ref).toReach({ on: 'dark' })).rejects.toThrow(/among bright, dim, got: "dark"/u);
    // @ts-expect-error `within` is no option
    await expect(expect(ref).toReach('on', { within: 1 })).rejects.toThrow(EspalierError);
    // @ts-expect-error a number reaches nothing
    await expect(expect(1).toReach('on')).rejects.toThrow(/expected an actor, got: 1/u);
    const plain = world.start(fromCallback(() => {}));
    // @ts-expect-error a callback has no states
    await expect(expect(plain).toReach('on')).rejects.toThrow(/a condition on the snapshot/u);
  });
});

describe('toCoverAllTransitions', () => {
  const model = { machine: lamp, events: { press: true, break: true }, invariants: {} } satisfies Model<typeof lamp>;

  it('passes when every transition is taken by an executed path', () => {
    expect(model).toCoverAllTransitions();
  });

  it('names those that never are, and the way to their source', () => {
    const gated = setup({ types: { events: {} as { type: 'press' } }, guards: { never: () => false } }).createMachine({
      id: 'gated',
      initial: 'shut',
      states: { shut: { on: { press: { guard: 'never', target: 'open' } } }, open: {} },
    });
    const model = { machine: gated, events: { press: true }, invariants: {} } satisfies Model<typeof gated>;
    const assertion = (): void => expect(model).toCoverAllTransitions({ maxStates: 10 });
    expect(assertion).toThrow(/machine 'gated': .*0 of 1 transitions taken/u);
    expect(assertion).toThrow(/never: transition gated\.shut --press\[never\]#0--> gated\.open\n {6}gated\.shut is reached by: start/u);
    expect(model).not.toCoverAllTransitions();
    expect(model).toCoverAllTransitions({ waivers: { 'transition gated.shut --press[never]#0--> gated.open': 'the guard is not yet written' } });
  });

  it('takes the options of testPaths only', () => {
    // @ts-expect-error no such option
    expect(() => expect(model).toCoverAllTransitions({ states: 1 })).toThrow(EspalierError);
  });
});

describe('toLeaveNothing', () => {
  it('runs a function in a world of its own', async () => {
    await expect(async (world: World) => {
      world.start(lamp);
      await world.startSupervised({});
    }).toLeaveNothing();
  });

  it('names what is left', async () => {
    const timers: unknown[] = [];
    const careless = (): void => void timers.push(systemClock.setTimeout(() => {}, 1e9));
    expect(await failureOf(expect(careless).toLeaveNothing())).toMatch(
      /^expected nothing to be left, got 1:\n {2}timer {8}a timer of the runtime\n {15}started at test\/testing\/world\/vitest-matchers\.test\.ts:\d+:\d+$/u,
    );
    await expect(careless).not.toLeaveNothing();
    for (const timer of timers) systemClock.clearTimeout(timer);
  });

  it('ends a world that it is given, and passes what is allowed', async () => {
    const world = createWorld({ allow: [{ kind: 'actor', holding: 'shared', because: 'it is shared' }] });
    const shared = createActor(setup({}).createMachine({}), { id: 'shared' }).start();
    world.start(lamp);
    await expect(world).toLeaveNothing();
    shared.stop();
    expect(() => world.start(lamp)).toThrow('has not ended');
  });
});

describe('a world that is made while vitest is known', () => {
  let former: World | undefined;
  it('joins its test…', () => {
    former = createWorld();
    former.start(lamp);
  });
  it('…and has ended with it', () => {
    expect(() => former?.start(lamp)).toThrow('has not ended');
  });
});

describe('a planned fault that never struck', () => {
  it('is something that is left, with the place of its plan', async () => {
    const world = createWorld();
    world.faults.plan([{ fault: 'crash', actor: 'nobody', when: { atMs: 5 } }]);
    const failure = await failureOf(expect(world).toLeaveNothing());
    expect(failure).toMatch(/got 1:\n {2}fault +\{"fault":"crash","actor":"nobody"[^\n]*\n +started at test\/testing\/world\/vitest-matchers/u);
    await expect((own: World) => own.faults.plan([{ fault: 'crash', actor: 'nobody', when: { atMs: 5 }, mayMiss: true }])).toLeaveNothing();
  });
});

describe.concurrent('a world in a test that runs side by side with others', () => {
  it('must be told whose it is', async (test) => {
    expect(() => createWorld()).toThrow("expected `test`, the test's context");
    const world = createWorld({ test });
    expect(world.leftovers()).toEqual([]);
  });
});

describe('a misspelt option', () => {
  it('is refused by the name of the matcher', () => {
    const model = { machine: lamp, invariants: {} } satisfies Model<typeof lamp>;
    expect(() => expect(model).toCoverAllTransitions({ waiver: {} } as never)).toThrow('expected toCoverAllTransitions: options out of');
  });
});
