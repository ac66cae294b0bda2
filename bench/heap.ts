/** Forced collections, so that a heap figure shows what is held and not what is merely dead. */
import { setFlagsFromString, getHeapStatistics } from 'node:v8';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { summarise } from './stats.js';
import { Stopwatch } from './stopwatch.js';

// The flag may be set late: a context made afterwards has `gc`. So the benches also run where nobody wrote --expose-gc.
const gc = globalThis.gc ?? lateGc();

function lateGc(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as NodeJS.GCFunction;
}

/**
 * Collects until nothing more goes, and says what is left.
 * @returns bytes in use on the heap, the memory of array buffers included
 */
export async function heldBytes(): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 8; attempt++) {
    // A turn of the loop in between lets finalisers run and weak references of the last job go.
    await nextTurn();
    gc();
    const { used_heap_size, external_memory } = getHeapStatistics();
    const now = used_heap_size + external_memory;
    if (attempt > 1 && before - now < 1_024) return now;
    before = now;
  }
  return before;
}

/** One full collection, so that a timing does not pay for its predecessor's garbage. */
export function sweep(): void {
  gc();
}

/**
 * How long a full collection of what is held now stops this thread. One before them is not counted: it has the dead to clear away.
 * @param times  of how many the median is
 * @returns ms
 */
export function collectionMs(times: number): number {
  sweep();
  const watch = new Stopwatch();
  const took = Array.from({ length: times }, () => {
    watch.start();
    sweep();
    return watch.read();
  });
  return summarise(took).median;
}
