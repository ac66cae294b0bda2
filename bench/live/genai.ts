/** `@google/genai`, whose Live client hands each message to a callback. */
import { GoogleGenAI, Modality, type Session } from '@google/genai';
import { type LiveSubject, model } from './subject.js';

export const genaiSubject: LiveSubject = {
  name: '@google/genai',
  async open(url, heard, answer) {
    const client = new GoogleGenAI({ apiKey: 'bench', httpOptions: { baseUrl: url } });
    let closed: () => void = () => {};
    const ended = new Promise<void>((resolve) => (closed = resolve));
    const session: Session = await client.live.connect({
      model,
      config: { responseModalities: [Modality.AUDIO] },
      callbacks: {
        onmessage: (message) => {
          for (const part of message.serverContent?.modelTurn?.parts ?? []) {
            if (part.inlineData?.data !== undefined) heard.audio(part.inlineData.data.length);
            else if (part.text !== undefined) heard.text(part.text);
          }
          for (const { id = '', name = '' } of message.toolCall?.functionCalls ?? []) {
            void Promise.resolve(answer()).then((output) => session.sendToolResponse({ functionResponses: [{ id, name, response: { output } }] }));
          }
          if (message.serverContent?.turnComplete === true) heard.turnComplete();
        },
        onclose: () => closed(),
      },
    });
    return {
      ask: (text) => session.sendClientContent({ turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true }),
      sendAudio: (data) => session.sendRealtimeInput({ audio: { data, mimeType: 'audio/pcm;rate=16000' } }),
      close: () => {
        session.close();
        return ended;
      },
    };
  },
};
