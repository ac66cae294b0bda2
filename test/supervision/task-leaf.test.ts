/** The short cuts of a task's leaf change nothing that can be seen. */
import { describe, expect, it, vi } from 'vitest';
import { createActor, type AnyActorLogic } from 'xstate';
import type { TaskEvent } from '../../machines/supervision/task.js';
import { taskMachine } from '../../machines/supervision/task.js';
import { taskLeaf } from '../../src/supervision/task-leaf.js';
import { exitReason } from '../../src/supervision/watch.js';
import { leastHeap } from '../inspector/garbage.js';

const ends: TaskEvent[] = [
  { type: 'task.succeeded' },
  { type: 'task.failed', reason: { crash: 'boom' } },
  { type: 'task.cancelled', reason: 'shutdown' },
  { type: 'task.timedOut' },
];

/** What an actor shows after each of these events, and after it was stopped. */
function shown(logic: AnyActorLogic, events: readonly TaskEvent[]): unknown[] {
  const actor = createActor(logic).start();
  const look = () =>
    JSON.parse(JSON.stringify({ snapshot: actor.getSnapshot(), persisted: actor.getPersistedSnapshot(), reason: exitReason(actor) })) as unknown;
  const seen = [look()];
  for (const event of events) {
    actor.send(event);
    seen.push(look());
  }
  actor.stop();
  seen.push(look());
  return seen;
}

describe("a task's leaf", () => {
  it.each<[readonly TaskEvent[]]>([[[]], ...ends.map((end): [TaskEvent[]] => [[end]]), [ends]])('shows what the task machine shows: %j', (events) => {
    expect(shown(taskLeaf, events)).toEqual(shown(taskMachine, events));
  });

  it('shares no state between two tasks', () => {
    const [one, other] = [createActor(taskLeaf).start(), createActor(taskLeaf).start()];
    one.send({ type: 'task.succeeded' });
    expect([one.getSnapshot().value, other.getSnapshot().value]).toEqual(['succeeded', 'running']);
    other.stop();
  });

  it('keeps nothing of how a task ended, also not of the first', async () => {
    vi.resetModules();
    const { finalSnapshot } = await import('../../src/supervision/task-leaf.js');
    const fail = (): WeakRef<Error> => {
      const error = new Error('boom');
      finalSnapshot({ type: 'task.failed', reason: { crash: error } });
      finalSnapshot({ type: 'task.cancelled', reason: { crash: error } });
      return new WeakRef(error);
    };
    const error = fail();
    // What a WeakRef was made of lives to the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    leastHeap();
    expect(error.deref()).toBeUndefined();
  });
});
