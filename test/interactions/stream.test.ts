/** A stream of an interaction, against the local server: read, cut, gone on with, and told by both sets of names. */
import { afterEach, describe, expect, it } from 'vitest';
import { interactions } from '../../src/interactions/client.js';
import type { InteractionStreamEvent } from '../../src/interactions/account.js';
import type { InteractionStream } from '../../src/interactions/handle.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { HttpRule, InteractionScript } from '../../src/testing/gemini-server/http/rules.js';
import { nothingIsLeft } from '../testing/raw-client.js';

const request = { model: 'gemini-2.5-flash', input: 'Hello' };
const quick = { attempts: 3, backoff: { minMs: 1, maxMs: 1, jitter: 0 } };
const steps: InteractionScript['steps'] = [{ thought: 'c2lnbg==' }, { text: ['Hel', 'lo'] }];

let server: GeminiServer | null = null;

async function serve(...http: readonly HttpRule[]): Promise<GeminiServer> {
  server = await geminiServer({ http: [...http] });
  return server;
}

function client({ url }: GeminiServer, options: object = {}) {
  return interactions({ baseUrl: url, apiKey: 'secret-key', retry: quick, pollMs: 1, headers: { connection: 'close' }, ...options });
}

async function read(stream: InteractionStream): Promise<InteractionStreamEvent[]> {
  const events: InteractionStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const typesOf = (events: readonly InteractionStreamEvent[]): string[] => events.map(({ type }) => type);
const asked = ({ requests }: GeminiServer): string[] =>
  requests.map(({ method, operation, query }) => [method, operation, new URLSearchParams(query).toString()].join(' ').trim());

const wholeTypes = [
  ...['interaction.created', 'interaction.status_update'],
  ...['step.start', 'step.delta', 'step.stop'],
  ...['step.start', 'step.delta', 'step.delta', 'step.stop'],
  ...['interaction.completed', 'answer'],
];

afterEach(async () => {
  await server?.close();
  server = null;
  await nothingIsLeft();
});

describe('the stream of an interaction', () => {
  it.each(['current', 'legacy'] as const)('is told by the names of today, where the server uses the %s ones', async (names) => {
    const stream = client(await serve({ on: 'interactions.create', interaction: { id: 'one', steps, names } })).stream(request);
    const events = await read(stream);
    expect(typesOf(events)).toEqual(wholeTypes);
    const outcome = await stream.ended();
    expect(outcome).toMatchObject({
      ok: true,
      outcome: 'completed',
      answer: { id: 'one', status: 'completed', text: 'Hello', calls: [], isWhole: true },
    });
    expect(outcome.ok && outcome.answer.steps[0]).toEqual({ type: 'thought', signature: 'c2lnbg==' });
  });

  it('that breaks goes on behind the last event that it knows, and tells none twice', async () => {
    const script: InteractionScript = {
      id: 'one',
      steps,
      eventIds: true,
      overlap: 2,
      cuts: [
        { after: 4, how: 'drop' },
        { after: 4, how: 'end' },
      ],
    };
    const served = await serve({ on: 'interactions.create', interaction: script });
    const stream = client(served).stream(request);
    expect(typesOf(await read(stream))).toEqual(wholeTypes);
    expect(asked(served)).toEqual([
      'POST interactions.create',
      'GET interactions.get stream=true&last_event_id=one-3',
      'GET interactions.get stream=true&last_event_id=one-5',
    ]);
    expect(await stream.ended()).toMatchObject({ ok: true, answer: { text: 'Hello', isWhole: true, lastEventId: 'one-9' } });
  });

  it('that is repeated without its starts of steps still makes the same steps', async () => {
    const script: InteractionScript = { id: 'one', steps, eventIds: true, omits: ['step.start'], cuts: [{ after: 5, how: 'drop' }] };
    const stream = client(await serve({ on: 'interactions.create', interaction: script })).stream(request);
    await read(stream);
    expect(await stream.ended()).toMatchObject({
      ok: true,
      answer: { text: 'Hello', isWhole: false, steps: [{ type: 'thought' }, { type: 'model_output' }] },
    });
  });

  it('that breaks before any event had an id is polled, and its answer is whole', async () => {
    const script: InteractionScript = { id: 'one', steps, cuts: [{ after: 4, how: 'drop' }] };
    const served = await serve({ on: 'interactions.create', interaction: script });
    const stream = client(served).stream(request);
    expect(typesOf(await read(stream))).toEqual([...wholeTypes.slice(0, 4), 'polled', 'answer']);
    expect(asked(served)).toEqual(['POST interactions.create', 'GET interactions.get']);
    expect(await stream.ended()).toMatchObject({ ok: true, answer: { text: 'Hello', isWhole: true } });
  });

  it('whose event id is past its retention is read from the start again, and tells none twice', async () => {
    const interaction: InteractionScript = { id: 'one', steps, eventIds: true, cuts: [{ after: 4, how: 'drop' }] };
    const gone = { on: 'interactions.get' as const, answer: [{ error: { code: 400, message: 'no such event', status: 'INVALID_ARGUMENT' } }] };
    const served = await serve({ on: 'interactions.create', interaction }, gone);
    const stream = client(served).stream(request);
    expect(typesOf(await read(stream))).toEqual(wholeTypes);
    expect(asked(served).slice(1)).toEqual(['GET interactions.get stream=true&last_event_id=one-3', 'GET interactions.get stream=true']);
  });

  it('hands over the functions that are to be called', async () => {
    const call = { id: 'call-1', name: 'weather', arguments: { city: 'Zürich', days: 3 } };
    const stream = client(await serve({ on: 'interactions.create', interaction: { steps: [{ thought: 'c2ln' }, { call }] } })).stream(request);
    const outcome = await stream.answer();
    expect(outcome).toMatchObject({ ok: true, outcome: 'requiresAction', answer: { status: 'requires_action', calls: [call] } });
  });

  it('passes on what nobody knows', async () => {
    const event = { event_type: 'interaction.dreamt', of: ['sheep'] };
    const stream = client(await serve({ on: 'interactions.create', interaction: { steps: [{ event }, { text: 'Hi' }] } })).stream(request);
    expect(await read(stream)).toContainEqual({ type: 'other', eventId: null, wire: event });
  });
});
