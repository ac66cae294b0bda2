import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { createActor, emit, fromCallback, setup } from 'xstate';
import { exit, exitReason, onExit } from '../../src/index.js';
import { onNewcomer } from '../../src/supervision/seats.js';
import { hasStopped } from '../../src/supervision/xstate-internals.js';
import { stage, worker } from './stage.js';

describe('an actor that is killed before its parent has started it', () => {
  it('ends as it starts: whoever watches it is told', () => {
    let isRunning = false;
    const child = fromCallback(() => {
      isRunning = true;
      return () => void (isRunning = false);
    });
    const parent = createActor(
      setup({ types: { emitted: {} as { type: 'moved' } }, actors: { child } }).createMachine({
        initial: 'a',
        states: { a: { on: { go: { target: 'b', actions: emit({ type: 'moved' }) } } }, b: { invoke: { id: 'child', src: 'child' } } },
      }),
    ).start();
    const told: unknown[] = [];
    // XState tells it before it starts whom it has invoked.
    parent.on('moved', () => {
      const ref = parent.getSnapshot().children['child'] as AnyActorRef;
      onExit(ref, (reason) => told.push(reason));
      exit(ref, 'kill');
    });
    parent.send({ type: 'go' });
    expect([told, isRunning]).toEqual([['killed'], false]);
  });

  it('is restarted by its supervisor', async () => {
    const came: AnyActorRef[] = [];
    const leave = onNewcomer((actor) => {
      if (actor.id === 'killed.unstarted' && came.push(actor) === 1) exit(actor, 'kill');
    });
    const app = stage().app({ actors: { worker: worker() }, intensity: 1, periodMs: 1, children: [{ id: 'killed.unstarted', src: 'worker' }] });
    await app.started();
    leave();
    const [first, second] = came as [AnyActorRef, AnyActorRef];
    expect([came.length, hasStopped(first), exitReason(first), exitReason(second)]).toEqual([2, true, 'killed', null]);
    expect(app.child('killed.unstarted')).toBe(second);
  });
});
