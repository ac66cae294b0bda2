/** What the commands that play recordings have in common: how they are called, how they tell of each run, and what they close with. */
import { type CommandPorts, surfaced } from './standalone.js';

/** One run of one recording. */
export interface Verdict {
  readonly name: string;
  readonly run: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** In words, of one that did not pass. */
  readonly reason?: string;
}

/**
 * What went wrong in a run: what it says itself, what it throws, or the errors that surface outside of it until its end.
 * @param play  the run; returns what went wrong, in words, and undefined where all went well
 * @returns in words; undefined where all went well
 */
export async function problemIn(play: () => Promise<string | undefined>, takeStray: CommandPorts['takeStray']): Promise<string | undefined> {
  const problem = await play().catch((error: unknown) => `the run threw: ${String(error)}`);
  const stray = await surfaced(takeStray);
  return problem ?? (stray.length === 0 ? undefined : `an error surfaced outside: ${stray.map(String).join('; ')}`);
}

/** A command line that can be followed. */
export interface Playing {
  readonly verbose: boolean;
  readonly json: boolean;
  verdicts(): AsyncIterable<Verdict>;
}

/** Flags of each of them, as `parseArgs` takes them. */
export const playingFlags = {
  verbose: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** @throws Error where no folder is named */
export function requireFolders(named: readonly string[]): void {
  if (named.length === 0) throw new Error('expected a folder of recordings, got: none');
}

/**
 * Follows one command line.
 * @param title  what the last line begins with
 * @param begin  reads the command line; it throws an Error for one that cannot be followed
 * @returns the exit code: 0 all passed or were skipped with a reason · 1 one failed · 2 a command line that cannot be followed
 */
export async function followPlaying(
  { print, complain }: CommandPorts,
  { title, usage, begin }: { readonly title: string; readonly usage: string; begin(): Playing | 'help' },
): Promise<number> {
  let playing: Playing | 'help';
  try {
    playing = begin();
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (playing === 'help') {
    print(usage);
    return 0;
  }
  const { json, verbose } = playing;
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const verdict of playing.verdicts()) {
    counts[verdict.status]++;
    if (json) print(JSON.stringify(verdict));
    else if (verdict.status === 'failed' || (verbose && verdict.status === 'skipped')) {
      print(`${verdict.status} ${verdict.name} (${verdict.run})${verbose ? `\n  ${verdict.reason ?? ''}` : ''}`);
    }
  }
  print(`${title}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
}
