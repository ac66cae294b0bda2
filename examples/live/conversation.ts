/** A conversation with two tools that run side by side, read in a loop; against the local server, so without a key. */
import { connectLive, LiveError, liveEvents } from 'espalier';
import { geminiServer } from 'espalier/testing';

await using server = await geminiServer({
  script: [
    { expect: 'setup' },
    { send: { setupComplete: {} } },
    { expect: 'realtimeInput' },
    {
      callTools: [
        { id: '1', name: 'weather', args: { city: 'Oslo' } },
        { id: '2', name: 'time', args: { city: 'Oslo' } },
      ],
    },
    { awaitAnswers: ['1', '2'] },
    { say: ['It is 14:05 in Oslo, ', '12 °C with light rain.'] },
    { expectClose: { code: 1000 } },
  ],
});

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = {
  weather: { description: 'The weather in a city', parameters: city, execute: async () => ({ sky: 'light rain', celsius: 12 }) },
  time: { description: 'The time in a city', parameters: city, timeoutMs: 2_000, execute: () => '14:05' },
};

try {
  await using session = await connectLive(
    { apiKey: 'any', baseUrl: server.url, model: 'gemini-3.8-live', tools },
    { signal: AbortSignal.timeout(10_000) },
  );
  session.sendRealtimeInput({ text: 'What is the weather in Oslo, and what time is it there?' });
  for await (const event of liveEvents(session)) {
    if (event.type === 'tool.called') console.log(`${event.name} is called with ${JSON.stringify(event.args)}`);
    if (event.type === 'tool.answered') console.log(`${event.name} is answered with ${JSON.stringify(event.response)}`);
    if (event.type === 'text') console.log(event.text);
    if (event.type === 'turnComplete') break;
  }
} catch (error) {
  if (!(error instanceof LiveError)) throw error;
  console.log(`no session: ${error.details.kind}, ${error.details.code}, ${error.details.reason}`);
}
console.log((await server.outcome).ok ? 'closed in order' : 'the server saw something else');
