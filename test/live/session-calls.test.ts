/** The tool calls of the session's chart: fake functions, a fake uplink, virtual clock. */
import { afterEach, describe, expect, it } from 'vitest';
import { begin } from '../../machines/live/session-steps.js';
import { leaveNothing, type SessionWorld, sessionWorld as world } from './session-world.js';

afterEach(leaveNothing);

const answer = (id: string, response: object, rest: object = {}) => ({
  toolResponse: { functionResponses: [{ id, name: `tool-${id}`, response, ...rest }] },
});
const cancel = (...ids: string[]) => ({ toolCallCancellation: { ids } });
const ran = ({ runs }: SessionWorld) => runs.map(({ input }) => input.id);

describe('tool calls', () => {
  it('run in parallel, and each is answered when it settles', () => {
    const w = world({ ready: true });
    w.call('a', 'b');
    expect(w.runs.map(({ input }) => input)).toEqual([
      { id: 'a', name: 'tool-a', args: { of: 'a' }, blocking: true, deadlineMs: 3_000 },
      { id: 'b', name: 'tool-b', args: { of: 'b' }, blocking: true, deadlineMs: 3_000 },
    ]);
    expect(w.region('tools')).toBe('called');
    w.settle('b', { output: 2 });
    expect([w.statusOf('a'), w.statusOf('b')]).toEqual(['running', 'answered']);
    w.settle('a', { error: 'no' });
    expect(w.wire).toEqual([answer('b', { output: 2 }), answer('a', { error: 'no' })]);
    expect(w.told()).toEqual(['tool.called', 'tool.called', 'tool.answered', 'tool.answered']);
    expect([w.region('tools'), w.log.slice(-2)]).toEqual(['idle', ['function 2 ends', 'function 1 ends']]);
  });

  it('that do not end in time are answered so, each by the deadline of its tool', () => {
    const w = world({ ready: true, input: { toolDeadlines: { 'tool-quick': 100 } } });
    w.call('quick', 'slow');
    w.clock.advanceBy(100);
    expect(w.wire).toEqual([answer('quick', { error: "tool 'tool-quick' did not end within 100 ms" })]);
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false, true]);
    w.clock.advanceBy(2_900);
    expect(w.wire.at(-1)).toEqual(answer('slow', { error: "tool 'tool-slow' did not end within 3000 ms" }));
  });

  it('have the deadline of all where a tool is called like a part of every object', () => {
    const w = world({ ready: true });
    w.message({ toolCall: { functionCalls: [{ id: 'a', name: 'constructor' }] } });
    expect(w.runs[0]?.input.deadlineMs).toBe(3_000);
  });

  it('that the server takes back are cancelled, and not answered however late the result', () => {
    const w = world({ ready: true });
    w.call('a', 'b');
    w.message(cancel('a', 'never-seen'));
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false, true]);
    w.settle('a');
    w.message(cancel('a'));
    expect([w.wire, w.statusOf('a'), w.statusOf('b')]).toEqual([[], 'cancelled', 'running']);
    expect(w.fact('tool.cancelled')).toEqual([{ type: 'tool.cancelled', id: 'a', name: 'tool-a' }]);
  });

  it('called and taken back in one frame end as cancelled, and never run', () => {
    const w = world({ ready: true });
    w.message({ toolCall: { functionCalls: [{ id: 'a', name: 'x', args: {} }] }, ...cancel('a') });
    expect([w.runs, w.statusOf('a'), w.told()]).toEqual([[], 'cancelled', ['tool.called', 'tool.cancelled']]);
    expect(Object.keys(w.session.getSnapshot().children)).toEqual(['uplink', 'tools', 'connection']);
  });

  it('are read beside whatever else their message brings', () => {
    const w = world({ ready: true });
    w.call('a');
    w.message({
      serverContent: { modelTurn: {} },
      toolCall: { functionCalls: [{ id: 'b', name: 'tool-b', args: {} }] },
      ...cancel('a'),
      sessionResumptionUpdate: { newHandle: 'h', resumable: true },
      goAway: { timeLeft: '50s' },
      usageMetadata: { totalTokenCount: 3 },
    });
    expect(w.told()).toEqual(['tool.called', 'tool.called', 'tool.cancelled', 'session.resumable', 'session.goAway']);
    expect([w.state(), w.region('rotation'), ran(w)]).toEqual(['ready.generating', 'announced', ['a', 'b']]);
  });

  it("in the parts of a model's turn are calls, once, and only those that have an id", () => {
    const w = world({ ready: true });
    const call = (id?: string) => ({ functionCall: { ...(id === undefined ? {} : { id }), name: 'x', args: { n: 1 } } });
    w.message({ serverContent: { modelTurn: { parts: [{ text: 'so' }, call('a'), call(), call(''), call('b')] } } });
    w.message({ toolCall: { functionCalls: [{ id: 'a', name: 'x', args: { n: 1 } }] } });
    w.message({
      serverContent: { modelTurn: { parts: [call('c')] } },
      toolCall: { functionCalls: [{ id: 'c', name: 'x', args: { n: 1 } }] },
    });
    expect([ran(w), w.told()]).toEqual([
      ['a', 'b', 'c'],
      ['tool.called', 'tool.called', 'tool.repeated', 'tool.called'],
    ]);
  });

  it('without an id, as Vertex sends them, are answered without one', () => {
    const w = world({ ready: true });
    w.message({ toolCall: { functionCalls: [{ name: 'x' }, { name: 'x', args: { n: 1 } }] } });
    w.settle('local:2', { output: 1 });
    expect(w.wire).toEqual([{ toolResponse: { functionResponses: [{ name: 'x', response: { output: 1 } }] } }]);
    expect(w.statusOf('local:1')).toBe('running');
  });

  it('that are odd do no harm', () => {
    const w = world({ ready: true });
    for (const toolCall of [null, 1, [], {}, { functionCalls: null }, { functionCalls: [null, 'x', []] }]) w.message({ toolCall });
    w.message({ toolCallCancellation: { ids: [1, null] } });
    w.message({ serverContent: { modelTurn: { parts: 'x' } } });
    expect(w.told()).toEqual([]);
    w.message({ toolCall: { functionCalls: [{ id: 'a', name: 3, args: 'x' }] } });
    expect(w.runs.map(({ input }) => input)).toEqual([{ id: 'a', name: '', args: {}, blocking: true, deadlineMs: 3_000 }]);
  });
});

it('a resumed session tells how many answers it cannot write again', () => {
  const w = world({ ready: true });
  w.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
  w.closed(1006);
  const { context } = w.session.getSnapshot();
  const resumed = { ...context, isResuming: true, calls: { ...context.calls, forgottenCount: 3 } };
  expect(begin(resumed, null).facts).toContainEqual({ type: 'session.answersLost', count: 3 });
  expect(begin({ ...resumed, isResuming: false }, null).facts).not.toContainEqual({ type: 'session.answersLost', count: 3 });
});

describe('an answer', () => {
  it('counts only when it is written; an end before that abandons its call', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('a', 'b');
    w.settle('a');
    w.settle('b');
    expect([w.statusOf('a'), w.region('tools'), w.told()]).toEqual(['answering', 'called', ['tool.called', 'tool.called']]);
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false, false]);
    w.session.send({ type: 'uplink.written', key: 1 });
    w.closed(1008);
    expect([w.statusOf('a'), w.statusOf('b')]).toEqual(['answered', 'abandoned']);
    expect(w.fact('tool.answered')).toEqual([{ type: 'tool.answered', id: 'a', name: 'tool-a', response: { output: 'a' } }]);
    expect(w.fact('tool.abandoned')).toEqual([{ type: 'tool.abandoned', id: 'b', name: 'tool-b', reason: 'connectionLost' }]);
  });

  it('that waits is withdrawn when its call is taken back', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('a', 'b');
    w.settle('a');
    w.message(cancel('a'));
    expect(w.session.getSnapshot().context.calls.rows[0]).toMatchObject({ id: 'a', status: 'cancelled', answer: null });
    w.settle('b');
    w.flush();
    expect(w.wire).toEqual([answer('b', { output: 'b' })]);
    expect(w.told().slice(-2)).toEqual(['tool.cancelled', 'tool.answered']);
  });

  it('that is on its way when its call is taken back is written: it is too late', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('a');
    w.settle('a');
    w.session.send({ type: 'uplink.written', key: 1 });
    w.message(cancel('a'));
    w.session.send({ type: 'uplink.withdrawn', key: 1 });
    w.session.send({ type: 'uplink.written', key: 1 });
    expect([w.statusOf('a'), w.told()]).toEqual(['answered', ['tool.called', 'tool.answered']]);
  });

  it('that was taken back and written all the same is not written once more on the next socket', () => {
    const w = world({ ready: true });
    w.message({ sessionResumptionUpdate: { newHandle: 'h1', resumable: true } });
    w.isFast = false;
    w.call('a');
    w.settle('a');
    w.isHanded = true;
    w.message(cancel('a'));
    w.session.send({ type: 'uplink.written', key: 1 });
    expect(w.fact('tool.answered')).toEqual([{ type: 'tool.answered', id: 'a', name: 'tool-a', response: { output: 'a' } }]);
    w.closed(1006);
    w.clock.advanceBy(100);
    w.opened();
    w.message({ setupComplete: {} });
    expect([w.fact('session.ready'), w.fact('tool.resent')]).toMatchObject([[{ resumed: true }], []]);
  });

  it('may come in parts, of which only the last ends the call', () => {
    const w = world({ ready: true });
    w.call('later');
    const [run] = w.runs;
    run?.say({ type: 'call.progressed', response: { n: 1 }, scheduling: 'SILENT' });
    run?.say({ type: 'call.progressed', response: { n: 2 } });
    expect(w.statusOf('later')).toBe('running');
    w.settle('later', { n: 3 }, { scheduling: 'INTERRUPT' });
    run?.say({ type: 'call.progressed', response: { late: true } });
    expect(w.wire).toEqual([
      answer('later', { n: 1 }, { scheduling: 'SILENT', willContinue: true }),
      answer('later', { n: 2 }, { willContinue: true }),
      answer('later', { n: 3 }, { scheduling: 'INTERRUPT' }),
    ]);
    expect(w.told()).toEqual(['tool.called', 'tool.progressed', 'tool.progressed', 'tool.answered']);
    expect(w.fact('tool.progressed').map(({ response }) => response)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('is withdrawn with all its parts', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('later');
    w.runs[0]?.say({ type: 'call.progressed', response: { n: 1 } });
    w.message(cancel('later'));
    w.flush();
    expect([w.wire, w.statusOf('later')]).toEqual([[], 'cancelled']);
  });

  it('is the error that a function dies of', () => {
    const w = world({ ready: true });
    w.call('a');
    w.runs[0]?.die(new TypeError('no such city'));
    expect(w.wire).toEqual([answer('a', { error: 'no such city' })]);
  });

  it('by the app goes the same way as one by its function, and ends that', () => {
    const w = world({ ready: true });
    w.call('a', 'later');
    w.session.send({ type: 'session.respond', id: 'later', response: { n: 1 }, willContinue: true, scheduling: 'SILENT' });
    w.session.send({ type: 'session.respond', id: 'a', response: { by: 'app' }, scheduling: 'WHEN_IDLE' });
    w.session.send({ type: 'session.respond', id: 'later', response: { n: 2 } });
    expect(w.wire).toEqual([
      answer('later', { n: 1 }, { scheduling: 'SILENT', willContinue: true }),
      answer('a', { by: 'app' }, { scheduling: 'WHEN_IDLE' }),
      answer('later', { n: 2 }),
    ]);
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false, false]);
    w.settle('a');
    expect(w.wire).toHaveLength(3);
  });

  it('by the app to a call that is none, or has ended, is told as rejected', () => {
    const w = world({ ready: true });
    w.call('a');
    w.settle('a');
    for (const id of ['a', 'b']) w.session.send({ type: 'session.respond', id, response: {} });
    expect(w.fact('tool.rejected')).toEqual([
      { type: 'tool.rejected', id: 'a', reason: 'ended' },
      { type: 'tool.rejected', id: 'b', reason: 'unknown' },
    ]);
    expect(w.wire).toEqual([answer('a', { output: 'a' })]);
  });

  it('by the app to a call of another process is written as it is, where the app says what was called', () => {
    const w = world({ ready: true });
    for (const id of ['old', '']) w.session.send({ type: 'session.respond', id, response: { n: 1 }, unsolicited: 'tool-old' });
    expect(w.wire).toEqual([answer('old', { n: 1 }), { toolResponse: { functionResponses: [{ name: 'tool-old', response: { n: 1 } }] } }]);
    expect([w.fact('tool.answered').map(({ id, name }) => [id, name]), w.region('tools'), w.runs]).toEqual([
      [
        ['old', 'tool-old'],
        ['', 'tool-old'],
      ],
      'idle',
      [],
    ]);
    w.session.send({ type: 'session.respond', id: 'old', response: { n: 2 }, unsolicited: 'tool-old' });
    expect(w.fact('tool.rejected')).toEqual([{ type: 'tool.rejected', id: 'old', reason: 'ended' }]);
  });

  it('by the app to a call of another process serves that call when it is delivered again: nothing is run', () => {
    const w = world({ ready: true });
    w.session.send({ type: 'session.respond', id: 'old', response: { n: 1 }, unsolicited: 'tool-old' });
    w.call('old');
    expect([w.fact('tool.repeated').length, w.fact('tool.called'), w.runs]).toEqual([1, [], []]);
    expect(w.wire).toEqual([answer('old', { n: 1 }), answer('old', { n: 1 })]);
    w.message({ toolCall: { functionCalls: [{ id: 'old', name: 'tool-other', args: {} }] } });
    expect(w.runs, 'another tool, by its id').toHaveLength(1);
  });

  it('that nobody asked for, and that waits, may be taken back by the server, and be refused by the uplink', () => {
    const w = world({ ready: true });
    w.isFast = false;
    for (const id of ['old', 'full']) w.session.send({ type: 'session.respond', id, response: {}, unsolicited: 'tool' });
    w.message({ toolCallCancellation: { ids: ['old'] } });
    w.session.send({ type: 'uplink.withdrawn', key: 2 });
    expect([w.told(), w.statusOf('old'), w.statusOf('full')]).toEqual([['tool.cancelled', 'tool.rejected'], 'cancelled', 'abandoned']);
    expect(w.fact('tool.rejected')).toEqual([{ type: 'tool.rejected', id: 'full', reason: 'full' }]);
  });

  it('changes nothing for calls that nobody knows', () => {
    const w = world({ ready: true });
    const before = w.session.getSnapshot().context;
    w.session.send({ type: 'call.answer', key: 7, response: {} });
    w.session.send({ type: 'call.listenerFailed', key: 7, reason: 'oops' });
    for (const type of ['uplink.written', 'uplink.withdrawn'] as const) w.session.send({ type, key: 7 });
    expect([w.session.getSnapshot().context, w.facts, w.wire]).toEqual([before, [], []]);
  });
});

describe('a call before setupComplete', () => {
  it('is told at once, runs when the setup is accepted, and is answered then', () => {
    const w = world();
    w.opened();
    w.call('a');
    expect([w.runs, w.statusOf('a'), w.region('tools')]).toEqual([[], 'pending', 'called']);
    w.message({ setupComplete: {}, toolCall: { functionCalls: [{ id: 'b', name: 'tool-b', args: {} }] } });
    expect(ran(w)).toEqual(['a', 'b']);
    w.settle('a', { output: 1 });
    expect(w.wire).toEqual([answer('a', { output: 1 })]);
    expect(w.told()).toEqual(['tool.called', 'tool.called', 'session.ready', 'tool.answered']);
  });

  it('may be answered by the app: that waits, and its function never runs', () => {
    const w = world({ input: { nonBlocking: ['tool-b'] } });
    w.opened();
    w.call('a', 'b');
    w.session.send({ type: 'session.respond', id: 'a', response: { by: 'app' } });
    w.session.send({ type: 'session.respond', id: 'b', response: { part: 1 }, willContinue: true });
    expect([w.wire, w.statusOf('a'), w.statusOf('b')]).toEqual([[], 'answering', 'pending']);
    w.message({ setupComplete: {} });
    expect([ran(w), w.wire]).toEqual([['b'], [answer('a', { by: 'app' })]]);
    expect(w.fact('tool.rejected')).toEqual([{ type: 'tool.rejected', id: 'b', reason: 'pending' }]);
  });

  it('that the model waits for takes no part of an answer, before or after', () => {
    const w = world();
    w.opened();
    w.call('a');
    const part = { type: 'session.respond', id: 'a', response: { part: 1 }, willContinue: true } as const;
    w.session.send(part);
    w.message({ setupComplete: {} });
    w.session.send(part);
    expect([w.wire, w.statusOf('a')]).toEqual([[], 'running']);
    expect(w.fact('tool.rejected').map((fact) => fact.reason)).toEqual(['blocking', 'blocking']);
  });

  it('that is taken back before it never runs', () => {
    const w = world();
    w.opened();
    w.call('a');
    w.message(cancel('a'));
    w.message({ setupComplete: {} });
    expect([w.runs, w.statusOf('a')]).toEqual([[], 'cancelled']);
  });

  it('is abandoned with a conversation that never begins, and has run nothing', () => {
    const w = world();
    w.opened();
    w.call('a');
    w.clock.advanceBy(2_000);
    expect(w.runs).toEqual([]);
    expect(w.facts.slice(-2)).toMatchObject([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'setupTimeout' },
      { type: 'session.failed', kind: 'setupTimeout' },
    ]);
  });
});

it('tells of an abort listener that threw', () => {
  const w = world({ ready: true });
  w.call('a', 'b');
  w.runs[1]?.say({ type: 'call.listenerThrew', reason: 'oops' });
  expect(w.fact('tool.listenerThrew')).toEqual([{ type: 'tool.listenerThrew', id: 'b', name: 'tool-b', reason: 'oops' }]);
  expect([w.statusOf('b'), w.state()]).toEqual(['running', 'ready.idle']);
});
