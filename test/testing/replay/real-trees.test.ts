/** Recordings of real trees replay clean through today's machines, and a change in one of these is found. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { expectReplay } from '../../../src/testing/replay/expect-replay.js';
import { parseRecording } from '../../../src/wire/recording/parse.js';
import { replay } from '../../../src/testing/replay/replay.js';
import { allMachines, crashingTree, liveConversation, tasksAtWork } from './real-trees.js';

function eventsOf(text: string): string[] {
  return parseRecording(text).lines.flatMap((line) => (line.type === '@xstate.event' ? [(line.event as { type: string }).type] : []));
}

describe('a supervised tree with crashes, restarts and a giving up', () => {
  it('replays, every machine of it from its own input', async () => {
    const text = await crashingTree();
    expect(eventsOf(text)).toEqual(expect.arrayContaining(['crash', 'child.exited', 'child.retry', 'call.terminateChild', 'supervisor.shutdown']));
    const { lines } = parseRecording(text);
    const actors = lines.flatMap((line) => (line.type === '@xstate.actor' ? [line.actor] : []));
    expect(actors).toEqual(expect.arrayContaining(['app/pool/second#2', 'app/pool/third#3', 'app/pool/crowd#3/pool/x']));
    const last = lines.findLast((line) => line.type === '@xstate.transition' && line.actor === 'app');
    expect(last).toMatchObject({ state: { status: 'done' }, actions: expect.arrayContaining([{ kind: 'stop', actor: 'app/pool' }]) as unknown });
    const passed = expectReplay(text, { machines: allMachines });
    expect(passed.unchecked).toEqual([]);
    expect(passed.actors).toBeGreaterThan(10);
  });

  it('is the same text for the same play', async () => {
    expect(await crashingTree()).toBe(await crashingTree());
  });

  it('is found to differ from a supervisor that gives up one restart later', async () => {
    const { supervisor } = allMachines;
    const lenient = supervisor?.provide({ guards: { exceedsIntensity: () => false } } as never) as AnyStateMachine;
    const found = replay(await crashingTree(), { machines: { ...allMachines, supervisor: lenient } });
    expect(found).toMatchObject({
      ok: false,
      actor: 'app',
      machine: 'supervisor',
      event: { type: 'child.exited', id: 'first' },
      expected: { value: { stopping: 'asking' } },
    });
  });

  it.each(['planRestart', 'noteExit', 'noteStopped', 'giveUp', 'startNext', 'noteStarted', 'retryLater'])(
    'misses nothing when the action %s is dropped',
    async (name) => {
      const changed = allMachines.supervisor?.provide({ actions: { [name]: () => undefined } } as never) as AnyStateMachine;
      const result = replay(await crashingTree(), { machines: { ...allMachines, supervisor: changed } });
      // A restart that fails does not happen in this play.
      expect(result.ok).toBe(name === 'retryLater');
    },
  );
});

describe('tasks', () => {
  it('replay, supervisors and leaves', async () => {
    const text = await tasksAtWork();
    expect(eventsOf(text)).toEqual(expect.arrayContaining(['task.succeeded', 'task.failed', 'task.timedOut']));
    expect(expectReplay(text, { machines: allMachines }).actors).toBeGreaterThanOrEqual(6);
    const { task } = allMachines;
    const changed = task?.provide({ actions: { noteTimeout: () => undefined } } as never) as AnyStateMachine;
    expect(replay(text, { machines: { ...allMachines, task: changed } })).toMatchObject({ ok: false, event: { type: 'task.timedOut' } });
  });
});

describe('a live session over a real socket', () => {
  it('replays: setup, a tool call, a lost connection, a resumption, a restart, a close; the key is nowhere in it', async () => {
    const text = await liveConversation();
    const said = ['socket.opened', 'server.message', 'call.run', 'call.answer', 'uplink.written', 'socket.closed', 'connection.setup'];
    expect(eventsOf(text)).toEqual(expect.arrayContaining(said));
    expect(text).toContain('"handle":"handle-1"');
    expect(text).not.toContain('the-key');
    const passed = expectReplay(text, { machines: allMachines });
    // Its input was given to its logic beforehand, and is known all the same: the first step, past its gate, tells it.
    expect(passed.unchecked.filter((why) => !why.includes('/pool/task#'))).toEqual([]);
    const { liveSession } = allMachines;
    const changed = liveSession?.provide({ actions: { answerCall: () => undefined } } as never) as AnyStateMachine;
    expect(replay(text, { machines: { ...allMachines, liveSession: changed } })).toMatchObject({
      ok: false,
      actor: 'app/pool/voice',
      event: { type: 'call.answer', key: 1 },
    });
  });
});
