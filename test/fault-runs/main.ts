/** `npm run fault:coordination [-- WORLD…]`. */
import { workOff } from '../mutants/threads.js';
import { worlds } from './catalogue.js';
import { enter } from './door.js';

const script = new URL('worker.js', import.meta.url);

process.exitCode = await enter(
  process.argv.slice(2),
  { worlds, tryAll: (tasks, jobs, onFinding) => workOff(tasks, { jobs, script }, onFinding) },
  process,
);
