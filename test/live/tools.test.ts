/** The actors `tools` and `execute` on tasks that settle when a test says so. On real tasks they are in the e2e tests. */
import { describe, expect, it, vi } from 'vitest';
import { objectOf, ToolReply, type ToolOutcome, unanswered } from '../../src/live/tools.js';
import { toolsWorld } from './tools-world.js';

const weather = { description: 'weather', execute: (args: object, { id }: { id: string }) => ({ args, id }) };

describe('a tool', () => {
  it('runs with its arguments and the id of its call, under the deadline of the call', async () => {
    const w = toolsWorld({ weather });
    w.run('a', 'weather', { city: 'Oslo' });
    w.run('b', 'weather');
    expect(w.tasks).toMatchObject([{ name: 'weather', deadlineMs: 1_000 }, { name: 'weather' }]);
    expect(await w.tasks[0]?.value).toEqual({ args: { city: 'Oslo' }, id: 'a' });
    w.tasks[1]?.settle({ ok: true, value: { done: true } });
    w.tasks[0]?.settle({ ok: true, value: 'mild' });
    expect(await w.settled()).toEqual([
      { type: 'call.settled', id: 'b', response: { done: true } },
      { type: 'call.settled', id: 'a', response: { output: 'mild' } },
    ]);
  });

  it('is given its session, and a signal, each the same one however often it looks', async () => {
    const seen: unknown[] = [];
    const w = toolsWorld({
      t: { description: 't', execute: (_args, context) => seen.push(context.session, context.session, context.signal, context.signal) },
    });
    w.run('a', 't');
    await w.settled();
    const [session, again, signal, same] = seen as [{ ref: unknown }, unknown, unknown, unknown];
    expect(session.ref).toBe(w.session);
    expect([again === session, same === signal, signal instanceof AbortSignal]).toEqual([true, true, true]);
  });

  it('that nobody provides is answered at once, prototype members too', () => {
    const w = toolsWorld({ weather });
    w.run('a', 'toString');
    expect(w.events).toEqual([{ type: 'call.settled', id: 'a', response: { error: "unknown tool 'toString'; there are: weather" } }]);
    expect(w.tasks).toEqual([]);
  });

  it.each([
    ['maxChildren', "tool 'weather' could not start: too many calls are running"],
    ['throws', "tool 'weather' could not start: no such deadline"],
  ] as const)('that cannot start (%s) is answered at once, and the session lives', (start, error) => {
    const w = toolsWorld({ weather }, { start });
    w.run('a', 'weather');
    w.run('b', 'nobody');
    expect(w.events.map(({ id, response }) => [id, response])).toEqual([
      ['a', { error }],
      ['b', { error: "unknown tool 'nobody'; there are: weather" }],
    ]);
  });

  it('that is cancelled is aborted, and its late result touches nothing', async () => {
    let signal: AbortSignal | undefined;
    const w = toolsWorld({ weather: { ...weather, execute: (_args, context) => (signal = context.signal) } });
    const call = w.run('a', 'weather');
    w.run('b', 'weather');
    call.cancel();
    call.cancel();
    expect(w.tasks.map(({ cancelled }) => cancelled)).toEqual([true, false]);
    w.stop();
    expect(signal?.aborted).toBe(true);
    for (const task of w.tasks) task.settle({ ok: true, value: 1 });
    expect(await w.settled()).toEqual([]);
  });

  it('whose abort listener throws is told of, and cancelled like any other', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const careless = (_args: object, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        throw new Error('not my day');
      });
    };
    const late = (_args: object, { signal }: { signal: AbortSignal }) => {
      // oxlint-disable-next-line typescript/no-misused-promises -- who writes no TypeScript can do so
      signal.addEventListener('abort', () => Promise.reject(new Error('too late')));
    };
    const w = toolsWorld({ weather: { ...weather, execute: careless }, late: { ...weather, execute: late } });
    w.run('a', 'weather');
    w.tasks[0]?.abort();
    expect(w.events, 'at its deadline, for one').toEqual([{ type: 'call.listenerThrew', id: 'a', reason: 'not my day' }]);
    const call = w.run('b', 'weather');
    call.cancel();
    expect(w.tasks[1]?.cancelled).toBe(true);
    expect(w.facts, 'its call is over, and hears nothing').toEqual([{ type: 'tool.listenerThrew', id: 'b', name: 'weather', reason: 'not my day' }]);
    w.run('c', 'late');
    w.stop();
    await w.settled();
    expect(print.mock.calls, 'nobody is left to hear a fact').toEqual([
      ["espalier: an abort listener of the tool 'late' threw", new Error('too late')],
    ]);
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

  it('that leaves its answer to somebody else says nothing', async () => {
    const w = toolsWorld({ weather });
    w.run('a', 'weather');
    w.tasks[0]?.settle({ ok: true, value: unanswered });
    expect(await w.settled()).toEqual([]);
  });
});

describe('an answer in parts', () => {
  async function* counting() {
    yield 1;
    yield { two: 2 };
    return 'three';
  }
  /** What a generator is told as, once its task has settled with what it came to. */
  const partsOf = async (execute: () => unknown, rest: object = { behavior: 'NON_BLOCKING' }) => {
    const w = toolsWorld({ t: { description: 't', execute, ...rest } });
    w.run('a', 't');
    const task = w.tasks[0]!;
    const value = await task.value;
    task.settle({ ok: true, value });
    return (await w.settled()).map(({ id: _id, ...event }) => event);
  };

  it('goes out as it comes where the model does not wait for it', async () => {
    const parts = [
      { type: 'call.progressed', response: { output: 1 } },
      { type: 'call.progressed', response: { two: 2 } },
      { type: 'call.settled', response: { output: 'three' } },
    ];
    expect(await partsOf(counting)).toEqual(parts);
    expect(await partsOf(async () => counting()), 'a promise of a generator too').toEqual(parts);
  });

  it('ends with its last part where the generator returns nothing', async () => {
    async function* silent() {
      yield 'only';
    }
    expect(await partsOf(silent)).toEqual([
      { type: 'call.progressed', response: { output: 'only' } },
      { type: 'call.settled', response: { output: 'only' } },
    ]);
  });

  it('comes to one answer where the model waits for it', async () => {
    expect(await partsOf(counting, {})).toEqual([{ type: 'call.settled', response: { output: 'three' } }]);
  });

  it('bears the tool’s scheduling, or that of each part', async () => {
    async function* mixed() {
      yield new ToolReply(1, 'SILENT');
      yield 2;
      return new ToolReply({ three: 3 }, 'INTERRUPT');
    }
    expect(await partsOf(mixed, { behavior: 'NON_BLOCKING', scheduling: 'WHEN_IDLE' })).toEqual([
      { type: 'call.progressed', response: { output: 1 }, scheduling: 'SILENT' },
      { type: 'call.progressed', response: { output: 2 }, scheduling: 'WHEN_IDLE' },
      { type: 'call.settled', response: { three: 3 }, scheduling: 'INTERRUPT' },
    ]);
  });

  it('that is one bears the tool’s scheduling too', async () => {
    expect(await partsOf(() => 'all', { behavior: 'NON_BLOCKING', scheduling: 'SILENT' })).toEqual([
      { type: 'call.settled', response: { output: 'all' }, scheduling: 'SILENT' },
    ]);
  });

  it('of a call that is over is not asked for any more', async () => {
    let next: () => void = () => undefined;
    let ended = false;
    async function* endless() {
      try {
        for (;;) {
          yield 'part';
          await new Promise<void>((resolve) => (next = resolve));
        }
      } finally {
        ended = true;
      }
    }
    const w = toolsWorld({ t: { description: 't', execute: endless, behavior: 'NON_BLOCKING' } });
    const call = w.run('a', 't');
    await w.settled();
    call.cancel();
    next();
    expect(await w.settled()).toHaveLength(1);
    expect(ended).toBe(true);
  });

  it('that is no scheduling of the protocol is refused where it is made', () => {
    expect(() => new ToolReply(1, 'LOUD' as never)).toThrow('expected scheduling: SILENT, WHEN_IDLE, INTERRUPT, got: "LOUD"');
  });
});

describe('the response to an outcome', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const t = { description: 't', execute: () => undefined };
  it.each<[string, ToolOutcome, unknown]>([
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
    ['a passed deadline', { ok: false, reason: 'timedOut' }, { error: "tool 't' did not end within 1000 ms" }],
    ['a lost task', { ok: false, reason: 'lost' }, { error: "tool 't' ended without a result: lost" }],
  ])('to %s is an object', async (_, outcome, response) => {
    const w = toolsWorld({ t });
    w.run('a', 't');
    w.tasks[0]?.settle(outcome);
    expect(await w.settled()).toEqual([{ type: 'call.settled', id: 'a', response }]);
  });

  it('is a copy', () => {
    const value = { list: [1] };
    const response = objectOf('t', value);
    value.list.push(2);
    expect(response).toEqual({ list: [1] });
  });
});
