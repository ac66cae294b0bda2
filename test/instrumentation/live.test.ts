/** Live sessions as spans: a trace for each turn, linked to the session; none that is open for as long as the session is. */
import { afterEach, expect, it } from 'vitest';
import { liveSessionHandle } from '../../src/live/handle.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession, type LiveSessionRef } from '../../src/live/session.js';
import { type App, orchestrator } from '../../src/supervision/orchestrator.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { parentOf, telemetryWorld, type TelemetryWorld } from './telemetry-world.js';

const open: { readonly world: TelemetryWorld; readonly app: App; readonly server: GeminiServer }[] = [];
afterEach(async () => {
  for (const { app, server, world } of open.splice(0)) {
    await app.stop();
    await server.close();
    await world.close();
  }
});

const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];
const says = (text: string): Step => ({ send: { serverContent: { modelTurn: { role: 'model', parts: [{ text }] } } } });
const complete: Step = {
  send: { serverContent: { turnComplete: true }, usageMetadata: { promptTokenCount: 8, responseTokenCount: 3, totalTokenCount: 11 } },
};

async function talk(script: readonly Step[], reconnect: LiveSessionOptions['reconnect'] = { intensity: 0 }) {
  const server = await geminiServer({ script });
  const world = telemetryWorld();
  const weather = { description: 'the weather', execute: () => ({ output: 'rain' }) };
  const voice = liveSession({ baseUrl: server.url, model: 'gemini-live', apiKey: 'k', tools: { weather }, reconnect });
  const app = orchestrator({
    actors: { telemetry: world.telemetry.logic, voice },
    children: [
      { id: 'telemetry', src: 'telemetry' },
      { id: 'voice', src: 'voice' },
    ],
  }).start();
  open.push({ app, server, world });
  expect(await app.started()).toEqual({ ok: true });
  return { app, world, session: () => liveSessionHandle(app.child('voice') as unknown as LiveSessionRef) };
}

it('have one trace for each turn, linked to the session, whose own span ends when it is ready', async () => {
  const { app, session, world } = await talk([
    ...setUp,
    { expect: 'clientContent' },
    { send: { toolCall: { functionCalls: [{ id: 'f1', name: 'weather', args: { city: 'Oslo' } }] } } },
    { expect: 'toolResponse' },
    says('it rains in Oslo'),
    complete,
    { expect: 'clientContent' },
    says('you are welcome'),
    complete,
    { expectClose: { code: 1000 } },
  ]);
  const first = session();
  await first.ready();
  expect(world.spans().map(({ name }) => name)).toEqual(['live.session']);
  const turns = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let left = count;
      first.on('session.message', ({ message }) => {
        const { serverContent } = message as { serverContent?: { turnComplete?: boolean } };
        if (serverContent?.turnComplete === true && --left === 0) resolve();
      });
    });
  const both = turns(2);
  const one = turns(1);
  first.sendText('rain?');
  await one;
  first.sendText('thanks');
  await both;
  await app.stop();
  expect(world.spans().map(({ name }) => name)).toEqual(['live.session', 'execute_tool weather', 'chat gemini-live', 'chat gemini-live']);
  const [own, tool, turn, second] = world.spans();
  expect(parentOf(tool as never)).toBe(turn?.spanContext().spanId);
  expect([parentOf(turn as never), parentOf(second as never)]).toEqual([undefined, undefined]);
  expect(turn?.spanContext().traceId).not.toBe(second?.spanContext().traceId);
  for (const each of [turn, second]) expect(each?.links.map((link) => link.context.spanId)).toEqual([own?.spanContext().spanId]);
  expect(turn?.attributes).toMatchObject({ 'gen_ai.provider.name': 'gcp.gemini', 'gen_ai.usage.input_tokens': 8, 'gen_ai.usage.output_tokens': 3 });
  expect(world.telemetry.metrics.valueOf('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(16);
  expect(JSON.stringify([world.lines, world.spans().map(({ attributes }) => attributes)])).not.toContain('Oslo');
});

it('that are restarted are linked to the one before, and a turn that was cut is told to have failed', async () => {
  const { app, session, world } = await talk([
    ...setUp,
    { expect: 'clientContent' },
    says('well'),
    { drop: true },
    { accept: true },
    ...setUp,
    { expectClose: { code: 1000 } },
  ]);
  const first = session();
  await first.ready();
  const restarted = new Promise((resolve) => app.on('child.restarted', resolve));
  first.sendText('rain?');
  await first.ended();
  await restarted;
  await session().ready();
  const [own, turn, again] = world.spans();
  expect(world.spans().map(({ name }) => name)).toEqual(['live.session', 'chat gemini-live', 'live.session']);
  expect(turn?.attributes['error.type']).toBe('connectionLost');
  expect(again?.links.map((link) => link.context.spanId)).toEqual([own?.spanContext().spanId]);
  expect(again?.events.map(({ name }) => name)).toEqual(['session.restarted']);
  expect(again?.attributes['espalier.actor.incarnation']).toBe(2);
});

it('that lose their socket have a span until they are ready again, linked to the session, which each attempt is an event of', async () => {
  const again: readonly Step[] = [{ accept: { handle: 'h1' } }, ...setUp, { expectClose: { code: 1000 } }];
  const script: readonly Step[] = [...setUp, { resumption: { handle: 'h1' } }, { expect: 'clientContent' }, { drop: true }, ...again];
  const { session, world } = await talk(script, { intensity: 1, backoff: { minMs: 1, maxMs: 1, jitter: 0 } });
  const live = session();
  await live.ready();
  const lost = new Promise((resolve) => live.on('session.reconnecting', resolve));
  const back = new Promise((resolve) => live.on('session.ready', resolve));
  live.sendText('rain?');
  await Promise.all([lost, back]);
  expect(world.spans().map(({ name }) => name)).toEqual(['live.session', 'live.reconnect']);
  const [own, reconnect] = world.spans();
  expect(reconnect?.links.map((link) => link.context.spanId)).toEqual([own?.spanContext().spanId]);
  expect(reconnect?.events.map(({ name, attributes }) => [name, attributes?.['espalier.attempt']])).toEqual([['session.reconnecting', 1]]);
  expect([reconnect?.attributes['espalier.live.resumed'], reconnect?.status.code]).toEqual([true, 0]);
});

it('have what they let go counted, by its lane and why', async () => {
  const backoff = { minMs: 60_000, maxMs: 60_000, jitter: 0 };
  const { app, session, world } = await talk([...setUp, { expect: 'clientContent' }, { drop: true }], { intensity: 1, backoff });
  const live = session();
  await live.ready();
  const lost = new Promise((resolve) => live.on('session.reconnecting', resolve));
  live.sendText('rain?');
  await lost;
  expect(live.sendText('snow?')).toEqual({ status: 'queued' });
  await app.stop();
  expect(await world.measured('espalier.mailbox.dropped')).toEqual([{ attributes: { lane: 'content', reason: 'ended' }, value: 1 }]);
});
