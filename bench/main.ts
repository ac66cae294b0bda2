/** `npm run bench -- NAME…`. */
import { enter } from './door.js';
import { commsBench } from './comms.js';
import { coordinationBench } from './coordination.js';
import { eventsBench } from './events.js';
import { gateBench } from './gate.js';
import { healthBench } from './health.js';
import { inspectBench } from './inspect.js';
import { isolationBench } from './isolation.js';
import { liveBench } from './live.js';
import { registryBench } from './registry.js';
import { streamBench } from './stream.js';
import { supervisionBench } from './supervision.js';
import { telemetryBench } from './telemetry.js';
import { timersBench } from './timers.js';

process.exitCode = await enter(
  process.argv.slice(2),
  [
    supervisionBench,
    liveBench,
    commsBench,
    coordinationBench,
    streamBench,
    registryBench,
    eventsBench,
    gateBench,
    healthBench,
    isolationBench,
    inspectBench,
    telemetryBench,
    timersBench,
  ],
  process,
);
