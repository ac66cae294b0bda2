/** Ways to a file: links, folders that come and go, and what no system tells of. */
import * as fs from 'node:fs';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as paths from 'node:path';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConfigEmitted } from '../../machines/config/config-events.js';
import { type Config, createConfig } from '../../src/config/handle.js';
import { type FileOptions, fileSource } from '../../src/config/file-source.js';
import { FileWatch } from '../../src/config/file-watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type Settings, schema } from './config-world.js';

let folder = '';
let settings: Config<Settings> | undefined;
const stops: (() => void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await settings?.close();
  settings = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, port: number): void => {
  mkdirSync(paths.dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), JSON.stringify({ port }));
};

/** Swaps a link in one step, as deployments do. */
const link = (to: string, name: string): void => {
  symlinkSync(to, join(folder, 'next-link'));
  renameSync(join(folder, 'next-link'), join(folder, name));
};

function next(type: ConfigEmitted['type']): Promise<unknown> {
  return new Promise((resolve) => {
    const heard = settings?.on(type, (fact) => {
      heard?.unsubscribe();
      resolve(fact);
    });
  });
}

/** By what the system tells alone. */
async function watching(name: string, options: FileOptions = { pollMs: 0 }): Promise<void> {
  settings = createConfig({ schema, settleMs: 10, retry: { minMs: 10, maxMs: 20 }, sources: [fileSource(join(folder, name), options)] });
  await settings.ready();
}

async function after(change: () => void, type: ConfigEmitted['type'] = 'config.updated'): Promise<unknown> {
  const told = next(type);
  change();
  await told;
  return settings?.get('port');
}

describe('a file is read again when', () => {
  it('a link on the way to it is swapped, and when it is written after that', async () => {
    for (const n of [1, 2]) put(`r${n}/app.json`, n);
    link('r1', 'current');
    await watching('current/app.json');
    expect(await after(() => link('r2', 'current'))).toBe(2);
    expect(await after(() => put('current/app.json', 22))).toBe(22);
  });

  it('the file is a link, and the file that this leads to is written, in another folder', async () => {
    put('there/x.json', 1);
    symlinkSync(join(folder, 'there', 'x.json'), join(folder, 'link.json'));
    await watching('link.json');
    expect(await after(() => put('there/x.json', 2))).toBe(2);
  });

  it('its folder was removed and made again, and when it is written after that', async () => {
    put('d/app.json', 1);
    await watching('d/app.json');
    await after(() => rmSync(join(folder, 'd'), { recursive: true }), 'config.degraded');
    expect(await after(() => put('d/app.json', 2))).toBe(2);
    expect(await after(() => put('d/app.json', 3))).toBe(3);
  });

  it('its folder was renamed and another put in its place, and when it is written after that', async () => {
    put('d/app.json', 1);
    put('e/app.json', 2);
    await watching('d/app.json');
    const swap = (): void => {
      renameSync(join(folder, 'd'), join(folder, 'old'));
      renameSync(join(folder, 'e'), join(folder, 'd'));
    };
    expect(await after(swap)).toBe(2);
    expect(await after(() => put('d/app.json', 3))).toBe(3);
  });
});

describe('what the system does not tell of', () => {
  /** A folder further up is replaced: of that a watch on the file’s own folder hears nothing. */
  const replace = (): void => {
    renameSync(join(folder, 'g'), join(folder, 'old'));
    put('g/d/app.json', 3);
  };

  it('is found by looking, on the clock of the actor; after that the new folder is watched', async () => {
    put('g/d/app.json', 1);
    const clock = new VirtualClock();
    let heard = 0;
    let tell = (): void => {};
    const watch = fileSource(join(folder, 'g/d/app.json')).watch;
    stops.push(
      (await watch?.(
        () => (heard++, tell()),
        () => {},
        clock,
      )) ?? (() => {}),
    );
    replace();
    clock.advanceBy(4_999);
    expect(heard).toBe(0);
    clock.advanceBy(1);
    expect(heard).toBe(1);
    clock.advanceBy(5_000);
    expect(heard).toBe(1);
    const told = new Promise<void>((resolve) => (tell = resolve));
    put('g/d/app.json', 4);
    await told;
    stops.splice(0).forEach((stop) => stop());
    expect(clock.pending()).toBe(0);
  });

  it('is found by a reload, which watches anew', async () => {
    put('g/d/app.json', 1);
    await watching('g/d/app.json');
    replace();
    expect(await after(() => settings?.reload())).toBe(3);
    expect(await after(() => put('g/d/app.json', 4))).toBe(4);
  });
});

describe('a folder that cannot be watched', () => {
  const refusing = {
    ...fs,
    watch: (() => {
      throw Object.assign(new Error('too many'), { code: 'ENOSPC' });
    }) as never,
  };

  it('is looked at; without that it is a fault', () => {
    put('app.json', 1);
    const clock = new VirtualClock();
    let heard = 0;
    const order = { path: join(folder, 'app.json'), clock, changed: () => void heard++, failed: () => {} };
    const watch = new FileWatch(refusing, paths, { ...order, pollMs: 100 });
    stops.push(() => watch.close());
    put('app.json', 22);
    clock.advanceBy(100);
    expect(heard).toBe(1);
    expect(() => new FileWatch(refusing, paths, { ...order, pollMs: 0 })).toThrow('too many');
  });

  it('after it was, is watched again as soon as that can be', () => {
    put('app.json', 1);
    const clock = new VirtualClock();
    const die: ((error: Error) => void)[] = [];
    const dying = { ...fs, watch: (() => ({ on: (_: string, heard: (error: Error) => void) => die.push(heard), close: () => {} })) as never };
    let heard = 0;
    const watch = new FileWatch(dying, paths, { path: join(folder, 'app.json'), clock, changed: () => void heard++, failed: () => {}, pollMs: 100 });
    stops.push(() => watch.close());
    const [count] = [die.length];
    die[0]?.(new Error('gone'));
    expect([heard, die.length]).toEqual([1, count]);
    clock.advanceBy(100);
    expect(die.length).toBe(count + 1);
  });
});
