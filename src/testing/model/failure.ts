/** A test that failed, and how to make it fail again. */
import type { AnyStateMachine } from 'xstate';
import type { Compiled } from './compile.js';

/** A failing path as data: a test that keeps it stays a test. */
export interface Fixture {
  /** The id of the model's machine. */
  readonly model: string;
  /** The name of the input. */
  readonly start: string;
  /** Names of cases, in order. */
  readonly path: readonly string[];
}

export interface FailureDetails {
  /** What was broken: the name of an invariant, or a claim of the kit's own. */
  readonly claim: string;
  readonly problem: string;
  readonly start: string;
  /** The steps of the model. */
  readonly path: readonly string[];
  /** The steps of the model's `finish` after them. */
  readonly finishing?: number;
  readonly seed?: number | undefined;
  readonly sequence?: string | undefined;
  readonly note?: string | undefined;
}

/** A broken claim, and how to break it again. The message ends with the conversation as a Mermaid sequence diagram. */
export class ModelTestFailure extends Error {
  override readonly name = 'ModelTestFailure';
  readonly claim: string;
  readonly problem: string;
  readonly start: string;
  readonly path: readonly string[];
  /** The seed of the random walk that found it. */
  readonly seed: number | undefined;
  /** For `replayPath`. */
  readonly fixture: Fixture;
  /** What was said, as a Mermaid sequence diagram; undefined where it could not be drawn. */
  readonly sequence: string | undefined;
  readonly details: FailureDetails;

  constructor(machine: string, details: FailureDetails, cause?: unknown) {
    const { claim, problem, start, path, finishing = 0, seed, sequence, note } = details;
    const fixture: Fixture = { model: machine, start, path };
    const lines = [
      `${claim}: ${problem}`,
      `  after: ${[start, ...path, ...Array<string>(finishing).fill('(finish)')].join(' → ')}`,
      ...(note === undefined ? [] : [`  note: ${note}`]),
      ...(seed === undefined ? [] : [`  seed: ${seed}`]),
      // A path of no steps is none to be kept: every test of the model begins with its start.
      ...(sequence === undefined || path.length === 0 ? [] : [`  again: replayPath(model, ${JSON.stringify(fixture)})`]),
      ...(sequence === undefined ? [] : ['', sequence]),
    ];
    super(lines.join('\n'), cause === undefined ? undefined : { cause });
    this.claim = claim;
    this.problem = problem;
    this.start = start;
    this.path = path;
    this.seed = seed;
    this.fixture = fixture;
    this.sequence = sequence;
    this.details = details;
  }
}

/** The same failure with more known of it. */
export function withDetails<M extends AnyStateMachine>(
  { model }: Pick<Compiled<M>, 'model'>,
  failure: ModelTestFailure,
  more: Partial<FailureDetails>,
): ModelTestFailure {
  return new ModelTestFailure(model.machine.id, { ...failure.details, ...more }, failure.cause);
}
