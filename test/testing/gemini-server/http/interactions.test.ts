/** Interactions on the local server: created, streamed, resumed behind an event, cancelled, deleted; by the names of today and of before. */
import { afterEach, describe, expect, it } from 'vitest';
import { type GeminiServer, geminiServer, type HttpStep, type InteractionScript } from '../../../../src/testing/index.js';
import { nothingIsLeft } from '../../raw-client.js';
import { call, payloads } from './client.js';

afterEach(nothingIsLeft);

const path = '/v1beta/interactions';
const plan: InteractionScript = { id: 'i', steps: [{ thought: 'c2ln' }, { text: ['It is ', '10 C.'] }] };

function serving(interaction: InteractionScript): Promise<GeminiServer> {
  return geminiServer({ http: [{ on: 'interactions.create', interaction }] });
}

async function create(server: GeminiServer, body: object): Promise<unknown[]> {
  return payloads(await (await call(server, path, { body: { model: 'm', input: 'hi', ...body } })).rest());
}

async function get(server: GeminiServer, query = '', id = 'i'): Promise<{ readonly status: number; readonly text: string }> {
  const heard = await call(server, `${path}/${id}${query}`, { method: 'GET' });
  return { status: heard.status, text: await heard.rest() };
}

const types = (events: readonly unknown[]): unknown[] => events.map((event) => (event as { event_type?: string }).event_type ?? event);

describe('an interaction', () => {
  it('that is not streamed is answered whole, with its steps', async () => {
    await using server = await serving(plan);
    const heard = await call(server, path, { body: { model: 'm', input: 'hi' } });
    expect(JSON.parse(await heard.rest())).toEqual({
      id: 'i',
      status: 'completed',
      object: 'interaction',
      model: 'm',
      steps: [
        { signature: 'c2ln', type: 'thought' },
        { content: [{ text: 'It is 10 C.', type: 'text' }], type: 'model_output' },
      ],
    });
  });

  it('that is streamed tells its events by the names of today, with an end that carries no steps', async () => {
    await using server = await serving({ id: 'i', steps: [{ text: 'Hm.' }, { call: { id: 'c', name: 'weather', arguments: { city: 'Oslo' } } }] });
    const heard = await call(server, path, { body: { model: 'm', stream: true } });
    expect(heard.headers['content-type']).toBe('text/event-stream');
    const text = await heard.rest();
    expect(text.startsWith('event: interaction.created\ndata: {')).toBe(true);
    expect(text.endsWith('event: done\ndata: [DONE]\n\n')).toBe(true);
    const events = payloads(text);
    expect(types(events)).toEqual([
      'interaction.created',
      'interaction.status_update',
      ...['step.start', 'step.delta', 'step.stop'],
      ...['step.start', 'step.delta', 'step.delta', 'step.stop'],
      'interaction.completed',
      '[DONE]',
    ]);
    const fragments = events.flatMap((event) => (event as { delta?: { arguments?: string } }).delta?.arguments ?? []);
    expect(JSON.parse(fragments.join(''))).toEqual({ city: 'Oslo' });
    expect(events.at(-2)).toEqual({
      interaction: { id: 'i', status: 'requires_action', object: 'interaction', model: 'm' },
      event_type: 'interaction.completed',
    });
  });

  it('tells them by the names of before May 2026', async () => {
    await using server = await serving({ id: 'i', steps: [{ text: 'Hm.' }], names: 'legacy' });
    expect(types(await create(server, { stream: true }))).toEqual([
      'interaction.start',
      'interaction.status_update',
      ...['content.start', 'content.delta', 'content.stop'],
      'interaction.complete',
      '[DONE]',
    ]);
  });

  it('in the background goes on by itself, and is asked for until it is over', async () => {
    await using server = await serving({ ...plan, steps: [{ hold: 'thinking' }, ...plan.steps] });
    const begun = await call(server, path, { body: { agent: 'deep', background: true } });
    expect(JSON.parse(await begun.rest())).toMatchObject({ id: 'i', status: 'in_progress', agent: 'deep', steps: [] });
    expect(JSON.parse((await get(server)).text)).toMatchObject({ status: 'in_progress' });
    const listening = call(server, `${path}/i?stream=true`, { method: 'GET' });
    server.release('thinking');
    expect(types(payloads(await (await listening).rest())).at(-2)).toBe('interaction.completed');
    expect(JSON.parse((await get(server)).text)).toMatchObject({ status: 'completed', steps: [{}, {}] });
  });

  it('whose stream was dropped goes on behind the event that the client saw last', async () => {
    await using server = await serving({
      ...plan,
      eventIds: true,
      cuts: [
        { after: 4, how: 'drop' },
        { after: 2, how: 'end' },
      ],
    });
    const first = await call(server, path, { body: { model: 'm', stream: true } });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for (let piece = await first.piece(); piece !== null; piece = await first.piece()) seen.push(String(piece));
    };
    await expect(read()).rejects.toThrow('aborted');
    const before = payloads(seen.join(''));
    const last = (event: unknown): string => (event as { event_id: string }).event_id;
    const second = payloads((await get(server, `?stream=true&last_event_id=${last(before.at(-1))}`)).text);
    expect(second).toHaveLength(2);
    const third = payloads((await get(server, `?stream=true&last_event_id=${last(second.at(-1))}`)).text);
    const all = [...before, ...second, ...third.slice(0, -1)];
    const again = payloads((await get(server, '?stream=true')).text);
    expect([...all, '[DONE]']).toEqual(again);
  });

  it.each([[true], [false]])('is there although its creation was not answered (streamed: %s)', async (stream) => {
    await using server = await serving({ ...plan, cuts: [{ after: 0, how: 'drop' }] });
    await expect(call(server, path, { body: { model: 'm', stream } })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(JSON.parse((await get(server)).text)).toMatchObject({ id: 'i', status: 'completed' });
    expect(types(payloads((await get(server, '?stream=true')).text)).at(-1)).toBe('[DONE]');
    expect(server.requests.map(({ end }) => end)).toEqual(['dropped', 'answered', 'answered']);
  });

  it('may repeat events and leave out starts where it goes on', async () => {
    await using server = await serving({ ...plan, eventIds: true, overlap: 2, omits: ['step.start'] });
    const events = await create(server, { stream: true });
    const from = events.findIndex((event) => (event as { event_type: string }).event_type === 'step.stop');
    const id = (events[from] as { event_id: string }).event_id;
    const heard = payloads((await get(server, `?stream=true&last_event_id=${id}`)).text);
    expect(heard).toEqual(events.slice(from - 1).filter((event) => (event as { event_type?: string }).event_type !== 'step.start'));
  });

  it('refuses an event that it does not know, and one where nothing is streamed', async () => {
    await using server = await serving({ ...plan, eventIds: true });
    await create(server, { stream: true });
    expect(await get(server, '?stream=true&last_event_id=gone')).toMatchObject({
      status: 400,
      text: expect.stringContaining('no such event') as string,
    });
    expect(await get(server, '?last_event_id=i-1')).toMatchObject({ status: 400 });
  });

  it('in the background is cancelled, which ends its streams; another is not', async () => {
    await using server = await serving({ ...plan, steps: [{ hold: 'never' }] });
    await (await call(server, path, { body: { model: 'm', background: true } })).rest();
    const stream = await call(server, `${path}/i?stream=true`, { method: 'GET' });
    const cancelled = await call(server, `${path}/i/cancel`);
    expect(JSON.parse(await cancelled.rest())).toMatchObject({ id: 'i', status: 'cancelled' });
    expect(payloads(await stream.rest()).at(-2)).toMatchObject({ interaction: { status: 'cancelled' } });
    server.answer([{ on: 'interactions.create', interaction: { id: 'fore', steps: [] } }]);
    await create(server, {});
    const refused = await call(server, `${path}/fore/cancel`);
    expect([refused.status, JSON.parse(await refused.rest())]).toMatchObject([400, { error: { status: 'FAILED_PRECONDITION' } }]);
  });

  it('that is deleted is not found, and its streams end', async () => {
    await using server = await serving({ ...plan, steps: [{ hold: 'never' }] });
    await (await call(server, path, { body: { model: 'm', background: true } })).rest();
    const stream = await call(server, `${path}/i?stream=true`, { method: 'GET' });
    expect(await (await call(server, `${path}/i`, { method: 'DELETE' })).rest()).toBe('{}\n');
    expect(payloads(await stream.rest()).at(-1)).toBe('[DONE]');
    expect(await get(server)).toMatchObject({ status: 404 });
  });

  it('may be answered by rules instead, before any that the server knows', async () => {
    await using server = await serving(plan);
    await create(server, {});
    const answer: HttpStep[] = [{ error: { code: 503 } }];
    server.answer([{ on: 'interactions.get', answer }]);
    expect(await get(server)).toMatchObject({ status: 503 });
    expect(await get(server)).toMatchObject({ status: 200 });
  });

  it('that nobody waits for any more leaves nothing behind when the server closes', async () => {
    await using server = await serving({ ...plan, steps: [{ hold: 'never' }, { waitMs: 1_000 }] });
    const stream = await call(server, path, { body: { model: 'm', stream: true } });
    await stream.piece();
    stream.leave();
    await server.answered(0);
    expect(server.requests[0]?.end).toBe('gone');
  });
});
