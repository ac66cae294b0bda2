/** An interaction whose connection breaks twice: it is gone on with, each event comes once, and the function that it asks for is answered by another. */
import { interactions } from 'espalier';
import { geminiServer } from 'espalier/testing';

await using server = await geminiServer({
  key: null,
  http: [
    {
      on: 'interactions.create',
      interaction: {
        steps: [{ text: ['Let me ', 'look. '] }, { call: { id: 'c1', name: 'weather', arguments: { city: 'Oslo' } } }],
        eventIds: true,
        cuts: [
          { after: 4, how: 'drop' },
          { after: 3, how: 'end' },
        ],
        overlap: 2,
      },
    },
    { on: 'interactions.create', match: { previous_interaction_id: 'v1_local-1' }, interaction: { steps: [{ text: '12 °C, light rain.' }] } },
  ],
});

const api = interactions({ baseUrl: server.url, retry: { backoff: { minMs: 1, maxMs: 1 } } });
const model = 'gemini-2.5-flash';

const stream = api.stream({ model, input: 'How is the weather in Oslo?', background: true });
stream.ref.on('interaction.retrying', ({ ask, failure }) => console.log(`${failure.kind}: ${ask}`));
for await (const event of stream) if (event.type === 'step.delta' && event.delta.type === 'text') console.log(event.delta['text']);

const outcome = await stream.ended();
if (!outcome.ok || outcome.outcome !== 'requiresAction') throw new Error('expected calls');
const results = outcome.answer.calls.map(({ arguments: given, id, name }) => {
  console.log(`calls ${name} with ${JSON.stringify(given)}`);
  return { type: 'function_result', call_id: id, name, result: { celsius: 12 } };
});
const next = await api.create({ model, input: results, ...(outcome.answer.id === null ? {} : { previous_interaction_id: outcome.answer.id }) });
console.log(next.ok ? next.answer.text : next.failure.message);
