/** Interactions, by the client of the package. One attempt: a recording answers once, and what was cut is not gone on with. */
import { interactions } from '../../../src/interactions/client.js';
import type { InteractionOutcome } from '../../../src/interactions/handle.js';
import type { RecordedRequest } from '../../../src/testing/gemini-server/http/recording.js';
import { type Client, type Heard, key } from './client.js';

type Api = ReturnType<typeof interactions>;
type Body = Parameters<Api['stream']>[0];

export const askInteractions: Client = async (request, url) => {
  const api = clientFor(request, url);
  const { interaction: id, operation } = request;
  const query = new URLSearchParams(request.query);
  const body = (request.body ?? { model: 'not-recorded', input: 'not recorded', stream: true }) as Body;
  const isStreamed = operation === 'interactions.create' ? body.stream === true : query.get('stream') === 'true';
  if (isStreamed) {
    const lastEventId = query.get('last_event_id');
    const stream = id === null ? api.stream(body) : api.resume(id, lastEventId === null ? {} : { lastEventId });
    const events: unknown[] = [];
    let thrown: string | null = null;
    try {
      for await (const event of stream) if ('wire' in event) events.push(event.wire);
    } catch (error) {
      thrown = String((error as { code?: unknown }).code);
    }
    const outcome = await stream.ended();
    if (thrown !== (outcome.ok ? null : 'stream/ended'))
      throw new Error(`the loop ended by ${thrown}, the stream by ${JSON.stringify(outcome).slice(0, 200)}`);
    // An answer that is whole, where a stream was asked for, has no events.
    const whole = outcome.ok ? outcome.answer.interaction : outcome.partial.interaction;
    const isWhole = events.length === 0 && whole !== null;
    return { events: isWhole ? [whole] : events, end: endOf(outcome) };
  }
  if (operation === 'interactions.create') {
    const outcome = await api.create(body);
    const whole = outcome.ok ? outcome.answer.interaction : outcome.partial.interaction;
    return { events: whole === null ? [] : [whole], end: endOf(outcome) };
  }
  if (operation === 'interactions.delete') {
    const outcome = await api.delete(id ?? '');
    return { events: outcome.ok ? [{}] : [], end: outcome.ok ? { ok: true } : failed(outcome.failure) };
  }
  const outcome = await (operation === 'interactions.cancel' ? api.cancel(id ?? '') : api.get(id ?? ''));
  return outcome.ok ? { events: [outcome.interaction], end: { ok: true } } : { events: [], end: failed(outcome.failure) };
};

function clientFor({ apiVersion, service }: RecordedRequest, baseUrl: string): Api {
  const version = apiVersion === null ? {} : { apiVersion };
  const common = { baseUrl, ...version, retry: { attempts: 1 }, headers: { connection: 'close' } };
  if (service !== 'vertex') return interactions({ ...common, apiKey: key });
  return interactions({ ...common, vertex: { project: 'recorded', location: 'us-central1', accessToken: key } });
}

/** An interaction whose last event says that it failed was read to its end: the recording is played. */
function endOf(outcome: InteractionOutcome): Heard['end'] {
  if (outcome.ok || outcome.failure.kind === 'finish') return { ok: true };
  const { code, kind } = outcome.failure;
  return kind === 'cancelled' && code === 'server' ? { ok: true } : failed(outcome.failure);
}

function failed({ code, message, status }: { readonly code: number | string; readonly message: string; readonly status: string }): Heard['end'] {
  return { ok: false, code, status, message };
}
