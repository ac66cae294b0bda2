/** The least that a reader can do: fetch, a TextDecoder, and the same parser as ours. */
import { createParser } from 'eventsource-parser';
import { addressOf, type Read, request, type StreamSubject } from './subject.js';

interface Chunk {
  readonly candidates: readonly { readonly content: { readonly parts: readonly { readonly text: string }[] } }[];
}

async function readEvents(base: string, model: string, onData: (data: string) => void): Promise<void> {
  const response = await fetch(addressOf(base, model), {
    method: 'POST',
    body: JSON.stringify(request),
    headers: { 'content-type': 'application/json' },
  });
  const parser = createParser({ onEvent: ({ data }) => onData(data) });
  const text = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) parser.feed(text.decode(chunk.value, { stream: true }));
}

function bare(name: string, reads: StreamSubject['reads'], lengthOf: (data: string) => number): StreamSubject {
  return {
    name,
    reads,
    read: async (base, model): Promise<Read> => {
      let events = 0;
      let characters = 0;
      await readEvents(base, model, (data) => {
        events++;
        characters += lengthOf(data);
      });
      return { events, characters };
    },
  };
}

export const bareSubject = bare('fetch + eventsource-parser', 'events', (data) => data.length);
export const bareJsonSubject = bare(
  'fetch + eventsource-parser + JSON.parse',
  'answer',
  (data) => (JSON.parse(data) as Chunk).candidates[0]?.content.parts[0]?.text.length ?? 0,
);
