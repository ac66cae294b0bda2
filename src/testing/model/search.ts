/**
 * Every state that a model can reach, by short executed paths.
 *
 * The search is over (state value, what the model's `key` keeps of the context, actors that run): breadth-first among equal state values, and the
 * value that was expanded least goes first, so that one busy corner does not hide the others. At the end the shortest ways are found over the steps
 * that were taken ({@link Ways}). A state is reached again by repeating its path on a fresh actor: restoring a snapshot would lose its timers.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import type { Case } from './compile.js';
import type { Coverage } from './coverage.js';
import { FairQueue } from './fair-queue.js';
import { ModelTestFailure } from './failure.js';
import type { Model } from './model.js';
import { checkOptions, subjectRules } from './options.js';
import { nothingHappens, plan as planOf, type PlanOptions, shrinking } from './plan.js';
import type { Run } from './run.js';
import { shortestFailure } from './shortest-failure.js';
import { stateKey } from './state-key.js';
import { type Plan, repeat, type Trail, Walk } from './walk.js';
import { Ways } from './ways.js';

/** How far a search goes. */
export interface PathsOptions<M extends AnyStateMachine> extends PlanOptions<M> {
  /** States to visit even when all is covered: more of them find more broken invariants. Default 300. */
  readonly minStates?: number;
  /** States to visit at most while something is missing. Default 4 000. */
  readonly maxStates?: number;
}

/** What a search has executed. */
export interface PathsResult {
  readonly coverage: Coverage;
  readonly states: number;
  readonly steps: number;
  /** Whether every state that the cases can reach was visited, as far as the model's `key` tells states apart. */
  readonly exhausted: boolean;
  /** What stopped the search. */
  readonly stoppedBy: 'exhausted' | 'minStates' | 'maxStates';
  /** Cases that were never offered, or did nothing wherever they were: dead weight in the model. */
  readonly idleCases: readonly string[];
}

const pathsRules = { ...subjectRules, minStates: { least: 1 }, maxStates: { least: 1 }, waivers: 'table' } as const;

/**
 * Executes short paths to everything that the machine has, and checks every claim after every step; each path then goes to its end.
 * @throws ModelTestFailure by a shortest path, where a few hundred states tell, else by a locally minimal one; EspalierError when the model does not fit, when nothing at all could be executed
 */
export function testPaths<M extends AnyStateMachine>(model: Model<M>, options: PathsOptions<M> = {}): PathsResult {
  return searchFor('testPaths', model, options);
}

/** Searches for a caller, by whose name options are refused. */
export function searchFor<M extends AnyStateMachine>(caller: string, model: Model<M>, options: PathsOptions<M> = {}): PathsResult {
  checkOptions(caller, options, pathsRules);
  const { minStates = 300, maxStates = 4_000, ...rest } = options;
  const plan = planOf(model, rest);
  const search = new Search(plan, { minStates, maxStates: Math.max(minStates, maxStates) });
  try {
    return shrinking(plan, () => search.go());
  } catch (error) {
    throw error instanceof ModelTestFailure ? shortestFailure(plan, error) : error;
  }
}

class Search<M extends AnyStateMachine> {
  readonly #plan: Plan<M>;
  readonly #limits: { readonly minStates: number; readonly maxStates: number };
  readonly #seen = new Set<string>();
  readonly #queue = new FairQueue<Trail<M> & { readonly key: string }>();
  readonly #ways = new Ways<M>();
  readonly #idle: Set<string>;
  #steps = 0;
  #executed = 0;

  constructor(plan: Plan<M>, limits: { readonly minStates: number; readonly maxStates: number }) {
    this.#plan = plan;
    this.#limits = limits;
    this.#idle = new Set(plan.cases.filter(({ optional }) => !optional).map(({ name }) => name));
  }

  go(): PathsResult {
    const { coverage, inputs } = this.#plan;
    for (const start of Object.keys(inputs)) {
      const walk = new Walk(this.#plan, start, { counts: true });
      walk.check();
      this.#ways.begin(start, this.#visit(walk));
    }
    this.#walkCorners();
    let trail: (Trail<M> & { readonly key: string }) | undefined;
    while (this.#seen.size < this.#limit() && (trail = this.#queue.shift()) !== undefined) {
      const scout = repeat(this.#plan, trail);
      const [first, ...others] = scout.offered();
      if (first === undefined) scout.stop();
      else this.#take(scout, first, trail.key);
      for (const step of others) this.#take(repeat(this.#plan, trail), step, trail.key);
    }
    if (this.#executed === 0) throw nothingHappens(this.#plan, 'searches', this.#steps);
    this.#ways.shorten(this.#plan);
    const exhausted = this.#queue.isEmpty;
    const stoppedBy = exhausted ? 'exhausted' : this.#isCovered() ? 'minStates' : 'maxStates';
    return { coverage, states: this.#seen.size, steps: this.#steps, exhausted, stoppedBy, idleCases: [...this.#idle] };
  }

  #limit(): number {
    return this.#isCovered() ? this.#limits.minStates : this.#limits.maxStates;
  }

  #isCovered(): boolean {
    return this.#idle.size === 0 && this.#plan.coverage.open().length === 0;
  }

  #walkCorners(): void {
    const { model, caseNamed } = this.#plan;
    for (const [name, [start, ...names]] of Object.entries(model.corners ?? {})) {
      for (const [index, caseName] of names.entries()) {
        const trail = { start, steps: names.slice(0, index).map((earlier) => caseNamed(earlier) as Case<M>) };
        const walk = repeat(this.#plan, trail);
        const step = walk.offered().find((offered) => offered.name === caseName);
        const refuse = (what: string): never => {
          walk.stop();
          throw new EspalierError('testing/invalid-model', {
            expected: `'${caseName}' to ${what} where corner '${name}' of the model of '${model.machine.id}' takes it`,
            got: `after ${[start, ...names.slice(0, index)].join(' → ')}`,
          });
        };
        if (step === undefined) return refuse('be possible');
        if (!this.#take(walk, step, stateKey(this.#plan, walk.run), true)) refuse('do anything');
      }
    }
  }

  /**
   * Takes a step and ends the walk.
   * @param from  the key of the state that the walk is in
   * @returns whether it did anything, as far as it matters
   */
  #take(walk: Walk<M>, step: Case<M>, from: string, isCorner = false): boolean {
    const { coverage } = this.#plan;
    const deeds = (): number => walk.run.activity + coverage.asked;
    // The model's notes are compared only where it matters: they may be long.
    const markOf = (): string => (isCorner || (step.isFree && this.#idle.has(step.name)) ? walk.mark() : '');
    const [mark, before, executed] = [markOf(), deeds(), walk.executed];
    coverage.reached.clear();
    walk.take(step);
    const does = deeds() > before || markOf() !== mark;
    if (deeds() > before || (does && step.isFree)) this.#idle.delete(step.name);
    this.#steps++;
    this.#executed += walk.executed - executed;
    const reached = [...coverage.reached];
    this.#ways.took({ from, step, to: this.#visit(walk), reached });
    return does;
  }

  /** Ends the walk; what follows from its state is looked at later, if that is new. @returns its key */
  #visit(walk: Walk<M>): string {
    const key = stateKey(this.#plan, walk.run);
    const isNew = !this.#seen.has(key);
    this.#seen.add(key);
    if (isNew && walk.isActive) this.#queue.push(groundOf(walk.run), { start: walk.start, steps: [...walk.steps], key });
    walk.end(isNew);
    return key;
  }
}

function groundOf<M extends AnyStateMachine>(run: Run<M>): string {
  return JSON.stringify([run.start, (run.snapshot as AnyMachineSnapshot).value]);
}
