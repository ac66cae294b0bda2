/** Files as sources: real ones, watched. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, createConfig } from '../../src/config/handle.js';
import { fileSource } from '../../src/config/file-source.js';
import type { ConfigEmitted } from '../../machines/config/config-events.js';
import { type Settings, schema } from './config-world.js';

let folder = '';
let settings: Config<Settings> | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});

afterEach(async () => {
  await settings?.close();
  settings = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string): void => writeFileSync(join(folder, 'app.json'), text);

/** The next fact of a type. */
function next<Type extends ConfigEmitted['type']>(type: Type): Promise<Extract<ConfigEmitted, { type: Type }>> {
  return new Promise((resolve) => {
    const heard = settings?.on(type, (fact) => {
      heard?.unsubscribe();
      resolve(fact);
    });
  });
}

describe('a file', () => {
  it('is read, and again when it is written, or another is put in its place', async () => {
    write('\uFEFF{ "port": 1 }');
    settings = createConfig({ schema, settleMs: 10, sources: [fileSource(join(folder, 'app.json'))] });
    expect(await settings.ready()).toBe(1);
    expect(settings.get('port')).toBe(1);
    const written = next('config.updated');
    write('{ "port": 2 }');
    await written;
    expect(settings.get('port')).toBe(2);
    const replaced = next('config.updated');
    writeFileSync(join(folder, 'new.json'), '{ "port": 3 }');
    renameSync(join(folder, 'new.json'), join(folder, 'app.json'));
    await replaced;
    expect(settings.get('port')).toBe(3);
  });

  it('behind a link to the folder of today is read again when that is swapped, as Kubernetes mounts a ConfigMap', async () => {
    const put = (version: string, text: string): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'app.json'), text);
      symlinkSync(version, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    put('..2026_1', '{ "port": 1 }');
    symlinkSync(join('..data', 'app.json'), join(folder, 'app.json'));
    settings = createConfig({ schema, settleMs: 10, sources: [fileSource(join(folder, 'app.json'))] });
    await settings.ready();
    expect(settings.get('port')).toBe(1);
    const swapped = next('config.updated');
    put('..2026_2', '{ "port": 2 }');
    await swapped;
    expect(settings.get('port')).toBe(2);
  });

  it('that is half written, or gone, leaves the last good value, and nothing of its text is told', async () => {
    write('{ "db": { "password": "hunter2-hunter2", "host": "x" } }');
    settings = createConfig({ schema, settleMs: 10, retry: { minMs: 10, maxMs: 10 }, sources: [fileSource(join(folder, 'app.json'))] });
    await settings.ready();
    const broken = next('config.degraded');
    write('{ "db": { "password": "hunter2-hunter3",');
    expect(await broken).toEqual({ type: 'config.degraded', failing: { 'app.json': 'unparsable' }, isRefused: false, lost: [] });
    expect(settings.get('db')).toEqual({ host: 'x', password: 'hunter2-hunter2' });
    const gone = next('config.degraded');
    rmSync(join(folder, 'app.json'));
    expect(await gone).toMatchObject({ failing: { 'app.json': 'ENOENT' } });
    const back = next('config.recovered');
    write('{ "db": { "host": "y" } }');
    await back;
    expect(settings.get('db.host')).toBe('y');
  });

  it('that need not be there says nothing until it is', async () => {
    settings = createConfig({ schema, settleMs: 10, sources: [fileSource(join(folder, 'app.json'), { optional: true })] });
    await settings.ready();
    expect([settings.get('port'), settings.status().status]).toEqual([80, 'healthy']);
    const written = next('config.updated');
    write('{ "port": 2 }');
    await written;
    expect(settings.get('port')).toBe(2);
  });

  it('may be in another language, has a largest size, and must hold an object', async () => {
    write('port=7');
    const path = join(folder, 'app.json');
    const parse = (text: string): unknown => Object.fromEntries([text.split('=')]);
    settings = createConfig({ schema, sources: [fileSource(path, { parse, name: 'ini' })] });
    await settings.ready();
    expect([settings.get('port'), settings.inspect().origins]).toEqual([7, { port: 'ini' }]);
    const { signal } = new AbortController();
    await expect(fileSource(path, { maxBytes: 3 }).read(signal)).rejects.toMatchObject({ code: 'tooLarge' });
    await expect(fileSource(path, { parse: () => [] }).read(signal)).rejects.toMatchObject({ code: 'notAnObject' });
  });

  it.skipIf(process.platform === 'win32')(
    'must be one: a pipe that nobody writes, a device and a folder are refused, and none is opened',
    async () => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      for (const path of ['/dev/null', folder, pipe])
        await expect(fileSource(path, { optional: true }).read(new AbortController().signal)).rejects.toMatchObject({ code: 'notAFile' });
    },
  );

  it.each([
    ['', {}],
    [3, {}],
    ['x', { optional: 1 }],
    ['x', { parse: 1 }],
    ['x', { maxBytes: 0 }],
    ['x', { pollMs: -1 }],
    ['x', { watch: true }],
  ])('misuse is refused: %j, %j', (path, options) => {
    expect(() => fileSource(path as never, options as never)).toThrow(/config\/invalid-options/);
  });
});
