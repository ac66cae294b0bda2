/** The command line: finds the command, gives it what it needs of the process, and turns what it throws into words and an exit code. */
import { EspalierError } from '../errors.js';
import { ownVersion } from '../inspector/runtime-facts.js';
import { bare, concealer } from './conceal.js';
import { readFlags } from './flags.js';
import { Interruption } from './interruption.js';
import type { PerformOptions } from './perform.js';
import type { MakePlay } from './plays/play.js';
import { chooseShow, type Show, type ShowFlags } from './screen/show.js';
import { printable } from './screen/spans.js';
import { runUsage } from './run-usage.js';
import { demoUsage, drawUsage, geminiServerUsage, inspectUsage, replayUsage, treeUsage, usage, usageError, watchUsage } from './usage.js';

/** What a command is given of the process. */
export interface CommandWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the user stands: file names are relative to it. */
  readonly directory: string;
  /** Is what is printed read on a terminal? */
  readonly isTerminal: boolean;
  /** Prints a text. @returns the exit code */
  tell(text: string): number;
  /** Says something beside what is printed. */
  note(text: string): void;
  /** Does work of which nobody knows what it prints: that goes where {@link note} does, whatever {@link tell} prints meanwhile. */
  aside<Made>(work: () => Promise<Made>): Promise<Made>;
  /** Runs a play. @returns the exit code */
  perform(flags: ShowFlags, play: MakePlay, options?: PerformOptions): Promise<number>;
  /** Does work that goes on until it ends, with an exit code, or is interrupted; its signal aborts then. @returns the exit code */
  attend(flags: ShowFlags, work: (show: Show, signal: AbortSignal) => Promise<number>): Promise<number>;
  /** The same for work whose orderly end is what was asked for: its own exit code counts, unless nobody waited for it. */
  serve(flags: ShowFlags, work: (signal: AbortSignal) => Promise<number>): Promise<number>;
}

interface Command {
  readonly usage: string;
  /** Whether it loads what is the user's: whatever that has begun must not keep the process alive. */
  readonly isForeign?: true;
  run(args: readonly string[], world: CommandWorld): Promise<number>;
}

/** What a command stands on is loaded when it is run: help comes at once. */
const commands: ReadonlyMap<string, Command> = new Map([
  ['demo', { usage: demoUsage, run: async (...given) => (await import('./demo.js')).demo(...given) }],
  ['gemini-server', { usage: geminiServerUsage, run: async (...given) => (await import('./gemini-server.js')).geminiServerCommand(...given) }],
  ['draw', { usage: drawUsage, isForeign: true, run: async (...given) => (await import('./draw.js')).draw(...given) }],
  ['run', { usage: runUsage, isForeign: true, run: async (...given) => (await import('./run.js')).runCommand(...given) }],
  ['inspect', { usage: inspectUsage, isForeign: true, run: async (...given) => (await import('./inspect.js')).inspectCommand(...given) }],
  ['tree', { usage: treeUsage, run: async (...given) => (await import('./tree.js')).tree(...given) }],
  ['watch', { usage: watchUsage, run: async (...given) => (await import('./watch.js')).watch(...given) }],
  ['replay', { usage: replayUsage, isForeign: true, run: async (...given) => (await import('./replay.js')).replayCommand(...given) }],
] satisfies [string, Command][]);

/** What is wrong with the command line or a file that it names, not with the program: exit code 2, and a word of how to use it. */
function isFaultOfInput(error: unknown): boolean {
  return (
    error instanceof EspalierError &&
    /^(?:cli|live|gemini-server|draw|recording)\/|^inspector\/invalid-options$/.test(error.code) &&
    error.code !== 'draw/missing-peer'
  );
}

/** How to go on after a fault of input: the whole usage where something is missing or unknown; of a value that is wrong, where the usage is. */
function adviceOn(error: unknown, command: string | null | undefined, text: string): string {
  if (!isFaultOfInput(error)) return '';
  const { code, cause, details } = error as EspalierError;
  const isOfShape = code === 'cli/usage' && (cause !== undefined || details.got === 'none');
  return isOfShape ? `\n${text}` : `See 'espalier ${[command, '--help'].filter(Boolean).join(' ')}'.\n`;
}

/**
 * Runs a command line.
 * @param args  without the program's own name
 * @returns the exit code; never rejects
 */
export async function run(args: readonly string[], process: NodeJS.Process): Promise<number> {
  const command = commands.get(args[0] ?? '');
  const conceal = concealer(args, [process.env['GEMINI_API_KEY']]);
  const code = await codeOf(args, command, worldOf(process, conceal), (error) => {
    process.stderr.write(`espalier: ${conceal(wordsOf(error))}\n${adviceOn(error, command === undefined ? null : args[0], command?.usage ?? usage)}`);
  });
  if (command?.isForeign !== true) return code;
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
  return process.exit(code);
}

async function codeOf(args: readonly string[], command: Command | undefined, world: CommandWorld, tell: (error: unknown) => void): Promise<number> {
  try {
    return await (command === undefined ? withoutCommand(args, world) : command.run(args.slice(1), world));
  } catch (error) {
    tell(error);
    return isFaultOfInput(error) ? 2 : 1;
  }
}

function worldOf(process: NodeJS.Process, conceal: (text: string) => string): CommandWorld {
  const note = (text: string): void => {
    process.stderr.write(`espalier: ${printable(conceal(text))}\n`);
  };
  // Bound before anything is led aside.
  const print = process.stdout.write.bind(process.stdout);
  return {
    env: process.env,
    directory: directoryOf(process),
    isTerminal: process.stdout.isTTY && process.env['TERM'] !== 'dumb',
    tell(text) {
      print(text);
      return 0;
    },
    note,
    async aside(work) {
      const { write } = process.stdout;
      process.stdout.write = process.stderr.write.bind(process.stderr);
      try {
        return await work();
      } finally {
        process.stdout.write = write;
      }
    },
    async perform(flags, play, options) {
      const { perform } = await import('./perform.js');
      return perform(play, chooseShow(process.stdout, flags, process.env), new Interruption(process), note, options);
    },
    async serve(flags, work) {
      let own = 1;
      await this.attend(flags, async (_show, signal) => (own = await work(signal)));
      return own;
    },
    async attend(flags, work) {
      const show = chooseShow(process.stdout, flags, process.env);
      const interruption = new Interruption(process);
      try {
        const code = await work(show, interruption.signal);
        return interruption.exitCode ?? code;
      } finally {
        show.close();
        interruption.release();
      }
    },
  };
}

function withoutCommand(args: readonly string[], world: CommandWorld): number {
  const [name] = args;
  if (name === undefined) throw usageError('a command', 'none');
  if (!name.startsWith('-')) throw usageError(`a command among ${[...commands.keys()].join(', ')}`, bare(name));
  const flags = readFlags(args, { help: { type: 'boolean' }, version: { type: 'boolean' } });
  return world.tell(flags.version === true ? `${ownVersion()}\n` : usage);
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
