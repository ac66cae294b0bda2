/** From a model and what is to stand in its machine's place, to what is executed. */
import type { AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import { compile, type Subject } from './compile.js';
import { ModelTestFailure } from './failure.js';
import type { Model } from './model.js';
import { shrunk } from './shrink.js';
import type { Plan } from './walk.js';

export interface PlanOptions<M extends AnyStateMachine> extends Subject<M> {
  /** Executes the model's own machine beside `machine`, and compares value, context, emitted events and output after every step. */
  readonly against?: boolean;
}

export function plan<M extends AnyStateMachine>(model: Model<M>, { against = false, ...subject }: PlanOptions<M> = {}): Plan<M> {
  const compiled = compile(model, subject);
  return against ? { ...compiled, reference: compile(model) } : compiled;
}

/**
 * The error of a test in which the machine did nothing.
 * @param what  the parts of the test, in the plural
 * @param steps  how many were taken, all in vain
 */
export function nothingHappens<M extends AnyStateMachine>({ model, cases }: Plan<M>, what: string, steps: number): EspalierError {
  const count = `${cases.length} ${cases.length === 1 ? 'case' : 'cases'}`;
  return new EspalierError('testing/invalid-model', {
    expected: `a model of '${model.machine.id}' of which something can happen: ${what} in which nothing happens prove nothing`,
    got: steps === 0 ? `${count}, none of them offered at any start` : `${count}, and no step of ${steps} that made the machine do anything`,
  });
}

/** Acts; a failure comes out shrunk and drawn. */
export function shrinking<M extends AnyStateMachine, Result>(of: Plan<M>, act: () => Result, seed?: number): Result {
  try {
    return act();
  } catch (error) {
    if (error instanceof ModelTestFailure && error.sequence === undefined) throw shrunk(of, error, seed);
    throw error;
  }
}
