/** Files that are named on the command line. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { EspalierError, type ErrorCode } from '../errors.js';
import { bare } from './conceal.js';

/**
 * Reads a file and makes something of it.
 * @param code       of the error for what cannot be read, or is no such thing
 * @param directory  where the user stands
 * @throws EspalierError with that code, or that of `make`; it names the file
 */
export async function readFileAs<Made>(code: ErrorCode, directory: string, file: string, make: (bytes: Buffer) => Made): Promise<Made> {
  let bytes: Buffer;
  try {
    bytes = await readFile(resolve(directory, file));
  } catch (cause) {
    throw new EspalierError(code, { expected: 'a file that can be read', got: resolve(directory, bare(file)) }, { cause });
  }
  try {
    return make(bytes);
  } catch (cause) {
    if (!(cause instanceof EspalierError))
      throw new EspalierError(code, { expected: `JSON in ${bare(file)}`, got: (cause as Error).message }, { cause });
    const { expected, got } = cause.details;
    throw new EspalierError(cause.code, { expected: `in ${bare(file)}, ${expected}`, got }, { cause });
  }
}
