/**
 * The ways that a search has found: its states, and the steps that led from one to another.
 *
 * A search does not go breadth-first, so the path by which it came to a state first need not be a short one. The steps it took are a graph, though, and
 * in that the shortest way to everything can be told.
 */
import type { AnyStateMachine } from 'xstate';
import type { Case } from './compile.js';
import { type Plan, repeat, type Trail } from './walk.js';

/** One step that was taken, between states told apart by their keys. */
interface Edge<M extends AnyStateMachine> {
  readonly from: string;
  readonly step: Case<M>;
  readonly to: string;
  /** Ids of the coverage's items that it reached. */
  readonly reached: readonly string[];
}

/** Where a state is: the steps from its start, and the last of them. */
interface Place<M extends AnyStateMachine> {
  readonly start: string;
  readonly length: number;
  readonly last: Edge<M> | undefined;
}

/** Ways to one item that are tried at most: states that the model's `key` takes for one may differ, and then a step may lead elsewhere, or not be possible. */
const mostTries = 3;

export class Ways<M extends AnyStateMachine> {
  readonly #starts: { readonly key: string; readonly start: string }[] = [];
  readonly #edges: Edge<M>[] = [];

  begin(start: string, key: string): void {
    this.#starts.push({ key, start });
  }

  took(edge: Edge<M>): void {
    this.#edges.push(edge);
  }

  /**
   * Takes the shortest way to every item of the coverage that was reached by a longer one; the coverage keeps it.
   * @throws ModelTestFailure when a claim breaks on it
   */
  shorten(plan: Plan<M>): void {
    const places = this.#places();
    const lengthOf = (edge: Edge<M>): number => (places.get(edge.from)?.length ?? Infinity) + 1;
    const edges = this.#edges.filter((edge) => Number.isFinite(lengthOf(edge))).sort((left, right) => lengthOf(left) - lengthOf(right));
    const tries = new Map<string, number>();
    for (const edge of edges) {
      const open = edge.reached.filter((id) => lengthOf(edge) + 1 < (plan.coverage.pathTo(id)?.length ?? 0) && (tries.get(id) ?? 0) < mostTries);
      if (open.length === 0) continue;
      for (const id of open) tries.set(id, (tries.get(id) ?? 0) + 1);
      take(plan, trailOf(places, edge.from), edge.step);
    }
  }

  /** Every state, breadth-first. */
  #places(): ReadonlyMap<string, Place<M>> {
    const from = new Map<string, Edge<M>[]>();
    for (const edge of this.#edges) {
      const others = from.get(edge.from);
      if (others === undefined) from.set(edge.from, [edge]);
      else others.push(edge);
    }
    const places = new Map<string, Place<M>>(this.#starts.map(({ key, start }) => [key, { start, length: 0, last: undefined }]));
    // A map gives its entries in the order in which they came, those that come meanwhile too.
    for (const [key, { start, length }] of places) {
      for (const edge of from.get(key) ?? []) if (!places.has(edge.to)) places.set(edge.to, { start, length: length + 1, last: edge });
    }
    return places;
  }
}

function trailOf<M extends AnyStateMachine>(places: ReadonlyMap<string, Place<M>>, key: string): Trail<M> {
  const steps: Case<M>[] = [];
  let place = places.get(key) as Place<M>;
  for (; place.last !== undefined; place = places.get(place.last.from) as Place<M>) steps.unshift(place.last.step);
  return { start: place.start, steps };
}

/** Takes the trail and then the step, if all of it is possible; the coverage counts the step. */
function take<M extends AnyStateMachine>(plan: Plan<M>, trail: Trail<M>, step: Case<M>): void {
  const walk = repeat(plan, { start: trail.start, steps: [] });
  for (const [index, one] of [...trail.steps, step].entries()) {
    if (!walk.offered().includes(one)) break;
    if (index < trail.steps.length) walk.repeat(one);
    else walk.take(one);
  }
  walk.stop();
}
