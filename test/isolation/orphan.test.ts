import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('a process whose app is killed in the midst of a job that loops for ever ends too', { timeout: 30_000 }, async () => {
  const app = spawn(process.execPath, [join(import.meta.dirname, 'app.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(app.stdout, 'data')) as [Buffer];
  expect(said.toString()).toBe('looping');
  app.kill('SIGKILL');
  // Both hold the pipe: it closes when neither is there any more.
  await once(app.stdout, 'close');
});
