/** The session's chart alone: fake socket, fake tools, virtual clock. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { sessionMachine } from '../../machines/live/session.js';
import { reasonOfOutput, startOfOutput } from '../../machines/supervision/exit.js';
import { input, leaveNothing, type SessionWorld, sessionWorld as world } from './session-world.js';

afterEach(leaveNothing);

describe('starting', () => {
  it('opens the socket, sends the setup, and is ready when the server accepts it', () => {
    const { session, report, message, toSocket, facts, state } = world();
    expect(state()).toEqual({ connected: 'connecting' });
    expect(session.getSnapshot().hasTag('starting')).toBe(true);
    report({ type: 'socket.opened' });
    expect(state()).toEqual({ connected: 'settingUp' });
    expect(session.getSnapshot().hasTag('starting')).toBe(true);
    expect(toSocket).toEqual([{ type: 'connection.send', message: { setup: input.setup }, receipt: null }]);
    message({ setupComplete: { sessionId: 's-1' } });
    expect(state()).toEqual({ connected: 'ready' });
    expect([...session.getSnapshot().tags]).toEqual(['accepting']);
    expect(facts).toEqual([
      { type: 'session.ready', sessionId: 's-1' },
      { type: 'session.message', message: { setupComplete: { sessionId: 's-1' } } },
    ]);
  });

  it.each([
    [
      'does not connect within connectMs',
      (w: SessionWorld) => w.clock.advanceBy(1_000),
      { kind: 'connectTimeout', code: 'timeout', reason: 'no connection within 1000 ms' },
    ],
    [
      'is refused',
      (w: SessionWorld) => w.report({ type: 'socket.failed', code: 401, reason: 'HTTP 401' }),
      { kind: 'connectFailed', code: 401, reason: 'HTTP 401' },
    ],
    [
      'is closed before it is open',
      (w: SessionWorld) => w.report({ type: 'socket.closed', code: 1006, reason: '' }),
      { kind: 'connectFailed', code: 1006, reason: '' },
    ],
  ])('fails to start when it %s', (_, happen, failure) => {
    const w = world();
    happen(w);
    expect(w.state()).toBe('failed');
    expect(w.facts).toEqual([{ type: 'session.failed', ...failure }]);
    expect(w.session.getSnapshot().output).toMatchObject({ end: null, failure });
    expect(startOfOutput(w.session.getSnapshot().output)).toEqual({ kind: 'failed', reason: failure });
  });

  it.each([
    [
      'a server that never accepts the setup',
      (w: SessionWorld) => w.clock.advanceBy(2_000),
      { kind: 'setupTimeout', code: 'timeout', reason: 'no setupComplete within 2000 ms' },
    ],
    [
      'a close before setupComplete',
      (w: SessionWorld) => w.report({ type: 'socket.closed', code: 1007, reason: 'bad model' }),
      { kind: 'closedBeforeSetup', code: 1007, reason: 'bad model' },
    ],
    [
      'an error before setupComplete',
      (w: SessionWorld) => w.report({ type: 'socket.failed', code: 'ECONNRESET', reason: 'reset' }),
      { kind: 'closedBeforeSetup', code: 'ECONNRESET', reason: 'reset' },
    ],
  ])('fails to start on %s', (_, happen, failure) => {
    const w = world();
    w.report({ type: 'socket.opened' });
    happen(w);
    expect(w.state()).toBe('failed');
    expect(startOfOutput(w.session.getSnapshot().output)).toEqual({ kind: 'failed', reason: failure });
  });

  it('declines its start when it is closed meanwhile, and obeys a supervisor', () => {
    const closed = world();
    closed.session.send({ type: 'session.close' });
    expect(closed.state()).toBe('closed');
    expect(startOfOutput(closed.session.getSnapshot().output)).toEqual({ kind: 'declined' });
    const shut = world();
    shut.report({ type: 'socket.opened' });
    shut.session.send({ type: 'supervisor.shutdown', reason: 'shutdown' });
    expect(shut.state()).toBe('closed');
    expect(reasonOfOutput(shut.session.getSnapshot().output)).toBe('shutdown');
  });

  it.each(['connection', 'tools'])("refuses to run without the actor '%s'", (missing) => {
    const machine =
      missing === 'tools'
        ? sessionMachine.provide({ actors: { connection: fromCallback(() => undefined) } })
        : sessionMachine.provide({ actors: { tools: fromCallback(() => undefined) } });
    const session = createActor(machine, { input });
    session.start();
    expect(session.getSnapshot().value).toBe('failed');
    expect(session.getSnapshot().output?.failure?.reason).toContain(`needs actor '${missing}'`);
  });
});

describe('conversing', () => {
  it('passes every server message on, unknown ones too, and malformed frames as facts', () => {
    const { message, report, facts, state } = world({ ready: true });
    message({ serverContent: { turnComplete: true }, usageMetadata: { totalTokenCount: 3 } });
    message({ somethingNew: { deep: [1] } });
    report({ type: 'socket.malformed', reason: 'not-json', detail: 'd', excerpt: '{' });
    expect(facts).toEqual([
      { type: 'session.message', message: { serverContent: { turnComplete: true }, usageMetadata: { totalTokenCount: 3 } } },
      { type: 'session.message', message: { somethingNew: { deep: [1] } } },
      { type: 'session.malformed', reason: 'not-json', detail: 'd', excerpt: '{' },
    ]);
    expect(state()).toEqual({ connected: 'ready' });
  });

  it('confirms a send when the socket has written it', () => {
    const w = world({ ready: true });
    w.confirms = false;
    w.session.send({ type: 'session.send', message: { clientContent: {} }, ref: 'r1' });
    expect(w.toSocket).toEqual([{ type: 'connection.send', message: { clientContent: {} }, receipt: { of: 'app', ref: 'r1' } }]);
    expect(w.facts).toEqual([]);
    w.report({ type: 'socket.sent', receipt: { of: 'app', ref: 'r1' } });
    w.report({ type: 'socket.unsent', receipt: { of: 'app', ref: 'r2' }, reason: 'closing' });
    expect(w.facts).toEqual([
      { type: 'session.sent', ref: 'r1' },
      { type: 'session.rejected', ref: 'r2', reason: 'closing' },
    ]);
  });

  it('rejects a send in every state that cannot take it, and names the state', () => {
    const w = world();
    const send = (message: object = { clientContent: {} }) => w.session.send({ type: 'session.send', message: message as never, ref: 'r' });
    send();
    w.report({ type: 'socket.opened' });
    send();
    w.message({ setupComplete: {} });
    send({ toolResponse: {} });
    send({ setup: {} });
    w.session.send({ type: 'session.close' });
    send();
    const reasons = w.facts.flatMap((fact) => (fact.type === 'session.rejected' ? [fact.reason] : []));
    expect(reasons).toEqual(['connecting', 'settingUp', 'reserved', 'reserved', 'closing']);
    expect(w.toSocket.map(({ type }) => type)).toEqual(['connection.send', 'connection.close']);
  });

  it('crashes when the connection is lost, and abandons the calls', () => {
    const w = world({ ready: true });
    w.call('a');
    w.report({ type: 'socket.closed', code: 1011, reason: 'internal' });
    const failure = { kind: 'connectionLost', code: 1011, reason: 'internal' };
    expect(w.state()).toBe('failed');
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual({ crash: failure });
    expect(w.facts.slice(-2)).toEqual([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'connectionLost' },
      { type: 'session.failed', ...failure },
    ]);
    expect(w.statusOf('a')).toBe('abandoned');
  });

  it('crashes on a socket error', () => {
    const w = world({ ready: true });
    w.report({ type: 'socket.failed', code: 'ECONNRESET', reason: 'reset' });
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual({ crash: { kind: 'connectionLost', code: 'ECONNRESET', reason: 'reset' } });
  });

  it('crashes when its tools are gone', () => {
    const w = world({ ready: true });
    w.call('a');
    w.report({ type: 'tools.failed', reason: 'killed' });
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual({ crash: { kind: 'toolsCrashed', code: 'ended', reason: 'killed' } });
    expect(w.statusOf('a')).toBe('abandoned');
  });

  it('crashes when the tools actor throws in the middle of a call', () => {
    const machine = sessionMachine.provide({
      actors: {
        connection: fromCallback(({ sendBack }) => {
          sendBack({ type: 'socket.opened' });
          sendBack({ type: 'server.message', message: { setupComplete: {}, toolCall: { functionCalls: [{ id: 'a', name: 'x' }] } } });
        }),
        tools: fromCallback(({ receive }) =>
          receive(() => {
            throw new Error('no tools today');
          }),
        ),
      },
    });
    const session = createActor(machine, { input });
    const facts: string[] = [];
    session.on('*', (fact) => facts.push(fact.type));
    session.start();
    expect(session.getSnapshot().output?.failure).toEqual({ kind: 'toolsCrashed', code: 'crash', reason: 'no tools today' });
    expect(facts).toEqual(['session.ready', 'session.message', 'tool.called', 'tool.abandoned', 'session.failed']);
  });

  it.each([1000, 1005])('ends normally when the server closes in order (%i)', (code) => {
    const w = world({ ready: true });
    w.report({ type: 'socket.closed', code, reason: 'bye' });
    expect(w.state()).toBe('closed');
    expect(w.facts).toEqual([{ type: 'session.closed', by: 'server', code, reason: 'bye' }]);
    expect(reasonOfOutput(w.session.getSnapshot().output)).toBe('normal');
  });
});

describe('closing', () => {
  it('abandons running calls, closes the socket, and ends when the peer has answered', () => {
    const { session, call, report, toSocket, toTools, facts, state, statusOf } = world({ ready: true });
    call('a');
    session.send({ type: 'session.close' });
    expect(state()).toEqual({ connected: 'closing' });
    expect(toSocket).toEqual([{ type: 'connection.close', code: 1000, reason: '' }]);
    expect(toTools.at(-1)).toEqual({ type: 'tool.cancelAll' });
    report({ type: 'tool.settled', id: 'a', response: {} });
    session.send({ type: 'session.close' });
    expect(toSocket).toHaveLength(1);
    report({ type: 'socket.closed', code: 1000, reason: '' });
    expect(state()).toBe('closed');
    expect(facts.slice(-2)).toEqual([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'closed' },
      { type: 'session.closed', by: 'client', code: 1000, reason: '' },
    ]);
    expect(statusOf('a')).toBe('abandoned');
    expect(reasonOfOutput(session.getSnapshot().output)).toBe('normal');
  });

  it('waits closeMs for a peer that never answers', () => {
    const { session, clock, facts, state } = world({ ready: true });
    session.send({ type: 'session.close' });
    clock.advanceBy(499);
    expect(state()).toEqual({ connected: 'closing' });
    clock.advanceBy(1);
    expect(state()).toBe('closed');
    expect(facts).toEqual([{ type: 'session.closed', by: 'client', code: 1006, reason: 'no answer to the close within 500 ms' }]);
  });

  it('lets answers that are being written through, and abandons what comes in meanwhile', () => {
    const w = world({ ready: true });
    w.confirms = false;
    w.call('a');
    w.report({ type: 'tool.settled', id: 'a', response: {} });
    w.session.send({ type: 'session.close' });
    const runs = w.toTools.length;
    w.call('late');
    expect(w.toTools.slice(runs).map(({ type }) => type)).not.toContain('tool.run');
    w.report({ type: 'socket.sent', receipt: { of: 'call', id: 'a' } });
    w.report({ type: 'socket.failed', code: 'ECONNRESET', reason: 'reset' });
    expect([w.statusOf('a'), w.statusOf('late')]).toEqual(['answered', 'abandoned']);
    expect(w.facts.at(-1)).toEqual({ type: 'session.closed', by: 'client', code: 1006, reason: 'reset' });
  });

  it.each([
    ['ready', (w: SessionWorld) => void w],
    ['closing', (w: SessionWorld) => w.session.send({ type: 'session.close' })],
  ])('exits with the reason of a supervisor that shuts it down while %s', (_, before) => {
    const w = world({ ready: true });
    before(w);
    expect(w.session.getSnapshot().can({ type: 'supervisor.shutdown' })).toBe(true);
    w.session.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'rolling'] });
    w.report({ type: 'socket.closed', code: 1000, reason: '' });
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual(['shutdown', 'rolling']);
  });
});

describe('restored from a snapshot', () => {
  const saved = ({ session }: SessionWorld): unknown => JSON.parse(JSON.stringify(session.getPersistedSnapshot()));
  const settingUp = (): SessionWorld => {
    const w = world();
    w.report({ type: 'socket.opened' });
    return w;
  };

  it.each([
    ['connecting', () => world()],
    ['settingUp', settingUp],
    ['ready', () => world({ ready: true })],
  ])('while %s, it connects anew, accepts nothing before it is ready again, and keeps its deadline', (_, begin) => {
    const snapshot = saved(begin());
    const w = world({ snapshot });
    expect(w.state()).toEqual({ connected: 'connecting' });
    expect([...w.session.getSnapshot().tags]).toEqual(['starting']);
    w.session.send({ type: 'session.send', message: { clientContent: {} }, ref: 'r' });
    expect([w.facts, w.toSocket]).toEqual([[{ type: 'session.rejected', ref: 'r', reason: 'connecting' }], []]);
    w.report({ type: 'socket.opened' });
    w.message({ setupComplete: {} });
    expect(w.toSocket).toEqual([{ type: 'connection.send', message: { setup: input.setup }, receipt: null }]);
    expect([...w.session.getSnapshot().tags]).toEqual(['accepting']);
    const late = world({ snapshot });
    late.clock.advanceBy(input.connectMs);
    expect(late.session.getSnapshot().output?.failure?.kind).toBe('connectTimeout');
  });

  it('abandons the calls of the former socket, and takes the same id on the new one for a new call', () => {
    const former = world({ ready: true });
    former.call('done', 'open');
    former.report({ type: 'tool.settled', id: 'done', response: { output: 1 } });
    const w = world({ snapshot: saved(former) });
    expect(w.facts).toEqual([{ type: 'tool.abandoned', id: 'open', name: 'tool-open', reason: 'restored' }]);
    w.report({ type: 'socket.opened' });
    w.message({ setupComplete: {} });
    w.call('done', 'open');
    expect([w.statusOf('done'), w.statusOf('open')]).toEqual(['running', 'running']);
  });

  it('and closed before it is ready again, exits as one that has lived', () => {
    const w = world({ snapshot: saved(world({ ready: true })) });
    w.session.send({ type: 'session.close' });
    const { output } = w.session.getSnapshot();
    expect([w.state(), reasonOfOutput(output), startOfOutput(output)]).toEqual(['closed', 'normal', undefined]);
  });

  it('while closing, is closed: there is no socket to wait for', () => {
    const former = world({ ready: true });
    former.session.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'rolling'] });
    const w = world({ snapshot: saved(former) });
    expect(w.state()).toBe('closed');
    expect(w.facts).toEqual([{ type: 'session.closed', by: 'client', code: 1006, reason: 'restored while closing: its socket is gone' }]);
    expect(reasonOfOutput(w.session.getSnapshot().output)).toEqual(['shutdown', 'rolling']);
  });
});

it('keeps a context that JSON does not change', () => {
  const { session, call } = world({ ready: true });
  call('a', 'b');
  const { context } = session.getSnapshot();
  expect(JSON.parse(JSON.stringify(context))).toEqual(context);
});
