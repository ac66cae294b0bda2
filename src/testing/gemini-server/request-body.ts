/** The body of a request, within bounds of size and time. */
import type { IncomingMessage } from 'node:http';

import type { Waits } from './waits.js';

/** The body as text; or the status with which it is refused: 408 at the deadline, 413 for more than `maxBytes`. Never rejects. */
export async function bodyOf(request: IncomingMessage, waits: Waits, deadlineMs: number, maxBytes: number): Promise<string | 408 | 413> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let end: string | 408 | 413 | undefined;
  const conclude = (how: string | 408 | 413): void => {
    end ??= how;
    waits.changed();
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) conclude(413);
    else chunks.push(chunk);
  });
  request.on('end', () => conclude(Buffer.concat(chunks).toString('utf8')));
  request.on('error', () => conclude(408));
  const waited = await waits.until(() => end, deadlineMs);
  return waited.ok ? waited.value : 408;
}
