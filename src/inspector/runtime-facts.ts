/** What process this is, for people. */
import { readFileSync } from 'node:fs';

import type { AppFacts } from './hub.js';

export function runtimeFacts(title: string | undefined): AppFacts {
  return { title: title ?? '', pid: process.pid, runtime: `Node ${process.versions.node}`, version: versionOf(import.meta.url) };
}

/** The version in the nearest package.json above a module. */
function versionOf(module: string): string {
  for (let folder = new URL('.', module); folder.pathname !== '/'; folder = new URL('..', folder)) {
    try {
      return (JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }).version;
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown';
}
