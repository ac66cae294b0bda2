/**
 * The test kit in vitest: `import 'espalier/testing/vitest'` in a test, or name it among `setupFiles`.
 *
 * It adds matchers to `expect`, and lets worlds end with the test that makes them.
 */
import { expect } from 'vitest';
import type { AnyActorRef, AnyStateMachine } from 'xstate';

import { coverageFaults, summary } from './model/expect.js';
import type { Model } from './model/model.js';
import { searchFor, type PathsOptions } from './model/search.js';
import { leftovers, setJoinTest } from './world/create-world.js';
import { joinVitest } from './world/join-vitest.js';
import { listed } from './world/leftovers.js';
import type { WorldOptions } from './world/options.js';
import { nameOf, reach, type Goal, type ReachOptions } from './world/reach.js';
import type { World } from './world/world.js';

/** The matchers that the kit adds. */
export interface KitMatchers<Subject> {
  /**
   * The actor is in a state, or comes to it in time; passing through counts. An actor of a world, or on a virtual clock, is moved on meanwhile.
   * @param goal  a state value (`'ready'`, `{ connected: 'ready' }`), or what must hold of the snapshot
   */
  toReach(goal: Goal<Subject>, options?: ReachOptions): Promise<void>;
  /** Every transition of the model's machine is taken by a path that was executed (`testPaths`), or waived with a reason. */
  toCoverAllTransitions(options?: Subject extends Model<infer Machine> ? PathsOptions<Machine> : never): void;
  /** The world, or the function that is run in a world of its own, leaves no actor, timer, subscription, socket or handle. The world is ended. */
  toLeaveNothing(options?: WorldOptions): Promise<void>;
}

declare module 'vitest' {
  // oxlint-disable-next-line typescript/no-explicit-any -- the name and the parameter are vitest's
  interface Matchers<T = any> extends KitMatchers<T> {}
}

setJoinTest(joinVitest);

expect.extend({
  async toReach(actor: AnyActorRef, goal: unknown, options?: ReachOptions) {
    const { isReached, state, why } = await reach(actor, goal as Parameters<typeof reach>[1], options);
    const wanted = typeof goal === 'function' ? (goal.name === '' ? 'the condition' : goal.name) : JSON.stringify(goal);
    const reasons = { reached: '', ended: 'it has ended', idle: 'nothing is left that could move it', late: 'its time is up' };
    return {
      pass: isReached,
      message: () =>
        isReached
          ? `expected '${nameOf(actor)}' never to reach ${wanted}`
          : `expected '${nameOf(actor)}' to reach ${wanted}: ${reasons[why]}, in ${state}`,
    };
  },

  toCoverAllTransitions(model: Model<AnyStateMachine>, options?: unknown) {
    const { coverage } = searchFor('toCoverAllTransitions', model, options as PathsOptions<AnyStateMachine> | undefined);
    const faults = coverageFaults(coverage, ['transition']);
    return {
      pass: faults.length === 0,
      message: () => `${summary(coverage)}${faults.length === 0 ? ': all of them' : ''}${faults.map((fault) => `\n  - ${fault}`).join('')}`,
    };
  },

  async toLeaveNothing(subject: World | ((world: World) => unknown), options?: WorldOptions) {
    const left = await leftovers(subject, options);
    return {
      pass: left.length === 0,
      message: () => (left.length === 0 ? 'expected something to be left' : `expected nothing to be left, got ${left.length}:\n${listed(left)}`),
    };
  },
});
