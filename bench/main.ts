/** `npm run bench -- NAME…`. */
import { enter } from './door.js';
import { liveBench } from './live.js';
import { supervisionBench } from './supervision.js';

process.exitCode = await enter(process.argv.slice(2), [supervisionBench, liveBench], process);
