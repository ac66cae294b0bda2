/** The tests of a model, to be run on mutants of its machine: paths that reach everything, then random walks. */
import type { AnyStateMachine } from 'xstate';
import { ModelTestFailure } from '../model/failure.js';
import type { ActorModel, Model } from '../model/model.js';
import { propertyTest } from '../model/property.js';
import { testPaths } from '../model/search.js';
import type { Mutant } from './mutants.js';
import { observed } from './observe.js';

/** Where the random walks begin, and how many they are. */
export interface TrialOptions {
  readonly seed: number;
  readonly runs: number;
}

/** A model whose own machine passes. */
export interface Trial<M extends AnyStateMachine> {
  readonly mutants: readonly Mutant<M>[];
  /** What catches the mutant: the name of a claim, or what cannot be reached any more. Undefined when all tests pass. */
  whatCatches(mutant: Mutant<M>): Promise<string | undefined>;
}

/**
 * Readies the tests of a model.
 * @throws ModelTestFailure or CoverageFailure when the machine itself does not pass: then its mutants prove nothing
 */
export async function trialOf<M extends AnyStateMachine>(model: Model<M>, walks: TrialOptions): Promise<Trial<M>> {
  // Of a mutant as many states are visited as all of the machine needs, even where the mutant has less to reach.
  const { mutants, states: minStates } = await observed(model);
  await propertyTest(model, walks);
  const patient = { ...model, ...(model.outcomes === undefined ? {} : { outcomes: bounded(model.outcomes) }) };
  return { mutants, whatCatches: (mutant) => whatCatches(patient, mutant, walks, minStates) };
}

/** Events that one actor may be sent within one step; beyond them it is an exchange without an end, and a crash instead of a trial that hangs. */
const mostHeard = 1_000;

/** The actors of a model, none of which answers a machine for ever. */
function bounded<M extends AnyStateMachine>(outcomes: Outcomes<M>): Outcomes<M> {
  const entries = Object.entries(outcomes).map(([src, actor]): [string, ActorModel<M>] => {
    const { onEvent } = actor;
    if (onEvent === undefined) return [src, actor];
    let heard = 0;
    let before: unknown;
    const onEventOfMany: ActorModel<M>['onEvent'] = (fake, event, run) => {
      heard = run.before === before ? heard + 1 : 1;
      before = run.before;
      if (heard > mostHeard) throw new Error(`actor '${src}' was sent more than ${mostHeard} events in one step`);
      return onEvent(fake, event, run);
    };
    return [src, { ...actor, onEvent: onEventOfMany }];
  });
  return Object.fromEntries(entries);
}

type Outcomes<M extends AnyStateMachine> = NonNullable<Model<M>['outcomes']>;

async function whatCatches<M extends AnyStateMachine>(
  model: Model<M>,
  mutant: Mutant<M>,
  walks: TrialOptions,
  minStates: number,
): Promise<string | undefined> {
  const machine = mutant.make();
  try {
    await propertyTest(model, { machine, ...walks });
    const { coverage, idleCases } = testPaths(model, { machine, minStates });
    const waived = new Set(Object.keys(coverage.waivers).map(withoutPlace));
    const [open] = coverage.open().filter(({ id }) => !waived.has(withoutPlace(id)));
    if (open !== undefined) return `never: ${open.id}`;
    return idleCases[0] === undefined ? undefined : `case '${idleCases[0]}' never did anything`;
  } catch (error) {
    if (error instanceof ModelTestFailure) return error.claim;
    return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  }
}

/** A mutant may move a waived item to another place among its candidates, and change where it leads. */
function withoutPlace(id: string): string {
  return id.replace(/#\d+--> .*?( true| false)?$/, '$1');
}
