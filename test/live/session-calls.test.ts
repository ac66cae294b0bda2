/** The tool calls of the session's chart: fake socket, fake tools, virtual clock. */
import { afterEach, describe, expect, it } from 'vitest';
import { keptRows } from '../../machines/live/calls.js';
import { leaveNothing, type SessionWorld, sessionWorld as world } from './session-world.js';

afterEach(leaveNothing);

const answer = (id: string, response: object) => ({ toolResponse: { functionResponses: [{ id, name: `tool-${id}`, response }] } });

describe('tool calls', () => {
  it('run in parallel, and each is answered when it settles', () => {
    const { call, report, toTools, toSocket, factTypes, statusOf } = world({ ready: true });
    call('a', 'b');
    expect(toTools.map((command) => 'id' in command && command.id)).toEqual(['a', 'b']);
    report({ type: 'tool.settled', id: 'b', response: { output: 2 } });
    expect([statusOf('a'), statusOf('b')]).toEqual(['running', 'answered']);
    report({ type: 'tool.settled', id: 'a', response: { error: 'no' } });
    expect(toSocket.map((command) => 'message' in command && command.message)).toEqual([answer('b', { output: 2 }), answer('a', { error: 'no' })]);
    expect(factTypes()).toEqual(['session.message', 'tool.called', 'tool.called', 'tool.answered', 'tool.answered']);
  });

  it('that the server takes back are cancelled, and not answered however late the result', () => {
    const { call, message, report, toTools, toSocket, factTypes, statusOf } = world({ ready: true });
    call('a', 'b');
    message({ toolCallCancellation: { ids: ['a', 'never-seen'] } });
    expect(toTools.at(-1)).toEqual({ type: 'tool.cancel', id: 'a' });
    report({ type: 'tool.settled', id: 'a', response: {} });
    message({ toolCallCancellation: { ids: ['a'] } });
    expect(toSocket).toEqual([]);
    expect([statusOf('a'), statusOf('b')]).toEqual(['cancelled', 'running']);
    expect(factTypes().filter((type) => type === 'tool.cancelled')).toHaveLength(1);
  });

  it('called and taken back in one frame end as cancelled', () => {
    const { message, toTools, statusOf } = world({ ready: true });
    message({ toolCall: { functionCalls: [{ id: 'a', name: 'x', args: {} }] }, toolCallCancellation: { ids: ['a'] } });
    expect(toTools, 'it never ran').toEqual([]);
    expect(statusOf('a')).toBe('cancelled');
  });

  it('without an id, as Vertex sends them, are answered without one', () => {
    const { message, report, toSocket } = world({ ready: true });
    message({ toolCall: { functionCalls: [{ name: 'x' }, { name: 'x', args: { n: 1 } }] } });
    report({ type: 'tool.settled', id: 'local:2', response: { output: 1 } });
    expect(toSocket).toMatchObject([{ message: { toolResponse: { functionResponses: [{ name: 'x', response: { output: 1 } }] } } }]);
  });

  it('count as answered only when the answer is written; an end before that abandons them', () => {
    const w = world({ ready: true });
    w.confirms = false;
    w.call('a', 'b', 'c');
    for (const id of ['a', 'b', 'c']) w.report({ type: 'tool.settled', id, response: {} });
    expect(w.statusOf('a')).toBe('answering');
    w.message({ toolCallCancellation: { ids: ['c'] } });
    expect(w.statusOf('c'), 'too late to take back').toBe('answering');
    w.report({ type: 'socket.sent', receipt: { of: 'call', id: 'a' } });
    w.report({ type: 'socket.unsent', receipt: { of: 'call', id: 'c' }, reason: 'closing' });
    w.report({ type: 'socket.closed', code: 1006, reason: '' });
    expect(['a', 'b', 'c'].map((id) => w.statusOf(id))).toEqual(['answered', 'abandoned', 'abandoned']);
  });

  it('that are odd do no harm', () => {
    const { message, toTools, state } = world({ ready: true });
    for (const toolCall of [null, 1, [], {}, { functionCalls: null }, { functionCalls: [null, 'x', []] }]) message({ toolCall });
    message({ toolCallCancellation: { ids: [1, null] } });
    expect(toTools).toEqual([]);
    message({ toolCall: { functionCalls: [{ id: 'a' }] } });
    expect(toTools).toEqual([{ type: 'tool.run', id: 'a', name: '', args: {} }]);
    expect(state()).toEqual({ connected: 'ready' });
  });

  it('that have ended are remembered in a bounded table', () => {
    const { session, call, report } = world({ ready: true });
    call('open');
    for (let n = 0; n < keptRows + 50; n++) {
      call(`c${n}`);
      report({ type: 'tool.settled', id: `c${n}`, response: {} });
    }
    const { rows } = session.getSnapshot().context.calls;
    expect(rows).toHaveLength(keptRows + 1);
    expect(rows[0]?.id).toBe('open');
    expect(rows.at(-1)?.id).toBe(`c${keptRows + 49}`);
  });
});

describe('an id that comes again', () => {
  const weather = (city: string) => ({ toolCall: { functionCalls: [{ id: 'a', name: 'weather', args: { city } }] } });
  const runs = ({ toTools }: SessionWorld) => toTools.flatMap((command) => (command.type === 'tool.run' ? [command.args] : []));
  const answers = ({ toSocket }: SessionWorld) => toSocket.flatMap((command) => (command.type === 'connection.send' ? [command.message] : []));
  const facts = (w: SessionWorld) => w.factTypes().filter((type) => type !== 'session.message');
  const sunny = { toolResponse: { functionResponses: [{ id: 'a', name: 'weather', response: { output: 'sunny' } }] } };

  it('while its call is open is the same call: it runs once, and one answer serves', () => {
    const w = world({ ready: true });
    w.confirms = false;
    w.message({ toolCall: { functionCalls: [1, 2].map(() => ({ id: 'a', name: 'weather', args: { city: 'Oslo' } })) } });
    w.message(weather('Bern'));
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'sunny' } });
    w.message(weather('Oslo'));
    w.report({ type: 'tool.settled', id: 'a', response: { late: true } });
    expect(runs(w)).toEqual([{ city: 'Oslo' }]);
    expect(answers(w)).toEqual([sunny]);
    expect(facts(w)).toEqual(['tool.called', 'tool.repeated', 'tool.repeated', 'tool.repeated']);
  });

  it('after the answer, with the same call, is answered the same again and not run', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'sunny' } });
    w.message(weather('Oslo'));
    expect(runs(w)).toHaveLength(1);
    expect(answers(w)).toEqual([sunny, sunny]);
    expect(facts(w)).toEqual(['tool.called', 'tool.answered', 'tool.repeated']);
  });

  it.each([
    ['arguments', weather('Bern')],
    ['a name', { toolCall: { functionCalls: [{ id: 'a', name: 'time', args: { city: 'Oslo' } }] } }],
  ])('after the answer, with %s of its own, is a new call: it runs and is answered', (_, another) => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'sunny' } });
    w.message(another);
    expect(w.statusOf('a')).toBe('running');
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'rain' } });
    expect(runs(w)).toHaveLength(2);
    expect(JSON.stringify(answers(w).at(-1))).toContain('rain');
    expect(facts(w)).toEqual(['tool.called', 'tool.answered', 'tool.called', 'tool.answered']);
  });

  it('after a cancellation is a new call: it runs and is answered', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    w.message({ toolCallCancellation: { ids: ['a'] } });
    w.message(weather('Oslo'));
    expect(w.toTools.map(({ type }) => type)).toEqual(['tool.run', 'tool.cancel', 'tool.run']);
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'sunny' } });
    expect(answers(w)).toEqual([sunny]);
    expect(facts(w)).toEqual(['tool.called', 'tool.cancelled', 'tool.called', 'tool.answered']);
  });

  it('once its row is forgotten, or while closing, is a new call that ends in its turn', () => {
    const w = world({ ready: true });
    w.message(weather('Oslo'));
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'sunny' } });
    for (let n = 0; n < keptRows; n++) {
      w.call(`c${n}`);
      w.report({ type: 'tool.settled', id: `c${n}`, response: {} });
    }
    w.message(weather('Oslo'));
    expect(w.statusOf('a')).toBe('running');
    w.report({ type: 'tool.settled', id: 'a', response: { output: 'rain' } });
    w.session.send({ type: 'session.close' });
    const before = w.toSocket.length;
    w.message(weather('Oslo'));
    expect(w.toSocket.slice(before), 'nothing goes out after the close').toEqual([]);
    expect(facts(w).slice(-2)).toEqual(['tool.called', 'tool.abandoned']);
  });
});

describe('a call before setupComplete', () => {
  it('is told at once, runs when the setup is accepted, and is answered then', () => {
    const w = world();
    w.report({ type: 'socket.opened' });
    w.call('a');
    expect([w.toTools, w.statusOf('a')]).toEqual([[], 'pending']);
    w.report({ type: 'tool.settled', id: 'a', response: { forged: true } });
    expect(w.toSocket.map((command) => 'message' in command && Object.keys(command.message))).toEqual([['setup']]);
    w.message({ setupComplete: {}, toolCall: { functionCalls: [{ id: 'b', name: 'tool-b', args: {} }] } });
    expect(w.toTools).toEqual([
      { type: 'tool.run', id: 'a', name: 'tool-a', args: { of: 'a' } },
      { type: 'tool.run', id: 'b', name: 'tool-b', args: {} },
    ]);
    w.report({ type: 'tool.settled', id: 'a', response: { output: 1 } });
    expect(w.toSocket.at(-1)).toMatchObject({ message: answer('a', { output: 1 }) });
    expect(w.factTypes()).toEqual(['session.message', 'tool.called', 'session.ready', 'session.message', 'tool.called', 'tool.answered']);
  });

  it('that is taken back before it never runs', () => {
    const w = world();
    w.report({ type: 'socket.opened' });
    w.call('a');
    w.message({ toolCallCancellation: { ids: ['a'] } });
    w.message({ setupComplete: {} });
    expect([w.toTools, w.statusOf('a')]).toEqual([[], 'cancelled']);
  });

  it('is abandoned with a conversation that never begins, and has run no tool', () => {
    const w = world();
    w.report({ type: 'socket.opened' });
    w.call('a');
    w.clock.advanceBy(2_000);
    expect(w.toTools).toEqual([]);
    expect(w.facts.slice(-2)).toMatchObject([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'setupTimeout' },
      { type: 'session.failed', kind: 'setupTimeout' },
    ]);
  });
});

it('tells of an abort listener that threw, in any state of its connection', () => {
  const w = world({ ready: true });
  const fact = { type: 'tool.listenerThrew', id: 'a', name: 'x', reason: 'oops' } as const;
  w.report(fact);
  w.session.send({ type: 'session.close' });
  w.report(fact);
  expect(w.facts).toEqual([fact, fact]);
});
