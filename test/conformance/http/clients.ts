/** Which client plays which request. */
import type { Asking, Client } from './client.js';
import { askStreamed, askWhole } from './generate-client.js';
import { askInteractions } from './interactions-client.js';

export function clientFor({ operation }: Asking): Client {
  if (operation.startsWith('interactions.')) return askInteractions;
  return operation === 'streamGenerateContent' ? askStreamed : askWhole;
}
