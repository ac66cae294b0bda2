/** Agents behind which a model stands: asked through comms, over real sockets, of the local server. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Agents, createAgents } from '../../src/agents/agents-handle.js';
import { chatAgent, type ChatAgentOptions } from '../../src/agents/chat-agent.js';
import { liveAgent, type LiveAgentOptions } from '../../src/agents/live-agent.js';
import type { MindLogic } from '../../src/agents/mind.js';
import { type Comms, createComms } from '../../src/comms/handle.js';
import { createCoordinator } from '../../src/coordination/coordinator-handle.js';
import { voting } from '../../src/coordination/voting.js';
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
