/** What was found in a world: which claims were broken, which defects were caught, and whether anything was proven. */
import type { FaultedWorld } from './faulted.js';
import type { Sums, Violation } from './trials.js';

/** What became of one planted defect. */
export interface DefectVerdict {
  readonly defect: string;
  /** The claim that it must break. */
  readonly breaks: string;
  /** Seeds, from 1 on, of which one must fail. */
  readonly within: number;
  /** The first seed that failed, and its claim; absent when none did. */
  readonly caught?: { readonly seed: number; readonly claim: string; readonly problem: string };
}

export interface WorldResult extends Sums {
  readonly world: string;
  /** The first seed. */
  readonly first: number;
  /** By seed; the first of each claim with its shortest schedule. */
  readonly violations: readonly (Violation & { readonly isShort: boolean })[];
  readonly defects: readonly DefectVerdict[];
  /** Why this is a failure, in words; empty where it is none. */
  readonly complaints: readonly string[];
}

/** Fewer seeds are a look, and no proof: a kind of fault may be left out by chance. */
const leastSeeds = 25;

/** Is this the claim that it was to break? */
export function isCaught({ breaks, caught }: DefectVerdict): boolean {
  return caught?.claim === breaks;
}

/** Why too little happened in a world to prove anything. A network on which nothing goes wrong keeps every claim, and so does a lock that nobody asks for. */
export function tooLittle(kinds: readonly string[], { seeds, events, struck, operations, told }: Sums): string[] {
  if (events === 0) return ['nothing happened'];
  if (seeds < leastSeeds) return [];
  const lacking = (counts: Readonly<Record<string, number>>, names = Object.keys(counts)): string =>
    names.filter((name) => (counts[name] ?? 0) === 0).join(', ');
  const [faults, undone, untold] = [lacking(struck, [...kinds]), lacking(operations), lacking(told)];
  return [
    ...(faults === '' ? [] : [`no fault struck of the kinds: ${faults}`]),
    ...(undone === '' ? [] : [`no client has done: ${undone}`]),
    ...(untold === '' ? [] : [`nothing came of it: ${untold}`]),
  ];
}

/** @param sums  undefined where only the defects were tried */
export function complaintsOn(
  world: FaultedWorld,
  sums: Sums | undefined,
  { violations, defects }: Pick<WorldResult, 'violations' | 'defects'>,
): string[] {
  const broken = violations.length === 0 ? [] : [`${violations.length} violation${violations.length === 1 ? '' : 's'}`];
  const little = sums === undefined || violations.length > 0 ? [] : tooLittle(world.kinds, sums);
  const missed = defects
    .filter((defect) => !isCaught(defect))
    .map(({ defect, breaks, within, caught }) =>
      caught === undefined
        ? `'${defect}' is planted, and no seed of ${within} breaks '${breaks}'`
        : `'${defect}' is planted, and seed ${caught.seed} breaks '${caught.claim}' instead of '${breaks}'`,
    );
  return [...broken, ...little, ...missed];
}
