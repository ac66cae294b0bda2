/**
 * Draws every machine of the catalogue: `draw.js` writes one page a machine, `draw.js --check` names those that are stale and exits 1.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { catalogue } from '../../machines/index.js';
import { diagramPage } from './mermaid.js';

const folder = join('visualizations', 'diagrams');
const check = process.argv.includes('--check');

const wanted = new Map(Object.values<AnyStateMachine>(catalogue).map((machine) => [`${machine.id}.md`, diagramPage(machine)]));
mkdirSync(folder, { recursive: true });
const present = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
);
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter((file) => wanted.get(file) !== present.get(file)).sort();

if (!check) {
  for (const file of stale) {
    const page = wanted.get(file);
    if (page === undefined) rmSync(join(folder, file));
    else writeFileSync(join(folder, file), page);
    console.log(`${page === undefined ? 'removed' : 'drew'} ${join(folder, file)}`);
  }
} else if (stale.length > 0) {
  for (const file of stale) console.error(`stale: ${join(folder, file)}`);
  console.error('run `npm run draw` and commit what it writes');
  process.exitCode = 1;
}
