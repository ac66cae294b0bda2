/** The session's chart alone: how it starts, converses, closes and fails. Fake sockets, virtual clock. */
import { afterEach, describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { sessionMachine } from '../../machines/live/session.js';
import { reasonOfOutput, startOfOutput } from '../../machines/supervision/exit.js';
import { input, leaveNothing, type SessionWorld, sessionWorld as world, type WorldOptions } from './session-world.js';

afterEach(leaveNothing);

const settingUp = (options: WorldOptions = {}): SessionWorld => {
  const w = world(options);
  w.opened();
  return w;
};
const outputOf = ({ session }: SessionWorld) => session.getSnapshot().output;
const say = { clientContent: { turns: [], turnComplete: true } };

describe('starting', () => {
  it('opens the socket, sends the setup, and is ready when the server accepts it', () => {
    const w = world();
    expect([w.state(), [...w.session.getSnapshot().tags]]).toEqual(['connecting', ['starting']]);
    expect(w.sockets.map(({ input: given }) => given)).toEqual([{ closeMs: 500 }]);
    w.opened();
    expect([w.state(), [...w.session.getSnapshot().tags]]).toEqual(['settingUp', ['starting']]);
    expect(w.sockets[0]?.heard).toEqual([{ type: 'connection.setup', message: { setup: { ...input.setup, sessionResumption: {} } } }]);
    w.message({ setupComplete: { sessionId: 's-1' } });
    expect([w.state(), [...w.session.getSnapshot().tags]]).toEqual(['ready.idle', ['accepting']]);
    expect(w.facts).toEqual([
      { type: 'session.message', message: { setupComplete: { sessionId: 's-1' } } },
      { type: 'session.ready', sessionId: 's-1', resumed: false },
    ]);
    expect(w.toUplink).toEqual([{ type: 'uplink.open' }]);
  });

  it('asks for handles only where resumption is wanted, and keeps what else the app asked of it', () => {
    const without = settingUp({ input: { resumption: false } });
    expect(without.sockets[0]?.heard).toEqual([{ type: 'connection.setup', message: { setup: input.setup } }]);
    const withHandle = settingUp({ input: { setup: { model: 'm', sessionResumption: { handle: 'h', transparent: true } } } });
    expect(withHandle.sockets[0]?.heard[0]).toMatchObject({ message: { setup: { sessionResumption: { handle: 'h', transparent: true } } } });
    const withEmpty = settingUp({ input: { setup: { model: 'm', sessionResumption: { handle: '' } } } });
    expect(withEmpty.sockets[0]?.heard[0]).toEqual({ type: 'connection.setup', message: { setup: { model: 'm', sessionResumption: {} } } });
  });

  it.each([
    [
      'does not connect within connectMs',
      (w: SessionWorld) => w.clock.advanceBy(1_000),
      { kind: 'connectTimeout', code: 'timeout', reason: 'no connection within 1000 ms' },
    ],
    ['is refused with a status', (w: SessionWorld) => w.closed(401, 'HTTP 401'), { kind: 'connectFailed', code: 401, reason: 'HTTP 401' }],
    ['is refused', (w: SessionWorld) => w.closed('ECONNREFUSED', 'refused'), { kind: 'connectFailed', code: 'ECONNREFUSED', reason: 'refused' }],
    ['is closed before it is open', (w: SessionWorld) => w.closed(1006), { kind: 'connectFailed', code: 1006, reason: '' }],
  ])('fails when it %s, with no second attempt', (_, happen, failure) => {
    const w = world();
    happen(w);
    expect([w.state(), w.sockets.length]).toEqual(['failed', 1]);
    expect(w.facts).toEqual([{ type: 'session.failed', ...failure }]);
    expect(outputOf(w)).toMatchObject({ end: null, failure });
    expect(startOfOutput(outputOf(w))).toEqual({ kind: 'failed', reason: failure });
  });

  it.each([
    [
      'a server that never accepts the setup',
      (w: SessionWorld) => w.clock.advanceBy(2_000),
      { kind: 'setupTimeout', code: 'timeout', reason: 'no setupComplete within 2000 ms' },
    ],
    [
      'a close before setupComplete',
      (w: SessionWorld) => w.closed(1007, 'bad model'),
      { kind: 'closedBeforeSetup', code: 1007, reason: 'bad model' },
    ],
    ['an orderly close before setupComplete', (w: SessionWorld) => w.closed(1000), { kind: 'closedBeforeSetup', code: 1000, reason: '' }],
    [
      'an error before setupComplete',
      (w: SessionWorld) => w.closed('ECONNRESET', 'reset'),
      { kind: 'closedBeforeSetup', code: 'ECONNRESET', reason: 'reset' },
    ],
  ])('fails on %s, with no second attempt', (_, happen, failure) => {
    const w = settingUp();
    happen(w);
    expect([w.state(), w.sockets.length]).toEqual(['failed', 1]);
    expect(startOfOutput(outputOf(w))).toEqual({ kind: 'failed', reason: failure });
  });

  it('has a deadline for each stage of its own', () => {
    const w = world();
    w.clock.advanceBy(999);
    w.opened();
    w.clock.advanceBy(1_999);
    expect(w.state()).toBe('settingUp');
    w.clock.advanceBy(1);
    expect(w.state()).toBe('failed');
  });

  it.each(['connecting', 'settingUp'])('declines its start when it is closed while %s', (stage) => {
    const w = stage === 'connecting' ? world() : settingUp();
    w.session.send({ type: 'session.close' });
    expect([w.state(), w.told()]).toEqual(['closed', ['session.closed']]);
    expect(startOfOutput(outputOf(w))).toEqual({ kind: 'declined' });
  });

  it.each([
    ['connecting', 'shutdown', undefined],
    ['settingUp', ['shutdown', 'deploy'], ['shutdown', 'deploy']],
  ] as const)('obeys a supervisor at once while %s', (stage, exit, reason) => {
    const w = stage === 'connecting' ? world() : settingUp();
    w.session.send({ type: 'supervisor.shutdown', ...(reason === undefined ? {} : { reason }) });
    expect([w.state(), reasonOfOutput(outputOf(w))]).toEqual(['closed', exit]);
    expect(w.facts).toEqual([{ type: 'session.closed', by: 'client', code: 1000, reason: '' }]);
  });

  it.each(['connection', 'uplink', 'tools'] as const)("refuses to run without the actor '%s'", (missing) => {
    const idle = fromCallback(() => undefined) as never;
    const { [missing]: _, ...actors } = { connection: idle, uplink: idle, tools: idle };
    const session = createActor(sessionMachine.provide({ actors }), { input });
    session.start();
    expect(session.getSnapshot().value).toBe('failed');
    expect(session.getSnapshot().output?.failure?.reason).toContain(`needs actor '${missing}'`);
  });
});

describe('conversing', () => {
  it('passes every server message on, unknown ones too, and malformed frames as facts', () => {
    const w = world({ ready: true });
    const messages = [{ serverContent: { turnComplete: true }, usageMetadata: { totalTokenCount: 3 } }, { somethingNew: { deep: [1] } }];
    for (const message of messages) w.message(message);
    w.report({ type: 'socket.malformed', reason: 'not-json', detail: 'd', excerpt: '{' });
    expect(w.facts).toEqual([
      ...messages.map((message) => ({ type: 'session.message', message })),
      { type: 'session.malformed', reason: 'not-json', detail: 'd', excerpt: '{' },
    ]);
    expect(w.state()).toBe('ready.idle');
  });

  it('passes messages of the app to its uplink in every state but closing, and tells what the uplink says of them', () => {
    const w = world();
    w.session.send({ type: 'session.send', message: say, ref: 'r' });
    w.opened();
    w.message({ setupComplete: {} });
    w.session.send({ type: 'session.send', message: say });
    expect(w.toUplink.filter(({ type }) => type === 'uplink.send')).toEqual([
      { type: 'uplink.send', message: say, ref: 'r' },
      { type: 'uplink.send', message: say, ref: null },
    ]);
    const fact = { type: 'session.dropped', lane: 'audio', count: 3, reason: 'oldest', ref: null } as const;
    w.session.send({ type: 'uplink.told', fact });
    w.session.send({ type: 'session.close' });
    w.session.send({ type: 'session.send', message: say, ref: 'late' });
    w.session.send({ type: 'session.send', message: say });
    expect(w.toUplink.filter(({ type }) => type === 'uplink.send')).toHaveLength(2);
    expect(w.facts.slice(-3)).toEqual([
      fact,
      { type: 'session.rejected', ref: 'late', reason: 'closing' },
      { type: 'session.rejected', ref: null, reason: 'closing' },
    ]);
  });

  it.each([
    ['the model speaks', [{ serverContent: { modelTurn: {} } }], 'generating'],
    [
      'its words are transcribed after its turn',
      [{ serverContent: { modelTurn: {}, turnComplete: true } }, { serverContent: { outputTranscription: { text: 'a' } } }],
      'idle',
    ],
    ['the turn is over', [{ serverContent: { modelTurn: {} } }, { serverContent: { turnComplete: true } }], 'idle'],
    ['it speaks and is done in one message', [{ serverContent: { modelTurn: {}, turnComplete: true } }], 'idle'],
    ['it only says that it has generated all', [{ serverContent: { modelTurn: {} } }, { serverContent: { generationComplete: true } }], 'generating'],
    ['the user interrupts', [{ serverContent: { modelTurn: {} } }, { serverContent: { interrupted: true } }], 'interrupted'],
    ['the user interrupts before the model speaks', [{ serverContent: { interrupted: true } }], 'interrupted'],
    ['an interrupted turn ends', [{ serverContent: { interrupted: true } }, { serverContent: { turnComplete: true } }], 'idle'],
    ['the model speaks after an interruption', [{ serverContent: { interrupted: true } }, { serverContent: { modelTurn: {} } }], 'generating'],
    ['the user speaks', [{ voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }], 'userSpeaking'],
    [
      'the user has spoken',
      [{ voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }, { voiceActivity: { voiceActivityType: 'ACTIVITY_END' } }],
      'idle',
    ],
    ['the model speaks into it', [{ voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }, { serverContent: { modelTurn: {} } }], 'generating'],
    [
      'the user interrupts and goes on',
      [{ serverContent: { interrupted: true } }, { voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }],
      'userSpeaking',
    ],
    [
      'an interruption comes while the user speaks',
      [{ voiceActivity: { voiceActivityType: 'ACTIVITY_START' } }, { serverContent: { interrupted: true } }],
      'interrupted',
    ],
    ['there are fields that say nothing', [{ serverContent: null }, { serverContent: { interrupted: false, turnComplete: null } }], 'idle'],
  ])('knows whose turn it is when %s', (_, messages, turn) => {
    const w = world({ ready: true });
    for (const message of messages) w.message(message);
    expect(w.state()).toBe(`ready.${turn}`);
  });

  it("takes the app's word for it that the user speaks", () => {
    const w = world({ ready: true });
    w.session.send({ type: 'speech.started' });
    expect(w.state()).toBe('ready.userSpeaking');
    w.session.send({ type: 'speech.ended' });
    expect(w.state()).toBe('ready.idle');
  });

  it('lets data pass beside the chart exactly while the model generates', () => {
    const w = world({ ready: true });
    const lanes = () => w.sockets[0]?.heard.flatMap((command) => (command.type === 'connection.lane' ? [command.open] : []));
    w.message({ serverContent: { modelTurn: {} } });
    expect(lanes()).toEqual([true]);
    w.message({ serverContent: { interrupted: true } });
    expect(lanes()).toEqual([true, false]);
    w.message({ serverContent: { modelTurn: {} } });
    w.session.send({ type: 'session.close' });
    expect(lanes()).toEqual([true, false, true, false]);
  });

  it.each([1000, 1005])('ends normally when the server closes in order (%i)', (code) => {
    const w = world({ ready: true });
    w.call('a');
    w.closed(code, 'bye');
    expect([w.state(), w.sockets.length]).toEqual(['closed', 1]);
    expect(w.facts.slice(-2)).toEqual([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'closed' },
      { type: 'session.closed', by: 'server', code, reason: 'bye' },
    ]);
    expect(reasonOfOutput(outputOf(w))).toBe('normal');
  });
});

describe('an actor of its own that dies', () => {
  const failures = { connection: 'connectionCrashed', uplink: 'uplinkCrashed', tools: 'toolsCrashed' } as const;

  it.each(Object.entries(failures))('(%s) fails the session, ends its calls, and is told nothing any more', (name, kind) => {
    const heard: string[] = [];
    const dies = (role: string) =>
      fromCallback(({ receive }) =>
        receive(({ type }) => {
          if (type === 'die') throw new Error('no more');
          heard.push(`${role} ${type}`);
        }),
      ) as never;
    const actors = { connection: dies('connection'), uplink: dies('uplink'), tools: dies('tools') };
    const session = createActor(sessionMachine.provide({ actors }), { input: { ...input, gatesAudio: true } });
    const facts: string[] = [];
    session.on('*', ({ type }) => facts.push(type));
    session.start();
    session.send({ type: 'socket.opened' });
    const toolCall = { functionCalls: [{ id: 'a', name: 'x' }] };
    session.send({ type: 'server.message', message: { setupComplete: {}, serverContent: { modelTurn: {} }, toolCall } });
    heard.length = 0;
    session.getSnapshot().children[name]?.send({ type: 'die' } as never);
    expect(session.getSnapshot().output?.failure).toEqual({ kind, code: 'crash', reason: 'no more' });
    expect(facts.slice(-3)).toEqual(['session.gated', 'tool.abandoned', 'session.failed']);
    const parting = ['uplink uplink.gate', 'connection connection.lane', 'uplink uplink.withdraw', 'uplink uplink.end'];
    expect(heard).toEqual(parting.filter((line) => !line.startsWith(name)));
  });

  it('(the supervisor of the tools) fails it too when it ends by itself', () => {
    const w = world({ ready: true });
    w.call('a');
    w.session.send({ type: 'tools.failed', reason: 'killed' });
    expect(reasonOfOutput(outputOf(w))).toEqual({ crash: { kind: 'toolsCrashed', code: 'ended', reason: 'killed' } });
    expect(w.statusOf('a')).toBe('abandoned');
  });
});

describe('closing', () => {
  it('abandons running calls, closes the socket, and ends when the peer has answered', () => {
    const w = world({ ready: true });
    w.call('a');
    w.session.send({ type: 'session.close' });
    expect([w.state(), [...w.session.getSnapshot().tags]]).toEqual(['closing', []]);
    expect(w.sockets[0]?.heard.slice(1)).toEqual([{ type: 'connection.close', code: 1000, reason: '' }]);
    expect(w.toUplink).toEqual([{ type: 'uplink.withdraw', key: 1 }, { type: 'uplink.end' }]);
    expect(w.runs.map(({ isRunning }) => isRunning)).toEqual([false]);
    w.session.send({ type: 'session.close' });
    expect(w.sockets[0]?.heard).toHaveLength(2);
    w.closed(1000);
    expect(w.state()).toBe('closed');
    expect(w.facts.slice(-2)).toEqual([
      { type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'closed' },
      { type: 'session.closed', by: 'client', code: 1000, reason: '' },
    ]);
    expect(reasonOfOutput(outputOf(w))).toBe('normal');
  });

  it('waits closeMs for a peer that never answers', () => {
    const w = world({ ready: true });
    w.session.send({ type: 'session.close' });
    w.clock.advanceBy(499);
    expect(w.state()).toBe('closing');
    w.clock.advanceBy(1);
    expect(w.facts).toEqual([{ type: 'session.closed', by: 'client', code: 1006, reason: 'no answer to the close within 500 ms' }]);
  });

  it('ends with a socket that breaks meanwhile', () => {
    const w = world({ ready: true });
    w.session.send({ type: 'session.close' });
    w.closed('ECONNRESET', 'reset');
    expect([w.state(), w.facts]).toEqual(['closed', [{ type: 'session.closed', by: 'client', code: 1006, reason: 'reset' }]]);
  });

  it.each([
    ['while the server is silent', (w: SessionWorld) => w.session.send({ type: 'rotation.forced' }), 'rotating'],
    ['between two sockets', (w: SessionWorld) => w.closed(1006), 'backingOff'],
  ])('ends at once where there is no conversation to take leave of: %s', (_, happen, state) => {
    const w = world({ ready: true });
    w.call('a');
    happen(w);
    expect(w.state()).toBe(state);
    w.session.send({ type: 'session.close' });
    expect([w.state(), w.statusOf('a'), reasonOfOutput(outputOf(w))]).toEqual(['closed', 'abandoned', 'normal']);
    expect(w.facts.at(-1)).toEqual({ type: 'session.closed', by: 'client', code: 1000, reason: '' });
  });

  it('hears answers that are being written out, and abandons what comes in meanwhile', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('a', 'b');
    w.settle('a', { output: 'so' });
    w.session.send({ type: 'session.close' });
    w.call('late', 'b');
    w.session.send({ type: 'uplink.written', key: 1 });
    w.call('a');
    w.closed(1000);
    expect(w.fact('tool.answered')).toEqual([{ type: 'tool.answered', id: 'a', name: 'tool-a', response: { output: 'so' } }]);
    expect(w.fact('tool.abandoned').map(({ id }) => id)).toEqual(['b', 'late', 'b', 'a']);
    expect(w.fact('tool.repeated')).toEqual([]);
    expect(w.runs).toHaveLength(2);
    const answers = w.toUplink.flatMap((command) => (command.type === 'uplink.answer' ? [command.key] : []));
    expect(answers, 'nothing more goes out').toEqual([1]);
  });

  it('abandons an answer that the close has cut off', () => {
    const w = world({ ready: true });
    w.isFast = false;
    w.call('a');
    w.settle('a');
    w.session.send({ type: 'session.close' });
    expect(w.statusOf('a')).toBe('answering');
    w.closed(1006);
    expect(w.fact('tool.abandoned')).toEqual([{ type: 'tool.abandoned', id: 'a', name: 'tool-a', reason: 'closed' }]);
  });

  it.each([
    ['ready', (w: SessionWorld) => void w],
    ['closing', (w: SessionWorld) => w.session.send({ type: 'session.close' })],
    ['rotating', (w: SessionWorld) => w.session.send({ type: 'rotation.forced' })],
    ['backingOff', (w: SessionWorld) => w.closed(1006)],
  ])('exits with the reason of a supervisor that shuts it down while %s', (state, before) => {
    const w = world({ ready: true });
    before(w);
    expect(w.state()).toBe(state === 'ready' ? 'ready.idle' : state);
    expect(w.session.getSnapshot().can({ type: 'supervisor.shutdown' })).toBe(true);
    w.session.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'rolling'] });
    if (state === 'ready' || state === 'closing') w.closed(1000);
    expect([w.state(), reasonOfOutput(outputOf(w))]).toEqual(['closed', ['shutdown', 'rolling']]);
  });

  it('exits with `shutdown` for a supervisor that gives no reason', () => {
    const w = world({ ready: true });
    w.session.send({ type: 'supervisor.shutdown' });
    const again = world({ ready: true });
    again.session.send({ type: 'session.close' });
    again.session.send({ type: 'supervisor.shutdown' });
    for (const one of [w, again]) one.closed(1000);
    expect([w, again].map((one) => reasonOfOutput(outputOf(one)))).toEqual(['shutdown', 'shutdown']);
  });
});

it('keeps a context that JSON does not change', () => {
  const w = world({ ready: true });
  w.call('a', 'b');
  const { context } = w.session.getSnapshot();
  expect(JSON.parse(JSON.stringify(context))).toEqual(context);
});
