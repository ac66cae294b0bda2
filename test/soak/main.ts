/** The process around the soak: its streams, its exit code, and the errors that nobody caught. */
import { soakLive } from './command.js';

const stray: unknown[] = [];
process.on('uncaughtException', (error) => stray.push(error));
process.on('unhandledRejection', (error) => stray.push(error));

process.exitCode = await soakLive(process.argv.slice(2), {
  print: (text) => {
    console.log(text);
  },
  complain: (text) => {
    console.error(text);
  },
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
  },
  takeStray: () => stray.splice(0),
}).catch((error: unknown) => {
  // Whoever listens for stray errors would hear of this one too, and the exit code would be 0.
  console.error(error);
  return 1;
});
