/**
 * Files that are opened and closed by number: `fs.open`, `fs.openSync`, and the streams and other functions of `node:fs` that stand on them.
 *
 * The runtime tells of no such file (`async_hooks` sees the request for one, not what came of it), so these four functions are looked at while a world
 * is open, as they are found on `node:fs`: what a program took from there by `const { open } = …` before is not seen.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** One file that is being opened. */
export interface Opening {
  opened(fd: number): void;
  failed(): void;
}

/** Whoever looks. */
export interface FileWatcher {
  opens(): Opening | undefined;
  closed(fd: number): void;
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Looks at every opening and closing from here on; given back when it is called. */
export function watchFiles(watcher: FileWatcher): () => void {
  const own = fs as unknown as Record<string, AnyFunction>;
  const originals = { open: own['open'], openSync: own['openSync'], close: own['close'], closeSync: own['closeSync'] } as Record<string, AnyFunction>;
  const replaced: Record<string, AnyFunction> = {
    open(...args) {
      const opening = watcher.opens();
      const callback = args.at(-1);
      if (opening === undefined || typeof callback !== 'function') return originals['open']?.apply(this, args);
      const told = (error: unknown, fd: number): void => {
        if (error === null || error === undefined) opening.opened(fd);
        else opening.failed();
        (callback as AnyFunction).call(undefined, error, fd);
      };
      return attempt(opening, () => originals['open']?.apply(this, [...args.slice(0, -1), told]));
    },
    openSync(...args) {
      const opening = watcher.opens();
      if (opening === undefined) return originals['openSync']?.apply(this, args);
      const fd = attempt(opening, () => originals['openSync']?.apply(this, args));
      opening.opened(fd as number);
      return fd;
    },
    close(...args) {
      if (typeof args[0] === 'number') watcher.closed(args[0]);
      return originals['close']?.apply(this, args);
    },
    closeSync(...args) {
      const result = originals['closeSync']?.apply(this, args);
      if (typeof args[0] === 'number') watcher.closed(args[0]);
      return result;
    },
  };
  Object.assign(own, replaced);
  syncBuiltinESMExports();
  return () => {
    for (const [name, original] of Object.entries(originals)) if (own[name] === replaced[name]) own[name] = original;
    syncBuiltinESMExports();
  };
}

function attempt<Result>(opening: Opening, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    opening.failed();
    throw error;
  }
}

/** Tells one open file from another that has its number later; undefined when none has. */
export function identityOf(fd: number): string | undefined {
  try {
    const { dev, ino } = fs.fstatSync(fd);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
