/** A recording as a client's script: its frames, to the letter, against our server over a real socket. */
import { WebSocket } from 'ws';
import { geminiServer } from '../../../src/testing/gemini-server/server.js';
import { replayScript } from '../../../src/testing/gemini-server/recording-scripts.js';
import { Waits } from '../../../src/testing/gemini-server/waits.js';
import { parseServerMessage } from '../../../src/wire/gemini/live.js';
import { difference } from './recorded-calls.js';
import type { Session } from './recordings.js';

/** How long a whole recording may take, ms. */
const deadlineMs = 20_000;

/** @returns what went wrong, in words; undefined where all went well */
export async function playAgainstClient(script: Session): Promise<string | undefined> {
  const server = await geminiServer({ script: replayScript(script.recording), key: null, maxReceived: 100_000, deadlineMs });
  const heard: unknown[] = [];
  let next = 0;
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent`);
  const speak = (): void => {
    for (let due = script.said[next]; due !== undefined && due.afterServerMessages <= heard.length; due = script.said[next]) {
      next += 1;
      socket.send(due.text);
    }
  };
  let closedBy: string | null = null;
  const waits = new Waits();
  socket.on('open', speak);
  socket.on('message', (data) => {
    const read = parseServerMessage(data);
    heard.push(read.ok ? read.message : null);
    speak();
    waits.changed();
  });
  socket.on('error', (error) => (closedBy = error.message));
  socket.on('close', (code, reason) => {
    closedBy ??= `${code} ${reason.toString()}`;
    waits.changed();
  });
  try {
    const isOver = (): true | undefined =>
      closedBy !== null || (heard.length >= script.heard.length && next >= script.said.length) ? true : undefined;
    await waits.until(isOver, deadlineMs);
    const outcome = await server.outcome;
    if (!outcome.ok) return `the server's script failed at step ${outcome.step}: ${outcome.reason}`;
    if (next < script.said.length) return `said ${next} of ${script.said.length} messages, closed: ${String(closedBy)}`;
    const last = await server.nth(script.said.length - 1, { deadlineMs });
    if (!last.ok) return `the server heard ${server.received.length} of ${script.said.length} messages`;
    return (
      difference('message of the server', script.heard, heard) ??
      difference(
        'message of the client',
        script.said.map(({ message }) => message),
        server.received.map(({ message }) => message),
      )
    );
  } finally {
    waits.close();
    socket.terminate();
    await server.close();
  }
}
