/** Handles that the runtime does not tell of: files by number, streams on them, who listens to the process. Each has a twin that cleans up. */
import fs, { closeSync, createReadStream, createWriteStream, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fromCallback } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { leftovers, startSupervised } from '../../../src/testing/world/create-world.js';

const file = fileURLToPath(import.meta.url);
const lines = readFileSync(file, 'utf8').split('\n');
const place = (mark: string): unknown => {
  const number = lines.findIndex((text) => text.endsWith(`// ${mark}`)) + 1;
  return expect.stringMatching(new RegExp(`^test/testing/world/handles\\.test\\.ts:${number}:\\d+$`, 'u'));
};
const quick = { graceMs: 0 };
const openFile = (mark: string): object => ({ kind: 'handle', what: 'an open file', where: place(mark) });

const opening = (path: string): Promise<number> => promisify<string, number>((name, done) => fs.open(name, 'r', done))(path);

/** A folder of the test's own. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'espalier-handles-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('a file', () => {
  it('opened by number is left, by a call that waits and by one that does not', async () => {
    const open: number[] = [];
    const found = await leftovers(async () => {
      open.push(openSync(file, 'r')); // sync
      await new Promise<void>((resolve) => {
        fs.open(file, (_, fd) => resolve(void open.push(fd))); // async
      });
    }, quick);
    for (const fd of open) closeSync(fd);
    expect(found).toEqual([openFile('sync'), openFile('async')]);
  });

  it('is left by a stream that nobody ends, in a child of a tree as in the test itself', async () => {
    const log = join(folder(), 'log');
    const streams: { destroy(): unknown }[] = [];
    const child = fromCallback(() => void streams.push(createWriteStream(log))); // writes
    const found = await leftovers(async (world) => {
      await world.startSupervised({ actors: { child }, children: [{ id: 'a', src: 'child' }] });
      streams.push(createReadStream(file)); // reads
    });
    for (const stream of streams) stream.destroy();
    expect(found).toEqual([openFile('writes'), openFile('reads')]);
  });

  it('that is closed again, that is not there, and that is only read or written, is not left', async () => {
    const path = join(folder(), 'log');
    const found = await leftovers(async () => {
      closeSync(openSync(file, 'r'));
      const fd = await opening(file);
      await new Promise<void>((resolve) => fs.close(fd, () => resolve()));
      expect(() => openSync(join(path, 'none'), 'r')).toThrow('ENOENT');
      await expect(opening(`${path}.none`)).rejects.toThrow('ENOENT');
      expect(() => fs.open(undefined as never, 'r', () => {})).toThrow(TypeError);
      const log = createWriteStream(path);
      await new Promise<void>((resolve) => log.end('a', () => resolve()));
      await new Promise<void>(
        (resolve) =>
          void createReadStream(path)
            .resume()
            .once('close', () => resolve()),
      );
      writeFileSync(path, readFileSync(path));
    });
    expect(found.filter(({ what }) => what === 'an open file')).toEqual([]);
  });

  it('is looked at only while a world is open', async () => {
    const { open, openSync: sync } = fs;
    await leftovers(() => expect(fs.open).not.toBe(open));
    expect([fs.open, fs.openSync]).toEqual([open, sync]);
  });
});

describe('whoever listens to the process', () => {
  it('is left: to a signal, or to its end', async () => {
    const listen = (): void => {};
    const found = await leftovers(() => {
      process.on('SIGHUP', listen); // signal
      process.once('beforeExit', listen); // ending
    });
    process.off('SIGHUP', listen).off('beforeExit', listen);
    expect(found).toEqual([
      { kind: 'handle', what: 'a signal handler (SIGHUP)', where: place('signal') },
      { kind: 'handle', what: 'a listener of the process (beforeExit)', where: place('ending') },
    ]);
  });

  it('is not left when it listens no more', async () => {
    const listen = (): void => {};
    const found = await leftovers(() => {
      process.on('SIGHUP', listen);
      process.off('SIGHUP', listen);
      process.once('espalier-test' as 'exit', listen);
      process.emit('espalier-test' as 'exit', 0);
    });
    expect(found).toEqual([]);
  });
});

/** What a user's file may do and a test of ours may not: it sets timers of the runtime. */
const careless = `
  export const wait = (fn) => setTimeout(fn, 1);
  export const set = () => setTimeout(() => {}, 1e9);
  export const clear = (timer) => clearTimeout(timer);
  export const again = () => setImmediate(() => globalThis.espalierStop || again());
  export const once = () => setImmediate(() => {});
`;

interface Careless {
  wait(fn: () => void): unknown;
  set(): unknown;
  clear(timer: unknown): void;
  again(): void;
  once(): void;
}

async function load(): Promise<Careless> {
  const path = join(folder(), 'careless.mjs');
  writeFileSync(path, careless);
  return (await import(pathToFileURL(path).href)) as Careless;
}
const placed = (name: string): unknown => {
  const number = careless.split('\n').findIndex((text) => text.includes(`const ${name} =`)) + 1;
  return expect.stringMatching(new RegExp(`/careless\\.mjs:${number}:\\d+$`, 'u'));
};

describe('an immediate', () => {
  it('that sets itself again for ever is left, one that has run is not', async () => {
    const { again, once } = await load();
    const found = await leftovers(() => {
      again();
      once();
    });
    (globalThis as { espalierStop?: boolean }).espalierStop = true;
    expect(found).toEqual([{ kind: 'timer', what: 'an immediate of the runtime', where: placed('again') }]);
  });
});

describe('a timer of the wall clock', () => {
  const treeOf = (begin: () => unknown) => {
    const child = fromCallback(() => void begin());
    return { actors: { child }, children: [{ id: 'a', src: 'child' as const }] };
  };
  const wallClock = (name: string): object => ({
    kind: 'wallClock',
    what: "a timer of the wall clock, set by an actor: use a delay, or the clock of the actor's system",
    where: placed(name),
  });

  it('that an actor has set is named, also when it has fired', async () => {
    const { wait } = await load();
    const found = await leftovers(async (world) => {
      const late = new Promise<void>((resolve) => {
        world.start(treeOf(() => wait(resolve)).actors.child);
      });
      await late;
    });
    expect(found).toEqual([wallClock('wait')]);
  });

  it('is a timer that is left where it still waits, and named where it was cleared', async () => {
    const { set, clear } = await load();
    const timers: unknown[] = [];
    const left = await leftovers((world) => world.startSupervised(treeOf(() => timers.push(set()))));
    expect(left).toEqual([{ kind: 'timer', what: 'a timer of the runtime', where: placed('set') }]);
    for (const timer of timers) clear(timer);
    const cleared = await leftovers((world) => world.startSupervised(treeOf(() => clear(set()))));
    expect(cleared).toEqual([wallClock('set')]);
  });

  it("may be set by the test itself, and by an actor on its system's clock", async () => {
    const { set, clear } = await load();
    const found = await leftovers(async (world) => {
      const app = await world.startSupervised(treeOf(() => undefined));
      const tick = fromCallback(({ system }) => void (system as unknown as { _clock: typeof world.clock })._clock.setTimeout(() => {}, 5));
      clear(set());
      world.start(tick);
      clear(set());
      app.child('a')?.send({ type: 'x' });
      clear(set());
      await world.runFor(10);
      clear(set());
    });
    expect(found).toEqual([]);
  });

  it('fails its test with a word of its own, unless it is allowed', async () => {
    const { set, clear } = await load();
    const tree = treeOf(() => clear(set()));
    const app = await startSupervised(tree, { test: { onTestFinished: () => {} } });
    await app.world.runFor(1);
    await expect(app.world.end()).rejects.toThrow(
      /^the world 'world' \(seed 1\) was not alone with its time:\n {2}wallClock +a timer of the wall clock[^\n]*\n +started at [^\n]*careless/u,
    );
    const allow = [{ kind: 'wallClock', because: 'a real socket has real time-outs' }] as const;
    expect(await leftovers((world) => world.startSupervised(tree), { allow })).toEqual([]);
  });
});
