/** Whether a model notices that its machine is wrong. */
import type { AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import type { Model } from '../model/model.js';
import { checkOptions } from '../model/options.js';
import type { Mutant, MutantKind } from './mutants.js';
import { trialOf } from './trial.js';

/** How a model is tried on mutants. */
export interface MutationOptions {
  /** Of the random walks. Default 1. */
  readonly seed?: number;
  /** Random walks over each mutant. Default 100. */
  readonly runs?: number;
  /** Mutants that cannot be told from the machine, by id, each with the reason. */
  readonly waived?: WaivedMutants;
  /** Called after each mutant. */
  onMutant?(verdict: Verdict, done: number, total: number): void;
}

/** What became of one mutant. */
export interface Verdict {
  readonly id: string;
  readonly kind: MutantKind;
  readonly fate: 'caught' | 'survived' | 'waived';
  /** What caught it: the name of a claim, or what could not be reached any more. Of a waived one: the reason. Of a survivor: nothing. */
  readonly by: string;
}

/** What became of the mutants of one machine. */
export interface MutationResult {
  /** The machine's id. */
  readonly machine: string;
  readonly caught: number;
  readonly survived: number;
  readonly waived: number;
  /** In document order. */
  readonly verdicts: readonly Verdict[];
}

/** Mutants that no test could tell from the machine, by id, each with the reason. */
export type WaivedMutants = Readonly<Record<string, string>>;

/**
 * Runs the tests of a model on every mutant of its machine: random walks, then paths that reach everything. What no test notices has survived.
 * @throws ModelTestFailure or CoverageFailure when the machine itself does not pass; EspalierError `testing/invalid-options` when a waiver names no
 *   mutant, gives no reason, or is of a mutant that is caught
 */
export async function mutationTest<M extends AnyStateMachine>(model: Model<M>, options: MutationOptions = {}): Promise<MutationResult> {
  const { onMutant, ...plain } = options;
  checkOptions('mutationTest', plain, { seed: { least: -0x8000_0000 }, runs: { least: 1 }, waived: 'table' });
  const { seed = 1, runs = 100, waived = {} } = plain;
  if (onMutant !== undefined && typeof onMutant !== 'function') throw refusal({ expected: '`onMutant`, a function', got: typeof onMutant });
  const trial = await trialOf(model, { seed, runs });
  const { mutants } = trial;
  const [fault] = waiverFaults(model.machine.id, mutants, waived);
  if (fault !== undefined) throw refusal(fault);
  const verdicts: Verdict[] = [];
  for (const mutant of mutants) {
    const verdict = verdictOn(mutant, await trial.whatCatches(mutant), waived);
    verdicts.push(verdict);
    onMutant?.(verdict, verdicts.length, mutants.length);
  }
  const needless = verdicts.find(({ id, fate }) => fate === 'caught' && id in waived);
  if (needless !== undefined)
    throw refusal({ expected: 'waivers of mutants that survive', got: `${needless.id}, which is caught by: ${needless.by}` });
  return resultOf(model.machine.id, verdicts);
}

// ---- verdicts

interface Fault {
  readonly expected: string;
  readonly got: string;
}

/** What is wrong with waivers before any mutant is tried: of none, or without a reason. */
export function waiverFaults(machine: string, mutants: readonly Pick<Mutant, 'id'>[], waived: WaivedMutants): Fault[] {
  return Object.entries(waived).flatMap(([id, reason]) => {
    if (!mutants.some((mutant) => mutant.id === id)) return [{ expected: `waivers of mutants of '${machine}'`, got: id }];
    const isGiven = typeof reason === 'string' && reason.trim() !== '';
    return isGiven ? [] : [{ expected: `a reason for the waiver of '${id}'`, got: JSON.stringify(reason) ?? 'none' }];
  });
}

function refusal({ expected, got }: Fault): EspalierError {
  return new EspalierError('testing/invalid-options', { expected: `mutationTest: ${expected}`, got });
}

/** @param by  what caught it, if anything has */
export function verdictOn({ id, kind }: Pick<Mutant, 'id' | 'kind'>, by: string | undefined, waived: WaivedMutants): Verdict {
  if (by !== undefined) return { id, kind, fate: 'caught', by };
  const reason = Object.hasOwn(waived, id) ? waived[id] : undefined;
  return reason === undefined ? { id, kind, fate: 'survived', by: '' } : { id, kind, fate: 'waived', by: reason };
}

export function resultOf(machine: string, verdicts: readonly Verdict[]): MutationResult {
  const count = (fate: Verdict['fate']): number => verdicts.filter((verdict) => verdict.fate === fate).length;
  return { machine, caught: count('caught'), survived: count('survived'), waived: count('waived'), verdicts };
}
