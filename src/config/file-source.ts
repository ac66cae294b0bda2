/**
 * A layer in a file, read again whenever it changes.
 *
 * What is watched is in file-watch.ts: editors and deployments put a new file, link or folder in the place of the old one.
 */
import { isPlainObject, sortOf } from '../option-checks.js';
import { systemClock } from '../supervision/clock.js';
import { FileWatch } from './file-watch.js';
import { count, duration, invalid, requireFunction, requireOptions } from './refusal.js';
import { type ConfigSource, requireName, SourceFault } from './sources.js';

export interface FileOptions {
  /** Makes values of the text. Default `JSON.parse`; with `yaml`, its `parse`. */
  readonly parse?: (text: string) => unknown;
  /** May there be no such file? Then it says nothing, until there is one. Default false. */
  readonly optional?: boolean;
  /** A larger one is refused, `tooLarge`; what is no file, such as a folder, a pipe or a device, `notAFile`. Default 1 MiB. */
  readonly maxBytes?: number;
  /** How often it is looked at, ms, beside being watched: no system tells of every change. 0: never. Default 5 000. */
  readonly pollMs?: number;
  /** Default the last name of the path. */
  readonly name?: string;
}

/** @param path  of the file; relative to where the process was started @throws EspalierError `config/invalid-options` */
export function fileSource(path: string, options: FileOptions = {}): ConfigSource {
  if (typeof path !== 'string' || path === '') throw invalid('path', 'the path of a file', path === '' ? '' : sortOf(path));
  requireOptions('the options of a file source', options, ['parse', 'optional', 'maxBytes', 'pollMs', 'name']);
  const { parse = (text: string): unknown => JSON.parse(text), optional = false } = options;
  requireFunction('parse', parse);
  if (typeof optional !== 'boolean') throw invalid('optional', 'true or false', sortOf(optional));
  const maxBytes = count('maxBytes', options.maxBytes, 1_048_576);
  const pollMs = options.pollMs === 0 ? 0 : duration('pollMs', options.pollMs, 5_000);
  const { name = path.split(/[\\/]/).at(-1) ?? path } = options;
  requireName(name);
  const watches = new Set<FileWatch>();
  return {
    name,
    read: async (signal) => {
      // First the watches, so that no change falls between. One that cannot be armed is a fault of the reading.
      for (const each of watches) each.arm();
      const text = await textOf(path, maxBytes, signal, optional);
      if (text === null) return {};
      const values = parsed(text, parse);
      if (!isPlainObject(values)) throw new SourceFault('notAnObject');
      return values;
    },
    watch: async (changed, failed, clock = systemClock) => {
      const [fs, paths] = await Promise.all([import('node:fs'), import('node:path')]);
      const watch = new FileWatch(fs, paths, { path: paths.resolve(path), pollMs, clock, changed, failed });
      watches.add(watch);
      return () => {
        watches.delete(watch);
        watch.close();
      };
    },
  };
}

async function textOf(path: string, maxBytes: number, signal: AbortSignal, optional: boolean): Promise<string | null> {
  const { open, stat } = await import('node:fs/promises');
  try {
    // To open a pipe that nobody writes would hold a thread for ever, and a device has no size to be bounded by.
    if (!(await stat(path)).isFile()) throw new SourceFault('notAFile');
    const file = await open(path, 'r');
    try {
      // By the open file: another may have its name meanwhile.
      if ((await file.stat()).size > maxBytes) throw new SourceFault('tooLarge');
      return await file.readFile({ encoding: 'utf8', signal });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (optional && (error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}

/** What a parser throws quotes the text, which may hold secrets. */
function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    // The mark that some editors put first is none of the text.
    return parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new SourceFault('unparsable');
  }
}
