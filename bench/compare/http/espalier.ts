/** Ours: `streamGenerateContent`, with no option but the address; how it ended as `ended()` tells it. */
import { streamGenerateContent } from '../../../src/stream/generate.js';
import { version } from './version.js';
import type { Subject } from './case.js';

export const espalier: Subject = {
  name: 'espalier',
  version,
  async stream(baseUrl) {
    const stream = streamGenerateContent({
      apiKey: 'any',
      baseUrl,
      model: 'any',
      request: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    });
    const texts: string[] = [];
    try {
      for await (const event of stream) if (event.type === 'text') texts.push(event.text);
    } catch {
      // The end tells the same.
    }
    const outcome = await stream.ended();
    if (outcome.ok) return { texts, end: { type: 'completed' } };
    const { kind, code, message } = outcome.failure;
    return { texts, end: { type: 'failed', code, words: `${kind}, ${message}` } };
  },
};
