/** The tools actor on tasks that settle when a test says so. The same actor on real tasks is in live-session.e2e.test.ts. */
import { describe, expect, it, vi } from 'vitest';
import { type AnyEventObject, createActor, createMachine } from 'xstate';
import type { ToolsCommand } from '../../machines/live/session.js';
import { type LiveTools, responseOf, type SuperviseTools, type ToolOutcome, toolsActor } from '../../src/live/tools.js';

interface FakeTask {
  readonly name: string;
  readonly deadlineMs: number;
  readonly value: unknown;
  cancelled: boolean;
  abort(): void;
  settle(outcome: ToolOutcome): void;
}

function toolsWorld(tools: LiveTools, refusal?: string) {
  const tasks: FakeTask[] = [];
  const events: AnyEventObject[] = [];
  let ended = false;
  let lose: (reason: string) => void = () => undefined;
  const supervise: SuperviseTools = (_owner, lost) => {
    lose = lost;
    return {
      start(run, { deadlineMs, name }) {
        if (refusal === 'throws') throw new Error('no such deadline');
        if (refusal !== undefined) return { ok: false, reason: refusal };
        const abort = new AbortController();
        let settle: (outcome: ToolOutcome) => void = () => undefined;
        const outcome = new Promise<ToolOutcome>((resolve) => (settle = resolve));
        const task: FakeTask = { name, deadlineMs, value: run({ signal: abort.signal }), cancelled: false, settle, abort: () => abort.abort() };
        tasks.push(task);
        return {
          ok: true,
          outcome,
          cancel: () => {
            task.cancelled = true;
            abort.abort();
          },
        };
      },
      end: () => {
        ended = true;
        for (const task of tasks) task.abort();
      },
    };
  };
  const parent = createActor(
    createMachine({
      invoke: { id: 'tools', src: toolsActor(tools, supervise), input: { toolMs: 1_000 } },
      on: { '*': { actions: ({ event }) => events.push(event) } },
    }),
  );
  parent.start();
  const tell = (command: ToolsCommand) =>
    (parent.getSnapshot().children as Record<string, { send(event: ToolsCommand): void }>)['tools']?.send(command);
  return {
    tasks,
    events,
    run: (id: string, name: string, args = {}) => tell({ type: 'tool.run', id, name, args }),
    tell,
    lose: (reason: string) => lose(reason),
    stop: () => parent.stop(),
    hasEnded: () => ended,
    settled: async () => {
      await new Promise((resolve) => setImmediate(resolve)); // every promise that is ready settles
      return events;
    },
  };
}

const weather = { description: 'weather', execute: (args: object, { id }: { id: string }) => ({ args, id }) };

describe('a tool', () => {
  it('runs with its arguments and the id of the call, under its own deadline or the session’s', async () => {
    const w = toolsWorld({ weather, slow: { ...weather, timeoutMs: 50 } });
    w.run('a', 'weather', { city: 'Oslo' });
    w.run('b', 'slow');
    expect(w.tasks).toMatchObject([
      { name: 'weather', deadlineMs: 1_000, value: { args: { city: 'Oslo' }, id: 'a' } },
      { name: 'slow', deadlineMs: 50 },
    ]);
    w.tasks[1]?.settle({ ok: true, value: { done: true } });
    w.tasks[0]?.settle({ ok: true, value: 'mild' });
    expect(await w.settled()).toEqual([
      { type: 'tool.settled', id: 'b', response: { done: true } },
      { type: 'tool.settled', id: 'a', response: { output: 'mild' } },
    ]);
  });

  it('that nobody provides is answered at once, prototype members too', () => {
    const w = toolsWorld({ weather });
    w.run('a', 'toString');
    expect(w.events).toEqual([{ type: 'tool.settled', id: 'a', response: { error: "unknown tool 'toString'; there are: weather" } }]);
  });

  it('that cannot start is answered at once', () => {
    const w = toolsWorld({ weather }, 'maxChildren');
    w.run('a', 'weather');
    expect(w.events).toEqual([{ type: 'tool.settled', id: 'a', response: { error: "tool 'weather' could not start: maxChildren" } }]);
  });

  it('whose start throws is answered at once, and the actor lives', () => {
    const w = toolsWorld({ weather }, 'throws');
    w.run('a', 'weather');
    w.run('b', 'nobody');
    expect(w.events.map(({ id, response }) => [id, response])).toEqual([
      ['a', { error: "tool 'weather' could not start: no such deadline" }],
      ['b', { error: "unknown tool 'nobody'; there are: weather" }],
    ]);
  });

  it('that is cancelled is aborted, and its late result touches nothing', async () => {
    let signal: AbortSignal | undefined;
    const w = toolsWorld({ weather: { ...weather, execute: (_args, context) => (signal = context.signal) } });
    w.run('a', 'weather');
    w.run('b', 'weather');
    w.tell({ type: 'tool.cancel', id: 'a' });
    w.tell({ type: 'tool.cancel', id: 'a' });
    w.tell({ type: 'tool.cancel', id: 'never-ran' });
    expect(w.tasks.map(({ cancelled }) => cancelled)).toEqual([true, false]);
    w.tell({ type: 'tool.cancelAll' });
    expect(w.tasks.map(({ cancelled }) => cancelled)).toEqual([true, true]);
    expect(signal?.aborted).toBe(true);
    for (const task of w.tasks) task.settle({ ok: true, value: 1 });
    expect(await w.settled()).toEqual([]);
  });

  it('cancelled and called again under the same id is answered once, by the second run', async () => {
    const w = toolsWorld({ weather });
    w.run('a', 'weather');
    w.tell({ type: 'tool.cancel', id: 'a' });
    w.run('a', 'weather');
    w.tasks[0]?.settle({ ok: true, value: 'first' });
    w.tasks[1]?.settle({ ok: true, value: 'second' });
    expect(await w.settled()).toEqual([{ type: 'tool.settled', id: 'a', response: { output: 'second' } }]);
  });

  it('whose abort listener throws is told of, and cancelled like any other', () => {
    const careless = (_args: object, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        throw new Error('not my day');
      });
    };
    const w = toolsWorld({ weather: { ...weather, execute: careless } });
    w.run('a', 'weather');
    w.tell({ type: 'tool.cancel', id: 'a' });
    expect(w.tasks[0]?.cancelled).toBe(true);
    expect(w.events).toEqual([{ type: 'tool.listenerThrew', id: 'a', name: 'weather', reason: 'not my day' }]);
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    w.run('b', 'weather');
    w.stop();
    expect(print.mock.calls, 'nobody is left to hear a fact').toEqual([
      ["espalier: an abort listener of the tool 'weather' threw", new Error('not my day')],
    ]);
    print.mockRestore();
  });

  it('ends with its session', async () => {
    const w = toolsWorld({ weather });
    w.run('a', 'weather');
    w.stop();
    expect(w.hasEnded()).toBe(true);
    w.tasks[0]?.settle({ ok: true, value: 1 });
    expect(await w.settled()).toEqual([]);
  });

  it('is reported lost with all others when their supervisor ends by itself', () => {
    const w = toolsWorld({ weather });
    w.lose('killed');
    expect(w.events).toEqual([{ type: 'tools.failed', reason: 'killed' }]);
  });
});

describe('the response to an outcome', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  it.each([
    ['an object', { ok: true, value: { a: 1, b: undefined } }, { a: 1 }],
    ['text', { ok: true, value: 'x' }, { output: 'x' }],
    ['a list', { ok: true, value: [1] }, { output: [1] }],
    ['nothing', { ok: true, value: undefined }, { output: null }],
    ['null', { ok: true, value: null }, { output: null }],
    ['a date', { ok: true, value: new Date(0) }, { output: '1970-01-01T00:00:00.000Z' }],
    ['a function', { ok: true, value: () => 1 }, { error: "tool 't' returned a function, which is no JSON" }],
    ['a BigInt', { ok: true, value: 1n }, { error: expect.stringMatching(/^tool 't' returned what is no JSON: /) }],
    ['a circle', { ok: true, value: circle }, { error: expect.stringMatching(/^tool 't' returned what is no JSON: /) }],
    ['a throw', { ok: false, reason: { crash: new Error('boom') } }, { error: 'boom' }],
    ['a throw of no error', { ok: false, reason: { crash: 'bad' } }, { error: 'bad' }],
    ['a throw of what cannot be shown', { ok: false, reason: { crash: circle } }, { error: 'something that cannot be shown' }],
    ['a passed deadline', { ok: false, reason: 'timedOut' }, { error: "tool 't' did not end within 9 ms" }],
    ['a lost task', { ok: false, reason: 'lost' }, { error: "tool 't' ended without a result: lost" }],
  ] as const)('to %s is an object', (_, outcome, response) => {
    expect(responseOf('t', outcome as ToolOutcome, 9)).toEqual(response);
  });

  it('is a copy', () => {
    const value = { list: [1] };
    const response = responseOf('t', { ok: true, value }, 9);
    value.list.push(2);
    expect(response).toEqual({ list: [1] });
  });
});
