/** A conformance command, run in a test. */
import type { CommandPorts } from './standalone.js';

/** What came of it: its exit code, the texts that it printed, and its complaints as one text. */
export interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly errors: string;
}

/** Runs a command for which nobody waits, and in which no error surfaces but where it is played. */
export async function ran(command: (ports: CommandPorts) => Promise<number>): Promise<Ran> {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await command({
    print: (text) => out.push(text),
    complain: (text) => errors.push(text),
    progress: () => undefined,
    takeStray: () => [],
  });
  return { code, out, errors: errors.join('\n') };
}
