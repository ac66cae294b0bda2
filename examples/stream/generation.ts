/** An answer read as it is made, by a model that calls a function; then the next turn, with the answer sent back as it came. */
import { type GenerateRequest, streamGenerateContent } from 'espalier';
import { geminiServer } from 'espalier/testing';

const chunk = (parts: object[], finishReason?: string) => ({ candidates: [{ content: { role: 'model', parts }, finishReason }] });

await using server = await geminiServer({
  http: [
    {
      on: 'streamGenerateContent',
      answer: [
        { events: [chunk([{ text: 'Let me ' }]), chunk([{ text: 'look. ' }])], chunkBytes: 7 },
        { events: [chunk([{ functionCall: { id: '1', name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2ln' }], 'STOP')] },
      ],
    },
    { on: 'streamGenerateContent', answer: [{ events: [chunk([{ text: '12 °C, light rain.' }], 'STOP')] }] },
  ],
});

const model = { apiKey: 'any', baseUrl: server.url, model: 'gemini-2.5-flash' };
const contents: GenerateRequest['contents'] = [{ role: 'user', parts: [{ text: 'How is the weather in Oslo?' }] }];

for (let turn = 1; turn <= 3; turn++) {
  const stream = streamGenerateContent({ ...model, request: { contents } });
  for await (const event of stream) {
    if (event.type === 'text' && !event.thought) console.log(event.text);
    if (event.type === 'call') console.log(`calls ${event.call.name} with ${JSON.stringify(event.call.args)}`);
  }
  const outcome = await stream.ended();
  if (!outcome.ok) throw new Error(outcome.failure.message);
  const { content, calls, next } = outcome.answer;
  if (next !== 'calls') break;
  // The model's turn goes back as it came, signatures and all.
  const responses = calls.map(({ id, name }) => ({ functionResponse: { ...(id === undefined ? {} : { id }), name, response: { celsius: 12 } } }));
  contents.push({ role: content.role, parts: [...content.parts] }, { role: 'user', parts: responses });
}
console.log(server.httpOutcome().failure === null ? 'the server saw the whole of it' : 'the server saw something else');
