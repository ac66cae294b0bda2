/** Whether a failure comes by fewer steps than a search, which does not go breadth-first, has found. */
import type { AnyStateMachine } from 'xstate';
import { ModelTestFailure, withDetails } from './failure.js';
import { drawTrail } from './sequence.js';
import { stateKey } from './state-key.js';
import { type Plan, repeat, type Trail, type Walk } from './walk.js';

/** States that are looked at; beyond them the failure stays as short as leaving out steps has made it. */
const mostStates = 300;

/** The failure by a shortest path: breadth-first from every start, to the depth at which it is known. */
export function shortestFailure<M extends AnyStateMachine>(plan: Plan<M>, known: ModelTestFailure): ModelTestFailure {
  const seen = new Set<string>();
  let level: readonly Trail<M>[] = Object.keys(plan.inputs).map((start) => ({ start, steps: [] }));
  for (let length = 1; length < known.path.length; length++) {
    const next: Trail<M>[] = [];
    for (const trail of level) {
      let walk: Walk<M> | undefined = repeat(plan, trail);
      for (const step of walk.offered()) {
        walk ??= repeat(plan, trail);
        const taken = walk;
        walk = undefined;
        const failure = failureOf(() => {
          taken.check();
          taken.take(step);
          const key = stateKey(plan, taken.run);
          const isNew = !seen.has(key);
          seen.add(key);
          if (isNew && taken.isActive) next.push({ start: trail.start, steps: [...taken.steps] });
          taken.end(isNew);
        });
        taken.stop();
        if (failure?.claim === known.claim) return withDetails(plan, failure, { sequence: drawTrail(plan, taken) });
        if (seen.size >= mostStates) return known;
      }
      walk?.stop();
    }
    level = next;
  }
  return known;
}

function failureOf(act: () => void): ModelTestFailure | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof ModelTestFailure) return error;
    throw error;
  }
  return undefined;
}
