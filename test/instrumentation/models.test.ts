/** Conversations and their calls of models and tools, as spans and metrics of OpenTelemetry. */
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { InstrumentationOptions } from '../../src/instrumentation/options.js';
import { generateContentStream } from '../../src/stream/generate.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit } from '../../src/supervision/watch.js';
import { stopActor } from '../../src/supervision/xstate-internals.js';
import { withSubject } from '../../src/telemetry/subject.js';
import { conversation } from '../../src/tools/conversation.js';
import { converse } from '../../src/tools/converse.js';
import { ScriptedModel, type ScriptedTurn } from '../tools/scripted-model.js';
import { parentOf, telemetryWorld, type TelemetryWorld } from './telemetry-world.js';

const worlds: TelemetryWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

const weather = { description: 'the weather', execute: ({ city }: { city?: string }) => ({ weather: `rain in ${city}` }) };
const broken = {
  description: 'broken',
  execute: (): never => {
    throw new Error('secret of the house');
  },
};

/** A model that tells how many tokens it took, as Gemini does. */
class CountingModel extends ScriptedModel {
  override ask(request: Parameters<ScriptedModel['ask']>[0]) {
    const turn = super.ask(request);
    const { ended } = turn;
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 4, thoughtsTokenCount: 1 };
    return {
      ...turn,
      [Symbol.asyncIterator]: turn[Symbol.asyncIterator].bind(turn),
      ended: async () => {
        const outcome = await ended();
        return outcome.ok ? { ...outcome, answer: { ...outcome.answer, usageMetadata } } : outcome;
      },
    };
  }
}

async function held(turns: readonly ScriptedTurn[], options: InstrumentationOptions = {}) {
  const world = telemetryWorld(options);
  worlds.push(world);
  const model = withSubject(new CountingModel(...turns), { provider: 'gcp.gemini', model: 'gemini-x' });
  const conversation = converse({ model, input: 'hello', clock: world.clock, tools: { weather, broken } });
  world.telemetry.attach(conversation.ref);
  return { world, model, conversation };
}

const call = (name: string, args: object = {}) => ({ calls: [{ id: 'c1', name, args }] });

describe('a conversation', () => {
  it('is a span of its agent, with one for each turn and each call below it', async () => {
    const { conversation, world } = await held([call('weather', { city: 'Oslo' }), { text: 'it rains' }]);
    expect(await conversation.ended()).toMatchObject({ ok: true });
    const names = world.spans().map(({ name }) => name);
    expect(names).toEqual(['chat gemini-x', 'execute_tool weather', 'chat gemini-x', `invoke_agent ${conversation.ref.id}`]);
    const agent = world.span(`invoke_agent ${conversation.ref.id}`);
    const tool = world.span('execute_tool weather');
    const [chat] = world.spans();
    for (const span of [tool, chat]) expect(parentOf(span as never)).toBe(agent.spanContext().spanId);
    expect(agent.attributes).toMatchObject({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': conversation.ref.id });
    expect(chat?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.request.model': 'gemini-x',
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'espalier.turn': 1,
    });
    expect(tool.attributes).toMatchObject({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'weather', 'gen_ai.tool.call.id': 'c1' });
    expect(world.spans().map(({ status }) => status.code)).toEqual([0, 0, 0, 0]);
  });

  it('is below the span that is active where it begins', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    const above = trace.getTracer('app').startSpan('request');
    const conversation = context.with(trace.setSpan(context.active(), above), () => {
      const begun = converse({ model: new ScriptedModel({ text: 'yes' }), input: 'hello', clock: world.clock });
      world.telemetry.attach(begun.ref);
      return begun;
    });
    await conversation.ended();
    above.end();
    expect(parentOf(world.span(`invoke_agent ${conversation.ref.id}`))).toBe(above.spanContext().spanId);
  });

  it('tells nothing of what was said, asked of tools and answered by them', async () => {
    const { conversation, world } = await held([call('weather', { city: 'Oslo' }), { text: 'it rains in Oslo' }]);
    await conversation.ended();
    const told = JSON.stringify([world.spans().map(({ attributes, events }) => [attributes, events]), world.lines]);
    expect(told).not.toContain('Oslo');
    expect(told).toContain('weather');
  });

  it('tells it where an app wants that, and no secret then', async () => {
    const turns = [call('weather', { city: 'Oslo', apiKey: 'k', note: 'word-of-mouth' }), { text: 'it rains in Oslo' }];
    const { conversation, world } = await held(turns, { content: true, secrets: ['word-of-mouth'] });
    await conversation.ended();
    expect(world.span('execute_tool weather').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"city":"Oslo","apiKey":"[hidden]","note":"[hidden]"}',
      'gen_ai.tool.call.result': '{"weather":"rain in Oslo"}',
    });
    expect(JSON.stringify(world.lines)).toContain('it rains in Oslo');
    expect(JSON.stringify([world.lines, world.spans().map(({ attributes }) => attributes)])).not.toContain('word-of-mouth');
  });

  it('says of a tool that failed how, and goes on', async () => {
    const { conversation, world } = await held([call('broken'), { text: 'well' }]);
    expect(await conversation.ended()).toMatchObject({ ok: true });
    const tool = world.span('execute_tool broken');
    expect([tool.attributes['error.type'], tool.status]).toEqual(['threw', { code: SpanStatusCode.ERROR, message: 'threw' }]);
    expect(world.telemetry.metrics.valueOf('espalier.tool.inflight')).toBe(0);
  });

  it('that fails says how', async () => {
    const failure = { kind: 'refused', code: 400, status: 'INVALID_ARGUMENT', message: 'no' } as const;
    const { conversation, world } = await held([{ failure }]);
    await conversation.ended();
    expect(world.spans().map(({ name, attributes }) => [name.split(' ')[0], attributes['error.type']])).toEqual([
      ['chat', 'refused'],
      ['invoke_agent', 'refused'],
    ]);
  });

  it.each([
    ['cancelled by its app', 'cancelled', (conversation: ReturnType<typeof converse>) => void conversation.cancel()],
    ['stopped from outside', 'shutdown', (conversation: ReturnType<typeof converse>) => stopActor(conversation.ref)],
  ])('that is %s leaves no span open, and no call in flight', async (_, error, end) => {
    const world = telemetryWorld();
    worlds.push(world);
    const never = { description: 'never', execute: () => new Promise<never>(() => undefined) };
    const conversation = converse({ model: new ScriptedModel(call('never')), input: 'hello', clock: world.clock, tools: { never } });
    const called = new Promise((resolve) => conversation.ref.on('tool.called', resolve));
    world.telemetry.attach(conversation.ref);
    await called;
    expect(world.telemetry.metrics.valueOf('espalier.tool.inflight', { tool: 'never' })).toBe(1);
    end(conversation);
    await conversation.ended();
    expect(world.spans().map(({ name, attributes }) => [name.split(' ')[0], attributes['error.type']])).toEqual([
      ['chat', undefined],
      ['execute_tool', error],
      ['invoke_agent', error],
    ]);
    expect(world.telemetry.metrics.valueOf('espalier.tool.inflight', { tool: 'never' })).toBe(0);
    expect(world.telemetry.metrics.valueOf('espalier.actor.count')).toBe(0);
  });

  it('is measured: durations by the clock of its app, tokens by their type', async () => {
    const { conversation, model, world } = await held([{ ...call('weather', { city: 'Oslo' }), held: true }, { text: 'it rains' }]);
    await model.askedTimes(1);
    world.clock.advanceTo(world.clock.now() + 3_000);
    model.release();
    await conversation.ended();
    const { metrics } = world.telemetry;
    const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.request.model': 'gemini-x' };
    expect(metrics.valueOf('gen_ai.client.operation.duration', chat)).toBe(3);
    expect(metrics.valueOf('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(20);
    expect(metrics.valueOf('gen_ai.client.token.usage', { 'gen_ai.token.type': 'output' })).toBe(10);
    expect(await world.measured('gen_ai.client.operation.duration')).toContainEqual({
      attributes: chat,
      value: expect.objectContaining({ sum: 3, count: 2 }) as unknown,
    });
    expect(await world.measured('gen_ai.execute_tool.duration')).toEqual([
      { attributes: { 'gen_ai.tool.name': 'weather' }, value: expect.objectContaining({ count: 1 }) as unknown },
    ]);
  });
});

describe('telemetry that is killed while a model is asked', () => {
  it('goes on with what is under way: one span for each, with its own end', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    const model = new ScriptedModel({ text: 'yes', held: true });
    const app = orchestrator({
      actors: { telemetry: world.telemetry.logic, helper: conversation({ model, input: 'hello' }) },
      children: [
        { id: 'telemetry', src: 'telemetry' },
        { id: 'helper', src: 'helper', restart: 'temporary' },
      ],
    }).start({ clock: world.clock });
    await model.askedTimes(1);
    const exited = new Promise((resolve) => app.on('child.exited', (fact) => fact.id === 'helper' && resolve(fact)));
    exit(app.child('telemetry') as AnyActorRef, 'killed');
    expect(world.spans()).toEqual([]);
    model.release();
    await exited;
    expect(world.spans().map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['chat', undefined],
      ['invoke_agent helper', undefined],
    ]);
    await app.stop();
  });

  it.each([
    ['its actor ends', 'helper'],
    ['the whole app ends', 'app'],
  ])('and never comes back, leaves nothing under way when %s: it is lost', async (_, who) => {
    const world = telemetryWorld();
    worlds.push(world);
    const { telemetry } = world;
    const hangs = { description: 'hangs', execute: () => new Promise<never>(() => undefined) };
    const model = new ScriptedModel(call('hangs'));
    const called = new Promise<void>((resolve) => void telemetry.handlers.attach('test', 'tool.called', () => resolve()));
    const app = orchestrator({
      actors: { telemetry: telemetry.logic, helper: conversation({ model, input: 'hello', tools: { hangs } }) },
      children: ['telemetry', 'helper'].map((id) => ({ id, src: id as 'helper', restart: 'temporary' })),
    }).start({ clock: world.clock });
    await called;
    exit(app.child('telemetry') as AnyActorRef, 'killed');
    expect([world.spans().length, telemetry.metrics.valueOf('espalier.tool.inflight')]).toEqual([1, 1]);
    exit(who === 'app' ? app.ref : (app.child('helper') as AnyActorRef), 'killed');
    expect(world.spans().map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['chat', undefined],
      ['execute_tool hangs', 'lost'],
      ['invoke_agent helper', 'lost'],
    ]);
    expect(telemetry.metrics.valueOf('espalier.tool.inflight')).toBe(0);
    if (who !== 'app') exit(app.ref, 'killed');
  });

  it('ends what is under way when it is taken off, and says so: `detached`', async () => {
    const world = telemetryWorld();
    worlds.push(world);
    const model = new ScriptedModel({ text: 'yes', held: true });
    const talk = converse({ model, input: 'hello', clock: world.clock });
    const watching = world.telemetry.attach(talk.ref);
    await model.askedTimes(1);
    watching.detach();
    expect(world.spans().map(({ attributes }) => attributes['error.type'])).toEqual(['detached', 'detached']);
    model.release();
    await talk.ended();
    expect(world.spans()).toHaveLength(2);
  });
});

describe('a generation by itself', () => {
  it.each([
    [200, undefined],
    [400, 'refused'],
  ])('is a span of its model, from a child of a tree that is watched by `inspect`: HTTP %s', async (status, error) => {
    const world = telemetryWorld();
    worlds.push(world);
    const answer = { candidates: [{ content: { role: 'model', parts: [{ text: 'rain' }] }, finishReason: 'STOP' }] };
    const body =
      status === 200 ? `data: ${JSON.stringify(answer)}\n\n` : JSON.stringify({ error: { code: status, message: 'no', status: 'INVALID_ARGUMENT' } });
    const type = status === 200 ? 'text/event-stream' : 'application/json';
    const fetch = () => Promise.resolve(new Response(body, { status, headers: { 'content-type': type } }));
    const request = { contents: [{ role: 'user', parts: [{ text: 'rain?' }] }] };
    const feed = generateContentStream({ apiKey: 'k', model: 'models/gemini-y', request, fetch, target: () => undefined });
    const app = orchestrator({ actors: { feed }, children: [{ id: 'feed', src: 'feed', restart: 'temporary' }] }).start({ inspect: world.telemetry });
    await new Promise((resolve) => app.on('child.exited', resolve));
    expect(world.span('chat gemini-y').attributes).toMatchObject({ 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.request.model': 'gemini-y' });
    expect(world.span('chat gemini-y').attributes['error.type']).toBe(error);
    await app.stop();
  });
});
