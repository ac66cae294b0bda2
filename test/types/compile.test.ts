/** Has the compiler read what must compile and what must not (`*.test-d.ts`). */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the public types accept what they should, and refuse what they should not', { timeout: 120_000 }, () => {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const project = fileURLToPath(new URL('./tsconfig.json', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', project, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  expect(stdout + stderr).toBe('');
  expect(status).toBe(0);
});
