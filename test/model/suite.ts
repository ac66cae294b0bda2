/** The tests that every model gets: each machine's test file is its model and one call of {@link testModel}. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { expectEveryTransition } from './transition-coverage.js';
import { explore, walkAtRandom } from './walk.js';
import type { Model, SearchOptions, WalkOptions } from './walk.js';

/** The seed of all random walks: a failure prints it, `MODEL_SEED=7 npx vitest run test/model` sets it. */
export const seed = Number(process.env['MODEL_SEED'] ?? 20_251_122);

/** Registers the model's tests with vitest: every transition executed, no dead case, invariants on random walks. */
export function testModel<M extends AnyStateMachine>(model: Model<M>, options: SearchOptions & Partial<WalkOptions> = {}): void {
  const { runs = 300, maxSteps = 40, ...search } = options;
  describe(`the model of ${model.machine.id}`, () => {
    it('executes every transition of the machine, and every case of its own', { timeout: 60_000 }, () => {
      const exploration = explore(model, search);
      if (process.env['MODEL_REPORT'] !== undefined) process.stdout.write(`${report(exploration)}\n`);
      expectEveryTransition(exploration.machine, exploration.coverage, search.waivers === undefined ? {} : { waivers: search.waivers });
      expect(exploration.idleCases, 'cases that were never offered').toEqual([]);
    });

    it(`keeps its invariants on ${runs} random walks (seed ${seed})`, { timeout: 60_000 }, () => {
      walkAtRandom(model, { seed, runs, maxSteps });
    });
  });
}

function report({ machine, coverage, states, steps, exhausted }: ReturnType<typeof explore>): string {
  const total = coverage.all.length;
  const all = exhausted ? ', all that can be reached' : '';
  return `model: ${machine.id}: ${total - coverage.missing().length} of ${total} transitions, ${states} states${all}, ${steps} steps`;
}
