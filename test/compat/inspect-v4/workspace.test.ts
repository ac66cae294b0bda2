/** Two versions of XState in one repository, and only one of them in the package. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);

function versionOf(name: string, from: URL): string {
  const path = createRequire(from).resolve(`${name}/package.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

describe('this workspace', () => {
  it('has an XState 4 of its own, which nobody else sees', () => {
    expect(versionOf('xstate', new URL(import.meta.url))).toMatch(/^4\./);
    expect(versionOf('xstate', new URL('src/index.ts', root))).toMatch(/^5\./);
    expect(() => createRequire(new URL('src/index.ts', root)).resolve('@xstate/inspect')).toThrow(/Cannot find module/);
  });

  it('is private, and not in the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { private?: boolean };
    const { files } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { files: string[] };
    expect(manifest.private).toBe(true);
    expect(files.some((path) => fileURLToPath(import.meta.url).startsWith(fileURLToPath(new URL(path, root))))).toBe(false);
  });
});
