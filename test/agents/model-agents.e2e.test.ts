/** Agents behind which a model stands: asked through comms, over real sockets, of the local server. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Agents, createAgents } from '../../src/agents/agents-handle.js';
import { chatAgent, type ChatAgentOptions } from '../../src/agents/chat-agent.js';
import { liveAgent, type LiveAgentOptions } from '../../src/agents/live-agent.js';
import type { MindLogic } from '../../src/agents/mind.js';
import { type Comms, createComms } from '../../src/comms/handle.js';
import { createCoordinator } from '../../src/coordination/coordinator-handle.js';
import { voting } from '../../src/coordination/voting.js';
import { openWebSocket } from '../../src/live/node-socket.js';
import type { OpenSocket } from '../../src/live/socket.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { generateModel } from '../../src/tools/generate-model.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

interface Room {
  readonly agents: Agents;
  readonly comms: Comms;
  readonly server: GeminiServer;
  /** Null: that of the machine. */
  readonly clock: VirtualClock | null;
}

const rooms: Room[] = [];

afterEach(async () => {
  for (const { agents, clock, comms, server } of rooms.splice(0)) {
    await comms.close();
    await agents.close();
    expect(clock?.pending() ?? 0, 'timers left').toBe(0);
    await server.close();
  }
});

/** A room with the agents of these names, all of one logic. */
async function roomOf(
  server: GeminiServer,
  logic: MindLogic,
  names: readonly string[],
  clock: VirtualClock | null = new VirtualClock(),
): Promise<Room> {
  const agents = createAgents({ logics: { model: logic } }, clock === null ? {} : { clock });
  const comms = createComms({ agents: agents.names }, clock === null ? {} : { clock });
  const room = { agents, clock, comms, server };
  rooms.push(room);
  for (const id of names) {
    await agents.register({ id, src: 'model' });
    expect(await agents.start(id)).toMatchObject({ ok: true });
  }
  return room;
}

const chunk = (...parts: readonly object[]) => ({ events: [{ candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }] }] });

async function chatRoom(answers: readonly object[], options: Partial<ChatAgentOptions> = {}): Promise<Room> {
  const http = answers.map((answer) => ({ on: 'streamGenerateContent', answer: [answer].flat() }));
  const server = await geminiServer({ key: null, http: http as never });
  return roomOf(server, chatAgent({ model: generateModel({ model: 'm', baseUrl: server.url }), ...options }), ['ann']);
}

const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];

async function liveRoom(script: readonly Step[], options: Partial<LiveAgentOptions> = {}, clock?: VirtualClock | null): Promise<Room> {
  const server = await geminiServer({ script: [...setUp, ...script] });
  return roomOf(server, liveAgent({ apiKey: 'k', baseUrl: server.url, model: 'm', ...options }), ['ann'], clock);
}

const soon = { backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0 } };
const patient = { withinMs: 600_000 };

const asked = (server: GeminiServer, nth: number) => (server.requests[nth]?.body as { contents: unknown } | undefined)?.contents;
const said = (role: string, text: string) => ({ role, parts: [{ text }] });
const userSays = (text: string) => ({ turns: [said('user', text)] });

describe('a chat agent', () => {
  it('answers with what its model says once its tools have answered, and remembers what was said', async () => {
    const tools = { time: { description: 'The time', execute: () => 'noon' } };
    const call = chunk({ functionCall: { name: 'time', args: {} } });
    const { comms, server } = await chatRoom([call, chunk({ text: 'It is noon.' }), chunk({ text: 'Yes, lunch.' })], { tools });
    expect(await comms.request('ann', 'What time is it?')).toEqual({ ok: true, value: 'It is noon.' });
    expect(await comms.request('ann', { text: 'Lunch?' })).toEqual({ ok: true, value: 'Yes, lunch.' });
    expect(asked(server, 2)).toEqual([
      said('user', 'What time is it?'),
      { role: 'model', parts: [{ functionCall: { name: 'time', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'time', response: { output: 'noon' } } }] },
      said('model', 'It is noon.'),
      said('user', 'Lunch?'),
    ]);
  });

  it('forgets the oldest beyond what it remembers, and never what it was given', async () => {
    const options = { history: [said('user', 'Be brief.'), said('model', 'Yes.')], remembers: 1 };
    const { comms, server } = await chatRoom(
      ['one', 'two', 'three'].map((text) => chunk({ text })),
      options,
    );
    for (const text of ['1', '2', '3']) await comms.request('ann', text);
    expect(asked(server, 2)).toEqual([...options.history, said('user', '2'), said('model', 'two'), said('user', '3')]);
  });

  it('answers `error` where its model fails, and lives on with what it knew before', async () => {
    const { agents, comms, server } = await chatRoom([{ error: { code: 400, message: 'no such model' } }, chunk({ text: 'Here.' })]);
    expect(await comms.request('ann', 'Where?')).toMatchObject({ ok: false, reason: 'error', error: expect.stringContaining('no such model') });
    expect(await comms.request('ann', 'And now?')).toEqual({ ok: true, value: 'Here.' });
    expect(asked(server, 1)).toEqual([said('user', 'And now?')]);
    expect(agents.status('ann')).toMatchObject({ state: 'running', restarts: 0 });
  });

  it('is at one question at a time; one that is taken back is cancelled or never begun, and one too many is refused', async () => {
    const { comms, server } = await chatRoom([{ stall: true }, chunk({ text: 'third' })], { maxWaiting: 2 });
    const [first, second] = [new AbortController(), new AbortController()];
    const outcomes = [
      comms.request('ann', '1', { signal: first.signal }),
      comms.request('ann', '2', { signal: second.signal }),
      comms.request('ann', '3'),
      comms.request('ann', '4'),
    ];
    expect(await outcomes[3]).toEqual({ ok: false, reason: 'error', error: 'so many questions wait already: 2' });
    await server.nthRequest(0);
    second.abort();
    first.abort();
    expect(await Promise.all(outcomes.slice(0, 2))).toEqual([1, 2].map(() => ({ ok: false, reason: 'cancelled' })));
    expect(await outcomes[2]).toEqual({ ok: true, value: 'third' });
    expect([server.requests.length, asked(server, 1)]).toEqual([2, [said('user', '3')]]);
  });

  it('lives on where three thousand wait whom its model cannot be asked for: each is told why', async () => {
    const real = generateModel({ model: 'm' });
    let canAsk = true;
    const input = (text: string) => {
      if (canAsk) return real.input(text);
      throw new Error('no words for it');
    };
    const server = await geminiServer({ key: null, http: [{ on: 'streamGenerateContent', answer: [{ stall: true }] }] });
    const { agents } = await roomOf(
      server,
      chatAgent({ model: { ...generateModel({ model: 'm', baseUrl: server.url }), input }, maxWaiting: 3_000 }),
      ['ann'],
    );
    const ann = agents.whereis('ann');
    const answers: unknown[] = [];
    const replyTo = { send: (answer: unknown) => void answers.push(answer) };
    for (let nth = 0; nth <= 3_000; nth++) ann?.send({ type: 'comms.request', ref: `r${nth}`, body: 'Well?', from: null, to: 'ann', replyTo });
    canAsk = false;
    ann?.send({ type: 'comms.cancelled', ref: 'r0' });
    await server.answered(0);
    expect([answers.length, answers[2_999], agents.status('ann')?.restarts]).toMatchObject([3_000, { error: 'no words for it' }, 0]);
  });

  it('refuses what is no question, and what it cannot make an answer of', async () => {
    const { comms } = await chatRoom([chunk({ text: 'no JSON' })], { answer: (text) => JSON.parse(text) as unknown });
    expect(await comms.request('ann', { word: 1 })).toMatchObject({
      reason: 'error',
      error: expect.stringContaining('expected a text, or { text }'),
    });
    expect(await comms.request('ann', '')).toMatchObject({ reason: 'error', error: expect.stringContaining('something to ask') });
    expect(await comms.request('ann', 'x')).toMatchObject({ reason: 'error', error: expect.stringContaining('JSON') });
  });

  it('votes', async () => {
    const http = ['{"vote":"tea"}', '{"vote":"tea"}', 'I would rather not say.'].map((text) => ({
      on: 'streamGenerateContent' as const,
      answer: [chunk({ text })],
    }));
    const server = await geminiServer({ key: null, http });
    const model = generateModel({ model: 'm', baseUrl: server.url });
    const logic = chatAgent({ model, prompt: (body) => JSON.stringify(body), answer: (text) => JSON.parse(text) as unknown });
    const { comms } = await roomOf(server, logic, ['ann', 'bob', 'eve']);
    await using coordinator = createCoordinator({ requests: comms });
    const begun = coordinator.run(voting({ options: ['tea', 'coffee'] }), { agents: ['ann', 'bob', 'eve'] });
    const result = begun.ok ? await begun.session.result() : begun;
    expect(result).toMatchObject({ outcome: 'decided', value: { option: 'tea', tally: { absent: [{ reason: 'error' }] } } });
  });

  it('refuses options that cannot be meant, before anything starts', () => {
    const model = generateModel({ model: 'm' });
    expect(() => chatAgent(null as never)).toThrow(/options of a chat agent/);
    expect(() => chatAgent({ model, remembers: -1 })).toThrow(/remembers/);
    expect(() => chatAgent({ model, maxWaiting: 0 })).toThrow(/maxWaiting/);
    expect(() => chatAgent({ model, prompt: 'x' as never })).toThrow(/prompt/);
    expect(() => chatAgent({ model, input: 'x' } as never)).toThrow(/input/);
    expect(() => chatAgent({} as never)).toThrow(/model/);
    expect(() => liveAgent({ model: 'm', answerMs: 0 })).toThrow(/answerMs/);
    expect(() => liveAgent({} as never)).toThrow(/model/);
  });
});

describe('a live agent', () => {
  it('answers each question with one turn, without what the model thought', async () => {
    const { comms, server } = await liveRoom([
      { expect: 'clientContent', match: userSays('One?') },
      { send: { serverContent: { modelTurn: { parts: [{ text: 'hm', thought: true }] } } } },
      { say: ['It is ', 'one.'] },
      { expect: 'clientContent', match: userSays('Two?') },
      { send: { serverContent: { outputTranscription: { text: 'Spoken.' } } } },
      { send: { serverContent: { turnComplete: true } } },
    ]);
    const answers = [comms.request('ann', 'One?'), comms.request('ann', { text: 'Two?' })];
    expect(await Promise.all(answers)).toEqual([
      { ok: true, value: 'It is one.' },
      { ok: true, value: 'Spoken.' },
    ]);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('answers after its tools have', async () => {
    const { comms } = await liveRoom(
      [{ expect: 'clientContent' }, { callTools: [{ id: 'c', name: 'time', args: {} }] }, { awaitAnswers: ['c'] }, { say: ['Noon.'] }],
      { tools: { time: { description: 'The time', execute: () => 'noon' } } },
    );
    expect(await comms.request('ann', 'When?')).toEqual({ ok: true, value: 'Noon.' });
  });

  it('interrupts the model where the question is taken back; the next one hears nothing of that turn', async () => {
    const { comms, server } = await liveRoom([
      { expect: 'clientContent', match: userSays('Long?') },
      { send: { serverContent: { modelTurn: { parts: [{ text: 'Well, ' }] } } } },
      { expect: 'clientContent', match: { turnComplete: false } },
      { interrupt: true },
      { expect: 'clientContent', match: userSays('Short?') },
      { say: ['Yes.'] },
    ]);
    const taking = new AbortController();
    const long = comms.request('ann', 'Long?', { signal: taking.signal });
    const short = comms.request('ann', 'Short?');
    await server.nth(1);
    taking.abort();
    expect([await long, await short]).toEqual([
      { ok: false, reason: 'cancelled' },
      { ok: true, value: 'Yes.' },
    ]);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it.each([
    ['a goAway', [{ goAway: { timeLeftMs: 1_000 } }, { expectClose: true }]],
    ['the loss of a socket', [{ drop: true }]],
  ] as [string, Step[]][])('loses nothing to %s in a turn: the question is put again to the session that was resumed', async (_what, end) => {
    const script: readonly Step[] = [
      { resumption: { handle: 'h' } },
      { expect: 'clientContent', match: userSays('Where?') },
      { send: { serverContent: { modelTurn: { parts: [{ text: 'Half an ans' }] } } } },
      ...end,
      { accept: { handle: 'h' } },
      ...setUp,
      { expect: 'clientContent', match: userSays('Where?') },
      { say: ['In Oslo.'] },
      { expect: 'clientContent', match: userSays('And who?') },
      { say: ['Ann.'] },
    ];
    const { comms, server } = await liveRoom(script, { reconnect: { backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0 } } }, null);
    const answers = ['Where?', 'And who?'].map(async (text) => comms.request('ann', text, { withinMs: 600_000 }));
    expect(await Promise.all(answers)).toEqual([
      { ok: true, value: 'In Oslo.' },
      { ok: true, value: 'Ann.' },
    ]);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('loses nothing to the loss of a second socket in one turn', async () => {
    const lost: readonly Step[] = [{ expect: 'clientContent', match: userSays('Where?') }, { drop: true }];
    const again: readonly Step[] = [{ accept: true }, ...setUp];
    const { comms, server } = await liveRoom(
      [{ resumption: { handle: 'h' } }, ...lost, ...again, ...lost, ...again, { expect: 'clientContent' }, { say: ['In Oslo.'] }],
      { reconnect: soon },
      null,
    );
    expect(await comms.request('ann', 'Where?', patient)).toEqual({ ok: true, value: 'In Oslo.' });
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('puts a question again that had waited for a slow socket, and was lost with that once it had been written', async () => {
    const held: number[] = [];
    const openSocket: OpenSocket = (address, listener) => ({ ...openWebSocket(address, listener), bufferedAmount: () => held.pop() ?? 0 });
    const question: Step = { expect: 'clientContent', match: userSays('Where?') };
    const first: readonly Step[] = [{ resumption: { handle: 'h' } }, { expect: 'clientContent' }, { say: ['One.'] }];
    const script: readonly Step[] = [...first, question, { drop: true }, { accept: true }, ...setUp, question, { say: ['In Oslo.'] }];
    const { comms, server } = await liveRoom(script, { openSocket, reconnect: soon }, null);
    expect(await comms.request('ann', 'One?', patient)).toEqual({ ok: true, value: 'One.' });
    held.push(2_000_000);
    expect(await comms.request('ann', 'Where?', patient)).toEqual({ ok: true, value: 'In Oslo.' });
    expect(await server.outcome).toEqual({ ok: true });
  });

  describe('whose socket is lost in the middle of a call', () => {
    const callOfTime: Step = { callTools: [{ id: 'c', name: 'time', args: {} }] };
    const two: readonly Step[] = [{ expect: 'clientContent', match: userSays('Two?') }, { say: ['Two.'] }];

    /** Asks two questions at once; the tool answers when the second socket is set up. */
    async function askedTwice(script: readonly Step[]): Promise<{ answers: unknown[]; server: GeminiServer }> {
      let answer = (): void => undefined;
      const answered = new Promise<string>((resolve) => (answer = () => resolve('noon')));
      const tools = { time: { description: 'The time', execute: () => answered } };
      const { comms, server } = await liveRoom([...script, ...two], { reconnect: soon, tools }, null);
      const answers = ['One?', 'Two?'].map(async (text) => comms.request('ann', text, patient));
      await server.nth(2);
      answer();
      return { answers: await Promise.all(answers), server };
    }

    it('puts the question again, without an answer to a call that the resumed session has never made', async () => {
      const { answers, server } = await askedTwice([
        { resumption: { handle: 'h' } },
        { expect: 'clientContent', match: userSays('One?') },
        callOfTime,
        { drop: true },
        { accept: { handle: 'h' } },
        ...setUp,
        { expect: 'clientContent', match: userSays('One?') },
        { say: ['One.'] },
      ]);
      expect(answers).toEqual(['One.', 'Two.'].map((value) => ({ ok: true, value })));
      expect(await server.outcome).toEqual({ ok: true });
      expect(server.answers()).toEqual([]);
    });

    it('does not put it again to a session that waits for the answer to the call, and goes on with that', async () => {
      const { answers, server } = await askedTwice([
        { expect: 'clientContent', match: userSays('One?') },
        { send: { serverContent: { modelTurn: { parts: [{ text: 'Well. ' }] } } } },
        callOfTime,
        { resumption: { handle: 'h' } },
        { drop: true },
        { accept: { handle: 'h' } },
        ...setUp,
        { awaitAnswers: ['c'] },
        { say: ['One.'] },
      ]);
      expect(answers).toEqual(['Well. One.', 'Two.'].map((value) => ({ ok: true, value })));
      expect(await server.outcome).toEqual({ ok: true });
      expect(server.received.filter(({ kind }) => kind === 'clientContent')).toHaveLength(2);
    });
  });

  it('never asks the model what was taken back while there was no socket: the next question has the next answer', async () => {
    let closed = (): void => undefined;
    const lost = new Promise<void>((resolve) => (closed = resolve));
    const openSocket: OpenSocket = (address, listener) => {
      const told = (...how: [number | string, string]): void => {
        listener.closed(...how);
        closed();
      };
      return openWebSocket(address, { ...listener, closed: told });
    };
    const { clock, comms, server } = await liveRoom(
      [
        { resumption: { handle: 'h' } },
        { expect: 'clientContent' },
        { say: ['One.'] },
        { drop: true },
        { accept: true },
        ...setUp,
        { expect: 'clientContent', match: userSays('Three?') },
        { say: ['Three.'] },
      ],
      { openSocket, reconnect: { backoff: { minMs: 60_000, maxMs: 60_000, factor: 1, jitter: 0 } }, answerMs: 600_000 },
    );
    expect(await comms.request('ann', 'One?')).toEqual({ ok: true, value: 'One.' });
    await lost;
    const taking = new AbortController();
    const taken = comms.request('ann', 'Two?', { ...patient, signal: taking.signal });
    const next = comms.request('ann', 'Three?', patient);
    taking.abort();
    expect(await taken).toEqual({ ok: false, reason: 'cancelled' });
    clock?.advanceBy(60_000);
    expect(await next).toEqual({ ok: true, value: 'Three.' });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.received.filter(({ kind }) => kind === 'clientContent')).toHaveLength(2);
  });

  it('answers `error` to all where the session is dead, and comes back with another', async () => {
    const { agents, comms } = await liveRoom(
      [
        { expect: 'clientContent' },
        { close: { code: 1008, reason: 'policy' } },
        { accept: true },
        ...setUp,
        { expect: 'clientContent' },
        { say: ['Back.'] },
      ],
      { reconnect: { intensity: 0 } },
    );
    const restarted = new Promise((resolve) => agents.on('agent.restarted', resolve));
    const dead = { ok: false, reason: 'error', error: expect.stringContaining('policy') as unknown };
    expect(await Promise.all([comms.request('ann', '1'), comms.request('ann', '2')])).toMatchObject([dead, dead]);
    expect(await restarted).toMatchObject({ id: 'ann', restarts: 1 });
    expect(await comms.request('ann', '3')).toEqual({ ok: true, value: 'Back.' });
  });

  it('crashes where a turn takes too long: what the session would say next belongs to nobody', async () => {
    const { agents, clock, comms, server } = await liveRoom([{ expect: 'clientContent' }, { expectClose: true }], { answerMs: 1_000 });
    const crashed = new Promise((resolve) => agents.on('agent.crashed', resolve));
    const late = comms.request('ann', 'Ever?', { withinMs: 600_000 });
    await server.nth(1);
    clock?.advanceBy(1_000);
    expect(await late).toMatchObject({ ok: false, reason: 'error', error: expect.stringContaining('a turn took more than 1000 ms') });
    expect(await crashed).toMatchObject({ id: 'ann', willRestart: true });
  });
});
