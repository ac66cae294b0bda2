/** A command as a process of its own: its streams, its exit code, the errors that nobody caught, and the paths that its user meant. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where a command writes, and what it is told of errors that surface outside every promise. */
export interface CommandPorts {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** For people who wait; nothing where nobody does. */
  readonly progress: (text: string) => void;
  /** Errors that surfaced in a listener or a timer since the last call. They fail what was being played. */
  readonly takeStray: () => readonly unknown[];
}

/**
 * Follows the command line of this process, and ends it: whatever a command has left behind, nobody waits for it.
 * @param command  without node and script; returns the exit code
 */
export async function standalone(command: (args: string[], ports: CommandPorts) => Promise<number>): Promise<void> {
  const stray: unknown[] = [];
  process.on('uncaughtException', (error) => stray.push(error));
  process.on('unhandledRejection', (error) => stray.push(error));
  const ports: CommandPorts = {
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    progress: (text) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
    },
    takeStray: () => stray.splice(0),
  };
  const code = await command(process.argv.slice(2), ports).catch((error: unknown) => {
    // Whoever listens for stray errors would hear of this one too, and the exit code would be 0.
    ports.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  });
  // What is written to a pipe is on its way for a while.
  const written = [process.stdout, process.stderr].map((stream) => new Promise<unknown>((resolve) => stream.write('', resolve)));
  await Promise.all(written);
  process.exit(code);
}

/** The errors that surfaced since the last look, those included that XState rethrows from a timer of the turn which ends now. */
export async function surfaced(takeStray: CommandPorts['takeStray']): Promise<readonly unknown[]> {
  await new Promise((done) => setTimeout(done, 1));
  return takeStray();
}

/** The value of a flag. @throws Error for what is no whole number, or less than `least` */
export function wholeNumber(flag: string, text: string, least: number = Number.MIN_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) throw new Error(`expected ${flag} with a whole number, got: ${text}`);
  return value;
}

/** A path as the user meant it: from where `npm run` was called, which npm remembers. */
export function userPath(path: string): string {
  const here = resolve(path);
  const from = process.env['INIT_CWD'];
  return existsSync(here) || from === undefined ? here : resolve(from, path);
}
