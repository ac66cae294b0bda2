/** Interactions, by the client of the package. By one attempt what was cut is not gone on with. */
import { interactions } from '../../../src/interactions/client.js';
import type { InteractionOutcome, InteractionStream } from '../../../src/interactions/handle.js';
import { addressOf, type Client, follow, type Heard } from './client.js';

type Api = ReturnType<typeof interactions>;
type Body = Parameters<Api['stream']>[0];
type Failure = Extract<InteractionOutcome, { ok: false }>['failure'];

export const askInteractions: Client = async (request, url) => {
  const api = interactions(addressOf(request, url));
  const { interaction, isStreamed, operation } = request;
  const id = interaction ?? '';
  const body = (request.body ?? { model: 'not-recorded', input: 'not recorded', ...(isStreamed ? { stream: true } : {}) }) as Body;
  if (operation === 'interactions.create') return isStreamed ? followed(api.stream(body)) : { events: [], ...heardOf(await api.create(body)) };
  if (isStreamed) {
    const lastEventId = new URLSearchParams(request.query).get('last_event_id');
    return followed(api.resume(id, lastEventId === null ? {} : { lastEventId }));
  }
  if (operation === 'interactions.delete') {
    const outcome = await api.delete(id);
    return { events: [], answer: null, end: outcome.ok ? { ok: true, outcome: '' } : failed(outcome.failure) };
  }
  const outcome = await (operation === 'interactions.cancel' ? api.cancel(id) : api.get(id));
  if (!outcome.ok) return { events: [], answer: null, end: failed(outcome.failure) };
  return { events: [], answer: { interaction: outcome.interaction }, end: { ok: true, outcome: '' } };
};

async function followed(stream: InteractionStream): Promise<Heard> {
  const { outcome, ...told } = await follow(stream);
  return { ...told, ...heardOf(outcome) };
}

function heardOf(outcome: InteractionOutcome): Pick<Heard, 'answer' | 'end'> {
  if (!outcome.ok) return { answer: { ...outcome.partial }, end: failed(outcome.failure) };
  return { answer: { ...outcome.answer }, end: { ok: true, outcome: outcome.outcome } };
}

function failed(failure: Failure): Heard['end'] {
  return { ok: false, ...failure };
}
