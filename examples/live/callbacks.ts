/** The same by callbacks, over two sockets: the server says goAway, and the conversation goes on over a new one. The app answers calls by itself. */
import { connectLive } from 'espalier';
import { geminiServer } from 'espalier/testing';

await using server = await geminiServer({
  script: [
    { expect: 'setup' },
    { send: { setupComplete: {} } },
    { resumption: { handle: 'first' } },
    { goAway: { timeLeftMs: 10_000 } },
    { expectClose: { code: 1000 } },
    { accept: { handle: 'first' } },
    { expect: 'setup' },
    { send: { setupComplete: {} } },
    { expect: 'clientContent' },
    { callTools: [{ id: '1', name: 'order_tea', args: { sort: 'Assam' } }] },
    { awaitAnswers: ['1'] },
    { say: 'It is on its way.' },
    { expectClose: { code: 1000 } },
  ],
});

const session = await connectLive(
  { apiKey: 'any', baseUrl: server.url, model: 'gemini-3.8-live', tools: { order_tea: { description: 'Orders tea' } } },
  {
    callbacks: {
      onOpen: ({ resumed }, own) => {
        console.log(resumed ? 'open again, resumed' : 'open');
        if (resumed) own.sendText('A pot of tea, please.');
      },
      onError: (fault) => console.log(fault.message),
      onClose: ({ code, wasClean }) => console.log(`closed: ${code}${wasClean ? '' : ', not in order'}`),
      on: {
        'session.goAway': ({ timeLeftMs }) => console.log(`this socket ends in ${timeLeftMs} ms`),
        // A tool without `execute`: whoever has the answer gives it, here or anywhere.
        'tool.called': ({ id, args }, own) => void own.sendToolResponse({ id, response: { ordered: args['sort'] } }),
        text: ({ text }) => console.log(text),
        turnComplete: (_event, own) => void own.close(),
      },
    },
  },
);
await session.ended();
console.log((await server.outcome).ok ? 'the server saw the whole of it' : 'the server saw something else');
