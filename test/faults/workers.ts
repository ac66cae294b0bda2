/** The workers of a tower, all behind its gate. */
import { interactions } from '../../src/interactions/client.js';
import { httpStream } from '../../src/stream/http-stream.js';
import { conversation } from '../../src/tools/conversation.js';
import { generateModel } from '../../src/tools/generate-model.js';
import type { Place } from './tower.js';

/** Between two attempts, as all workers have it. */
export const backoff = { minMs: 50, maxMs: 50, jitter: 0 };
/** Of every request. */
export const deadlines = { connectMs: 100, stallMs: 200, totalMs: 20_000 };

export function feed(place: Place, more: object = {}) {
  const { fetch, gate, signal, target } = place;
  return httpStream({ url: 'http://feed.test/', ...deadlines, retry: { attempts: 2, backoff }, fetch, gate, signal, target, ...more });
}

export function talk({ clock, fetch, gate, signal, target }: Place, more: object = {}, baseUrl = 'http://talk.test') {
  const api = interactions({ baseUrl, ...deadlines, pollMs: 50, retry: { attempts: 3, backoff }, fetch, gate, clock });
  return api.logic({ model: 'm', input: 'Hello' }, { signal, target, ...more });
}

export function chat(place: Place, more: object = {}, baseUrl = 'http://chat.test') {
  const { clock, fetch, gate, signal, target, tool } = place;
  return conversation({
    model: generateModel({ baseUrl, model: 'm', ...deadlines, retry: { attempts: 2, backoff }, fetch }),
    input: 'Hello',
    tools: {
      quick: {
        description: 'comes to its end',
        execute: async (_: object, context) => {
          const run = tool(context);
          await new Promise<void>((resolve) => {
            const end = (): void => {
              clock.clearTimeout(timer);
              context.signal.removeEventListener('abort', end);
              resolve();
            };
            const timer = clock.setTimeout(end, 20);
            context.signal.addEventListener('abort', end);
          });
          run.done();
          return { done: true };
        },
      },
      held: {
        description: 'never comes to its end',
        execute: (_: object, context) => {
          tool(context);
          return new Promise<never>(() => undefined);
        },
      },
    },
    ...{ toolMs: 100, turnMs: 20_000, totalMs: 30_000, subscriber: target, signal, gate },
    ...more,
  });
}
