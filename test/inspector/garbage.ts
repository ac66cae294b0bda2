/** The heap, after everything that nobody holds is gone. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects what nobody holds. @returns what is left, bytes */
function collectGarbage(): number {
  for (let round = 0; round < 4; round++) collect();
  return process.memoryUsage().heapUsed;
}

/** What is left when what lets go late, as by a finalizer, has let go: the least of three collections. Bytes. */
export function leastHeap(): number {
  return Math.min(...[1, 2, 3].map(() => collectGarbage()));
}
