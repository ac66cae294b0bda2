/** The gate: a model must reach everything that its machine has. */
import type { AnyStateMachine } from 'xstate';
import { type AnyStateNode, edgesOf, statesOf } from '../../charts/edges.js';
import { isWithin } from '../../charts/taken.js';
import type { Coverage } from './coverage.js';
import type { CoverageItem, CoverageKind } from './coverage-items.js';
import type { Model } from './model.js';
import { type PathsOptions, type PathsResult, searchFor } from './search.js';

/** Something was not reached, or a waiver or a case is for nothing. */
export class CoverageFailure extends Error {
  override readonly name = 'CoverageFailure';
  readonly coverage: Coverage;
  /** What was not reached, nor waived. */
  readonly missing: readonly CoverageItem[];

  constructor(message: string, coverage: Coverage, missing: readonly CoverageItem[]) {
    super(message);
    this.coverage = coverage;
    this.missing = missing;
  }
}

const words: Readonly<Record<CoverageKind, string>> = {
  state: 'states entered',
  transition: 'transitions taken',
  guard: 'guard outcomes',
  invoke: 'invoke outcomes',
  delay: 'delay outcomes',
};

/**
 * Searches ({@link testPaths}), and fails unless everything was reached or is waived with a reason, and every case of the model did something.
 * @throws CoverageFailure that lists what is missing, each with a shortest executed path to the state that it belongs to
 */
export function expectFullCoverage<M extends AnyStateMachine>(model: Model<M>, options: PathsOptions<M> = {}): PathsResult {
  const result = searchFor('expectFullCoverage', model, options);
  const { maxStates = 4_000 } = options;
  const faults = coverageFaults(result.coverage);
  for (const name of result.idleCases) faults.push(`never happened, or never did anything: case '${name}'`);
  if (faults.length === 0) return result;
  const stopped = result.stoppedBy === 'maxStates' ? `; the search stopped at maxStates = ${maxStates} states` : '';
  throw new CoverageFailure(`${summary(result.coverage)}${stopped}\n  - ${faults.join('\n  - ')}`, result.coverage, result.coverage.open());
}

/** What is wrong with a coverage, in words: what is missing, and waivers that are for nothing. */
export function coverageFaults(coverage: Coverage, kinds?: readonly CoverageKind[]): string[] {
  const ids = new Set(coverage.items.map(({ id }) => id));
  const faults: string[] = [];
  for (const [id, reason] of Object.entries(coverage.waivers)) {
    if (!ids.has(id)) faults.push(`waived, but the machine has no such item: ${id}`);
    else if (typeof reason !== 'string' || reason.trim() === '') faults.push(`waived without a reason: ${id}`);
    else if (coverage.hits(id) > 0)
      faults.push(
        `waived, but reached ${coverage.hits(id) === 1 ? 'once' : `${coverage.hits(id)} times`}: ${id}\n      by: ${coverage.pathTo(id)?.join(' → ') ?? ''}`,
      );
  }
  for (const { id, state } of coverage.open(kinds)) {
    const near = nearestReached(coverage, state);
    const way = near === undefined ? '' : `${near} is reached by: ${coverage.pathTo(`state ${near}`)?.join(' → ') ?? ''}`;
    const none = near === state ? '' : `no executed path reaches ${state}${near === undefined ? '' : '; nearest before it, '}`;
    faults.push(`never: ${id}\n      ${none}${way}`);
  }
  return faults;
}

/** The state itself, or the one that was reached from which the fewest transitions of the definition lead to it; undefined where none does. */
function nearestReached(coverage: Coverage, state: string): string | undefined {
  const edges = edgesOf(coverage.machine);
  const nodes = statesOf(coverage.machine);
  const nodeOf = (id: string): AnyStateNode => nodes.find((node) => node.id === id) as AnyStateNode;
  // To enter a state is to enter what it is in, and may be to enter what is in it.
  const enters = (target: AnyStateNode, node: AnyStateNode): boolean => isWithin(target, node) || isWithin(node, target);
  const seen = new Set([state]);
  // A set gives its entries in the order in which they came, those that come meanwhile too.
  for (const id of seen) {
    if (coverage.pathTo(`state ${id}`) !== undefined) return id;
    for (const { node, definition } of edges) if (definition.target?.some((target) => enters(target, nodeOf(id))) === true) seen.add(node.id);
  }
  return undefined;
}

/** One line: how much of each kind was reached. */
export function summary(coverage: Coverage): string {
  const parts = (Object.keys(words) as CoverageKind[]).flatMap((kind) => {
    const all = coverage.items.filter((item) => item.kind === kind);
    return all.length === 0 ? [] : [`${all.length - coverage.missing([kind]).length} of ${all.length} ${words[kind]}`];
  });
  const waived = Object.keys(coverage.waivers).length;
  return `machine '${coverage.machine.id}': ${parts.join(', ')}${waived === 0 ? '' : `, ${waived} waived`}`;
}
