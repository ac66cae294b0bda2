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
  const refuse = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected: `replayPath: ${expected}`, got });
  };
  if (typeof fixture !== 'object' || fixture === null) return refuse('a fixture { model, start, path }', fixture);
  const { start, path } = fixture;
  const unknown = Object.keys(fixture).find((key) => !['model', 'start', 'path'].includes(key));
  if (unknown !== undefined) refuse('a fixture with the keys model, start, path', unknown);
  if (fixture.model !== model.machine.id) refuse(`a fixture for '${model.machine.id}'`, fixture.model);
  if (!(start in plan.inputs)) refuse(`a start out of ${Object.keys(plan.inputs).join(', ')}`, start);
  if (!Array.isArray(path) || path.length === 0) refuse('a `path` of at least one case: one that takes no step proves nothing', path);
  const walk = new Walk(plan, start);
  try {
    walk.check();
    for (const name of path) {
      const step = walk.offered().find((one) => one.name === name);
      if (step === undefined) return refuse(`'${name}' to be possible`, `after ${[start, ...walk.path].join(' → ')}`);
      walk.take(step);
    }
    if (walk.executed === 0) refuse('a path that makes the machine do something', `${[start, ...path].join(' → ')}, which does nothing`);
    walk.end(true);
  } catch (error) {
    if (!(error instanceof ModelTestFailure)) throw error;
    throw withDetails(plan, error, { sequence: drawTrail(plan, { start, steps: walk.steps }) });
  }
}
