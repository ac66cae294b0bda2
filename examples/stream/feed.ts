/** A feed of server-sent events as a supervised child: it fails, its supervisor starts it again, and the app is told of every event and of each end. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { httpStream, orchestrator } from 'espalier';

let visits = 0;
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  // The first time the feed is cut in the middle of an event.
  if (++visits === 1) response.end('event: price\ndata: {"tea":4}\n\nevent: price\ndata: {"te');
  else response.end('event: price\ndata: {"tea":5}\n\n');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

let completed: () => void = () => {};
const over = new Promise<void>((resolve) => (completed = resolve));
const feed = httpStream({
  url: `http://127.0.0.1:${port}/prices`,
  decode: ({ data }) => JSON.parse(data) as { tea: number },
  target: (message) => {
    if (message.type === 'stream.event') console.log(`tea costs ${message.event.tea}`);
    else if (message.type === 'stream.failed') console.log(`failed: ${message.failure.kind}`);
    else completed();
  },
});

const app = orchestrator({ actors: { feed }, children: [{ id: 'feed', src: 'feed', restart: 'transient' }] }).start();
await over;
console.log('completed');
await app.stop();
server.close();
