// @ts-check
/**
 * What runs in a thread: the function of a job's module. Its answer goes by a port of the job's own, so that nothing that it throws, and nothing that cannot
 * be copied, costs the thread. In JavaScript, since a thread begins with a file.
 */
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { resourceLimits } from 'node:worker_threads';
import { obstacleIn, wordsOf } from './carried.js';

/** Taken before any job could put another in their place. */
const turn = setImmediate.bind(null);
const clone = structuredClone.bind(null);
const resources = process.getActiveResourcesInfo.bind(process);
const outputs = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));

// What ends a thread is told with all that it holds, which may be too deep for whoever hears of it. A job may listen itself: then it lives.
process.on('uncaughtException', (fault) => {
  if (process.listenerCount('uncaughtException') > 1) return;
  const { message, code } = errorOf('threw', fault);
  throw Object.assign(new Error(message), code === null ? {} : { code });
});

/** How many turns of the event loop what a job has begun may take to come to its end, after the job. */
const mostTurns = 20;

/**
 * @param {{ module: string, name: string, input: unknown, port: import('node:worker_threads').MessagePort }} job
 * @returns {Promise<{ usedShare: number, isBusy: boolean }>} how much of the heap's ceiling is in use; does anything go on that the job has begun
 */
export async function runJob({ module, name, input, port }) {
  const before = counted(resources());
  try {
    port.postMessage(sendable(await answerOf(module, name, input)));
  } catch (fault) {
    port.postMessage({ status: 'failed', error: errorOf('uncloneable', fault) });
  }
  port.close();
  const isBusy = await goesOn(before);
  // Not V8's own limit: that has the young generation in it, which is cleared before the old one meets its ceiling.
  return { isBusy, usedShare: getHeapStatistics().used_heap_size / ((resourceLimits.maxOldGenerationSizeMb ?? Infinity) * 1_048_576) };
}

/**
 * An answer that whoever waits for it can read.
 * @param {{ status: string, value?: unknown }} answer
 * @returns {unknown} it, or one with a clone of its value, where getters are in that, which are run once
 * @throws where that cannot be: what is nested too deep would be lost in the app
 */
function sendable(answer) {
  const obstacle = obstacleIn(answer.value);
  if (obstacle === 'hidden') return sendable({ ...answer, value: clone(answer.value) });
  if (obstacle === 'deep') throw new DOMException(wordsOf(obstacle), 'DataCloneError');
  return answer;
}

/**
 * Does anything keep the event loop that did not before the job? What it throws, now or a turn later, ends this thread while nobody else's job is in it.
 * @param {Map<string, number>} before
 */
async function goesOn(before) {
  await written();
  for (let turns = 0; turns < mostTurns; turns++) {
    // At least one: what was rejected in the last turn is told by then.
    await turn();
    const now = counted(resources());
    if ([...now].every(([kind, count]) => count <= (before.get(kind) ?? 0))) return false;
  }
  return true;
}

/** What a job has written keeps the event loop until another thread has taken it, however late, and is nothing that goes on. */
async function written() {
  for (const { stream, write } of outputs)
    if (stream.writable && stream.writableLength > 0) await new Promise((resolve) => write('', () => resolve(undefined)));
}

/** @param {string[]} kinds */
function counted(kinds) {
  const counts = new Map();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/**
 * @param {string} module
 * @param {string} name
 * @param {unknown} input
 */
async function answerOf(module, name, input) {
  let fn;
  try {
    fn = (await import(module))[name];
    if (typeof fn !== 'function') throw new TypeError(`expected the module to export a function '${name}', got: ${typeof fn}`);
  } catch (fault) {
    return { status: 'failed', error: errorOf('unloadable', fault) };
  }
  try {
    return { status: 'done', value: await fn(input) };
  } catch (fault) {
    return { status: 'failed', error: errorOf('threw', fault) };
  }
}

/**
 * What was thrown, in words: it may be anything, also what throws when it is looked at.
 * @param {string} cause
 * @param {unknown} fault
 */
function errorOf(cause, fault) {
  try {
    if (typeof fault !== 'object' || fault === null) return { cause, name: typeof fault, message: String(fault), code: null, stack: null };
    const { name, message, code, stack } = /** @type {Record<string, unknown>} */ (fault);
    /** @param {unknown} word */
    const text = (word) => (typeof word === 'string' ? word : null);
    return { cause, name: text(name) ?? 'Object', message: text(message) ?? '', code: text(code), stack: text(stack) };
  } catch {
    return { cause, name: 'unknown', message: '', code: null, stack: null };
  }
}
