/** An XState that is not the one that the tables are made for: machines run interpreted, and the app is told. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createActor, createMachine } from 'xstate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as compiled from '../../src/compiled/compile.js';

const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { press: 'on' } }, on: {} } });

async function withBrokenPart(why: string): Promise<typeof compiled> {
  vi.resetModules();
  vi.doMock('../../src/compiled/xstate-parts.js', async (original) => ({ ...(await original<object>()), brokenPart: () => why }));
  return import('../../src/compiled/compile.js');
}

afterEach(() => {
  vi.doUnmock('../../src/compiled/xstate-parts.js');
  vi.resetModules();
});

describe('where XState has changed', () => {
  it('machines run interpreted, which is said once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const changed = await withBrokenPart('a snapshot has other keys');
    for (let times = 0; times < 3; times++) expect(changed.compile(lamp)).toBe(lamp);
    expect(warn.mock.calls).toEqual([
      [
        'compiled charts run interpreted: a snapshot has other keys',
        expect.objectContaining({ type: 'EspalierWarning', code: 'ESPALIER_INTERPRETED', detail: expect.stringContaining('peer') }),
      ],
    ]);
    expect(changed.interpretedParts(lamp)).toEqual([
      { node: 'lamp', why: 'this XState is another than its tables are made for: a snapshot has other keys' },
    ]);
  });

  it('the range of the package names the version that the contract was held to, and no other', () => {
    const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<string, Record<string, string>>;
    const { peerDependencies, devDependencies } = read('../../package.json');
    const { version } = read('../../node_modules/xstate/package.json');
    expect([peerDependencies?.['xstate'], devDependencies?.['xstate']]).toEqual([version, version]);
  });
});

describe('a machine that another copy of XState has made', () => {
  it('runs interpreted, since nothing is known of that copy', () => {
    const require = createRequire(import.meta.url);
    const path = require.resolve('xstate');
    const { [path]: kept } = require.cache;
    for (const key of Object.keys(require.cache)) if (key.includes('/xstate/')) delete require.cache[key];
    const other = require('xstate') as { createMachine: typeof createMachine };
    if (kept !== undefined) require.cache[path] = kept;
    const machine = other.createMachine({ id: 'other', initial: 'a', states: { a: {} } });
    expect(compiled.compile(machine)).toBe(machine);
    expect(compiled.interpretedParts(machine)).toEqual([{ node: 'other', why: 'it was made by another copy of XState' }]);
    expect(createActor(machine).getSnapshot().value).toBe('a');
  });
});
