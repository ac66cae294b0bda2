/**
 * Draws every machine of the catalogue: `draw.js` writes the pictures and pages of this folder, `draw.js --check` names those that are stale and exits 1.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { catalogue } from '../../machines/index.js';
import { loadElk } from '../../src/charts/load-elk.js';
import { pagesOf } from './pages.js';

const folder = join('visualizations', 'diagrams');
const check = process.argv.includes('--check');

const wanted = await pagesOf(Object.values<AnyStateMachine>(catalogue), await loadElk('draw/missing-peer', 'diagrams'));
mkdirSync(folder, { recursive: true });
const present = new Map(
  readdirSync(folder)
    .filter((file) => /\.(?:md|svg)$/.test(file))
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
