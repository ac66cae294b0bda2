import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', '.build/**'],
    restoreMocks: true,
    // vitest leaves one core to itself: on two, the files would go one by one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A bound for what hangs, and no measure: a machine that ten others use must not fail a test.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
