/** Flags of a command, read strictly: one that is unknown, lacks its value, or has two of them is refused. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

import { EspalierError } from '../errors.js';
import { bare } from './conceal.js';
import { usageError } from './usage.js';

type FlagSet = NonNullable<ParseArgsConfig['options']>;
type Values<Options extends FlagSet> = {
  readonly [Name in keyof Options]?: Options[Name]['type'] extends 'boolean' ? boolean : string;
};

/**
 * Reads the flags of a command that takes no other arguments. A flag that takes a value is given once: of two, one would be lost without a word.
 * @throws EspalierError `cli/usage`
 */
export function readFlags<const Options extends FlagSet>(args: readonly string[], options: Options): Values<Options> {
  const { flags, words } = readAll(args, options);
  const [argument] = words;
  if (argument !== undefined) throw usageError('options only', bare(argument));
  return flags;
}

/**
 * Reads the flags of a command that takes one argument.
 * @param name  of the argument, as the usage has it
 * @returns `word` undefined where it was not given
 * @throws EspalierError `cli/usage`
 */
export function readCall<const Options extends FlagSet>(
  args: readonly string[],
  options: Options,
  name: string,
): { readonly flags: Values<Options>; readonly word: string | undefined } {
  const { flags, words } = readAll(args, options);
  const [word, second] = words;
  if (second !== undefined) throw usageError(`${name} and options only`, bare(second));
  return { flags, word };
}

function readAll<const Options extends FlagSet>(
  args: readonly string[],
  options: Options,
): { readonly flags: Values<Options>; readonly words: readonly string[] } {
  const { values, positionals, tokens } = parsed(args, options);
  const valued = tokens.flatMap((token) => (token.kind === 'option' && token.value !== undefined ? [token.name] : []));
  const repeated = valued.find((name, index) => valued.indexOf(name) !== index);
  if (repeated !== undefined) throw usageError(`--${repeated} once`, valued.filter((name) => name === repeated).length);
  return { flags: values, words: positionals };
}

function parsed<const Options extends FlagSet>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true, tokens: true });
  } catch (cause) {
    // Node's first sentence names the fault; the others explain how to pass what begins with a dash.
    const words = (cause as Error).message.split(/\.\s|\n/, 1)[0] ?? '';
    throw new EspalierError('cli/usage', { expected: 'the options of the usage', got: words }, { cause });
  }
}

/** Flags that every command has. */
export const shownFlags = {
  help: { type: 'boolean' },
  json: { type: 'boolean' },
  'no-color': { type: 'boolean' },
} as const;
