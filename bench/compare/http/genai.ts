/** `@google/genai` of bench/peers/live: `models.generateContentStream`, and its errors as it throws them. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Seen, Subject } from './case.js';

/** What is used of it. */
interface GenAi {
  readonly GoogleGenAI: new (
    options: object,
  ) => {
    readonly models: { generateContentStream(request: object): Promise<AsyncIterable<{ readonly text?: string }>> };
  };
}

export const genaiName = '@google/genai';

/** @param folder  where it is installed */
export function genaiIn(folder: string): Subject {
  const load = createRequire(join(folder, 'package.json'));
  const { GoogleGenAI } = load(genaiName) as GenAi;
  const { version } = load(join(folder, 'node_modules', genaiName, 'package.json')) as { version: string };
  return {
    name: genaiName,
    version,
    async stream(baseUrl): Promise<Seen> {
      const texts: string[] = [];
      try {
        const ai = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl } });
        for await (const { text } of await ai.models.generateContentStream({ model: 'any', contents: 'hi' })) texts.push(text ?? '');
        return { texts, end: { type: 'completed' } };
      } catch (error) {
        return { texts, end: { type: 'failed', code: codeOf(error), words: wordsOf(error) } };
      }
    },
  };
}

/** Its `status`, else a code that the message holds as JSON: whoever looks finds it. */
function codeOf(error: unknown): number | null {
  const { status, message } = error as { status?: unknown; message?: unknown };
  if (typeof status === 'number') return status;
  const found = /"code":\s*(\d{3})/.exec(String(message));
  return found === null ? null : Number(found[1]);
}

function wordsOf(error: unknown): string {
  return String(error).replaceAll(/\s+/g, ' ').slice(0, 100);
}
