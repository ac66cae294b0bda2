/** How the commands of this house read their flags: strictly, and each with a value once. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

type FlagOptions = NonNullable<ParseArgsConfig['options']>;
type Flags<Options extends FlagOptions> = ReturnType<typeof parseArgs<{ options: Options; allowPositionals: true; tokens: true }>>;

/**
 * Reads flags and names.
 * @param args  without node and script
 * @returns the values and the names, or in a sentence what is wrong with them
 */
export function readFlags<const Options extends FlagOptions>(
  args: readonly string[],
  options: Options,
): Pick<Flags<Options>, 'values' | 'positionals'> | string {
  let read;
  try {
    read = parseArgs({ args: [...args], allowPositionals: true, tokens: true, options });
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ', 1)[0] ?? '') : String(error);
  }
  const valued = read.tokens.flatMap((token) => (token.kind === 'option' && token.value !== undefined ? [token.name] : []));
  const repeated = valued.find((name, index) => valued.indexOf(name) !== index);
  if (repeated !== undefined) return `expected --${repeated} once, got: ${valued.filter((name) => name === repeated).length}`;
  return read;
}

/**
 * What is wrong with flags that several commands have: `--seed` of 32 bits, `--jobs` from 1 to 99, `--json` with a name.
 * @returns in a sentence; undefined for nothing
 */
export function complaintOn({
  seed,
  jobs,
  json,
}: {
  seed?: string | undefined;
  jobs?: string | undefined;
  json?: string | undefined;
}): string | undefined {
  if (seed !== undefined && !(/^-?\d+$/.test(seed) && Number(seed) === (Number(seed) | 0)))
    return `expected --seed as a whole number of 32 bits, got: ${seed}`;
  if (jobs !== undefined && !/^[1-9]\d?$/.test(jobs)) return `expected --jobs as a whole number from 1 to 99, got: ${jobs}`;
  return json === '' ? 'expected --json with the name of a file, got: an empty one' : undefined;
}
