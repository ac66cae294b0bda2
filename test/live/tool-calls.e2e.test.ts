/** Tools of a session, over real sockets: run, refused, cancelled, cut off; and what of that reaches the wire. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { exit } from '../../src/supervision/watch.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import type { LiveToolCall } from '../../src/live/tool-plan.js';
import { ToolReply } from '../../src/live/tools.js';
import { calls, comeBack, latch, leaveNothing, serve, setUp, setUpAgain, start, tool } from './talk.js';

afterEach(leaveNothing);

describe('tools', () => {
  it('run in parallel, and both answers reach the wire', async () => {
    const server = await serve([...setUp, calls('one', 'two'), { awaitAnswers: ['call-one', 'call-two'] }]);
    const one = latch();
    const two = latch();
    // Each ends only after the other has begun.
    const tools = {
      one: tool(async (args) => (one.open(), await two.opened, { got: args })),
      two: tool(async () => (two.open(), await one.opened, 'plain text')),
    };
    const { fact } = start(server.url, tools);
    expect(await server.outcome).toEqual({ ok: true });
    expect([...server.answers()].sort((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual([
      { id: 'call-one', name: 'one', response: { got: { for: 'one' } } },
      { id: 'call-two', name: 'two', response: { output: 'plain text' } },
    ]);
    await Promise.all([fact('tool.answered', ({ name }) => name === 'one'), fact('tool.answered', ({ name }) => name === 'two')]);
  });

  it('that throw, time out, or are unknown are answered with an error', async () => {
    const server = await serve([...setUp, calls('throws', 'hangs', 'nobody'), { awaitAnswers: ['call-throws', 'call-hangs', 'call-nobody'] }]);
    const hanging = latch<AbortSignal>();
    const tools = {
      throws: tool(() => {
        throw new Error('out of order');
      }),
      hangs: tool((_args, { signal }) => (hanging.open(signal), new Promise(() => undefined)), { timeoutMs: 700 }),
    };
    const { clock, fact } = start(server.url, tools);
    const signal = await hanging.opened;
    await fact('tool.answered', ({ name }) => name === 'throws');
    clock.advanceBy(699);
    expect(signal.aborted).toBe(false);
    clock.advanceBy(1);
    expect(signal.aborted).toBe(true);
    expect(await server.outcome).toEqual({ ok: true });
    expect(Object.fromEntries(server.answers().map(({ name, response }) => [name, response]))).toEqual({
      throws: { error: 'out of order' },
      hangs: { error: "tool 'hangs' did not end within 700 ms" },
      nobody: { error: "unknown tool 'nobody'; there are: throws, hangs" },
    });
  });

  it('may answer with media, by hand, by a callback, or by a reply, and over a new socket again', async () => {
    const parts = [{ inlineData: { mimeType: 'image/png', data: 'iVBORw0=' } }];
    const server = await serve([
      ...setUp,
      { resumption: { handle: 'h1' } },
      calls('reply', 'callback', 'hand'),
      { awaitAnswers: ['call-reply', 'call-callback', 'call-hand'] },
      { drop: true },
      ...setUpAgain('h1'),
      { awaitAnswers: ['call-reply', 'call-callback', 'call-hand'] },
    ]);
    const onToolCall = ({ id, name }: LiveToolCall) => (name === 'callback' ? { id, response: 'seen', parts } : undefined);
    const talk = start(server.url, { reply: tool(() => new ToolReply('seen', undefined, parts)) }, { onToolCall });
    await talk.fact('tool.called', ({ name }) => name === 'hand');
    expect(talk.session.sendToolResponse({ id: 'call-hand', response: 'seen', parts })).toMatchObject([{ id: 'call-hand' }]);
    await comeBack(talk);
    expect(await server.outcome).toEqual({ ok: true });
    // Those of the second socket.
    const answers = [...server.answers()].sort((a, b) => String(a.name).localeCompare(String(b.name)));
    expect(answers).toEqual(['callback', 'hand', 'reply'].map((name) => ({ id: `call-${name}`, name, response: { output: 'seen' }, parts })));
  });

  it('are given no parts that are none', async () => {
    const { session, fact } = start((await serve([...setUp])).url);
    await fact('session.ready');
    const wrong = { id: 'a', response: {}, parts: ['x'] as never };
    expect(() => session.sendToolResponse(wrong)).toThrow(/parts.*a list of objects of JSON/u);
    expect(() => new ToolReply('x', undefined, ['x'] as never)).toThrow(/parts/u);
  });

  it('that are cancelled are aborted, and not answered however late they end', async () => {
    const server = await serve([...setUp, calls('slow', 'kept')]);
    const begun = latch<AbortSignal>();
    const late = latch<object>();
    const kept = latch<object>();
    const tools = { slow: tool((_args, { signal }) => (begun.open(signal), late.opened)), kept: tool(() => kept.opened) };
    const { session, fact } = start(server.url, tools);
    const signal = await begun.opened;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    void server.play([{ cancel: ['call-slow'] }]);
    await aborted;
    await fact('tool.cancelled');
    late.open({ too: 'late' });
    kept.open({ in: 'time' });
    await fact('tool.answered');
    // What the session sends after the late result arrives after whatever it made of it.
    session.sendText('fence');
    expect((await server.next('clientContent')).ok).toBe(true);
    expect(server.answers()).toEqual([{ id: 'call-kept', name: 'kept', response: { in: 'time' } }]);
  });

  it('that are slow delay no other frame', async () => {
    const server = await serve([
      ...setUp,
      calls('slow'),
      { say: 'meanwhile' },
      { interrupt: true },
      calls('quick'),
      { awaitAnswers: ['call-quick'] },
    ]);
    const slow = latch<object>();
    const { fact, facts } = start(server.url, { slow: tool(() => slow.opened), quick: tool(() => 1) });
    expect(await server.outcome).toEqual({ ok: true });
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('interrupted'));
    const ends = facts.filter(({ type }) => type === 'tool.answered' || type === 'tool.abandoned');
    expect(ends).toMatchObject([{ type: 'tool.answered', name: 'quick' }]);
    slow.open({ at: 'last' });
    await fact('tool.answered', ({ name }) => name === 'slow');
  });

  it('whose id comes again after a cancellation, or with other arguments, run again and are answered', async () => {
    const again = (city: string): Step => ({ callTools: [{ id: 'call-weather', name: 'weather', args: { city } }] });
    const server = await serve([...setUp, again('Oslo')]);
    const cities: unknown[] = [];
    const begun = latch();
    const tools = {
      weather: tool(({ city }) => (cities.push(city), begun.open(), cities.length === 1 ? new Promise(() => undefined) : { sun: city })),
    };
    const { fact } = start(server.url, tools);
    await begun.opened;
    await server.play([
      { cancel: ['call-weather'] },
      again('Oslo'),
      { awaitAnswers: ['call-weather'] },
      again('Bern'),
      { awaitAnswers: ['call-weather'] },
    ]);
    await fact('tool.answered');
    expect(cities).toEqual(['Oslo', 'Oslo', 'Bern']);
    expect(server.answers().map(({ response }) => response)).toEqual([{ sun: 'Oslo' }, { sun: 'Bern' }]);
  });

  it('that are delivered again after their answer get it again, and run once', async () => {
    const server = await serve([...setUp, calls('once'), { awaitAnswers: ['call-once'] }]);
    let runs = 0;
    const { fact } = start(server.url, { once: tool(() => ++runs) });
    await fact('tool.answered');
    expect(await server.play([calls('once'), { awaitAnswers: ['call-once'] }])).toEqual({ ok: true });
    expect(server.answers().map(({ response }) => response)).toEqual([{ output: 1 }, { output: 1 }]);
    expect(runs).toBe(1);
  });

  it('that are called before setupComplete run and are answered after it', async () => {
    const server = await serve([{ expect: 'setup' }, calls('early'), { send: { setupComplete: {} } }, { awaitAnswers: ['call-early'] }]);
    const { facts } = start(server.url, { early: tool((_args, { id }) => ({ id, ready: facts.some(({ type }) => type === 'session.ready') })) });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-early', name: 'early', response: { id: 'call-early', ready: true } }]);
  });

  it('whose abort listeners throw harm nobody, and are told', async () => {
    const server = await serve([...setUp, calls('careless')]);
    const begun = latch();
    const careless = tool((_args, { signal }) => {
      signal.addEventListener('abort', () => {
        throw new Error('not my day');
      });
      begun.open();
      return new Promise(() => undefined);
    });
    const { session, fact } = start(server.url, { careless });
    await begun.opened;
    void server.play([{ cancel: ['call-careless'] }]);
    expect(await fact('tool.listenerThrew')).toEqual({ type: 'tool.listenerThrew', id: 'call-careless', name: 'careless', reason: 'not my day' });
    await fact('tool.cancelled');
    expect(session.sendText('alive')).toEqual({ status: 'sent' });
  });

  it('that were delivered twice run once', async () => {
    const server = await serve([...setUp, calls('once'), calls('once'), { awaitAnswers: ['call-once'] }]);
    let runs = 0;
    const { session, fact } = start(server.url, { once: tool(() => ++runs) });
    await fact('tool.repeated');
    expect(await server.outcome).toEqual({ ok: true });
    session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it('beyond maxCalls are answered with an error', async () => {
    const server = await serve([
      ...setUp,
      {
        callTools: [
          { id: '1', name: 'slow' },
          { id: '2', name: 'slow' },
        ],
      },
      { awaitAnswers: ['2'] },
    ]);
    const { fact } = start(server.url, { slow: tool(() => new Promise(() => undefined)) }, { maxCalls: 1 });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: '2', name: 'slow', response: { error: "tool 'slow' could not start: too many calls are running" } }]);
    await fact('tool.answered');
  });

  it('that run when the session is closed are aborted and abandoned', async () => {
    const server = await serve([...setUp, calls('slow'), { expectClose: { code: 1000 } }]);
    const begun = latch<AbortSignal>();
    const { session, facts } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
    const signal = await begun.opened;
    expect(await session.close()).toMatchObject({ ok: true, end: { by: 'client' } });
    expect(signal.aborted).toBe(true);
    expect(facts.slice(-3)).toEqual([
      { type: 'tool.abandoned', id: 'call-slow', name: 'slow', reason: 'closed' },
      { type: 'session.gated', closed: false },
      { type: 'session.closed', by: 'client', code: 1000, reason: '' },
    ]);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([]);
  });

  it('that run when the socket drops for good are aborted and abandoned, and the session crashes', async () => {
    const server = await serve([...setUp, calls('slow')]);
    const begun = latch<AbortSignal>();
    const slow = tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined)));
    const { session, facts } = start(server.url, { slow }, { reconnect: { intensity: 0 } });
    const signal = await begun.opened;
    const ended = session.ended();
    void server.play([{ drop: true }]);
    expect(await ended).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1006, reason: '' } });
    expect(signal.aborted).toBe(true);
    expect(facts.slice(-2).map(({ type }) => type)).toEqual(['tool.abandoned', 'session.failed']);
  });
});

it('crashes when the supervisor of its tools is killed, and aborts them', async () => {
  const server = await serve([...setUp, { callTools: [{ id: 'c', name: 'slow' }] }]);
  const begun = latch<AbortSignal>();
  const { session, actors, facts } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
  const signal = await begun.opened;
  const supervisor = actors.find((actor) => actor.id === 'tasks') as AnyActorRef;
  exit(supervisor, 'kill');
  expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'toolsCrashed', code: 'ended', reason: 'killed' } });
  expect(signal.aborted).toBe(true);
  expect(facts.slice(-2).map(({ type }) => type)).toEqual(['tool.abandoned', 'session.failed']);
});
