/** How the session's chart comes back after a lost socket: with what patience, with which handle, and what becomes of calls and answers. */
import { afterEach, describe, expect, it } from 'vitest';
import { reasonOfOutput } from '../../machines/supervision/exit.js';
import { leaveNothing, type SessionWorld, sessionWorld, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const handle = (newHandle: unknown, resumable: unknown = true) => ({ sessionResumptionUpdate: { newHandle, resumable } });
const history = [{ role: 'user', parts: [{ text: 'hello' }] }];
const seed = { clientContent: { turns: history, turnComplete: true } };
const ready = (options: WorldOptions = {}) => sessionWorld({ ready: true, ...options });
const withHandle = (options: WorldOptions = {}): SessionWorld => {
  const w = ready(options);
  w.message(handle('h1'));
  w.facts.length = 0;
  return w;
};
/** A new socket, after the delay, up to its setup; `accept` takes it through. */
const reopened = (w: SessionWorld, delayMs = 100): void => {
  w.clock.advanceBy(delayMs);
  w.opened();
};
const accept = (w: SessionWorld): void => w.message({ setupComplete: {} });
const handlesAsked = (w: SessionWorld) =>
  w.sockets.map(
    ({ heard }) => (heard[0] as { message?: { setup?: { sessionResumption?: { handle?: string } } } }).message?.setup?.sessionResumption?.handle,
  );
const failureOf = ({ session }: SessionWorld) => session.getSnapshot().output?.failure;

describe('a lost socket', () => {
  it.each([1001, 1006, 1011, 1012, 1013, 4000, 408, 429, 503, 'ECONNRESET'])('(%s) is replaced after a while', (code) => {
    const w = withHandle();
    w.closed(code, 'gone');
    expect([w.state(), [...w.session.getSnapshot().tags], w.toUplink.at(-1)]).toEqual(['backingOff', [], { type: 'uplink.hold' }]);
    expect(w.fact('session.reconnecting')).toEqual([{ type: 'session.reconnecting', attempt: 1, delayMs: 100, code, reason: 'gone' }]);
    w.clock.advanceBy(99);
    expect(w.sockets).toHaveLength(1);
    w.clock.advanceBy(1);
    expect([w.state(), w.sockets.length]).toEqual(['connecting', 2]);
    w.opened();
    accept(w);
    expect([w.state(), handlesAsked(w)]).toEqual(['ready.idle', [undefined, 'h1']]);
  });

  it.each([1007, 1008, 400, 401, 403, 404])('(%s) is not: the server objects to what it was sent, or who sent it', (code) => {
    const w = withHandle();
    w.closed(code, 'no');
    const failure = { kind: 'connectionLost', code, reason: 'no' };
    expect([w.state(), failureOf(w), reasonOfOutput(w.session.getSnapshot().output)]).toEqual(['failed', failure, { crash: failure }]);
    expect(w.facts).toEqual([{ type: 'session.failed', ...failure }]);
  });

  it.each([401, 403])('fails the session when the next one is refused with %s', (code) => {
    const w = withHandle();
    w.closed(1006);
    w.clock.advanceBy(100);
    w.closed(code);
    expect([w.state(), failureOf(w)]).toEqual(['failed', { kind: 'connectFailed', code, reason: '' }]);
  });

  it('fails the session when the next one is closed for its setup', () => {
    const w = ready();
    w.closed(1006);
    reopened(w);
    w.closed(1007, 'bad setup');
    expect([w.state(), failureOf(w)]).toEqual(['failed', { kind: 'closedBeforeSetup', code: 1007, reason: 'bad setup' }]);
  });
});

describe('the budget of attempts', () => {
  it('is spent by as many in a row, each after a longer while', () => {
    const w = withHandle();
    w.closed(1006);
    w.clock.advanceBy(100);
    w.closed('ECONNREFUSED');
    expect(w.fact('session.reconnecting').map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 100],
      [2, 200],
    ]);
    w.clock.advanceBy(199);
    expect(w.state()).toBe('backingOff');
    w.clock.advanceBy(1);
    w.closed('ECONNREFUSED', 'refused');
    expect([w.state(), failureOf(w)]).toEqual(['failed', { kind: 'connectFailed', code: 'ECONNREFUSED', reason: 'refused' }]);
  });

  it('has one more, at once, where the last one finds its handle refused', () => {
    const w = withHandle();
    w.closed(1006);
    w.clock.advanceBy(100);
    w.closed('ECONNREFUSED');
    reopened(w, 200);
    w.closed(1008, 'no such handle');
    expect([w.state(), w.sockets.length]).toEqual(['connecting', 4]);
    w.closed('ECONNREFUSED');
    expect([w.state(), w.sockets.length]).toEqual(['failed', 4]);
  });

  it.each([
    ['do not connect in time', 1_000, () => undefined, 'connectTimeout', 'no connection in time'],
    ['are not set up in time', 2_000, (w: SessionWorld) => w.opened(), 'setupTimeout', 'no setupComplete in time'],
  ] as const)('is spent by sockets that %s', (_, waitMs, begin, kind, reason) => {
    const w = ready();
    w.closed(1006);
    for (const delayMs of [100, 200]) {
      w.clock.advanceBy(delayMs);
      begin(w);
      w.clock.advanceBy(waitMs - 1);
      expect(['connecting', 'settingUp']).toContain(w.state());
      w.clock.advanceBy(1);
    }
    expect([w.state(), failureOf(w)?.kind, failureOf(w)?.code]).toEqual(['failed', kind, 'timeout']);
    expect(w.fact('session.reconnecting').at(-1)).toMatchObject({ attempt: 2, delayMs: 200, code: 'timeout', reason });
  });

  it('is spent by sockets that are closed before they are set up', () => {
    const w = ready();
    w.closed(1006);
    reopened(w);
    w.closed(1011, 'busy');
    expect(w.fact('session.reconnecting').at(-1)).toEqual({
      ...{ type: 'session.reconnecting', attempt: 2, delayMs: 200 },
      ...{ code: 1011, reason: 'busy' },
    });
    reopened(w, 200);
    w.closed(1011, 'busy');
    expect([w.state(), failureOf(w)?.kind]).toEqual(['failed', 'closedBeforeSetup']);
  });

  it('is spent by sockets that were ready within the period, and is whole again after it', () => {
    const flap = (w: SessionWorld): void => {
      w.closed(1006);
      reopened(w);
      accept(w);
    };
    const w = withHandle();
    flap(w);
    flap(w);
    expect(
      w.fact('session.reconnecting').map(({ attempt }) => attempt),
      'attempts begin anew with each setup',
    ).toEqual([1, 1]);
    w.clock.advanceBy(60_000);
    flap(w);
    expect(w.state()).toBe('ready.idle');
    flap(w);
    w.closed(1006);
    expect([w.state(), failureOf(w)?.kind]).toEqual(['failed', 'connectionLost']);
  });

  it('of none fails with the first loss', () => {
    const w = ready({ input: { reconnect: { intensity: 0, periodMs: 1, backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 1 } } } });
    w.closed(1006);
    expect([w.state(), w.sockets.length]).toEqual(['failed', 1]);
  });
});

describe('a handle', () => {
  it.each([
    ['says that it cannot be resumed now', handle('', false)],
    ['gives a handle that it will not resume', handle('h2', false)],
    ['gives an empty one', handle('')],
    ['gives what is no handle', handle(7)],
    ['says nothing of resuming', { sessionResumptionUpdate: { newHandle: 'h2' } }],
  ])('stays the last good one when the server %s', (_, message) => {
    const w = withHandle();
    w.message(message);
    w.closed(1006);
    reopened(w);
    expect([handlesAsked(w), w.fact('session.resumable')]).toEqual([[undefined, 'h1'], []]);
  });

  it('is replaced by each that the server gives, and each is told', () => {
    const w = withHandle();
    w.message(handle('h2'));
    w.closed(1006);
    reopened(w);
    expect([handlesAsked(w), w.fact('session.resumable')]).toEqual([[undefined, 'h2'], [{ type: 'session.resumable', handle: 'h2' }]]);
  });

  it('is not kept where resumption is not wanted', () => {
    const w = ready({ input: { resumption: false } });
    w.message(handle('h1'));
    w.closed(1006);
    reopened(w);
    expect([handlesAsked(w), w.fact('session.resumable')]).toEqual([[undefined, undefined], []]);
  });

  it.each([1000, 1005, 1007, 1008])('that is refused (%i) is given up at once: the conversation begins afresh, and says so', (code) => {
    const w = withHandle();
    w.call('open');
    w.closed(1006);
    reopened(w);
    w.closed(code, 'no such session');
    expect([w.state(), w.sockets.map(({ isRunning }) => isRunning)]).toEqual(['connecting', [false, false, true]]);
    w.opened();
    accept(w);
    expect([w.state(), handlesAsked(w)]).toEqual(['ready.idle', [undefined, 'h1', undefined]]);
    expect(w.facts.slice(-3)).toEqual([
      { type: 'session.ready', sessionId: null, resumed: false },
      { type: 'session.contextLost', code, reason: 'no such session' },
      { type: 'tool.abandoned', id: 'open', name: 'tool-open', reason: 'contextLost' },
    ]);
    expect(w.runs[0]?.isRunning).toBe(false);
  });

  it('outlives an internal error (1011), which the server answers while it still holds the old socket', () => {
    const w = withHandle();
    w.call('open');
    w.closed(1006);
    reopened(w);
    w.closed(1011, 'Internal error');
    expect([w.state(), w.fact('session.contextLost')]).toEqual(['backingOff', []]);
    reopened(w, 200);
    accept(w);
    expect([w.state(), handlesAsked(w)]).toEqual(['ready.idle', [undefined, 'h1', 'h1']]);
    expect([w.fact('session.contextLost'), w.runs[0]?.isRunning]).toEqual([[], true]);
  });

  it('is given up where the internal error goes on', () => {
    const w = withHandle();
    w.closed(1006);
    reopened(w);
    w.closed(1011, 'Internal error');
    reopened(w, 200);
    w.closed(1011, 'Internal error');
    expect(w.state()).toBe('connecting');
    w.opened();
    accept(w);
    expect(handlesAsked(w)).toEqual([undefined, 'h1', 'h1', undefined]);
    expect(w.fact('session.contextLost')).toEqual([{ type: 'session.contextLost', code: 1011, reason: 'Internal error' }]);
  });

  it.each([1001, 1006, 1012, 1013, 'ECONNRESET'])('outlives a socket that is lost (%s) before it was heard', (code) => {
    const w = withHandle();
    w.closed(1006);
    reopened(w);
    w.closed(code);
    expect(w.state()).toBe('backingOff');
    reopened(w, 200);
    expect(handlesAsked(w)).toEqual([undefined, 'h1', 'h1']);
  });

  it('of the app, refused at the start, begins a fresh conversation', () => {
    const w = sessionWorld({ input: { setup: { sessionResumption: { handle: 'old' } }, history } });
    w.opened();
    w.closed(1008, 'expired');
    expect(w.session.getSnapshot().hasTag('starting')).toBe(true);
    w.opened();
    accept(w);
    expect([handlesAsked(w), w.told(), w.wire]).toEqual([['old', undefined], ['session.ready', 'session.contextLost'], [seed]]);
  });

  it('that is refused counts as a loss within the period', () => {
    const w = withHandle();
    w.closed(1006);
    reopened(w);
    w.closed(1008);
    w.opened();
    accept(w);
    w.closed(1006);
    expect([w.state(), failureOf(w)?.kind]).toEqual(['failed', 'connectionLost']);
  });
});

describe('the turns that a conversation begins with', () => {
  it('are sent when it begins, not when it is resumed, and again when it begins afresh', () => {
    const w = sessionWorld({ input: { history } });
    w.opened();
    expect(w.toUplink).toEqual([]);
    accept(w);
    expect(w.toUplink).toEqual([{ type: 'uplink.seed', message: seed }, { type: 'uplink.open' }]);
    w.message(handle('h1'));
    w.closed(1006);
    reopened(w);
    accept(w);
    expect(w.wire).toEqual([seed]);
    w.closed(1006);
    reopened(w);
    w.closed(1008);
    w.opened();
    accept(w);
    expect(w.wire).toEqual([seed, seed]);
  });

  it('are sent again where the conversation is resumed by a handle from before they were written', () => {
    const w = sessionWorld({ input: { history, setup: { historyConfig: { initialHistoryInClientContent: true } } } });
    const waits = (): unknown =>
      (w.sockets.at(-1)?.heard[0] as { message?: { setup?: { historyConfig?: object } } } | undefined)?.message?.setup?.historyConfig;
    w.isFast = false;
    w.opened();
    w.message({ setupComplete: {}, ...handle('h1') });
    w.closed(1006);
    reopened(w);
    w.message(handle('h2'));
    accept(w);
    expect([waits(), w.toUplink.filter(({ type }) => type === 'uplink.seed').length], 'it was not written').toEqual([
      { initialHistoryInClientContent: true },
      2,
    ]);
    w.flush();
    w.closed(1006);
    reopened(w);
    w.message(handle('h3'));
    accept(w);
    expect(
      w.toUplink.filter(({ type }) => type === 'uplink.seed'),
      'no handle stands for it',
    ).toHaveLength(3);
    w.flush();
    w.message(handle('h4'));
    w.clock.advanceBy(60_001);
    w.closed(1006);
    reopened(w);
    accept(w);
    expect(w.toUplink.filter(({ type }) => type === 'uplink.seed')).toHaveLength(3);
    expect(waits(), 'and the server is told to wait for none').toEqual({ initialHistoryInClientContent: false });
  });

  it('make the handle old', () => {
    const w = sessionWorld({ input: { history } });
    w.isFast = false;
    w.opened();
    w.message({ setupComplete: {}, ...handle('h1') });
    w.flush();
    w.message({ goAway: { timeLeft: '50s' } });
    expect(w.state()).toBe('ready.idle');
    w.message(handle('h2'));
    expect(w.state()).toBe('rotating');
  });

  it('are not sent where the app resumes a conversation of its own', () => {
    const w = sessionWorld({ input: { history, setup: { sessionResumption: { handle: 'mine' } } } });
    w.opened();
    accept(w);
    expect([w.wire, w.fact('session.ready')]).toEqual([[], [{ type: 'session.ready', sessionId: null, resumed: true }]]);
  });
});

it('a deadline of a tool goes on while there is no socket', () => {
  const w = withHandle({ input: { toolMs: 50 } });
  w.call('a');
  w.closed(1006);
  w.clock.advanceBy(50);
  expect([w.state(), w.statusOf('a')]).toEqual(['backingOff', 'answering']);
});
