/** What actors leave for those who come after them in their seats: by their parent, by what they were made with, by their id. */
import type { AnyActorRef } from 'xstate';

export class LeftBehind<Plan extends object, Value> {
  readonly #byParent = new WeakMap<AnyActorRef, WeakMap<Plan, Map<string, Value>>>();

  /** What those with this plan have left below a parent, by their ids. All of one place share it, so that none takes another's away. */
  at(parent: AnyActorRef, plan: Plan): Map<string, Value> {
    const byPlan = this.#byParent.get(parent) ?? new WeakMap<Plan, Map<string, Value>>();
    this.#byParent.set(parent, byPlan);
    const byId = byPlan.get(plan) ?? new Map<string, Value>();
    byPlan.set(plan, byId);
    return byId;
  }
}
