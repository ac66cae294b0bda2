/**
 * Executes a model: the real actor, along paths that a search finds and along seeded random walks, with every invariant checked after every step.
 *
 * The search is over (state value, what the model's `key` keeps of the context, actors that run): breadth-first among equal state values, and the
 * value that was expanded least goes first, so that one busy corner does not hide the others. A state is reached again by replaying its path on a fresh actor: restoring a snapshot would lose its timers.
 */
import fc from 'fast-check';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { houseRules, leftovers } from './invariants.js';
import type { Claim } from './invariants.js';
import { TransitionCoverage } from './transition-coverage.js';
import type { Waivers } from './transition-coverage.js';
import { World, fakeLogic } from './world.js';
import type { FakeOptions } from './world.js';

/** One concrete thing that can happen to the actor: an event, time that passes, an actor that ends. */
export interface Case<M extends AnyStateMachine> {
  /** Unique in its model; paths are told by these names. */
  readonly name: string;
  /** Whether it can happen now; default always. */
  readonly when?: (world: World<M>) => boolean;
  readonly run: (world: World<M>) => void;
  /** What must hold right after it, wherever it happened: what the machine owes for it. `world.before` is the snapshot that it met. */
  readonly owes?: Claim<M>;
  /** Four times less likely on random walks: it ends them, as a rule. */
  readonly rare?: boolean;
}

/** All that is needed to test a machine by its model. */
export interface Model<M extends AnyStateMachine> {
  /** As in the catalogue, placeholders and all. */
  readonly machine: M;
  /** The machine's placeholder actors by `src`, each replaced by a controlled fake. */
  readonly fakes: Readonly<Record<string, FakeOptions>>;
  /** Named inputs; each is a start of its own. */
  readonly starts: Readonly<Record<string, unknown>>;
  readonly cases: readonly Case<M>[];
  /** What of the context tells two states apart for the search; must take finitely many values on the paths of interest. */
  readonly key: (world: World<M>) => unknown;
  /** Paths given by hand, a start and then cases, into corners that lie too deep for the search; it goes on from each of their states. */
  readonly corners?: Readonly<Record<string, readonly [start: string, ...cases: string[]]>>;
  readonly invariants: Readonly<Record<string, Claim<M>>>;
  /** Keeps notes that invariants need, after every step, repeated ones included. */
  readonly observe?: (world: World<M>) => void;
  /** The next step of any running actor towards its end, where nothing may be left. Without it the actor is stopped from outside. */
  readonly finish?: (world: World<M>) => void;
  /** Whether the actor may end with an error in this world; default never. */
  readonly mayFail?: (world: World<M>) => boolean;
  /** House rules that this machine is excused from, each with its reason. */
  readonly excused?: Readonly<Record<string, string>>;
}

/** How far a search goes. */
export interface SearchOptions {
  /** States to visit even when all is covered: more of them find more broken invariants. Default 300. */
  readonly minStates?: number;
  /** States to visit at most while something is missing. Default 4 000. */
  readonly maxStates?: number;
  readonly waivers?: Waivers;
}

/** What a search has executed. */
export interface Exploration<M extends AnyStateMachine> {
  readonly machine: M;
  readonly coverage: TransitionCoverage;
  readonly states: number;
  readonly steps: number;
  /** Whether every state that the cases can reach was visited. */
  readonly exhausted: boolean;
  /** Cases that were never offered: dead weight in the model. */
  readonly idleCases: readonly string[];
}

/** A broken claim, and how to break it again. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure';

  constructor(claim: string, problem: string, path: readonly string[], cause?: unknown) {
    super(`${claim}: ${problem}\n  after: ${path.join(' → ')}`, cause === undefined ? undefined : { cause });
  }
}

/** Searches until every transition is taken by an executed path, or nothing new can be reached. */
export function explore<M extends AnyStateMachine>(model: Model<M>, options: SearchOptions = {}): Exploration<M> {
  const { minStates = 300, maxStates = 4_000, waivers = {} } = options;
  const machine = executable(model);
  const coverage = new TransitionCoverage(machine);
  const plan: Plan<M> = { model, machine, coverage };
  const idle = new Set(model.cases.map(({ name }) => name));
  const seen = new Set<string>();
  const queue = new FairQueue<Trail<M>>();
  let steps = 0;

  const visit = (walk: Walk<M>): void => {
    const key = stateKey(model, walk.world);
    const isNew = !seen.has(key);
    seen.add(key);
    if (isNew && isActive(walk.world)) queue.push(groundOf(walk.world), { start: walk.start, steps: [...walk.steps] });
    coverage.paused = true;
    walk.end(isNew);
  };
  const replay = ({ start, steps: known }: Trail<M>): Walk<M> => {
    coverage.paused = true;
    return new Walk(plan, start, known);
  };
  const tryStep = (trail: Trail<M>, step: Case<M>): void => {
    idle.delete(step.name);
    const walk = replay(trail);
    coverage.paused = false;
    coverage.path = [...walk.path, step.name];
    walk.take(step);
    steps++;
    visit(walk);
  };
  const covered = (): boolean => coverage.missing().every(({ id }) => id in waivers) && idle.size === 0;

  for (const start of Object.keys(model.starts)) {
    coverage.paused = false;
    coverage.path = [start];
    const walk = new Walk(plan, start);
    coverage.reached(walk.world.snapshot as AnyMachineSnapshot);
    walk.check();
    visit(walk);
  }
  for (const [name, [start, ...names]] of Object.entries(model.corners ?? {})) {
    names.forEach((caseName, index) => {
      const trail = { start, steps: names.slice(0, index).map((earlier) => caseOf(model, earlier)) };
      const scout = replay(trail);
      const step = scout.offered().find((offered) => offered.name === caseName);
      scout.world.actor.stop();
      if (step === undefined)
        throw new Error(`corner '${name}' of the model of '${model.machine.id}': '${caseName}' cannot happen after ${scout.path.join(' → ')}`);
      tryStep(trail, step);
    });
  }
  let trail: Trail<M> | undefined;
  while (seen.size < (covered() ? minStates : maxStates) && (trail = queue.shift()) !== undefined) {
    const scout = replay(trail);
    const offered = scout.offered();
    scout.world.actor.stop();
    for (const step of offered) tryStep(trail, step);
  }
  return { machine, coverage, states: seen.size, steps, exhausted: queue.isEmpty, idleCases: [...idle] };
}

/** How many random walks, how long, from which seed. */
export interface WalkOptions {
  readonly seed: number;
  /** Default 100. */
  readonly runs?: number;
  /** Default 40. */
  readonly maxSteps?: number;
}

/**
 * Walks at random and checks every invariant after every step; each walk then goes to its end, where nothing may be left.
 * @throws fast-check's report with the seed and the shortest failing walk that it found
 */
export function walkAtRandom<M extends AnyStateMachine>(model: Model<M>, { seed, runs = 100, maxSteps = 40 }: WalkOptions): void {
  const plan: Plan<M> = { model, machine: executable(model) };
  const starts = fc.constantFrom(...Object.keys(model.starts));
  const picks = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: maxSteps, size: 'max' });
  const property = fc.property(starts, picks, (start, choices) => {
    const walk = new Walk(plan, start);
    walk.check();
    for (const choice of choices) {
      const offered = isActive(walk.world) ? walk.offered().flatMap((step) => (step.rare === true ? [step] : [step, step, step, step])) : [];
      if (offered.length === 0) break;
      walk.take(offered[choice % offered.length] as Case<M>);
    }
    walk.end(true);
  });
  fc.assert(property, { seed, numRuns: runs, verbose: 0, includeErrorInReport: true });
}

interface Plan<M extends AnyStateMachine> {
  readonly model: Model<M>;
  readonly machine: M;
  readonly coverage?: TransitionCoverage;
}

/** A start and the steps taken since: what is kept of a walk. */
interface Trail<M extends AnyStateMachine> {
  readonly start: string;
  readonly steps: readonly Case<M>[];
}

/** One execution of a trail. */
class Walk<M extends AnyStateMachine> implements Trail<M> {
  readonly start: string;
  readonly steps: Case<M>[] = [];
  readonly model: Model<M>;
  readonly world: World<M>;

  /** @param known  steps that were checked before and are only repeated */
  constructor({ model, machine, coverage }: Plan<M>, start: string, known: readonly Case<M>[] = []) {
    this.start = start;
    this.model = model;
    this.world = new World(machine, model.starts[start], start, coverage?.observe);
    model.observe?.(this.world);
    for (const step of known) this.#run(step);
  }

  get path(): string[] {
    return [this.start, ...this.steps.map(({ name }) => name)];
  }

  offered(): readonly Case<M>[] {
    return this.model.cases.filter(({ when }) => when?.(this.world) ?? true);
  }

  /** Takes one step and checks every claim after it. */
  take(step: Case<M>): void {
    this.#run(step);
    this.check();
    if (step.owes !== undefined) this.#hold(`what is owed for '${step.name}'`, step.owes);
  }

  #run(step: Case<M>): void {
    this.world.before = this.world.snapshot;
    this.world.emittedBefore = this.world.emitted.length;
    this.steps.push(step);
    try {
      step.run(this.world);
    } catch (error) {
      throw new ModelFailure(`case '${step.name}' throws`, String(error), this.path, error);
    }
    this.model.observe?.(this.world);
  }

  check(): void {
    const { failure, snapshot } = this.world;
    const status = (snapshot as AnyMachineSnapshot).status;
    if ((failure !== undefined || status === 'error') && this.model.mayFail?.(this.world) !== true) {
      const error = failure?.error ?? (snapshot as AnyMachineSnapshot).error;
      throw new ModelFailure('the machine does not crash', String(error), this.path, error);
    }
    for (const [name, claim] of Object.entries(houseRules)) {
      if (!(name in (this.model.excused ?? {}))) this.#hold(name, claim);
    }
    for (const [name, claim] of Object.entries(this.model.invariants)) this.#hold(name, claim);
  }

  /** Ends the actor, in order where the model knows how, and checks that nothing is left. */
  end(inOrder: boolean): void {
    if (inOrder && this.model.finish !== undefined) {
      const finish = { name: '(finish)', run: this.model.finish };
      for (let step = 0; step < longestFinish && isActive(this.world); step++) this.take(finish);
      if (isActive(this.world)) {
        const value = JSON.stringify((this.world.snapshot as AnyMachineSnapshot).value);
        throw new ModelFailure('it can always be led to its end', `still active, in ${value}`, this.path.slice(0, 1 - longestFinish));
      }
    }
    this.world.actor.stop();
    this.#hold('nothing outlives the end', leftovers);
  }

  #hold(name: string, claim: Claim<M>): void {
    let problem: string | undefined;
    try {
      problem = claim(this.world);
    } catch (error) {
      throw new ModelFailure(name, `the check itself throws: ${String(error)}`, this.path, error);
    }
    if (problem !== undefined) throw new ModelFailure(name, problem, this.path);
  }
}

/** Microsteps of one event beyond which it is an endless loop, and a crash instead of a suite that hangs. */
const longestMacrostep = 1_000;

/** Steps of `finish` within which an actor must have ended. */
const longestFinish = 30;

function isActive<M extends AnyStateMachine>(world: World<M>): boolean {
  return (world.snapshot as AnyMachineSnapshot).status === 'active';
}

/** Items in groups: the next comes from the group that has given least, the oldest of it. */
class FairQueue<Item> {
  readonly #groups = new Map<string, { readonly items: Item[]; given: number }>();

  push(group: string, item: Item): void {
    const found = this.#groups.get(group);
    if (found === undefined) this.#groups.set(group, { items: [item], given: 0 });
    else found.items.push(item);
  }

  shift(): Item | undefined {
    const [least] = [...this.#groups.values()].filter(({ items }) => items.length > 0).sort((left, right) => left.given - right.given);
    if (least !== undefined) least.given++;
    return least?.items.shift();
  }

  get isEmpty(): boolean {
    return [...this.#groups.values()].every(({ items }) => items.length === 0);
  }
}

function groundOf<M extends AnyStateMachine>(world: World<M>): string {
  return JSON.stringify([world.start, (world.snapshot as AnyMachineSnapshot).value]);
}

function caseOf<M extends AnyStateMachine>({ cases }: Model<M>, name: string): Case<M> {
  return cases.find((one) => one.name === name) as Case<M>;
}

function stateKey<M extends AnyStateMachine>(model: Model<M>, world: World<M>): string {
  const { status, value } = world.snapshot as AnyMachineSnapshot;
  return JSON.stringify([world.start, status, value, world.running().map(({ id, src }) => [src, id]), model.key(world)]);
}

/** The machine with its placeholders faked. Refuses a model that does not fit its machine. */
function executable<M extends AnyStateMachine>({ machine, fakes, cases, starts, corners = {}, excused = {} }: Model<M>): M {
  const needed = Object.keys(machine.implementations.actors);
  const faults = [
    ...needed.filter((src) => !(src in fakes)).map((src) => `actor '${src}' of the machine has no fake`),
    ...Object.keys(fakes)
      .filter((src) => !needed.includes(src))
      .map((src) => `fake '${src}' is no actor of the machine`),
    ...cases
      .filter(({ name }, index) => cases.findIndex((other) => other.name === name) !== index)
      .map(({ name }) => `case '${name}' is there twice`),
    ...Object.entries(excused)
      .filter(([name, reason]) => !(name in houseRules) || reason === '')
      .map(([name]) => `'${name}' cannot be excused so`),
    ...Object.entries(corners)
      .filter(([, [start, ...names]]) => !(start in starts) || names.some((name) => !cases.some((one) => one.name === name)))
      .map(([name]) => `corner '${name}' names a start or a case that is not there`),
    ...(cases.length === 0 ? ['it has no cases'] : []),
    ...(Object.keys(starts).length === 0 ? ['it has no starts'] : []),
  ];
  if (faults.length > 0) throw new Error(`the model of '${machine.id}' does not fit:\n  - ${faults.join('\n  - ')}`);
  const actors = Object.fromEntries(Object.entries(fakes).map(([src, options]) => [src, fakeLogic(src, options)]));
  const made = machine.provide({ actors } as never) as M;
  made.options.maxIterations = longestMacrostep;
  return made;
}
