/** A bare EventEmitter: an event for each agent, whose listener is given what to call with the answer. */
import { EventEmitter } from 'node:events';
import type { Subject } from './subject.js';

export const eventEmitterSubject: Subject = {
  name: 'EventEmitter',
  open: async (agents, subscribers) => {
    const bus = new EventEmitter().setMaxListeners(0);
    let heard = 0;
    for (let agent = 0; agent < agents; agent++) {
      bus.on(`agent ${agent}`, (body: number, answer: (value: number) => void) => answer(body + 1));
      bus.on(`notice ${agent}`, () => heard++);
    }
    for (let subscriber = 0; subscriber < subscribers; subscriber++) bus.on('topic', () => heard++);
    return {
      request: (agent, body) => new Promise((resolve) => bus.emit(`agent ${agent}`, body, resolve)),
      notify: (agent, body) => bus.emit(`notice ${agent}`, body),
      publish: (body) => bus.emit('topic', body),
      heard: () => heard,
      close: () => bus.removeAllListeners(),
    };
  },
};
