/** One path again: a found failure as a test of its own. */
import type { AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import { type Fixture, ModelTestFailure, withDetails } from './failure.js';
import type { Model } from './model.js';
import { checkOptions, subjectRules } from './options.js';
import { plan as planOf, type PlanOptions } from './plan.js';
import { drawTrail } from './sequence.js';
import { Walk } from './walk.js';

/**
 * Takes the steps of a fixture, each of which must be possible, and then goes to the end; every claim is checked after every step.
 * @throws ModelTestFailure when a claim breaks, EspalierError when the path does not fit the model
 */
export function replayPath<M extends AnyStateMachine>(model: Model<M>, fixture: Fixture, options: PlanOptions<M> = {}): void {
  checkOptions('replayPath', options, { ...subjectRules, waivers: 'table' });
  const plan = planOf(model, options);
  const { start, path } = fixture;
  const refuse = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected: `replayPath: ${expected}`, got });
  };
  if (fixture.model !== model.machine.id) refuse(`a fixture for '${model.machine.id}'`, fixture.model);
  if (!(start in plan.inputs)) refuse(`a start out of ${Object.keys(plan.inputs).join(', ')}`, start);
  const walk = new Walk(plan, start);
  try {
    walk.check();
    for (const name of path) {
      const step = walk.offered().find((one) => one.name === name);
      if (step === undefined) return refuse(`'${name}' to be possible`, `after ${[start, ...walk.path].join(' → ')}`);
      walk.take(step);
    }
    walk.end(true);
  } catch (error) {
    if (!(error instanceof ModelTestFailure)) throw error;
    throw withDetails(plan, error, { sequence: drawTrail(plan, { start, steps: walk.steps }) });
  }
}
