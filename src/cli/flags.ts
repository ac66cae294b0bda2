/** Flags of a command, read strictly: one that is unknown, or lacks its value, is refused. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

import { EspalierError } from '../errors.js';

type FlagSet = NonNullable<ParseArgsConfig['options']>;
type Values<Options extends FlagSet> = {
  readonly [Name in keyof Options]?: Options[Name]['type'] extends 'boolean' ? boolean : string;
};

/**
 * Reads the flags of a command that takes no other arguments.
 * @throws EspalierError `cli/usage`
 */
export function readFlags<const Options extends FlagSet>(args: readonly string[], options: Options): Values<Options> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
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
