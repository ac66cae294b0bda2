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
  let isTold = false;
  const tell = (/** @type {unknown} */ answer) => {
    if (isTold) return;
    isTold = true;
    port1.close();
    try {
      if (!isCarried(answer)) throw new TypeError('the result holds what cannot go to another process, such as a Blob');
      send({ answer });
    } catch (fault) {
      const message = fault instanceof Error ? fault.message : '';
      send({ answer: { status: 'failed', error: { cause: 'uncloneable', name: 'DataCloneError', message, code: null, stack: null } } });
    }
  };
  /** Node may tell a thread's fault and its exit in one go, before any message: an answer that came in time is an answer. */
  const take = () => {
    const found = isTold ? undefined : receiveMessageOnPort(port1);
    if (found !== undefined) tell(found.message);
  };
  port1.once('message', tell);
  const noteFault = (/** @type {unknown} */ fault) => (code ??= /** @type {{ code?: unknown }} */ (fault ?? {}).code ?? 'ERR');
  const noteExit = (/** @type {number} */ exitCode) => {
    take();
    send({ lost: code ?? exitCode });
  };
  thread?.once('error', noteFault).once('exit', noteExit);
  running.then((/** @type {{ usedShare: number, isBusy: boolean } | null} */ left) => {
    take();
    // Of a thread that threw null there is nothing: it is lost, and its exit says so.
    if (!isTold || left === null) return;
    thread?.off('error', noteFault).off('exit', noteExit);
    send(left);
  }, take);
});

// Buffers and the like are beyond the ceiling of a thread's heap. This thread is free to look, whatever the other is at.
setInterval(() => {
  if (process.memoryUsage.rss() > (processMb ?? Infinity) * 1_048_576) process.kill(process.pid, 'SIGABRT');
}, 20);

send({ ready: true });
