/** `@google/genai`, by `generateContentStream`. */
import { GoogleGenAI } from '@google/genai';
import type { StreamSubject } from './subject.js';

export const genaiSubject: StreamSubject = {
  name: '@google/genai',
  reads: 'answer',
  async read(base, model) {
    const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: base } });
    let events = 0;
    let characters = 0;
    for await (const chunk of await client.models.generateContentStream({ model, contents: 'go' })) {
      events++;
      characters += chunk.candidates?.[0]?.content?.parts?.[0]?.text?.length ?? 0;
    }
    return { events, characters };
  },
};
