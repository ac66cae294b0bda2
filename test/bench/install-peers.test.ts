import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { peersFolder, preparePeers } from '../../bench/install-peers.js';

let folder: string;

const installed = (version: string) => {
  mkdirSync(join(folder, 'node_modules', 'peer'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', 'peer', 'package.json'), JSON.stringify({ version }));
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-peers-'));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/peer': { version: '1.2.3' } } }));
  writeFileSync(join(folder, 'subject.mjs'), 'export const answer = 42;');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the peers of the benchmarks', () => {
  test('are not installed again when their locked version is there', async () => {
    installed('1.2.3');
    const said: string[] = [];
    const peers = await preparePeers(
      (line) => said.push(line),
      folder,
      () => Promise.reject(new Error('installed')),
    );
    expect(said).toEqual([]);
    expect(peers.ok && (await peers.import('subject.mjs'))).toMatchObject({ answer: 42 });
  });

  test.each(['missing', 'stale'])('are installed when %s, and a line says so', async (state) => {
    if (state === 'stale') installed('1.2.2');
    const said: string[] = [];
    const folders: string[] = [];
    const peers = await preparePeers(
      (line) => said.push(line),
      folder,
      async (where) => {
        folders.push(where);
        return undefined;
      },
    );
    expect(peers.ok).toBe(true);
    expect(folders).toEqual([folder]);
    expect(said).toEqual([`installing the peers once: npm ci in ${folder}`]);
  });

  test('are a reason, not a crash, when their installation fails', async () => {
    const peers = await preparePeers(
      () => {},
      folder,
      async () => 'ENOTFOUND registry',
    );
    expect(peers).toEqual({ ok: false, reason: 'npm ci in bench/peers failed: ENOTFOUND registry' });
  });

  test('are found from the compiled benches too', () => {
    const real = peersFolder();
    expect(real.endsWith(join('bench', 'peers'))).toBe(true);
    expect(peersFolder(join(real, '..', '..', '.build', 'bench'))).toBe(real);
  });
});
