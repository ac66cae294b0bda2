// @ts-check
/**
 * What runs in a process of its own: a piscina with one thread, for one job at a time. What V8 does to a process whose thread asks for too much at once, it
 * does to this one. It ends when the app does, whatever its thread is at.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { isCarried } from './carried.js';

process.on('disconnect', () => process.exit(0));

const { Piscina } = await import('piscina');
const [heapMb, processMb] = process.argv.slice(2).map(Number);
const pool = new Piscina({
  filename: new URL('./in-thread.js', import.meta.url).href,
  name: 'runJob',
  ...{ minThreads: 0, maxThreads: 1, idleTimeout: Infinity, recordTiming: false },
  resourceLimits: { maxOldGenerationSizeMb: heapMb ?? 0 },
});
// Without a listener, what a thread dies of between two jobs would be an uncaught exception. Its exit is told below.
pool.on('error', () => {});

/** @param {unknown} word */
const send = (word) => process.send?.(word);

process.on('message', (/** @type {{ module: string, name: string, input: unknown }} */ job) => {
  const { port1, port2 } = new MessageChannel();
  /** @type {unknown} */
  let code = null;
  const running = pool.run({ ...job, port: port2 }, { transferList: [port2] });
  const [thread] = pool.threads;
  const noteFault = (/** @type {unknown} */ fault) => (code ??= /** @type {{ code?: unknown }} */ (fault ?? {}).code ?? 'ERR');
  let isSettled = false;
  /** @returns {boolean} is there an answer? */
  const settle = (/** @type {{ usedShare: number, isBusy: boolean } | undefined} */ ended) => {
    if (isSettled) return true;
    const found = receiveMessageOnPort(port1);
    if (found === undefined) return false; // The thread is lost: its exit says so.
    isSettled = true;
    port1.close();
    thread?.off('error', noteFault).off('exit', noteExit);
    const word = { answer: found.message, usedShare: ended?.usedShare ?? 1, isBusy: ended?.isBusy ?? true };
    try {
      if (!isCarried(found.message)) throw new TypeError('the result holds what cannot go to another process, such as a Blob');
      send(word);
    } catch (fault) {
      const message = fault instanceof Error ? fault.message : '';
      const error = { cause: 'uncloneable', name: 'DataCloneError', message, code: null, stack: null };
      send({ ...word, answer: { status: 'failed', error } });
    }
    return true;
  };
  // Node may tell a thread's fault and its exit in one go, before any promise settles: an answer that came in time is an answer.
  const noteExit = (/** @type {number} */ exitCode) => settle(undefined) || send({ lost: code ?? exitCode });
  thread?.once('error', noteFault).once('exit', noteExit);
  running.then(settle, () => settle(undefined));
});

// Buffers and the like are beyond the ceiling of a thread's heap. This thread is free to look, whatever the other is at.
setInterval(() => {
  if (process.memoryUsage.rss() > (processMb ?? Infinity) * 1_048_576) process.kill(process.pid, 'SIGABRT');
}, 20);

send({ ready: true });
