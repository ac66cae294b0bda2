/** From a model and what is to stand in its machine's place, to what is executed. */
import type { AnyStateMachine } from 'xstate';
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

/** Acts; a failure comes out shrunk and drawn. */
export function shrinking<M extends AnyStateMachine, Result>(of: Plan<M>, act: () => Result, seed?: number): Result {
  try {
    return act();
  } catch (error) {
    if (error instanceof ModelTestFailure && error.sequence === undefined) throw shrunk(of, error, seed);
    throw error;
  }
}
