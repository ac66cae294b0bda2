/** The file that `--json` names: found unfit before the measuring, which takes minutes, and written after it. */
import { constants } from 'node:fs';
import { access, open, realpath, rm, stat, writeFile } from 'node:fs/promises';

/**
 * Why the figures could not be written to a file; undefined when they could. A file that is there keeps what it holds, and none is left behind where
 * there was none.
 */
export function whyUnwritable(file: string): Promise<string | undefined> {
  return reasonOf(async () => {
    const found = await stat(file).catch(noneIfMissing);
    // To open a pipe would wait for its reader, and to close it again would end what the reader gets.
    if (found !== undefined && !found.isFile() && !found.isDirectory()) return access(file, constants.W_OK);
    // For appending: of all the ways to open a file, this one leaves its content alone and makes one that is missing, so the folder is tried too.
    await (await open(file, 'a')).close();
    if (found === undefined) await rm(await realpath(file));
  });
}

/** Writes the figures, or that text. @returns why they could not be written; undefined when they are */
export function writeFigures(file: string, rows: readonly object[] | string): Promise<string | undefined> {
  return reasonOf(() => writeFile(file, typeof rows === 'string' ? rows : `${JSON.stringify(rows, null, 2)}\n`));
}

function noneIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

async function reasonOf(attempt: () => Promise<void>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
