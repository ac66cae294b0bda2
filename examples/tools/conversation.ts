/** A conversation in which the model calls two tools side by side, read in a loop; against the local server, so without a key. */
import { converse, generateModel } from 'espalier';
import { geminiServer } from 'espalier/testing';

const calls = [
  { functionCall: { id: '1', name: 'weather', args: { city: 'Oslo' } } },
  { functionCall: { id: '2', name: 'time', args: { city: 'Oslo' } } },
];
await using server = await geminiServer({
  http: [
    { on: 'streamGenerateContent', answer: [{ events: [{ candidates: [{ content: { role: 'model', parts: calls }, finishReason: 'STOP' }] }] }] },
    {
      on: 'streamGenerateContent',
      answer: [
        { events: [{ candidates: [{ content: { role: 'model', parts: [{ text: 'It is 14:05 in Oslo, 12 °C.' }] }, finishReason: 'STOP' }] }] },
      ],
    },
  ],
});

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = {
  weather: { description: 'The weather in a city', parameters: city, execute: async () => ({ sky: 'light rain', celsius: 12 }) },
  time: { description: 'The time in a city', parameters: city, timeoutMs: 2_000, execute: () => '14:05' },
};

await using conversation = converse({
  model: generateModel({ apiKey: 'any', baseUrl: server.url, model: 'gemini-2.5-flash' }),
  input: 'What is the weather in Oslo, and what time is it there?',
  tools,
  signal: AbortSignal.timeout(10_000),
});
for await (const event of conversation) {
  if (event.type === 'toolCall') console.log(`${event.name} is called with ${JSON.stringify(event.args)}`);
  if (event.type === 'toolResult') console.log(`${event.name} is answered with ${JSON.stringify(event.response)}`);
  if (event.type === 'text') console.log(event.text);
}
const outcome = await conversation.ended();
console.log(outcome.ok ? `answered after ${outcome.turns} turns` : `no answer: ${outcome.failure.kind}`);
