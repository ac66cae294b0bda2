/** Makes a failing path short: no step of what is left can be taken away and it still fails by the same claim. */
import type { AnyStateMachine } from 'xstate';
import { ModelTestFailure, withDetails } from './failure.js';
import { drawTrail } from './sequence.js';
import { type Plan, Walk } from './walk.js';

/** Executions of a shrinking at most, so that a slow machine does not take a suite with it. */
const mostAttempts = 2_000;

/**
 * The failure by a locally minimal path (delta debugging over the names of the steps), with its sequence drawn.
 * @param seed  of the random walk that found it
 */
export function shrunk<M extends AnyStateMachine>(plan: Plan<M>, found: ModelTestFailure, seed?: number): ModelTestFailure {
  let best = attempt(plan, found.start, found.path, found.claim);
  if (best === undefined) {
    const note = 'it did not happen again: something in the machine or in the model is not deterministic (a clock, chance, an object in common)';
    return withDetails(plan, found, { seed, note });
  }
  let attempts = 0;
  const without = (from: number, count: number): boolean => {
    const { path, start } = best as ModelTestFailure;
    if (++attempts > mostAttempts) return false;
    const rest = [...path.slice(0, from), ...path.slice(from + count)];
    const failure = attempt(plan, start, rest, found.claim);
    if (failure === undefined || failure.path.length >= path.length) return false;
    best = failure;
    return true;
  };
  for (let size = Math.ceil(best.path.length / 2); size >= 1; ) {
    let isShorter = false;
    for (let from = 0; from < best.path.length; ) {
      if (without(from, size)) isShorter = true;
      else from += size;
    }
    if (!isShorter || size > 1) size = size > 1 ? Math.ceil(size / 2) : isShorter ? 1 : 0;
  }
  const steps = best.path.flatMap((name) => plan.caseNamed(name) ?? []);
  return withDetails(plan, best, { seed, sequence: drawTrail(plan, { start: best.start, steps }) });
}

/** Takes those of the steps that can happen, in order, and then ends: the failure by that claim, if it comes. */
export function attempt<M extends AnyStateMachine>(
  plan: Plan<M>,
  start: string,
  names: readonly string[],
  claim: string,
): ModelTestFailure | undefined {
  try {
    const walk = new Walk(plan, start);
    walk.check();
    for (const name of names) {
      const step = walk.offered().find((one) => one.name === name);
      if (step !== undefined) walk.take(step);
    }
    walk.end(true);
  } catch (error) {
    if (error instanceof ModelTestFailure && error.claim === claim) return error;
    if (!(error instanceof ModelTestFailure)) throw error;
  }
  return undefined;
}
