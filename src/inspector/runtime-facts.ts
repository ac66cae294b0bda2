/** What process this is, for people. */
import { readFileSync } from 'node:fs';

import type { AppFacts } from './hub.js';

export function runtimeFacts(title: string | undefined): AppFacts {
  return { title: title ?? '', pid: process.pid, runtime: `Node ${process.versions.node}`, version: ownVersion() };
}

/** The version of this package: that of the nearest package.json above this module, as in its sources, so as built. */
export function ownVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      return (JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string }).version;
    } catch {
      // Not in this folder; above the topmost (of a drive, too) is itself.
      if (new URL('..', folder).href === folder.href) return 'unknown';
    }
  }
}
