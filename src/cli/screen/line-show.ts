/** A play as plain lines: one for each event, and the tree at the start, where it took a turn, and at the end. */
import type { ExitReport } from '../../supervision/exit-report.js';
import { type Fact, isTurningPoint } from '../stage/facts.js';
import type { TreeNode } from '../stage/tree-node.js';
import { drawReport } from './draw-report.js';
import { drawTree } from './draw-tree.js';
import { factLine } from './fact-line.js';
import type { Ending, Paper, Show } from './show.js';
import { type Line, paint } from './spans.js';

export class LineShow implements Show {
  readonly #paper: Paper;
  readonly #colours: boolean;
  #trees: readonly TreeNode[] = [];
  #picture = '';
  /** Is the tree the last thing that was printed? */
  #pictured = false;
  /** Is the last line that was printed an empty one? */
  #gapped = false;

  constructor(paper: Paper, colours: boolean) {
    this.#paper = paper;
    this.#colours = colours;
  }

  begin(title: string): void {
    this.#print([[{ text: `espalier · ${title}`, tone: 'strong' }], []]);
  }

  update(facts: readonly Fact[], trees: readonly TreeNode[]): void {
    this.#trees = trees;
    this.#print(facts.map(factLine).filter((line) => line !== null));
    if (facts.some(isTurningPoint)) this.#draw();
  }

  picture(): void {
    if (!this.#pictured) this.#picture = '';
    this.#draw();
  }

  report(report: ExitReport): void {
    this.#gap();
    this.#print([...drawReport(report), []]);
  }

  end({ ok }: Ending): void {
    if (ok) this.#print([[{ text: 'all went well', tone: 'good' }]]);
  }

  close(): void {}

  #draw(): void {
    if (this.#trees.length === 0) return;
    const lines = this.#trees.flatMap((tree, index) => [...(index === 0 ? [] : [[]]), ...drawTree(tree)]);
    const picture = lines.map((line) => paint(line, false)).join('\n');
    if (picture === this.#picture) return;
    this.#picture = picture;
    this.#gap();
    this.#print([...lines, []]);
    this.#pictured = true;
  }

  /** An empty line, unless there is one. */
  #gap(): void {
    if (!this.#gapped) this.#print([[]]);
  }

  #print(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    this.#pictured = false;
    this.#gapped = lines.at(-1)?.length === 0;
    this.#paper.write(lines.map((line) => `${paint(line, this.#colours)}\n`).join(''));
  }
}
