// @ts-check
/**
 * What runs in a process of its own: a piscina with one thread, for one job at a time. What V8 does to a process whose thread asks for too much at once, it
 * does to this one. It ends when the app does, whatever its thread is at.
 */
import { serialize } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { answerAt, lostResult, obstacleIn, wordsOf } from './carried.js';

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

/** By its name in seat.ts, of which a process has no copy in JavaScript before it is built. */
const outOfMemory = 'ERR_WORKER_OUT_OF_MEMORY';

/** @param {unknown} word */
const send = (word) => process.send?.(word);

process.on('message', (/** @type {{ module: string, name: string, input: unknown }} */ job) => {
  const { port1, port2 } = new MessageChannel();
  /** @type {unknown} */
  let code = null;
  const running = pool.run({ ...job, port: port2 }, { transferList: [port2] });
  const [thread] = pool.threads;
  let isTold = false;
  const tell = (/** @type {import('./seat.js').Answer} */ answer) => {
    if (isTold) return;
    isTold = true;
    port1.close();
    try {
      // Asked once more here, where no job can have changed how.
      const obstacle = answer.status === 'done' ? obstacleIn(answer.value) : null;
      if (obstacle !== null) throw new TypeError(wordsOf(obstacle));
      // In bytes: what the app cannot read would end it, were it the channel that reads.
      send({ answer: serialize(answer) });
    } catch (fault) {
      send({ answer: serialize(lostResult(fault)) });
    }
  };
  /** Node may tell a thread's fault and its exit in one go, before any message: an answer that came in time is an answer. */
  const take = () => {
    const answer = isTold ? undefined : answerAt(port1);
    if (answer !== undefined) tell(answer);
  };
  port1.once('message', tell).once('messageerror', (fault) => tell(lostResult(fault)));
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
  if (process.memoryUsage.rss() <= (processMb ?? Infinity) * 1_048_576) return;
  // Written before the next line: a signal alone would not say whose it was.
  send({ lost: outOfMemory });
  process.kill(process.pid, 'SIGKILL');
}, 20);

send({ ready: true });
