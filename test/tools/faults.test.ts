/**
 * Each actor of a conversation is ended from outside, at each of its phases: there is exactly one end, told once, every tool that ran is aborted, the model's
 * request is over, no timer is left, and the model is asked no more; or, where a call alone was hit, the conversation goes on, and the model is told.
 */
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exit } from '../../src/supervision/watch.js';
import { childrenOf, stopActor } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { converse } from '../../src/tools/converse.js';
import { placeOf } from '../../src/tools/place.js';
import type { ToolContext } from '../../src/tools/tool-plan.js';
import { seed } from '../model/seed.js';
import { ScriptedModel, type ScriptedTurn } from './scripted-model.js';

/** Everybody below an actor, and itself; of a conversation with its task supervisor, which a callback holds. */
function all(actor: AnyActorRef): AnyActorRef[] {
  const tasks = placeOf(actor)?.tasks.ref;
  return [actor, ...(tasks === undefined ? [] : all(tasks)), ...childrenOf(actor).flatMap(all)];
}

const isActive = (actor: AnyActorRef): boolean => (actor.getSnapshot() as { status: string }).status === 'active';

/** Random numbers, the same for the same seed. */
function chance(from: number): (below: number) => number {
  let state = from >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const calls = ['a', 'b', 'c'].map((id) => ({ id, name: 'held' }));
const phases: Readonly<Record<string, readonly ScriptedTurn[]>> = {
  asking: [{ held: true }],
  collecting: [{ events: [{ type: 'text', text: 'hm' }], held: true }],
  runningTools: [{ calls }, { text: 'done' }],
};

async function world(phase: string) {
  const model = new ScriptedModel(...(phases[phase] ?? []));
  const clock = new VirtualClock();
  const signals: AbortSignal[] = [];
  let reached: () => void = () => undefined;
  const running = new Promise<void>((resolve) => (reached = resolve));
  const execute = (_: object, { signal }: ToolContext): Promise<never> => {
    if (signals.push(signal) === 2) reached();
    return new Promise<never>(() => undefined);
  };
  const conversation = converse({
    model,
    clock,
    input: 'hello',
    tools: { held: { description: 'h', execute } },
    maxParallel: 2,
    toolMs: 1_000,
    totalMs: 9_000,
  });
  const facts: AnyEventObject[] = [];
  conversation.ref.on('*', (fact) => facts.push(fact));
  if (phase === 'runningTools') await running;
  else await model.askedTimes(1);
  if (phase === 'collecting') await new Promise((resolve) => setImmediate(resolve));
  const path = JSON.stringify(conversation.ref.getSnapshot().value);
  expect(path).toContain(phase);
  return { model, clock, conversation, facts, signals };
}

type World = Awaited<ReturnType<typeof world>>;

/** Nothing of it goes on: whatever becomes of it, there was one end. */
async function over({ clock, conversation, facts, model, signals }: World, everybody: readonly AnyActorRef[]): Promise<void> {
  const outcome = await conversation.ended();
  await new Promise((resolve) => setImmediate(resolve));
  const ends = facts.filter(({ type }) => type.startsWith('conversation.'));
  // One that is killed itself says nothing any more; its handle does.
  expect(ends.length).toBeLessThanOrEqual(1);
  if (ends.length === 0 && !outcome.ok) expect(['killed', 'cancelled']).toContain(outcome.failure.kind);
  expect(everybody.filter(isActive).map(({ id }) => id)).toEqual([]);
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
  expect([model.openCount, clock.pending()]).toEqual([0, 0]);
  expect(await conversation.ended()).toEqual(outcome);
}

/** Ends an actor from outside; what is told of a call ends nothing else. */
const ways: Readonly<Record<string, (actor: AnyActorRef) => void>> = {
  killed: (actor) => exit(actor, 'kill'),
  stopped: (actor) => stopActor(actor),
};

const hit: readonly (readonly [phase: string, id: string, kind: string | null])[] = [
  ...Object.keys(phases).flatMap((phase) => [
    [phase, 'tools', 'killed'] as const,
    [phase, 'tasks', 'tools'] as const,
    [phase, 'subscriber', 'killed'] as const,
    [phase, 'conversation', null] as const,
  ]),
  ['asking', 'turn', 'killed'],
  ['collecting', 'turn', 'killed'],
  ['runningTools', 'round', 'killed'],
];

describe('a conversation', () => {
  it.each(hit.flatMap((row) => Object.keys(ways).map((way) => [way, ...row] as const)))(
    'has one end when somebody has %s, while %s, its %s',
    async (way, phase, id, kind) => {
      const w = await world(phase);
      const everybody = all(w.conversation.ref);
      const target = everybody.find((actor) => actor.id === id);
      expect(target).toBeDefined();
      ways[way]?.(target as AnyActorRef);
      const outcome = await w.conversation.ended();
      expect(outcome.ok).toBe(false);
      if (!outcome.ok && kind !== null) expect(outcome.failure.kind).toBe(kind);
      if (!outcome.ok && id === 'conversation') expect(outcome.failure.kind).toBe(way === 'killed' ? 'killed' : 'cancelled');
      await over(w, everybody);
    },
  );

  it.each(Object.keys(ways))('goes on when a call is %s, and the model is told', async (way) => {
    const w = await world('runningTools');
    const everybody = all(w.conversation.ref);
    ways[way]?.(everybody.find(({ id }) => id === 'execution.0') as AnyActorRef);
    await new Promise((resolve) => setImmediate(resolve));
    expect(w.signals).toHaveLength(3);
    w.clock.advanceBy(1_000);
    expect(await w.conversation.ended()).toMatchObject({ ok: true, text: 'done' });
    expect(w.model.resultsOf(1).map(({ fault, id }) => [id, fault])).toEqual([
      ['a', 'lost'],
      ['b', 'timedOut'],
      ['c', 'timedOut'],
    ]);
    await over(w, everybody);
  });

  it(`has one end whoever is hit, whenever, in whatever order (seed ${seed}, 200 plans)`, async () => {
    const random = chance(seed);
    for (let plan = 0; plan < 200; plan++) {
      const phase = Object.keys(phases)[random(3)] as string;
      const w = await world(phase);
      const everybody = all(w.conversation.ref);
      const blows = Array.from({ length: 1 + random(4) }, () => [random(everybody.length), random(2)] as const);
      for (const [whom, how] of blows) {
        ways[how === 0 ? 'killed' : 'stopped']?.(everybody[whom] as AnyActorRef);
        for (const one of all(w.conversation.ref)) if (!everybody.includes(one)) everybody.push(one);
      }
      w.clock.advanceBy(10_000);
      w.model.release();
      await over(w, everybody).catch((error: unknown) => {
        throw new Error(`plan ${plan}: ${phase}, ${blows.map(([whom, how]) => `${how === 0 ? 'kill' : 'stop'} ${everybody[whom]?.id}`).join(', ')}`, {
          cause: error,
        });
      });
    }
  });
});

describe('a call whose arguments are still being read', () => {
  it('runs no function any more when its conversation, or it alone, is cancelled', async () => {
    for (const cancelled of ['conversation', 'call']) {
      const model = new ScriptedModel({ calls: [{ id: 'a', name: 'pay' }] }, { text: 'done' });
      const clock = new VirtualClock();
      const ran: unknown[] = [];
      let read: () => void = () => undefined;
      let reads: () => void = () => undefined;
      const reading = new Promise<void>((resolve) => (reads = resolve));
      const validate = (value: unknown) => {
        reads();
        return new Promise<{ readonly value: unknown }>((resolve) => (read = () => resolve({ value })));
      };
      const parameters = { '~standard': { version: 1, vendor: 'slow', validate } } as const;
      const pay = { description: 'p', parameters, parametersJsonSchema: { type: 'object' }, execute: () => ran.push('paid') };
      const conversation = converse({ model, clock, input: 'pay', tools: { pay } });
      await reading;
      if (cancelled === 'call') expect(conversation.cancelCall({ turn: 1, index: 0 })).toBe(true);
      else await conversation.cancel();
      read();
      expect((await conversation.ended()).ok).toBe(cancelled === 'call');
      await new Promise((resolve) => setImmediate(resolve));
      expect([ran, clock.pending()]).toEqual([[], 0]);
    }
  });
});

describe('a conversation that is restored from a snapshot', () => {
  it.each(Object.keys(phases))('has failed, whatever it was doing (%s): nothing is asked or run again', async (phase) => {
    const w = await world(phase);
    const snapshot = JSON.parse(JSON.stringify(w.conversation.ref.getPersistedSnapshot())) as never;
    await w.conversation.cancel();
    const { createActor } = await import('xstate');
    const { conversation } = await import('../../src/tools/conversation.js');
    const model = new ScriptedModel({ text: 'again' });
    const ran: unknown[] = [];
    const logic = conversation({ model, input: 'hello', tools: { held: { description: 'h', execute: () => ran.push(1) } } });
    const restored = createActor(logic, { snapshot, clock: w.clock } as never).start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(restored.getSnapshot().output).toMatchObject({
      end: { type: 'conversation.failed', failure: { kind: 'interrupted' } },
      history: [{ type: 'items' }],
      unanswered: phase === 'runningTools' ? [{ id: 'a' }, { id: 'b' }, { id: 'c' }] : [],
    });
    expect([model.asked, ran, w.clock.pending()]).toEqual([[], [], 0]);
  });
});
