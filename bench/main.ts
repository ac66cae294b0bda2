/** `npm run bench -- NAME…`. */
import { enter } from './door.js';
import { gateBench } from './gate.js';
import { inspectBench } from './inspect.js';
import { liveBench } from './live.js';
import { streamBench } from './stream.js';
import { supervisionBench } from './supervision.js';

process.exitCode = await enter(process.argv.slice(2), [supervisionBench, liveBench, streamBench, gateBench, inspectBench], process);
