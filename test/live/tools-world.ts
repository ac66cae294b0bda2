/** Calls on tools whose tasks settle when a test says so: the actors `tools` and `execute` under a session that only listens. */
import { type AnyActorRef, type AnyEventObject, createActor, createMachine } from 'xstate';
import type { ExecuteInput } from '../../machines/live/tool-call.js';
import type { LiveSession } from '../../src/live/handle.js';
import { planTools, type LiveTools, type OnToolCall } from '../../src/live/tool-plan.js';
import { execute, type SuperviseTools, type ToolOutcome, toolsActor } from '../../src/live/tools.js';
import { createChild, stopActor } from '../../src/supervision/xstate-internals.js';

export interface FakeTask {
  readonly name: string;
  readonly deadlineMs: number;
  /** What the function came to. */
  readonly value: Promise<unknown>;
  cancelled: boolean;
  abort(): void;
  settle(outcome: ToolOutcome): void;
}

/** What happens when a task is to be started; default: it starts. */
export type Start = 'starts' | 'maxChildren' | 'throws';

/** A session with these tools. `run` makes a call, `events` are what calls told, each with the `id` of its call, `facts` what was told beside the chart. */
export function toolsWorld(tools: LiveTools, options: { start?: Start; onToolCall?: OnToolCall; model?: { nonBlocking: boolean } } = {}) {
  const { start = 'starts', onToolCall, model = { nonBlocking: true } } = options;
  const tasks: FakeTask[] = [];
  const events: AnyEventObject[] = [];
  const facts: AnyEventObject[] = [];
  const calls: AnyActorRef[] = [];
  let ended = false;
  let lose: (reason: string) => void = () => undefined;
  const supervise: SuperviseTools = (_owner, lost) => {
    lose = lost;
    return {
      start(run, { deadlineMs, name }) {
        if (start === 'throws') throw new Error('no such deadline');
        if (start !== 'starts') return { ok: false, reason: start };
        const abort = new AbortController();
        let settle: (outcome: ToolOutcome) => void = () => undefined;
        const outcome = new Promise<ToolOutcome>((resolve) => (settle = resolve));
        const value = new Promise((resolve) => resolve(run({ signal: abort.signal })));
        value.catch(() => undefined);
        const task: FakeTask = { name, deadlineMs, value, cancelled: false, settle, abort: () => abort.abort() };
        tasks.push(task);
        return { ok: true, outcome, cancel: () => ((task.cancelled = true), abort.abort()) };
      },
      end: () => {
        ended = true;
        for (const task of tasks) task.abort();
      },
    };
  };
  const { find, nonBlocking } = planTools(tools, onToolCall, { gatesAudio: true, ...model });
  const hold = (session: AnyActorRef) => ({ ref: session }) as unknown as LiveSession;
  /** A call: as the chart of one is, but that it keeps what it hears. */
  const call = (input: ExecuteInput) =>
    createMachine({
      invoke: {
        id: 'execute',
        src: execute(find, hold),
        input,
        onError: { actions: ({ event }) => events.push({ type: 'crashed', id: input.id, event }) },
      },
      on: { '*': { actions: ({ event }) => events.push({ id: input.id, ...event }) } },
    });
  const parent = createActor(
    createMachine({
      invoke: { id: 'tools', src: toolsActor(supervise), input: undefined },
      on: { '*': { actions: ({ event }) => events.push(event) } },
    }),
  );
  parent.on('*', (fact) => facts.push(fact));
  parent.start();
  const run = (id: string, name: string, args: object = {}) => {
    const input = { id, name, args: args as never, blocking: !nonBlocking.includes(name), deadlineMs: 1_000 };
    const ref = createChild(call(input), { parent, id: `call.${id}` });
    ref.start();
    calls.push(ref);
    return { cancel: () => stopActor(ref) };
  };
  return {
    tasks,
    events,
    facts,
    session: parent as AnyActorRef,
    run,
    lose: (reason: string) => lose(reason),
    /** The session is gone before its calls are. */
    stop: () => {
      parent.stop();
      for (const ref of calls) stopActor(ref);
    },
    hasEnded: () => ended,
    /** What was told, once every promise that is ready has settled. */
    settled: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return events;
    },
  };
}
