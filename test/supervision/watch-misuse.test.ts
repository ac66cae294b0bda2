/** What is no actor is refused where it is given, before anything is watched or ended. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { EspalierError, exit, exitReason, link, monitor, onExit, unlink } from '../../src/index.js';
import { stage } from './stage.js';

const machine = createMachine({});

/** What a call throws; fails when it throws nothing, or nothing of ours. */
function thrownBy(call: () => unknown): EspalierError {
  try {
    call();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw new Error(`not an EspalierError: ${String(error)}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}

const strangers: [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['an empty object', {}],
  ['a text', 'voice'],
  ['a number', 7],
  ['a function', () => {}],
  ['a machine', machine],
  ['a snapshot', createActor(machine).getSnapshot()],
  ['a store that only looks like one', { getSnapshot: () => ({}), subscribe: () => ({ unsubscribe() {} }), send() {} }],
];

const observers = (actor: AnyActorRef) => (actor as unknown as { observers: Set<unknown> }).observers.size;

describe.each(strangers)('%s in the place of an actor', (_what, value) => {
  const stranger = value as AnyActorRef;

  it.each<[string, string, (actor: AnyActorRef) => unknown]>([
    ['link', 'a', (actor) => link(stranger, actor)],
    ['link', 'b', (actor) => link(actor, stranger)],
    ['unlink', 'a', (actor) => unlink(stranger, actor)],
    ['unlink', 'b', (actor) => unlink(actor, stranger)],
    ['monitor', 'owner', (actor) => monitor(stranger, actor)],
    ['monitor', 'target', (actor) => monitor(actor, stranger)],
    ['onExit', 'target', () => onExit(stranger, () => {})],
    ['exit', 'target', (actor) => exit(stranger, 'kill', actor)],
    ['exitReason', 'actor', () => exitReason(stranger)],
  ])('is refused by %s as `%s`', (_call, role, call) => {
    const here = stage();
    const actor = here.root(machine);
    const before = observers(actor);
    const error = thrownBy(() => call(actor));
    expect(error.code).toBe('supervision/invalid-actor');
    expect(error.details.expected).toContain(`\`${role}\` to be an actor`);
    expect(error.details.got).toBe(value);
    expect(error.message).not.toContain('\n');
    expect([exitReason(actor), observers(actor)]).toEqual([null, before]);
  });
});

describe('the sender of an exit signal', () => {
  // Without one, the target itself counts as the sender.
  it.each(strangers.filter(([, value]) => value !== undefined))('that is %s is refused', (_what, value) => {
    const here = stage();
    const actor = here.root(machine);
    for (const reason of ['kill', 'shutdown', 'normal'] as const) {
      const error = thrownBy(() => exit(actor, reason, value as AnyActorRef));
      expect(error.code).toBe('supervision/invalid-actor');
      expect(error.details.got).toBe(value);
    }
    expect(exitReason(actor)).toBeNull();
  });
});

describe('a listener that is no function', () => {
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a text', 'log'],
    ['an observer', { next: () => {} }],
  ])('%s is refused', (_what, value) => {
    const here = stage();
    const actor = here.root(machine);
    const before = observers(actor);
    const error = thrownBy(() => onExit(actor, value as never));
    expect(error).toMatchObject({ code: 'supervision/invalid-options', details: { expected: '`listener` to be a function', got: value } });
    expect(observers(actor)).toBe(before);
  });

  it('is refused for the dead too', () => {
    const here = stage();
    const actor = here.root(machine);
    actor.stop();
    expect(thrownBy(() => onExit(actor, null as never)).code).toBe('supervision/invalid-options');
  });
});

describe('a reason that is none', () => {
  it.each([
    ['undefined', undefined],
    ['a text of its own', 'boom'],
    ['an object without a crash', { weird: 1 }],
    ['a list of something else', ['stop', 1]],
  ])('%s ends nobody', (_what, reason) => {
    const here = stage();
    const actor = here.root(machine);
    const error = thrownBy(() => exit(actor, reason as never));
    expect(error.code).toBe('supervision/invalid-options');
    expect(error.details.got).toBe(reason);
    expect(exitReason(actor)).toBeNull();
  });
});
