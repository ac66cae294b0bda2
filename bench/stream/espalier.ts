/** Ours: told to a callback, iterated over, and as a generation. */
import { createActor } from 'xstate';
import { httpStream, openStream, streamGenerateContent, type StreamMessage, type SseEvent } from '../../src/index.js';
import { addressOf, type Read, request, type StreamSubject } from './subject.js';

const asked = (base: string, model: string) => ({ url: addressOf(base, model), body: request });

export const callbackSubject: StreamSubject = {
  name: 'espalier, told',
  reads: 'events',
  read: (base, model) =>
    new Promise<Read>((resolve, reject) => {
      let events = 0;
      let characters = 0;
      const target = (message: StreamMessage<SseEvent>): void => {
        if (message.type === 'stream.event') {
          events++;
          characters += message.event.data.length;
        } else if (message.type === 'stream.completed') resolve({ events, characters });
        else reject(new Error(`expected a whole stream, got: ${message.type}`));
      };
      createActor(httpStream({ ...asked(base, model), target })).start();
    }),
};

export const loopSubject: StreamSubject = {
  name: 'espalier, iterated',
  reads: 'events',
  async read(base, model) {
    let events = 0;
    let characters = 0;
    for await (const { data } of openStream(asked(base, model))) {
      events++;
      characters += data.length;
    }
    return { events, characters };
  },
};

export const generateSubject: StreamSubject = {
  name: 'espalier, generation',
  reads: 'answer',
  async read(base, model) {
    let events = 0;
    let characters = 0;
    for await (const event of streamGenerateContent({ baseUrl: base, model, request })) {
      if (event.type === 'chunk') events++;
      else if (event.type === 'text') characters += event.text.length;
    }
    return { events, characters };
  },
};
