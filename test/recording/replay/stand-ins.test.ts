/** What a recording does not hold, asked by the machines that are replayed: no end of the process, and no difference that is claimed. */
import { assign, createActor, createMachine, type AnyActorRef, type AnyStateMachine } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replayOfActor } from '../../../src/recording/replay/actor-replay.js';
import { withoutChildren } from '../../../src/recording/replay/fold.js';
import type { ReplayOutcome } from '../../../src/wire/recording/replay-outcome.js';
import { recording, watch } from '../../inspector/watching.js';

class Client {
  readonly name = 'client';
  load(id: number): Promise<{ id: number }> {
    return Promise.resolve({ id });
  }
}

interface Given {
  readonly context: { readonly client: Client; readonly run: () => number };
}

/** @param doing  what an assign makes of its context */
const machine = (doing: (given: Given) => object): AnyStateMachine =>
  createMachine({ id: 'm', context: () => ({ client: new Client(), run: () => 1 }), on: { go: { actions: assign(doing as never) } } } as never);

/** The replay of an actor that had begun before anybody looked. */
function replayed(live: AnyStateMachine, today = live): ReplayOutcome {
  const recorder = recording({}).live;
  const actor = createActor(live, { id: 'm' }) as AnyActorRef;
  onTestFinished(() => {
    actor.stop();
  });
  actor.start();
  recorder.attach(actor);
  const { lines } = watch(recorder);
  actor.send({ type: 'go' });
  const run = replayOfActor(lines, { actor: 'm' }, { machineOf: () => withoutChildren(today, true), redaction: { secret: null } });
  for (;;) {
    const next = run.next();
    if (next.done === true) return next.value;
  }
}

/** Rejections that nobody took care of, once all that waits in this turn has run. */
async function unhandledOf(doing: () => void): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', note);
  doing();
  // Node tells them before the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  return unhandled;
}

describe('a step that asks what the recording does not hold', () => {
  it.each<[string, (given: Given) => object]>([
    ['an instance, in an async assign', ({ context }) => ({ pending: (async () => (await context.client.load(1)).id)() })],
    ['an instance, with `then`', ({ context }) => ({ pending: context.client.load(1).then(({ id }) => id) })],
    ['an instance, and nobody keeps the promise', ({ context }) => (void (async () => (await context.client.load(1)).id)(), {})],
    ['a function, in an async assign', ({ context }) => ({ pending: (async () => await Promise.resolve(context.run()))() })],
  ])('leaves no rejection behind: %s', async (_, doing) => {
    const outcomes: ReplayOutcome[] = [];
    expect(await unhandledOf(() => outcomes.push(replayed(machine(doing))))).toEqual([]);
    expect(outcomes[0]?.outcome).toMatch(/^(same|unknown)$/);
  });

  it('is not known where it comes out otherwise, whatever it was that decided', () => {
    const outcome = replayed(machine(({ context }) => ({ name: context.client.name, one: context.run() })));
    expect(outcome).toMatchObject({
      ...{ outcome: 'unknown', code: 'redacted' },
      words: expect.stringMatching(
        /^what decided here is not in the recording: context.client is an instance of Client in the recording; context.run is a function in the recording/,
      ),
    });
  });

  it('is the same where it comes out the same; and one that asks nothing of it differs', () => {
    const asks = machine(({ context }) => ({ n: typeof context.client.load(1) === 'number' ? 1 : 2 }));
    expect(replayed(asks)).toMatchObject({ outcome: 'same', steps: 1 });
    const passes = (n: number): AnyStateMachine => machine(({ context }) => ({ n, kept: context.client }));
    expect(replayed(passes(1))).toMatchObject({ outcome: 'same', steps: 1 });
    expect(replayed(passes(1), passes(2))).toMatchObject({ outcome: 'differs', changes: [{ path: 'context.n' }] });
  });
});

it('a promise that a step keeps and that is rejected is taken care of, deep in its context', async () => {
  const reject = (): Promise<never> => Promise.reject(new Error('of the replay'));
  const today = machine(() => ({ deep: { list: [reject()], map: new Map([['k', new Set([reject()])]]) } }));
  const live = machine(() => ({ deep: null }));
  expect(await unhandledOf(() => void replayed(live, today))).toEqual([]);
});
