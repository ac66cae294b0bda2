/**
 * Hears of changes of what a path leads to, whatever is changed on the way.
 *
 * Watched are folders, never files: the one that the file is in, the one of each link on the way to it, and where something is missing, the next one above.
 * After each change they are found anew. What the system does not tell of (a folder further up that was replaced, a network drive, too many watches) is found by
 * looking, every `pollMs`.
 */
import type * as files from 'node:fs';
import type * as paths from 'node:path';
import type { Clock } from '../supervision/clock.js';

type FileSystem = Pick<typeof files, 'watch' | 'lstatSync' | 'readlinkSync' | 'statSync'>;
type Paths = Pick<typeof paths, 'basename' | 'dirname' | 'join' | 'resolve' | 'parse' | 'sep'>;

/** More links than this are a circle. */
const mostLinks = 40;

/** One folder. */
interface Watched {
  readonly watcher: files.FSWatcher;
  /** Which folder it was: another in its place needs a watch of its own. */
  readonly word: string;
  sought: ReadonlySet<string>;
}

export interface WatchOrder {
  /** Absolute. */
  readonly path: string;
  /** Ms between two looks; 0 for none. */
  readonly pollMs: number;
  readonly clock: Clock;
  /** There may be something else at the path. */
  readonly changed: () => void;
  /** A watch has died, and nothing looks. */
  readonly failed: () => void;
}

export class FileWatch {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #order: WatchOrder;
  readonly #watched = new Map<string, Watched>();
  #target: string;
  #timer: unknown;
  #isOver = false;

  /** @throws what the file system throws where a folder cannot be watched, and nothing looks */
  constructor(fs: FileSystem, paths: Paths, order: WatchOrder) {
    this.#fs = fs;
    this.#paths = paths;
    this.#order = order;
    this.#target = this.#look();
    this.arm();
    this.#wait();
  }

  /** Finds the folders anew: watches what is not watched, and no more what is not on the way now. @throws as the constructor does */
  arm(): void {
    if (this.#isOver) return;
    const way = this.#way();
    for (const [folder, { word }] of [...this.#watched]) if (!way.has(folder) || word !== this.#word(folder)) this.#unwatch(folder);
    for (const [folder, sought] of way) {
      const known = this.#watched.get(folder);
      if (known !== undefined) known.sought = sought;
      else this.#watch(folder, sought);
    }
  }

  close(): void {
    this.#isOver = true;
    for (const folder of [...this.#watched.keys()]) this.#unwatch(folder);
    this.#order.clock.clearTimeout(this.#timer);
  }

  #unwatch(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }

  #watch(folder: string, sought: ReadonlySet<string>): void {
    const own = this.#paths.basename(folder);
    // Before it is watched: one that is replaced meanwhile is seen to be another, later.
    const word = this.#word(folder);
    let watcher: files.FSWatcher;
    try {
      watcher = this.#fs.watch(folder, { persistent: false }, (_, file) => {
        // Its own name: it was moved, or is gone. Kubernetes swaps `..data`, a link beside the file's own.
        if (file === null || file === own || file.startsWith('..') || watched.sought.has(file)) this.#hear();
      });
    } catch (error) {
      // The next look tries again.
      if (this.#order.pollMs === 0) throw error;
      return;
    }
    const watched: Watched = { watcher, word, sought };
    this.#watched.set(folder, watched);
    watcher.on('error', () => {
      if (this.#watched.get(folder) !== watched) return;
      this.#unwatch(folder);
      if (this.#order.pollMs === 0) this.#order.failed();
      else this.#order.changed();
    });
  }

  #hear(): void {
    if (this.#isOver) return;
    this.#target = this.#look();
    try {
      this.arm();
    } catch {
      this.#order.failed();
      return;
    }
    this.#order.changed();
  }

  #wait(): void {
    const { clock, pollMs } = this.#order;
    if (pollMs === 0 || this.#isOver) return;
    this.#timer = clock.setTimeout(() => this.#poll(), pollMs);
    // As its watches do, it keeps no process alive.
    (this.#timer as { readonly id?: { unref?(): void } } | undefined)?.id?.unref?.();
  }

  #poll(): void {
    const target = this.#look();
    const isOther = target !== this.#target;
    this.#target = target;
    this.arm();
    this.#wait();
    if (isOther) this.#order.changed();
  }

  /** What the path leads to now, in a word. */
  #look(): string {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = this.#fs.statSync(this.#order.path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }

  #word(folder: string): string {
    try {
      const { dev, ino } = this.#fs.statSync(folder, { bigint: true });
      return `${dev} ${ino}`;
    } catch {
      return '';
    }
  }

  /** The folders to be watched, each with the names in it that matter. */
  #way(): Map<string, Set<string>> {
    const { parse, resolve, join, sep } = this.#paths;
    const names = new Map<string, Set<string>>();
    const note = (folder: string, name: string): void => void names.set(folder, (names.get(folder) ?? new Set()).add(name));
    const { root } = parse(this.#order.path);
    let at = root;
    let left = this.#order.path.slice(root.length).split(sep);
    for (let links = 0; left.length > 0; ) {
      const [name = '', ...rest] = left;
      let link: string | null = null;
      try {
        const found = this.#fs.lstatSync(join(at, name));
        link = found.isSymbolicLink() && links < mostLinks ? this.#fs.readlinkSync(join(at, name)) : null;
      } catch {
        note(at, name);
        break;
      }
      if (link !== null) {
        links++;
        note(at, name);
        const full = resolve(at, link);
        const top = parse(full).root;
        left = [
          ...full
            .slice(top.length)
            .split(sep)
            .filter((part) => part !== ''),
          ...rest,
        ];
        at = top;
      } else {
        if (rest.length === 0) note(at, name);
        at = join(at, name);
        left = rest;
      }
    }
    return names;
  }
}
