/** A bare mutex, and a queue that does one thing at a time, as subjects of the coordination benchmark, in the shape of bench/coordination/subject.ts. */
import { Mutex } from 'async-mutex';
import PQueue from 'p-queue';

/** @param line  what the benchmark makes an election of, for those who have none */
export const mutexes = (line) => [
  lines('async-mutex', line, () => {
    const mutex = new Mutex();
    return () => mutex.acquire();
  }),
  lines('p-queue', line, () => {
    const queue = new PQueue({ concurrency: 1 });
    return () => new Promise((entered) => void queue.add(() => new Promise((leave) => entered(leave))));
  }),
];

function lines(name, line, room) {
  const open = async (rooms) => {
    const enter = Array.from({ length: rooms }, room);
    return { enter: (index) => enter[index](), close: async () => {} };
  };
  return { name, open, elect: async (elections, candidates) => line(await open(elections), elections, candidates) };
}
