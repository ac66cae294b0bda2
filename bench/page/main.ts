/** `npm run bench:page`: makes the tables of docs/performance.md of the figures in docs/figures. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchesOfPage, keptFigures, page } from './files.js';
import { renderPage } from './render.js';

const root = process.cwd();
const file = join(root, page);
const before = readFileSync(file, 'utf8');
const after = renderPage(before, benchesOfPage, keptFigures(root));
writeFileSync(file, after);
process.stdout.write(`${page}: ${after === before ? 'as it was' : 'written anew'}\n`);
