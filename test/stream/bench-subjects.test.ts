/** The readers that the bench measures do what they are measured for: none of them skips what it should read. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bareJsonSubject, bareSubject } from '../../bench/stream/bare.js';
import { callbackSubject, generateSubject, loopSubject } from '../../bench/stream/espalier.js';
import { genaiSubject } from '../../bench/stream/genai.js';

const texts = ['one', 'two', 'three'];
const data = texts.map((text, index) =>
  JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text }] }, ...(index === 2 ? { finishReason: 'STOP' } : {}) }] }),
);

describe('the reader', () => {
  it.each(
    [bareSubject, callbackSubject, loopSubject, bareJsonSubject, generateSubject, genaiSubject].map((subject) => [subject.name, subject] as const),
  )('%s reads every event of an answer, and all that is in it', async (_, subject) => {
    const server = createServer((asked, response) => {
      asked.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(data.map((one) => `data: ${one}\r\n\r\n`).join(''));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const read = await subject.read(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '3-3-3');
    const characters = (subject.reads === 'events' ? data : texts).join('').length;
    expect(read).toEqual({ events: 3, characters });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
});
