/** The least that a client can do: `ws`, and JSON.parse of each frame. */
import { WebSocket } from 'ws';
import { type LiveSubject, model } from './subject.js';

interface Message {
  readonly setupComplete?: object;
  readonly serverContent?: {
    readonly modelTurn?: { readonly parts?: readonly { readonly text?: string; readonly inlineData?: { readonly data: string } }[] };
    turnComplete?: boolean;
  };
  readonly toolCall?: { readonly functionCalls: readonly { readonly id: string; readonly name: string }[] };
}

export const rawWsSubject: LiveSubject = {
  name: 'ws + JSON.parse',
  open: (url, heard, answer) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent`, {
        perMessageDeflate: false,
      });
      const send = (message: object): void => socket.send(JSON.stringify(message));
      const read = (message: Message): void => {
        for (const part of message.serverContent?.modelTurn?.parts ?? []) {
          if (part.inlineData !== undefined) heard.audio(part.inlineData.data.length);
          else if (part.text !== undefined) heard.text(part.text);
        }
        for (const { id, name } of message.toolCall?.functionCalls ?? []) {
          void Promise.resolve(answer()).then((output) => send({ toolResponse: { functionResponses: [{ id, name, response: { output } }] } }));
        }
        if (message.serverContent?.turnComplete === true) heard.turnComplete();
        if (message.setupComplete === undefined) return;
        resolve({
          ask: (text) => send({ clientContent: { turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true } }),
          sendAudio: (data) => send({ realtimeInput: { audio: { data, mimeType: 'audio/pcm;rate=16000' } } }),
          close: () =>
            new Promise((closed) => {
              socket.once('close', () => closed());
              socket.close(1000);
            }),
        });
      };
      socket.on('open', () => send({ setup: { model: `models/${model}` } }));
      socket.on('message', (data) => read(JSON.parse((data as Buffer).toString()) as Message));
      socket.on('error', reject);
    }),
};
