/** What src/recording/replay/fold.ts and actor-names.ts lean on of XState beyond its typings, held to the installed version. */
import { assign, createActor, emit, initialTransition, sendParent, setup, transition, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Cast, withoutChildren } from '../../../src/recording/replay/fold.js';
import type { RecordedActor } from '../../../src/wire/recording/lines.js';
import { till } from './till.js';

const line = (actor: string): RecordedActor => {
  const at = actor.lastIndexOf('/');
  return {
    type: '@xstate.actor',
    seq: 1,
    at: 0,
    actor,
    parent: null,
    id: actor.slice(at + 1),
    logic: 'machine',
    src: null,
    machine: 'm',
    from: 'input',
    replaces: null,
    run: 1,
  };
};

describe('a fold', () => {
  it('gives what XState’s own pure transition gives, snapshot and actions', () => {
    const machine = till();
    const fold = new Cast().fold(withoutChildren(machine), line('till'));
    let step = fold.begin({ limit: 5 });
    let [snapshot, actions] = initialTransition(machine, { limit: 5 });
    const events = [
      { type: 'scan', price: 3 },
      { type: 'scan', price: 9 },
      { type: 'pay' },
      { type: 'cancel' },
      { type: 'scan', price: -9 },
      { type: 'pay' },
    ] as const;
    for (const event of [null, ...events]) {
      if (event !== null) {
        step = fold.take(event);
        [snapshot, actions] = transition(machine, snapshot, event);
      }
      expect([step.snapshot.value, step.snapshot.context]).toEqual([snapshot.value, snapshot.context]);
      expect(step.actions.map(({ type }) => type)).toEqual(actions.map(({ type }) => type));
    }
  });

  it('has a parent, which XState’s own has not', () => {
    const machine = setup({}).createMachine({ id: 'm', on: { go: { actions: sendParent({ type: 'gone' }) } } });
    const [snapshot] = initialTransition(machine);
    expect(() => transition(machine, snapshot, { type: 'go' })).toThrow(/Unable to send event|undefined/);
    const cast = new Cast();
    const fold = cast.fold(machine, line('app/m'));
    fold.begin(undefined);
    const { actions } = fold.take({ type: 'go' });
    const { to } = (actions[0] as { params: { to: AnyActorRef } }).params;
    expect(cast.names.pathOf(to)).toBe('app');
  });

  it('starts no child, runs no action, sets no timer, emits nothing', () => {
    const done: string[] = [];
    const machine = setup({
      actions: { note: () => done.push('action') },
      actors: { kid: setup({}).createMachine({ id: 'kid', entry: () => done.push('kid'), context: () => ({ made: done.push('kid’s context') }) }) },
    }).createMachine({
      id: 'm',
      entry: ['note', emit({ type: 'x' })],
      invoke: { id: 'kid', src: 'kid' },
      after: { 5: { actions: 'note' } },
    });
    const fold = new Cast().fold(withoutChildren(machine), line('m'));
    const { snapshot, actions } = fold.begin(undefined);
    expect(actions.map(({ type }) => type)).toEqual(['note', 'xstate.emit', 'xstate.raise', 'xstate.spawnChild']);
    expect(Object.keys(snapshot.children)).toEqual(['kid']);
    expect(done).toEqual([]);
  });

  it('names its children as the recorder does, the nameless too, and each finds itself', () => {
    const kid = setup({}).createMachine({ id: 'kid' });
    const machine = setup({ types: { context: {} as { kids: AnyActorRef[]; me: unknown } }, actors: { kid } }).createMachine({
      id: 'm',
      context: ({ spawn, self }) => ({ kids: [spawn('kid', { id: 'a' }), spawn('kid')], me: self }),
      on: { more: { actions: assign({ kids: ({ spawn }) => [spawn('kid', { id: 'a' }), spawn('kid')] }) } },
    });
    const cast = new Cast();
    const fold = cast.fold(withoutChildren(machine), line('app/m'));
    const paths = (kids: AnyActorRef[]): string[] => kids.map((one) => cast.names.pathOf(one));
    const { snapshot } = fold.begin(undefined);
    expect(paths((snapshot.context as { kids: AnyActorRef[] }).kids)).toEqual(['app/m/a', 'app/m/~1']);
    expect((snapshot.context as { me: unknown }).me).toBe(cast.ref('app/m'));
    const [named, nameless] = (fold.take({ type: 'more' }).snapshot.context as { kids: AnyActorRef[] }).kids;
    expect(paths([named as AnyActorRef, nameless as AnyActorRef])).toEqual(['app/m/a#2', 'app/m/~2']);
    expect(fold.ref('app/m/~2')).toBe(nameless);
    expect(nameless?.id).toBe('x:app/m/~2');
  });

  it('leaves nothing behind in XState: an actor made afterwards is an ordinary one', () => {
    new Cast().fold(withoutChildren(till()), line('till')).begin({});
    const actor = createActor(till(), { input: {} }).start();
    expect(actor.sessionId).toMatch(/^x:\d+$/);
    actor.stop();
  });
});
