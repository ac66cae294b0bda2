/** Calls in the lane: rows, and actors of XState in every respect as soon as somebody touches them. On virtual time. */
import { Actor, type AnyActorLogic, type AnyActorRef, createActor, type InspectionEvent } from 'xstate';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { liveSessionHandle } from '../../src/live/handle.js';
import { leanChild } from '../../src/compiled/lean-children.js';
import { isLean } from '../../src/live/lean-call.js';
import { liveSession } from '../../src/live/session.js';
import { exit, monitor, onExit } from '../../src/supervision/watch.js';
import { childrenOf, systemOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Chance } from '../../src/testing/world/chance.js';
import { Platform } from './platform.js';

const begun: { readonly clock: VirtualClock; readonly ref: AnyActorRef }[] = [];

afterEach(() => {
  for (const { clock, ref } of begun.splice(0)) {
    ref.stop();
    expect(clock.pending(), 'timers left').toBe(0);
  }
});

const call = (id: string, name: string) => ({ toolCall: { functionCalls: [{ id, name, args: { of: id } }] } });

/** A session whose tools are `slow`, which settles when it is told to, `quick`, and `parts`, a generator. */
function world(isInspected: boolean) {
  const platform = new Platform();
  const clock = new VirtualClock();
  const slow: { settle(value: unknown): void; readonly signal: AbortSignal }[] = [];
  const inspected: InspectionEvent[] = [];
  const tools = {
    slow: {
      description: 'Takes its time',
      execute: (_args: unknown, { signal }: { readonly signal: AbortSignal }) =>
        new Promise((settle) => {
          slow.push({ settle, signal });
        }),
    },
    quick: { description: 'Answers at once', execute: (args: unknown) => args },
    parts: {
      description: 'Answers in parts',
      behavior: 'NON_BLOCKING' as const,
      async *execute() {
        yield 'one';
        return 'two';
      },
    },
    bad: {
      description: 'Throws',
      execute: () => {
        throw new Error('boom');
      },
    },
  };
  const options = { model: 'gemini-2.5-flash-live', openSocket: platform.openSocket, toolMs: 5_000, closeMs: 500, tools };
  const ref = createActor(liveSession(options), {
    clock,
    ...(isInspected ? { inspect: (event: InspectionEvent) => void inspected.push(event) } : {}),
  });
  const facts: SessionEmitted[] = [];
  ref.on('*', (fact) => facts.push(fact));
  const session = liveSessionHandle(ref.start());
  begun.push({ clock, ref });
  platform.opened();
  const ready = (): void => platform.say({ setupComplete: {} });
  const callRef = (): AnyActorRef => childrenOf(ref).find(({ id }) => id === 'call.1') as AnyActorRef;
  return { platform, clock, ref, session, slow, facts, inspected, ready, callRef };
}

type World = ReturnType<typeof world>;

/** All that an actor tells of itself, and of what runs below it. */
const told = (ref: AnyActorRef): unknown => ({
  isActor: ref instanceof Actor,
  id: ref.id,
  src: ref.src,
  snapshot: JSON.parse(JSON.stringify(ref.getSnapshot())) as unknown,
  persisted: JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as unknown,
  can: ['call.run', 'call.settled', 'call.written', 'call.cancel'].map((type) =>
    (ref.getSnapshot() as { can(event: object): boolean }).can({ type }),
  ),
  below: childrenOf(ref).map(({ id, src }) => [id, typeof src]),
});

const standing: readonly (readonly [string, (given: World) => void])[] = [
  ['waits for the setup', ({ platform }) => platform.say(call('a', 'slow'))],
  ['runs', ({ platform, ready }) => (ready(), platform.say(call('a', 'slow')))],
  [
    'was answered by the app, on a socket that takes nothing',
    ({ platform, ready, session }) => {
      ready();
      platform.stall();
      platform.say(call('a', 'slow'));
      session.sendToolResponse({ id: 'a', response: { by: 'hand' } });
    },
  ],
];

describe('a call in the lane', () => {
  it.each(standing)('that %s is the actor that it would be in full', (_, come) => {
    const [lean, full] = [world(false), world(true)];
    for (const one of [lean, full]) come(one);
    expect([isLean(lean.callRef()), isLean(full.callRef())]).toEqual([true, false]);
    expect(told(lean.callRef())).toEqual(told(full.callRef()));
    const saved = ({ ref }: World): unknown => (JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as { children: object }).children;
    expect(saved(lean)).toEqual(saved(full));
  });

  it('is made in full when somebody begins to inspect, and is told of from then on', async () => {
    const { callRef, facts, platform, ready, ref, slow } = world(false);
    ready();
    platform.say(call('a', 'slow'));
    const actor = callRef();
    const seen: string[] = [];
    ref.system.inspect((event) => {
      if (event.type === '@xstate.event')
        seen.push(`${(event.sourceRef as AnyActorRef | undefined)?.id ?? ''} → ${(event.actorRef as AnyActorRef).id}: ${event.event.type}`);
    });
    expect([isLean(actor), callRef() === actor, childrenOf(actor).map(({ id }) => id)]).toEqual([false, true, ['execute']]);
    slow[0]?.settle('done');
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(expect.arrayContaining(['execute → call.1: call.settled', `call.1 → ${ref.id}: call.answer`]));
    expect(facts.find(({ type }) => type === 'tool.answered')).toMatchObject({ type: 'tool.answered', id: 'a', response: { output: 'done' } });
  });

  it('made in full keeps its deadline', () => {
    const { callRef, clock, facts, platform, ready, slow } = world(false);
    ready();
    platform.say(call('a', 'slow'));
    clock.advanceBy(4_000);
    expect(callRef().getSnapshot()).toMatchObject({ value: 'running' });
    clock.advanceBy(999);
    expect(slow[0]?.signal.aborted).toBe(false);
    clock.advanceBy(1);
    expect(slow[0]?.signal.aborted).toBe(true);
    expect(facts.find(({ type }) => type === 'tool.answered')).toMatchObject({
      type: 'tool.answered',
      response: { error: "tool 'slow' did not end within 5000 ms" },
    });
  });

  it.each(['as it is', 'made in full first'])('takes what came before its start when it starts, in order (%s)', async (how) => {
    const { clock, facts, ready, ref, slow } = world(false);
    ready();
    // As a session's chart spawns its calls.
    const logic = (ref.logic as unknown as { implementations: { actors: { toolCall: AnyActorLogic } } }).implementations.actors.toolCall;
    const input = { key: 'call.9', id: 'z', name: 'slow', args: {}, blocking: true, deadlineMs: 5_000 };
    const actor = leanChild(logic, { parent: ref, id: 'call.9', input }) as AnyActorRef;
    for (const type of ['call.run', 'call.cancel']) systemOf(ref)._relay(ref, actor, { type });
    expect([isLean(actor), slow]).toEqual([true, []]);
    if (how !== 'as it is') actor.subscribe(() => undefined);
    actor.start();
    await clock.flush();
    expect([slow.map(({ signal }) => signal.aborted), actor.getSnapshot()]).toMatchObject([[true], { status: 'done', value: 'cancelled' }]);
    expect(facts.filter(({ type }) => type === 'tool.answered')).toEqual([]);
  });

  it('can be monitored, and killed by a stranger', () => {
    const { callRef, facts, platform, ready, ref, slow } = world(false);
    ready();
    platform.say(call('a', 'slow'));
    const reasons: unknown[] = [];
    const actor = callRef();
    monitor(ref, actor);
    onExit(actor, (reason) => reasons.push(reason));
    exit(actor, 'kill');
    expect([reasons, slow[0]?.signal.aborted]).toEqual([['killed'], true]);
    expect(facts.find(({ type }) => type === 'tool.answered')).toMatchObject({
      type: 'tool.answered',
      id: 'a',
      response: { error: expect.stringContaining('was ended from outside') as string },
    });
  });

  it('is made in full by its own function, in the midst of its start', () => {
    const platform = new Platform();
    const clock = new VirtualClock();
    const values: unknown[] = [];
    const execute = () => {
      const [actor] = childrenOf(ref).filter(({ id }) => id === 'call.1');
      values.push(
        (actor as AnyActorRef).getSnapshot().value as unknown,
        childrenOf(actor as AnyActorRef).map(({ id }) => id),
      );
      return 1;
    };
    const options = { model: 'gemini-live', openSocket: platform.openSocket, tools: { looks: { description: 'Looks at itself', execute } } };
    const ref = createActor(liveSession(options), { clock });
    const facts: SessionEmitted[] = [];
    ref.on('*', (fact) => facts.push(fact));
    ref.start();
    begun.push({ clock, ref });
    platform.opened();
    platform.say({ setupComplete: {} }, call('a', 'looks'));
    expect(values).toEqual(['running', ['execute']]);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
      expect(facts.find(({ type }) => type === 'tool.answered')).toMatchObject({ type: 'tool.answered', response: { output: 1 } }),
    );
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('tells and writes what it would in full, whatever comes (seed %i)', async (seed) => {
    const walk = async (isInspected: boolean) => {
      const given = world(isInspected);
      const { clock, facts, platform, ready, session, slow } = given;
      const chance = new Chance(seed, 'calls');
      const random = (): number => chance.next();
      let count = 0;
      const steps: readonly (() => void)[] = [
        ...['slow', 'slow', 'quick', 'parts', 'bad', 'nobody'].map((name) => () => platform.say(call(`c${count++}`, name))),
        () => platform.say(call(`c${Math.floor(random() * (count + 1))}`, 'slow')),
        () => platform.say({ toolCallCancellation: { ids: [`c${Math.floor(random() * (count + 1))}`] } }),
        () => void session.sendToolResponse({ id: `c${Math.floor(random() * (count + 1))}`, response: 'by hand' }),
        () => slow[Math.floor(random() * slow.length)]?.settle({ at: facts.length }),
        () => clock.advanceBy(chance.pick([1, 1_000, 4_999, 5_000])),
        () => platform.say({ serverContent: { modelTurn: { parts: [{ text: 'a word' }] } } }, { serverContent: { turnComplete: true } }),
      ];
      const readyAt = Math.floor(random() * 4);
      for (let at = 0; at < 60; at++) {
        if (at === readyAt) ready();
        chance.pick(steps)();
        if (random() < 0.7) await clock.flush();
      }
      const left = childrenOf(given.ref).map(({ id }) => id);
      given.ref.stop();
      await clock.flush();
      return { facts, sent: platform.sent, left, aborted: slow.map(({ signal }) => signal.aborted) };
    };
    const [lean, full] = [await walk(false), await walk(true)];
    expect(lean).toEqual(full);
    expect(lean.facts.filter(({ type }) => type === 'tool.called').length).toBeGreaterThan(10);
  });
});
