/**
 * The other side of the bench, a process of its own: it does as little as it can, so that the client's cost is what is measured.
 *
 * A turn of the user says what it wants: `audio N`: N messages of 4 KiB, then turnComplete · `tools N`: N calls, each when the one before is answered,
 * and at last a turnComplete whose text is the round trips in µs · `hear N`: turnComplete once N messages of audio have come · `beat N MS`: a call, and
 * while it is open N messages, MS apart, whose text is the moment they left (monotonic ms, the same in all processes of a machine).
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { monotonicMs } from './monotonic.js';

/** One message of audio: 4 KiB of base64. */
const audio = Buffer.alloc(3_072, 7).toString('base64');
const audioFrame = Buffer.from(
  JSON.stringify({ serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: audio } }] } } }),
);

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on('connection', serve);
http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));

interface ClientMessage {
  readonly setup?: object;
  readonly clientContent?: { readonly turns: readonly { readonly parts: readonly { readonly text: string }[] }[] };
  readonly realtimeInput?: object;
  readonly toolResponse?: object;
}

function serve(socket: WebSocket): void {
  let heard = 0;
  let toHear = 0;
  // An id that came before would be the same call once more, which nobody has to run.
  let calledCount = 0;
  let answered: () => void = () => {};
  const send = (message: object): void => socket.send(Buffer.from(JSON.stringify(message)), { binary: true });
  const endTurn = (text?: string): void => {
    if (text !== undefined) send({ serverContent: { modelTurn: { parts: [{ text }] } } });
    send({ serverContent: { turnComplete: true } });
  };
  const call = (): Promise<void> => {
    send({ toolCall: { functionCalls: [{ id: `call-${calledCount++}`, name: 'echo', args: {} }] } });
    return new Promise((resolve) => (answered = resolve));
  };
  const obey = async (text: string): Promise<void> => {
    const [verb, count = 0, ms = 0] = text.split(' ').map((word, index) => (index === 0 ? word : Number(word))) as [string, number?, number?];
    if (verb === 'hear') {
      toHear = count;
      if (heard >= toHear) endTurn();
      return;
    }
    if (verb === 'audio') {
      for (let i = 0; i < count; i++) {
        socket.send(audioFrame, { binary: true });
        if (i % 50 === 49) await drained(socket);
      }
      return endTurn();
    }
    if (verb === 'tools') {
      const took: number[] = [];
      for (let i = 0; i < count; i++) {
        const began = monotonicMs();
        await call();
        took.push(Math.round((monotonicMs() - began) * 1_000));
      }
      return endTurn(took.join(' '));
    }
    const over = call();
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      send({ serverContent: { modelTurn: { parts: [{ text: String(monotonicMs()) }] } } });
    }
    await over;
    endTurn();
  };
  socket.on('message', (data) => {
    const message = JSON.parse((data as Buffer).toString()) as ClientMessage;
    if (message.realtimeInput !== undefined && ++heard === toHear) endTurn();
    else if (message.setup !== undefined) send({ setupComplete: {} });
    else if (message.toolResponse !== undefined) answered();
    else if (message.clientContent !== undefined) void obey(message.clientContent.turns[0]?.parts[0]?.text ?? '');
  });
}

/** Until the kernel has taken what was sent: memory must not be what is measured. */
function drained(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (socket.bufferedAmount < 1_048_576) resolve();
      else setImmediate(look);
    };
    look();
  });
}
