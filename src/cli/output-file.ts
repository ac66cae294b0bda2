/** Files that `--out` names. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { EspalierError } from '../errors.js';
import { bare } from './conceal.js';

/** @throws EspalierError `cli/unwritable-file` */
export async function writeOut(file: string, directory: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(directory, file), text);
  } catch (cause) {
    throw new EspalierError('cli/unwritable-file', { expected: '--out: a file that can be written', got: bare(file) }, { cause });
  }
}
