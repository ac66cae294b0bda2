/** Files for stores under test: each in a folder of its own, which goes when the test has ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriverName } from '../../src/events/sqlite-drivers.js';

const folders: string[] = [];

export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-events-'));
  folders.push(folder);
  return join(folder, 'events.db');
}

export function removeFiles(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The engines that this Node has. */
export const drivers: readonly DriverName[] = [
  ...((process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule?.('node:sqlite') === undefined ? [] : ['node:sqlite' as const]),
  'libsql',
];
