/** A p-queue for each agent, of as many tasks at once as a channel has credits, as a subject of the comms benchmark, in the shape of bench/comms/subject.ts. */
import PQueue from 'p-queue';

const queue = () => new PQueue({ concurrency: 16 });

export const queues = {
  name: 'p-queue',
  open: async (agents, subscribers) => {
    const mailboxes = Array.from({ length: agents }, queue);
    const hearing = Array.from({ length: subscribers }, queue);
    let heard = 0;
    const hear = async () => void heard++;
    return {
      request: (agent, body) => mailboxes[agent].add(async () => body + 1),
      notify: (agent) => mailboxes[agent].add(hear),
      publish: () => Promise.all(hearing.map((mailbox) => mailbox.add(hear))),
      heard: () => heard,
      close: () => undefined,
    };
  },
};
