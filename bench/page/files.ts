/** Which benchmarks the page has, and where its figures are. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.js';
import { gateBench } from '../gate.js';
import { readKept, type KeptFigures } from '../kept-figures.js';
import { liveBench } from '../live.js';
import { supervisionBench } from '../supervision.js';

/** In the order of the page. */
export const benchesOfPage: readonly Bench[] = [supervisionBench, gateBench, liveBench];

export const page = 'docs/performance.md';

/** Every run that is kept, of whatever benchmark. @param root  of the repository */
export function keptFigures(root: string): readonly KeptFigures[] {
  const folder = join(root, 'docs/figures');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readKept(join(folder, name)));
}
