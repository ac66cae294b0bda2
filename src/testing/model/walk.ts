/** One execution of a path, with every claim checked after every step. */
import { isDeepStrictEqual } from 'node:util';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { kitClaims, leftovers } from './claims.js';
import type { Case, Compiled } from './compile.js';
import { ModelTestFailure } from './failure.js';
import type { Claim } from './model.js';
import { notedNow } from './noted.js';
import { type Probe, Run } from './run.js';

/** What is executed: a compiled model, and for a comparison the model's own machine. */
export interface Plan<M extends AnyStateMachine> extends Compiled<M> {
  readonly reference?: Compiled<M> | undefined;
}

/** A start and the steps taken since: what is kept of a walk. */
export interface Trail<M extends AnyStateMachine> {
  readonly start: string;
  readonly steps: readonly Case<M>[];
}

/** Steps of `finish` within which an actor must have ended. */
const longestFinish = 30;

export class Walk<M extends AnyStateMachine> implements Trail<M> {
  readonly start: string;
  readonly steps: Case<M>[] = [];
  readonly run: Run<M>;
  readonly #plan: Plan<M>;
  readonly #reference: Run<M> | undefined;
  #finishing = 0;
  /** How much the machine was made to do so far: transitions, guards, events that its actors heard. 0: whatever holds proves nothing. */
  executed = 0;

  /** @param counts  whether the coverage counts the start */
  constructor(plan: Plan<M>, start: string, { counts = false, probe }: { readonly counts?: boolean; readonly probe?: Probe } = {}) {
    this.start = start;
    this.#plan = plan;
    const { machine, inputs, coverage, model, reference } = plan;
    if (reference !== undefined) this.#reference = new Run(reference.machine, inputs[start], start);
    coverage.paused = !counts;
    coverage.path = [start];
    this.run = new Run(machine, inputs[start], start, probe ?? coverage.probe());
    coverage.entered(this.run.snapshot as AnyMachineSnapshot);
    coverage.paused = true;
    for (const run of this.#runs()) model.observe?.(run);
  }

  get path(): readonly string[] {
    return this.steps.map(({ name }) => name);
  }

  get isActive(): boolean {
    return this.run.isActive;
  }

  /** The cases that can happen now, in the model's order. */
  offered(): readonly Case<M>[] {
    if (!this.isActive) return [];
    return this.#plan.offered(this.#reference ?? this.run);
  }

  /** Takes a step that was checked before. */
  repeat(step: Case<M>): void {
    this.steps.push(step);
    this.#do(step);
  }

  /** Takes a step and checks every claim after it; the coverage counts it. */
  take(step: Case<M>): void {
    const { coverage } = this.#plan;
    this.steps.push(step);
    coverage.path = [this.start, ...this.path];
    this.#counting(true, () => this.#do(step));
    this.check();
    if (step.owes !== undefined) this.#hold(`what is owed for '${step.name}'`, step.owes);
  }

  #counting(counts: boolean, act: () => void): void {
    const { coverage } = this.#plan;
    coverage.paused = !counts;
    try {
      act();
    } finally {
      coverage.paused = true;
    }
  }

  #runs(): readonly Run<M>[] {
    return this.#reference === undefined ? [this.run] : [this.#reference, this.run];
  }

  #do(step: Pick<Case<M>, 'name' | 'run'>): void {
    for (const run of this.#runs()) {
      const before = this.#deedsOf(run);
      run.before = run.snapshot;
      run.emittedBefore = run.emitted.length;
      try {
        step.run(run);
      } catch (error) {
        throw this.#failure(`case '${step.name}' throws`, String(error), error);
      }
      this.#plan.model.observe?.(run);
      if (run === this.run) this.executed += this.#deedsOf(run) - before;
    }
  }

  #deedsOf({ activity, waits }: Run<M>): number {
    return activity - waits + this.#plan.coverage.asked;
  }

  /** What has happened so far, and what the model has noted of it: the same before and after a step that did nothing. */
  mark(): string {
    return JSON.stringify(this.#runs().map((run) => [run.activity, notedNow(run)]));
  }

  /** Checks every claim as things stand. */
  check(): void {
    const { model } = this.#plan;
    const snapshot = this.run.snapshot as AnyMachineSnapshot;
    const { failure } = this.run;
    if ((failure !== undefined || snapshot.status === 'error') && model.mayFail?.(this.run) !== true) {
      const error = failure?.error ?? snapshot.error;
      throw this.#failure('the machine does not crash', String(error), error);
    }
    for (const [name, claim] of Object.entries(kitClaims)) {
      if (!(name in (model.excused ?? {}))) this.#hold(name, claim as Claim<M>);
    }
    if (this.#reference !== undefined) this.#compare(this.#reference);
    for (const [name, claim] of Object.entries(model.invariants)) this.#hold(name, claim);
  }

  #compare(reference: Run<M>): void {
    const [model, subject] = [visible(reference), visible(this.run)];
    for (const key of Object.keys(model) as (keyof typeof model)[]) {
      if (isDeepStrictEqual(model[key], subject[key])) continue;
      throw this.#failure('it does what the machine of its model does', `${key} is ${show(subject[key])}, not ${show(model[key])}`);
    }
  }

  /** Ends the actor, in order where the model knows how, and checks that nothing is left. */
  end(inOrder: boolean): void {
    const { model } = this.#plan;
    if (inOrder && model.finish !== undefined) {
      for (; this.#finishing < longestFinish && this.isActive; ) {
        this.#finishing++;
        this.#do({ name: '(finish)', run: (run) => model.finish?.(run) });
        this.check();
      }
      if (this.isActive) {
        const value = JSON.stringify((this.run.snapshot as AnyMachineSnapshot).value);
        this.#finishing = 1;
        throw this.#failure('it can always be led to its end', `still active, in ${value}`);
      }
    }
    this.stop();
    this.#hold('nothing outlives the end', leftovers);
  }

  /** Stops the actor without a look. */
  stop(): void {
    for (const run of this.#runs()) run.end();
  }

  #hold(name: string, claim: Claim<M>): void {
    let problem: string | undefined;
    try {
      problem = claim(this.run);
    } catch (error) {
      throw this.#failure(name, `the check itself throws: ${String(error)}`, error);
    }
    if (problem !== undefined) throw this.#failure(name, problem);
  }

  #failure(claim: string, problem: string, cause?: unknown): ModelTestFailure {
    const { start, path } = this;
    return new ModelTestFailure(this.#plan.model.machine.id, { claim, problem, start, path, finishing: this.#finishing }, cause);
  }
}

/** Takes a trail again, up to where it was. */
export function repeat<M extends AnyStateMachine>(plan: Plan<M>, { start, steps }: Trail<M>): Walk<M> {
  const walk = new Walk(plan, start);
  for (const step of steps) walk.repeat(step);
  return walk;
}

/** What others can see of a run. */
function visible<M extends AnyStateMachine>({
  snapshot,
  emitted,
}: Run<M>): Readonly<Record<'value' | 'context' | 'status' | 'output' | 'emitted', unknown>> {
  const { value, context, status, output } = snapshot as AnyMachineSnapshot;
  const seen = { value, status, context, output: output ?? null, emitted };
  return JSON.parse(JSON.stringify(seen, (_, one: unknown) => spelt(one))) as ReturnType<typeof visible>;
}

/** What JSON makes an empty object of, or nothing. */
function spelt(value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return { [value.constructor.name]: [...value] };
  if (value instanceof Error) return { [value.name]: value.message };
  return typeof value === 'number' && !Number.isFinite(value) ? `(${value})` : value;
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}
