/** A conversation tells its gate what came of each turn, and of each request that its model makes again. */
import { afterEach, describe, expect, it } from 'vitest';
import type { GateOptions } from '../../src/gate/options.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { exit } from '../../src/supervision/watch.js';
import { type Conversation, converse } from '../../src/tools/converse.js';
import { generateModel } from '../../src/tools/generate-model.js';
import { interactionsModel } from '../../src/tools/interactions-model.js';
import type { ConversationModel, TurnRequest } from '../../src/tools/model.js';
import { gateWorld, leaveNothing, settle } from '../gate/gate-world.js';
import { Wire } from '../stream/wire.js';
import { ScriptedModel } from './scripted-model.js';

const key = 'model';
const limited = { kind: 'refused' as const, code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down' };
const servers: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await leaveNothing();
});

function behind(options: GateOptions) {
  const world = gateWorld(options);
  return { ...world, option: { gate: world.gate, key, tokens: 500 } };
}

describe('the gate of a conversation', () => {
  it('hears of a 429: the level falls, the key pauses, and no holder is said to have ended', async () => {
    const { facts, gate, option } = behind({ permits: 4, adaptive: true });
    const model = new ScriptedModel({ failure: { ...limited, retryAfterMs: 5_000 } });
    expect(await converse({ model, input: 'hello', gate: option }).ended()).toMatchObject({ ok: false, failure: { kind: 'refused', code: 429 } });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 5_000 });
    expect(facts.map(({ type }) => type)).toEqual(['gate.levelChanged', 'gate.paused']);
  });

  it('hears of successes, turn by turn: the level climbs', async () => {
    const { facts, gate, option } = behind({ permits: 2, adaptive: { ceiling: 8 } });
    const calls = [{ name: 'echo' }];
    const echo = { description: 'e', execute: () => 1 };
    const outcome = await converse({
      model: new ScriptedModel({ calls }, { calls }, { text: 'done' }),
      input: 'q',
      tools: { echo },
      gate: option,
    }).ended();
    expect(outcome).toMatchObject({ ok: true, turns: 3 });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 3 });
    expect(facts).toEqual([{ type: 'gate.levelChanged', key, from: 2, level: 3, because: 'succeeded' }]);
  });

  it('learns nothing from another failure', async () => {
    const { facts, gate, option } = behind({ permits: 4, adaptive: true });
    await converse({ model: new ScriptedModel({ failure: { ...limited, code: 400, status: '' } }), input: 'q', gate: option }).ended();
    expect([gate.status(key)?.permits, facts]).toEqual([4, []]);
  });

  it.each([
    ['its tools cannot be listed', { list: () => Promise.reject(new Error('down')) }, 'tools'],
    ['its results cannot be said', { echo: { description: 'e', execute: () => 1 } }, 'crashed'],
  ] as const)('has the request and the tokens back of a turn in which nobody was asked, because %s', async (_, tools, kind) => {
    const { facts, gate, option } = behind({ permits: 4, rate: { requests: 10, tokens: 1_000 } });
    const model = new ScriptedModel({ calls: [{ name: 'echo' }] });
    model.results = () => {
      throw new Error('no words');
    };
    const outcome = await converse({ model, input: 'q', tools, gate: option }).ended();
    expect(outcome).toMatchObject({ ok: false, failure: { kind } });
    const asked = model.asked.length;
    expect([gate.status(key)?.used, facts]).toEqual([{ requests: asked, tokens: 500 * asked }, []]);
  });

  it.each(['cancelled', 'killed'])('has the permit back of one that is %s while the model answers, without a holder lost', async (how) => {
    const { facts, gate, option } = behind({ permits: 1, rate: { requests: 10 } });
    const model = new ScriptedModel({ held: true });
    const conversation = converse({ model, input: 'q', gate: option });
    await model.askedTimes(1);
    expect(gate.status(key)?.held).toBe(1);
    if (how === 'killed') exit(conversation.ref, 'kill');
    else await conversation.cancel();
    expect([gate.status(key), facts]).toMatchObject([{ held: 0, used: { requests: 1 } }, []]);
    await settle();
  });

  it('has it back of one that is cancelled while the tools are listed, unused', async () => {
    const { facts, gate, option } = behind({ permits: 1, rate: { requests: 10 } });
    let listed: () => void = () => undefined;
    const listing = new Promise<void>((resolve) => (listed = resolve));
    const list = () => {
      listed();
      return new Promise<never>(() => undefined);
    };
    const conversation = converse({ model: new ScriptedModel(), input: 'q', tools: { list }, gate: option });
    await listing;
    await conversation.cancel();
    expect([gate.status(key), facts]).toMatchObject([{ held: 0, used: { requests: 0 } }, []]);
  });

  it('takes the permit from a turn whose lease runs out, and the conversation says so', async () => {
    const { clock, facts, option } = behind({ permits: 1 });
    const model = new ScriptedModel({ held: true, failure: { ...limited, kind: 'cancelled', code: 'signal', status: '' } });
    const conversation = converse({ model, input: 'q', gate: { ...option, leaseMs: 100 } });
    await model.askedTimes(1);
    clock.advanceBy(100);
    expect(await conversation.ended()).toMatchObject({ ok: false, failure: { kind: 'gate', code: 'lost' } });
    expect(facts.map(({ type }) => type)).toEqual(['gate.expired']);
  });
});

describe('a model that is refused by an answer whose words never end', () => {
  /** A 429 whose headers say all there is to know. Settles when it is read. */
  function hanging() {
    const wire = new Wire();
    const refused = wire.next().then(async (asked) => {
      const read = asked.answer(429, { 'retry-after': '5' }).wanted();
      await read;
      const more = asked.wanted();
      asked.send('{"error":{"code":429,"mess');
      await more;
    });
    return { fetch: wire.fetch, refused };
  }
  const models: Record<'generateModel' | 'interactionsModel', (fetch: typeof globalThis.fetch) => ConversationModel> = {
    generateModel: (fetch) => generateModel({ baseUrl: 'http://model.test', model: 'gemini-x', fetch }),
    interactionsModel: (fetch) => interactionsModel({ baseUrl: 'http://model.test', request: { model: 'gemini-x' }, fetch }),
  };
  const ends = {
    turnMs: (_: Conversation, clock: VirtualClock) => clock.advanceBy(200),
    cancel: (conversation: Conversation) => void conversation.cancel(),
    kill: (conversation: Conversation) => exit(conversation.ref, 'kill'),
  };

  it.each(
    (['generateModel', 'interactionsModel'] as const).flatMap((name) => (['turnMs', 'cancel', 'kill'] as const).map((end) => [name, end] as const)),
  )('tells the gate of it, whatever ends the turn before: %s, %s', async (name, end) => {
    const { clock, facts, gate, option } = behind({ permits: 4, adaptive: true });
    const { fetch, refused } = hanging();
    const conversation = converse({ model: models[name](fetch), input: 'q', gate: option, clock, turnMs: 200 });
    await refused;
    ends[end](conversation, clock);
    expect(await conversation.ended()).toMatchObject({ ok: false });
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: expect.any(Number) as number });
    expect(facts.map(({ type }) => type)).toEqual(['gate.levelChanged', 'gate.paused']);
  });

  it('has what it says later count in its place', async () => {
    const { gate, option } = behind({ permits: 8, adaptive: true });
    const model = new ScriptedModel({ held: true });
    const conversation = converse({ model, input: 'q', gate: option });
    await model.askedTimes(1);
    model.asked[0]?.refused(limited);
    model.asked[0]?.retrying(limited);
    await conversation.cancel();
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 4 });
  });

  it('has failed its conversation where it says what is no failure', async () => {
    const { option } = behind({ permits: 8 });
    const model = new ScriptedModel({ held: true });
    const conversation = converse({ model, input: 'q', gate: option });
    await model.askedTimes(1);
    model.asked[0]?.refused(undefined as never);
    expect(await conversation.ended()).toMatchObject({ failure: { kind: 'crashed', message: expect.stringContaining('refused()') as string } });
  });
});

describe('a model that asks again by itself', () => {
  /** Asks `attempts` times, each refused but the last. */
  function retries(attempts: number, retryAfterMs?: number): ConversationModel & { request: TurnRequest | undefined } {
    const hint = retryAfterMs === undefined ? {} : { retryAfterMs };
    return {
      request: undefined,
      ask(request) {
        this.request = request;
        for (let n = 1; n < attempts; n++) request.retrying({ ...limited, ...hint });
        return {
          async *[Symbol.asyncIterator]() {},
          ended: async () => ({ ok: true, items: [], text: 'ok', calls: [], next: 'nothing', answer: {} }),
        };
      },
      input: () => [{}],
      results: () => [],
    };
  }

  it('has each of its requests counted, each 429 told, and a pause kept', async () => {
    const { facts, gate, option } = behind({ permits: 8, adaptive: true, rate: { requests: 10 } });
    await converse({ model: retries(3, 200), input: 'q', gate: option }).ended();
    expect(gate.status(key)).toMatchObject({ held: 0, permits: 2, pauseMs: 200, used: { requests: 3 } });
    expect(facts.map((fact) => (fact.type === 'gate.levelChanged' ? fact.level : fact.type))).toEqual([4, 'gate.paused', 2]);
  });

  it('is heard no more once its turn is over, and without a gate', async () => {
    const { gate, option } = behind({ permits: 8, adaptive: true });
    const model = retries(1);
    await converse({ model, input: 'q', gate: option }).ended();
    model.request?.retrying(limited);
    expect(gate.status(key)).toMatchObject({ permits: 8 });
    expect(await converse({ model: retries(2), input: 'q' }).ended()).toMatchObject({ ok: true });
  });

  /** Lets time pass, ms, in steps in which all is heard. */
  async function pass(clock: VirtualClock, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) await clock.advanceByAsync(50);
  }

  it.each([
    ['says when', 1_100, [0, 1_101, 2_101]],
    ['does not say when: the turn is over at 1150', undefined, [0, 1_101, 2_150]],
  ])('has that request counted when it goes out: it %s', async (_, delayMs, wire) => {
    const { clock, gate, option } = behind({ permits: 5, rate: { requests: 1, windowMs: 1_000 } });
    const asked: number[] = [];
    const model: ConversationModel = {
      ...retries(1),
      ask({ clock: time, retrying }) {
        asked.push(time.now());
        time.setTimeout(() => retrying({ code: 503, status: 'UNAVAILABLE' }, delayMs), 1);
        time.setTimeout(() => asked.push(time.now()), 1_101);
        const over = new Promise<void>((resolve) => void time.setTimeout(resolve, 1_150));
        const outcome = { ok: true, items: [], text: 'ok', calls: [], next: 'nothing', answer: {} } as const;
        return { async *[Symbol.asyncIterator]() {}, ended: () => over.then(() => outcome) };
      },
    };
    const ended = converse({ model, input: 'q', clock, gate: { ...option, tokens: 0 } }).ended();
    await settle();
    void gate.acquire({ key }).then(() => asked.push(clock.now()));
    await pass(clock, 3_000);
    expect([(await ended).ok, asked]).toEqual([true, wire]);
  });

  const retry = { backoff: { minMs: 0, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 0 } };

  it('of Espalier has no more requests go out within a window than may, while others wait for the pause that it was asked for', async () => {
    const { clock, gate } = behind({ permits: 4, rate: { requests: 2, windowMs: 1_000 } });
    const wire: number[] = [];
    const json = (status: number, body: object): Response =>
      new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.05s' }];
    const ask = async (): Promise<Response> => {
      wire.push(clock.now());
      if (wire.length === 1) return json(429, { error: { ...limited, details } });
      return json(200, { candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }] });
    };
    const model = generateModel({ baseUrl: 'http://model.test', model: 'gemini-x', streamed: false, retry, fetch: ask });
    const one = () => converse({ model, input: 'q', clock, gate: { gate, key } }).ended();
    const all = [one()];
    await pass(clock, 50);
    all.push(one(), one(), one());
    await pass(clock, 4_000);
    expect((await Promise.all(all)).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(wire.length).toBe(5);
    for (const end of wire) expect(wire.filter((at) => at > end - 1_000 && at <= end).length).toBeLessThanOrEqual(2);
  });

  const refused = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down', retryDelay: '0.001s' } };
  const whole = [{ events: [{ candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }] }] }];

  it.each([true, false])('is heard: generateModel, streamed: %s', async (streamed) => {
    const on = streamed ? 'streamGenerateContent' : 'generateContent';
    const server = await geminiServer({ key: null, http: [[refused], [refused], whole].map((answer) => ({ on, answer })) as never });
    servers.push(server);
    const { gate, option } = behind({ permits: 8, adaptive: true, rate: { requests: 100 } });
    const model = generateModel({ baseUrl: server.url, model: 'gemini-x', streamed, retry });
    expect(await converse({ model, input: 'q', gate: option }).ended()).toMatchObject({ ok: true, text: 'hi' });
    expect([server.requests.length, gate.status(key)]).toMatchObject([3, { held: 0, permits: 2, used: { requests: 3 } }]);
  });

  it.each(['streamed', 'whole', 'interactions'])('is told the tokens that the service counts, and gives back the rest: %s', async (how) => {
    const usageMetadata = { totalTokenCount: 7 };
    const chunk = { candidates: [{ content: { parts: [{ text: 'hi' }] }, finishReason: 'STOP' }], usageMetadata };
    const interaction = { id: 'one', status: 'completed', usage: { total_tokens: 7 } };
    const said = [
      { event_type: 'interaction.created', interaction: { id: 'one', status: 'in_progress' } },
      { event_type: 'step.start', index: 0, step: { type: 'model_output' } },
      { event_type: 'step.delta', index: 0, delta: { type: 'text', text: 'hi' } },
      { event_type: 'interaction.completed', interaction },
    ];
    const http = {
      streamed: [{ on: 'streamGenerateContent', answer: [{ events: [chunk] }] }],
      whole: [{ on: 'generateContent', answer: [{ json: chunk }] }],
      interactions: [{ on: 'interactions.create', answer: [{ events: said }] }],
    }[how];
    const server = await geminiServer({ key: null, http: http as never });
    servers.push(server);
    const { gate, option } = behind({ permits: 8, rate: { requests: 100, tokens: 1_000 } });
    const client = { baseUrl: server.url, retry };
    const model: ConversationModel =
      how === 'interactions'
        ? interactionsModel({ ...client, request: { model: 'gemini-x' } })
        : generateModel({ ...client, model: 'gemini-x', streamed: how === 'streamed' });
    expect(await converse({ model, input: 'q', gate: option }).ended()).toMatchObject({ ok: true, text: 'hi' });
    expect(gate.status(key)).toMatchObject({ held: 0, used: { requests: 1, tokens: 7 } });
  });

  it('is heard: interactionsModel', async () => {
    const http = [{ answer: [refused] }, { interaction: { id: 'one', steps: [{ text: 'hi' }] } }].map((rule) => ({
      on: 'interactions.create',
      ...rule,
    }));
    const server = await geminiServer({ key: null, http: http as never });
    servers.push(server);
    const { gate, option } = behind({ permits: 8, adaptive: true, rate: { requests: 100 } });
    const model = interactionsModel({ baseUrl: server.url, request: { model: 'gemini-x' }, retry });
    expect(await converse({ model, input: 'q', gate: option }).ended()).toMatchObject({ ok: true, text: 'hi' });
    expect([server.requests.length, gate.status(key)]).toMatchObject([2, { held: 0, permits: 4, used: { requests: 2 } }]);
  });
});
