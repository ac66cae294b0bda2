import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * What comes out the same on every Node, so that `SUITE=node npm test`, with which a second Node is tried, leaves it out. The rule: a file stands here when all that
 * it looks at is text, types, pictures, a decision without effects, a chart on a clock of the test's own, or a page in a browser. Whatever touches workers, streams,
 * sockets, SQLite, the runtime's clocks and signals, child processes, memory or the event loop runs on each Node, however long it takes. test/suite.test.ts holds
 * the list to that; what starts a process there has its reason.
 */
export const alikeOnEachNode: readonly string[] = [
  // The house, its documents and its types: one compiler and one reading of the files.
  'test/house-rules.test.ts',
  'test/documents.test.ts',
  'test/errors.test.ts',
  'test/types/*.test.ts',
  // Pictures of machines: text that comes of text.
  'test/charts/*.test.ts',
  'test/visualizations/*.test.ts',
  // Charts on virtual clocks, every edge of them, and decisions by their properties.
  'test/model/*.test.ts',
  'test/coordination/*-properties.test.ts',
  // Pages in a browser, which has a runtime of its own; what serves them is tried in test/inspector/ and test/live/.
  'test/browser/*.test.ts',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '.build/**', ...(process.env['SUITE'] === 'node' ? alikeOnEachNode : [])],
    restoreMocks: true,
    // vitest leaves one core to itself: on two, the files would go one by one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A bound for what hangs, and no measure: a machine that ten others use must not fail a test.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
