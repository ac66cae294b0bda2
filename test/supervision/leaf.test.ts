/** A leaf, which is made without options and taken in by its parent: it is what XState makes of them. */
import { Actor, createActor, fromTransition, setup, type AnyActorLogic, type AnyActorRef, type EventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import { createChild, createLeaf, endedChildOf, hasStopped, isUnstarted, parentOf, systemOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const counting = fromTransition((count: number, event: EventObject, { emit, self, system }) => {
  if (event.type === 'fail') throw new Error('failed');
  if (event.type === 'tell') emit({ type: 'told' });
  if (event.type === 'wait') systemOf(self).scheduler.schedule(self, self, { type: 'rang' }, 10, 'bell');
  if (event.type === 'look') emit({ type: system === self.system && system === parentOf(self)?.system ? 'in its system' : 'astray' });
  return count + 1;
}, 0);

const ending = setup({ types: { output: {} as string } }).createMachine({
  id: 'ending',
  initial: 'on',
  states: { on: { on: { end: 'off' } }, off: { type: 'final' } },
  output: 'out',
});

/** All that happens in a system in which leaves live, said without names that are never given twice. */
function livesOf(make: typeof createLeaf): unknown[] {
  const [clock, told] = [new VirtualClock(), [] as unknown[]];
  const below = fromTransition((state: null, event: EventObject & { readonly child?: AnyActorRef }, scope) => {
    told.push({ heard: event.type, about: endedChildOf(event) });
    if (event.child !== undefined) (scope as unknown as { stopChild(child: AnyActorRef): void }).stopChild(event.child);
    return state;
  }, null);
  const root = createActor(below, {
    id: 'root',
    clock,
    logger: (word: unknown) => told.push({ logged: word }),
    inspect: (seen) => told.push({ type: seen.type, of: (seen.actorRef as AnyActorRef).id, event: 'event' in seen ? seen.event.type : null }),
  }).start() as AnyActorRef;
  const leaf = (logic: AnyActorLogic, id: string): AnyActorRef => {
    const made = make(logic, { parent: root, id, src: `${id}.src` });
    made.on('*', (fact: EventObject) => told.push({ emitted: fact, by: id }));
    made.subscribe({
      next: (now: object) => told.push({ now: JSON.stringify(now) }),
      error: (error: unknown) => told.push({ error }),
      complete: () => told.push('complete'),
    });
    told.push([isUnstarted(made), made instanceof Actor, made.id, made.src, parentOf(made) === root, made.system === root.system]);
    made.start();
    return made;
  };
  const counter = leaf(counting, 'counter');
  for (const type of ['tell', 'wait', 'look']) counter.send({ type });
  clock.advanceBy(20);
  counter.send({ type: 'wait' });
  counter.send({ type: 'fail' });
  clock.advanceBy(20);
  const ended = leaf(ending, 'ending');
  for (const type of ['end', 'late']) ended.send({ type });
  const stopped = leaf(ending, 'stopped');
  root.send({ type: 'stop it', child: stopped });
  const { logger } = leaf(counting, 'last') as unknown as { logger(word: string): void };
  logger('word');
  told.push([counter, ended, stopped].map((ref) => [hasStopped(ref), ref.getPersistedSnapshot(), JSON.stringify(ref)]));
  root.stop();
  return told;
}

describe('a leaf that is made without options', () => {
  it('lives as a child that XState makes with them, in the eyes of whoever inspects, listens, or is its parent', () => {
    const lives = livesOf(createLeaf);
    expect(lives).toEqual(livesOf(createChild));
    expect(lives).toEqual(
      expect.arrayContaining([
        { emitted: { type: 'in its system' }, by: 'counter' },
        { logged: 'word' },
        { emitted: { type: 'told' }, by: 'counter' },
      ]),
    );
    expect(lives).toContainEqual({ heard: 'xstate.done.actor.ending', about: 'ending' });
    expect(lives).toContainEqual({ heard: 'xstate.error.actor.counter', about: 'counter' });
    expect(lives).toContainEqual({ type: '@xstate.event', of: 'counter', event: 'rang' });
  });

  it('has the fields and the options of such a child, and a session of its own', () => {
    const root = createActor(ending).start() as AnyActorRef;
    const made = [createLeaf, createChild].map((make) => make(ending, { parent: root, id: 'id', src: 'src' }) as unknown as Record<string, object>);
    const [leaf, child] = made as [Record<string, object>, Record<string, object>];
    expect(Object.keys(leaf)).toEqual(Object.keys(child));
    expect(leaf.options).toEqual(child.options);
    expect(Object.keys(leaf.options ?? {})).toEqual(Object.keys(child.options ?? {}));
    expect(new Set([root.sessionId, leaf.sessionId, child.sessionId]).size).toBe(3);
    expect((leaf._actorScope as { sessionId: unknown }).sessionId).toBe(leaf.sessionId);
    root.stop();
  });
});
