/** An app whose job loops for ever. It begins the process as src/isolation/process-seat.ts does, and is killed by its test. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/isolation/in-process.js', import.meta.url));
const child = fork(program, ['64', '640'], { execArgv: [], serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
child.on('message', () => child.send({ module: new URL('./jobs.mjs', import.meta.url).href, name: 'loopAloud' }));
