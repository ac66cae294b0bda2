/** What a command of the house that tries things does with its command line first, and with what goes wrong. */
import { whyUnwritable } from '../../bench/figures-file.js';

/** What the door of one needs of the process. */
export interface CommandWorld {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: { readonly NO_COLOR?: string | undefined };
}

export interface Command {
  /** As npm has it. */
  readonly name: string;
  readonly usage: string;
}

/**
 * Lets a command line in.
 * @param read  what it says, or what is wrong with it
 * @returns what it says; the exit code, where nothing is to be tried
 */
export async function admit<Read extends { readonly help: boolean; readonly json?: string }>(
  read: Read | string,
  command: Command,
  world: CommandWorld,
): Promise<Read | number> {
  if (typeof read === 'string') return refuse(read, command, world);
  if (read.help) {
    world.stdout.write(command.usage);
    return 0;
  }
  const reason = read.json === undefined ? undefined : await whyUnwritable(read.json);
  return reason === undefined ? read : refuse(`expected --json with a file that can be written, got: ${read.json} (${reason})`, command, world);
}

/** @returns the exit code for a command line that is wrong */
export function refuse(complaint: string, { name, usage }: Command, { stderr }: CommandWorld): number {
  stderr.write(`${name}: ${complaint}\n\n${usage}`);
  return 2;
}

/** @returns the exit code for what cannot be done */
export function fail(error: unknown, { name }: Command, { stderr }: CommandWorld): number {
  stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}
