/** The command line: finds the command, gives it what it needs of the process, and turns what it throws into words and an exit code. */
import { readFileSync } from 'node:fs';

import { EspalierError } from '../errors.js';
import { bare, concealer } from './conceal.js';
import { readFlags } from './flags.js';
import { Interruption } from './interruption.js';
import type { MakePlay } from './plays/play.js';
import { chooseShow, type ShowFlags } from './screen/show.js';
import { printable } from './screen/spans.js';
import { demoUsage, geminiServerUsage, usage, usageError } from './usage.js';

/** What a command is given of the process. */
export interface CommandWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the user stands: file names are relative to it. */
  readonly directory: string;
  /** Prints a text. @returns the exit code */
  tell(text: string): number;
  /** Runs a play. @returns the exit code */
  perform(flags: ShowFlags, play: MakePlay): Promise<number>;
}

interface Command {
  readonly usage: string;
  run(args: readonly string[], world: CommandWorld): Promise<number>;
}

/** What a command stands on is loaded when it is run: help comes at once. */
const commands: ReadonlyMap<string, Command> = new Map([
  ['demo', { usage: demoUsage, run: async (...given) => (await import('./demo.js')).demo(...given) }],
  ['gemini-server', { usage: geminiServerUsage, run: async (...given) => (await import('./gemini-server.js')).geminiServerCommand(...given) }],
] satisfies [string, Command][]);

/** What is wrong with the command line or a file that it names, not with the program: exit code 2, and the usage. */
function isFaultOfInput(error: unknown): boolean {
  return error instanceof EspalierError && /^(?:cli|live|gemini-server)\//.test(error.code);
}

/**
 * Runs a command line.
 * @param args  without the program's own name
 * @returns the exit code; never rejects
 */
export async function run(args: readonly string[], process: NodeJS.Process): Promise<number> {
  const [name = '', ...rest] = args;
  const command = commands.get(name);
  const conceal = concealer(args, [process.env['GEMINI_API_KEY']]);
  const world: CommandWorld = {
    env: process.env,
    directory: directoryOf(process),
    tell(text) {
      process.stdout.write(text);
      return 0;
    },
    async perform(flags, play) {
      const { perform } = await import('./perform.js');
      const show = chooseShow(process.stdout, flags, process.env);
      return perform(play, show, new Interruption(process), (reason) => process.stderr.write(`espalier: ${printable(conceal(reason))}\n`));
    },
  };
  try {
    return await (command === undefined ? withoutCommand(args, world) : command.run(rest, world));
  } catch (error) {
    const words = conceal(wordsOf(error));
    const isWrongInput = isFaultOfInput(error);
    process.stderr.write(`espalier: ${words}\n${isWrongInput ? `\n${command?.usage ?? usage}` : ''}`);
    return isWrongInput ? 2 : 1;
  }
}

function withoutCommand(args: readonly string[], world: CommandWorld): number {
  const [name] = args;
  if (name === undefined) throw usageError('a command', 'none');
  if (!name.startsWith('-')) throw usageError(`a command among ${[...commands.keys()].join(', ')}`, bare(name));
  const flags = readFlags(args, { help: { type: 'boolean' }, version: { type: 'boolean' } });
  return world.tell(flags.version === true ? `${versionOf(import.meta.url)}\n` : usage);
}

/** What is said of an error: the words of a misuse; the stack of a fault of ours. */
function wordsOf(error: unknown): string {
  if (!(error instanceof EspalierError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  // What Node says of a flag needs no more words.
  return printable(error.code === 'cli/usage' && error.cause !== undefined ? String(error.details.got) : error.message.slice(error.code.length + 2));
}

/** npm runs scripts in the package's own folder, and tells where the user stood. It tells so to programs of other packages too. */
function directoryOf({ env, cwd }: NodeJS.Process): string {
  const here = cwd();
  return env['npm_package_name'] === 'espalier' && env['npm_lifecycle_event'] !== undefined ? (env['INIT_CWD'] ?? here) : here;
}

/** The version in the nearest package.json above a module. */
function versionOf(module: string): string {
  for (let folder = new URL('.', module); ; folder = new URL('..', folder)) {
    try {
      return (JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }).version;
    } catch {
      if (folder.pathname === '/') return 'unknown';
    }
  }
}
