/**
 * The other side of the bench, a process of its own. A model `N-B-W` is answered by N events, whose text has B characters, W of them in one write: a
 * server that writes each event by itself has W = 1.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

const server = createServer((asked, response) => {
  asked.resume();
  const [count = 0, length = 0, together = 1] = (/(\d+)-(\d+)-(\d+):/.exec(asked.url ?? '') ?? []).slice(1).map(Number);
  void say(response, count, length, together);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));

function chunk(text: string, more: object = {}): string {
  const candidate = { content: { role: 'model', parts: [{ text }] }, index: 0, ...more };
  return `data: ${JSON.stringify({ candidates: [candidate], modelVersion: 'bench', responseId: 'r' })}\r\n\r\n`;
}

async function say(response: ServerResponse, count: number, length: number, together: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const one = chunk('x'.repeat(length));
  const some = Buffer.from(one.repeat(together));
  for (let left = count - 1; left > 0; left -= together) {
    const bytes = left >= together ? some : Buffer.from(one.repeat(left));
    if (!response.write(bytes)) await once(response, 'drain');
  }
  response.end(chunk('x'.repeat(length), { finishReason: 'STOP' }));
}
