/** HTTP by hand: what no client library would send, and all that comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that a test writes on by itself. Its server may reset it at any time: that is no fault of the test. */
export async function knock(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/**
 * All that a connection is answered, until it is hung up.
 *
 * @param text  what it says
 * @param ends  is that all it will ever say?
 */
export async function answered(port: number, text: string | Buffer, { ends = false } = {}): Promise<string> {
  const socket = await knock(port);
  let answer = '';
  socket.setEncoding('latin1').on('data', (data: string) => (answer += data));
  // Before anything is said; and not by `once`, which would reject where the connection is reset.
  const isOver = new Promise((resolve) => socket.on('close', resolve));
  socket.write(text);
  if (ends) socket.end();
  await isOver;
  return answer;
}
