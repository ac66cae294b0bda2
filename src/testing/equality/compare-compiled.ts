/** The comparison of a compiled machine with the interpreted, for tests of apps. */
import type { AnyStateMachine } from 'xstate';

import { EspalierError } from '../../errors.js';
import type { AnyModel } from '../model/model.js';
import { checkOptions } from '../model/options.js';
import { type ComparedCase, sideBySide } from './side-by-side.js';
import type { Samples } from './stage-of-machine.js';

/** What a machine is played with, and how far. */
export interface CompareOptions extends Samples {
  /** Steps of the random walks, together. Default 2 000; along paths a tenth of it. */
  readonly steps?: number;
  /** Of the walks, a whole number: the same for the same seed. Default 1. */
  readonly seed?: number;
}

/** What came of it. */
export interface Comparison {
  /** How many paths and walks showed no difference. */
  readonly passed: number;
  /** Those that showed one, each with the steps that led to it. */
  readonly failed: readonly ComparedCase[];
  /** What was not compared, each with its reason: a machine that stays interpreted is skipped whole. */
  readonly skipped: readonly ComparedCase[];
}

/**
 * Plays a machine as `compile` makes it beside the same as XState interprets it, and compares all that can be seen of both: snapshots, actions, emitted,
 * sent and raised events, microsteps, logs, errors, what is saved. Its actors are replaced by ones that end, fail or hang; its guards and actions run as
 * they are; what is not implemented does nothing.
 * @param subject  a machine, or a model of one, which knows what its events carry and what its actors do
 * @throws EspalierError `testing/invalid-options`; `testing/invalid-model` where the model does not fit; `compiled/no-machine`
 */
export function compareCompiled(subject: AnyStateMachine | AnyModel, options: CompareOptions = {}): Comparison {
  checkOptions('compareCompiled', options, { inputs: 'table', events: 'list', outputs: 'table', steps: { least: 1 }, seed: { least: -0x8000_0000 } });
  const { steps = 2_000, seed = 1, ...samples } = options;
  const isModel = 'invariants' in subject;
  if (isModel && Object.keys(samples).length > 0) {
    throw new EspalierError('testing/invalid-options', {
      expected: 'compareCompiled: no samples for a model, which has its own',
      got: Object.keys(samples).join(', '),
    });
  }
  const reach = { pathSteps: Math.ceil(steps / 10), walkSteps: steps, seed };
  const cases = [...sideBySide(isModel ? { model: subject } : { machine: subject, samples }, reach)];
  const of = (status: ComparedCase['status']): readonly ComparedCase[] => cases.filter((one) => one.status === status);
  return { passed: of('passed').length, failed: of('failed'), skipped: of('skipped') };
}
