/** What jobs of the tests do, good and bad. */
import { writeSync } from 'node:fs';
import { Worker, threadId } from 'node:worker_threads';
import { behindGetter, chain, nest } from './nests.mjs';

export { behindGetter, chain, nest };

export const parse = (text) => JSON.parse(text);
/** Beside the places of a list, where its thread does not look. */
export const nestAside = (given) => Object.assign([], { aside: nest(given) });
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
/** Later, so that it is thrown to nobody, and holds so many objects. */
export const throwDeep = async (levels) => {
  setImmediate(() => raise(Object.assign(new Error('deep'), { held: nest({ levels, kind: 'objects' }) })));
  await new Promise(() => {});
};
export const giveFunction = () => () => 1;
export const exit = (code) => process.exit(code);
export const killProcess = () => process.kill(process.pid, 'SIGKILL');
export const abort = () => process.kill(process.pid, 'SIGABRT');
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
/** Outside of the heap: twice what the process may have, and no more, however late it is found. */
export const hoardBuffers = () => {
  const all = Array.from({ length: 50 }, () => Buffer.alloc(8_000_000, 1));
  for (;;) all.reverse();
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
  loopNextTurn: () => setImmediate(loop),
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
  await new Promise((resolve) => setTimeout(resolve, 1));
  process.stdout.write('a job writes\n');
  setTimeout(() => {}, 60_000).unref();
  return { threadId, pid: process.pid };
};
/** Is done with a word, and tells when its event loop has turned forty times, which it does not wait for. */
export const writeLast = (cell) => {
  let ticks = 0;
  const ticking = setInterval(() => {
    if (++ticks < 40) return;
    clearInterval(ticking);
    Atomics.store(cell, 0, 1);
    Atomics.notify(cell, 0);
  }, 1).unref();
  process.stdout.write('the last word of a job\n');
};
/** Holds whoever calls it until {@link writeLast} has told; 20 s is a bound for what hangs. */
export const tickTold = (cell) => Atomics.wait(cell, 0, 0, 20_000);
/** Is killed with a text as its last word. */
export const cryAndDie = (text) => {
  writeSync(2, `${text}\n`);
  killProcess();
};
export const cry = (text) => process.stderr.write(`${text}\n`);
export const takeATurn = async () => {
  await new Promise((resolve) => setTimeout(resolve, 60));
  return 'own work';
};
export const giveBlob = () => ({ list: [new Blob(['text'])] });
export const sizeOf = (blob) => blob.size;
