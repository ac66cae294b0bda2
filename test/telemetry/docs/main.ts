/** `npm run telemetry:docs` writes docs/telemetry.md; with `--check` it says whether it is fresh. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { telemetryPage } from '../../../src/instrumentation/event-page.js';

const path = join('docs', 'telemetry.md');
const page = telemetryPage();
if (!process.argv.includes('--check')) {
  writeFileSync(path, page);
} else if (present() !== page) {
  process.stderr.write(`stale: ${path}\nrun \`npm run telemetry:docs\` and commit what it writes\n`);
  process.exitCode = 1;
}

function present(): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
