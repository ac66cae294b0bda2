/** Interactions, by the client of the package. One attempt: a recording answers once, and what was cut is not gone on with. */
import { interactions } from '../../../src/interactions/client.js';
import type { InteractionOutcome, InteractionStream } from '../../../src/interactions/handle.js';
import { type Asking, type Client, type Heard, key } from './client.js';

type Api = ReturnType<typeof interactions>;
type Body = Parameters<Api['stream']>[0];
type Failure = Extract<InteractionOutcome, { ok: false }>['failure'];

export const askInteractions: Client = async (request, url) => {
  const api = clientFor(request, url);
  const { interaction, isStreamed, operation } = request;
  const id = interaction ?? '';
  const body = (request.body ?? { model: 'not-recorded', input: 'not recorded', ...(isStreamed ? { stream: true } : {}) }) as Body;
  if (operation === 'interactions.create') return isStreamed ? follow(api.stream(body)) : { events: [], ...heardOf(await api.create(body)) };
  if (isStreamed) {
    const lastEventId = new URLSearchParams(request.query).get('last_event_id');
    return follow(api.resume(id, lastEventId === null ? {} : { lastEventId }));
  }
  if (operation === 'interactions.delete') {
    const outcome = await api.delete(id);
    return { events: [], answer: null, end: outcome.ok ? { ok: true, outcome: '' } : failed(outcome.failure) };
  }
  const outcome = await (operation === 'interactions.cancel' ? api.cancel(id) : api.get(id));
  if (!outcome.ok) return { events: [], answer: null, end: failed(outcome.failure) };
  return { events: [], answer: { interaction: outcome.interaction }, end: { ok: true, outcome: '' } };
};

async function follow(stream: InteractionStream): Promise<Heard> {
  const events: unknown[] = [];
  let thrown: string | null = null;
  try {
    for await (const event of stream) events.push(event);
  } catch (error) {
    thrown = String((error as { code?: unknown }).code);
  }
  const outcome = await stream.ended();
  if (thrown !== (outcome.ok ? null : 'stream/ended'))
    throw new Error(`the loop ended by ${thrown}, the stream by ${JSON.stringify(outcome).slice(0, 200)}`);
  return { events, ...heardOf(outcome), leftovers: JSON.stringify(stream.ref.getPersistedSnapshot()) };
}

function clientFor({ apiVersion, service }: Asking, baseUrl: string): Api {
  const version = apiVersion === null ? {} : { apiVersion };
  const common = { baseUrl, ...version, retry: { attempts: 1 }, headers: { connection: 'close' } };
  if (service !== 'vertex') return interactions({ ...common, apiKey: key });
  return interactions({ ...common, vertex: { project: 'recorded', location: 'us-central1', accessToken: key } });
}

function heardOf(outcome: InteractionOutcome): Pick<Heard, 'answer' | 'end'> {
  if (!outcome.ok) return { answer: { ...outcome.partial }, end: failed(outcome.failure) };
  return { answer: { ...outcome.answer }, end: { ok: true, outcome: outcome.outcome } };
}

function failed(failure: Failure): Heard['end'] {
  return { ok: false, ...failure };
}
