/** Which client plays which request. */
import type { RecordedRequest } from '../../../src/testing/gemini-server/http/recording.js';
import type { Client } from './client.js';
import { askStreamed, askWhole } from './generate-client.js';
import { askInteractions } from './interactions-client.js';

export function clientFor({ operation }: RecordedRequest): Client {
  if (operation.startsWith('interactions.')) return askInteractions;
  return operation === 'streamGenerateContent' ? askStreamed : askWhole;
}
