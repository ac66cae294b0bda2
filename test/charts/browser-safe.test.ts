import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readHouse } from '../house/source.js';

const { modules } = readHouse(fileURLToPath(new URL('../..', import.meta.url)));
const charts = modules.filter(({ path }) => path.startsWith('src/charts/'));

describe('what a page draws charts with', () => {
  it('imports nothing of Node, no package and of other rooms the errors alone: only who loads elkjs imports a package', () => {
    const foreign = charts.flatMap(({ path, imports }) =>
      imports.filter(({ typeOnly, file }) => !typeOnly && !file?.startsWith('src/charts/')).map(({ specifier }) => `${path} ${specifier}`),
    );
    expect(foreign).toEqual([
      'src/charts/active.ts ../wire/recording/state-value.js',
      'src/charts/event-schemas.ts ../wire/recording/event-schema.js',
      'src/charts/index.ts ../errors.js',
      'src/charts/load-elk.ts ../errors.js',
      'src/charts/load-elk.ts elkjs',
    ]);
    const users = charts.filter(({ imports }) => imports.some(({ file }) => file === 'src/charts/load-elk.ts'));
    expect(users).toEqual([]);
  });
});
