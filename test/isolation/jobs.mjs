/** What jobs of the tests do, good and bad. */
import { writeSync } from 'node:fs';
import { Worker, threadId } from 'node:worker_threads';

export const double = (input) => input * 2;
export const echo = (input) => input;
export const where = () => ({ threadId, pid: process.pid });
export const throwError = () => {
  throw Object.assign(new RangeError('too far'), { code: 'FAR' });
};

/** Throws anything. @param {unknown} thing */
const raise = (thing) => {
  throw thing;
};
export const throwNull = () => raise(null);
export const throwFunction = () => raise(() => 1);
export const throwHostile = () =>
  raise(
    Object.defineProperty({}, 'name', {
      get() {
        throw new Error('no name');
      },
    }),
  );
export const throwLater = async () => {
  setImmediate(() => raise(null));
  await new Promise(() => {});
};
export const rejectAside = async () => {
  void Promise.reject(new Error('aside'));
  await new Promise(() => {});
};
export const giveFunction = () => () => 1;
export const exit = (code) => process.exit(code);
export const killProcess = () => process.kill(process.pid, 'SIGKILL');
export const never = () => new Promise(() => {});
export const loop = () => {
  for (;;);
};
export const loopAloud = () => {
  writeSync(1, 'looping');
  for (;;);
};
export const notFunction = 7;

/** Many small objects: V8 ends the thread. */
export const hoard = () => {
  const all = [];
  for (;;) all.push(Array.from({ length: 1_000 }, (_, at) => ({ at })));
};
/** One list that grows: V8 asks for far more than the ceiling at once, and ends the process. */
export const grow = () => {
  const all = [];
  for (let at = 0; ; at++) all.push(at);
};
/** Outside of the heap. */
export const hoardBuffers = () => {
  const all = [];
  for (;;) all.push(Buffer.alloc(8_000_000, 1));
};
const kept = [];
/** Leaves something behind, within the ceiling. */
export const keep = (count) => {
  for (let at = 0; at < count; at++) kept.push({ at });
  return kept.length;
};
export const count = () => kept.push(0);
export const spawnWorker = () => new Promise((resolve) => new Worker('for(;;);', { eval: true }).once('online', resolve));

/** What jobs leave behind when they are done, or have thrown. */
const strays = {
  timer: () => setTimeout(() => raise(new Error('stray')), 20),
  rejection: () => setTimeout(() => void Promise.reject(new Error('stray')), 20),
  rejectionAtOnce: () => void Promise.reject(new Error('stray')),
  nextTurn: () => setImmediate(() => raise(new Error('stray'))),
  loop: () => setTimeout(loop, 10),
  interval: () => setInterval(() => {}, 1_000),
  worker: () => void new Worker('setInterval(() => {}, 1000)', { eval: true }),
};
export const leave = (kind) => {
  strays[kind]();
  return process.pid;
};
export const throwAndLeave = (kind) => {
  strays[kind]();
  throw new Error('own');
};
export const tidy = async () => {
  process.stdout.write('a job writes\n');
  await new Promise((resolve) => setTimeout(resolve, 1));
  setTimeout(() => {}, 60_000).unref();
  return { threadId, pid: process.pid };
};
export const takeATurn = async () => {
  await new Promise((resolve) => setTimeout(resolve, 60));
  return 'own work';
};
export const giveBlob = () => ({ list: [new Blob(['text'])] });
export const sizeOf = (blob) => blob.size;
