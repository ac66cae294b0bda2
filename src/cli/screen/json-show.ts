/** A play for programs: one JSON object a line. `type` tells what it is: a fact, `tree`, `report`, `end`. */
import type { ExitReport } from '../../supervision/exit-report.js';
import { type Fact, isTurningPoint } from '../stage/facts.js';
import type { TreeNode } from '../stage/tree-node.js';
import type { Ending, Paper, Show } from './show.js';

export class JsonShow implements Show {
  readonly #paper: Paper;
  #trees: readonly TreeNode[] = [];

  constructor(paper: Paper) {
    this.#paper = paper;
  }

  begin(title: string): void {
    this.#print({ type: 'begin', title });
  }

  update(facts: readonly Fact[], trees: readonly TreeNode[]): void {
    this.#trees = trees;
    for (const fact of facts) if (fact.type !== 'frame') this.#print(fact);
    if (facts.some(isTurningPoint)) this.picture();
  }

  picture(): void {
    for (const tree of this.#trees) this.#print({ type: 'tree', tree });
  }

  report(report: ExitReport): void {
    this.#print({ type: 'report', report });
  }

  end(ending: Ending): void {
    this.#print({ type: 'end', ...ending });
  }

  close(): void {}

  #print(value: object): void {
    this.#paper.write(`${JSON.stringify(value, plain)}\n`);
  }
}

/** Errors and actors, which JSON would leave empty or cannot take. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'object' && value !== null && 'getSnapshot' in value) return { actor: (value as { id?: unknown }).id };
  return value;
}
