/**
 * Interactions, by a raw reader: a bare `fetch` and the payloads of its body. It stands in for the client of the package and proves the recordings and the
 * server's side; the client takes its place here, and nowhere else.
 */
import { type Client, key } from './client.js';
import { interactionsEnd, payloadsIn } from './expected.js';

export const askInteractions: Client = async (request, url) => {
  const { operation, method, query, interaction, service, apiVersion } = request;
  const place = service === 'vertex' ? 'projects/REDACTED/locations/REDACTED/' : '';
  const behind = interaction === null ? '' : `/${interaction}${operation === 'interactions.cancel' ? '/cancel' : ''}`;
  const said = request.body ?? (operation === 'interactions.create' ? { model: 'not-recorded', input: 'not recorded', stream: true } : null);
  const response = await fetch(`${url}/${apiVersion ?? 'v1beta'}/${place}interactions${behind}${query === '' ? '' : `?${query}`}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-goog-api-key': key, connection: 'close' },
    ...(said === null ? {} : { body: JSON.stringify(said) }),
  });
  const { events, end } = interactionsEnd(payloadsIn(await response.text()), response.status);
  if (end.ok) return { events, end };
  return { events, end: { ok: false, code: end.code ?? response.status, status: end.status ?? '', message: '' } };
};
