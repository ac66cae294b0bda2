/**
 * A play on a terminal: what happens scrolls by, and below it the tree is redrawn in place.
 *
 * Plain ANSI: the cursor goes up over the old picture, the new one is written over it, and what is left of the old is cleared. The cursor is hidden
 * meanwhile, and shown again whatever happens (also when the process exits in the middle).
 */
import type { ExitReport } from '../../supervision/exit-report.js';
import type { Fact } from '../stage/facts.js';
import type { TreeNode } from '../stage/tree-node.js';
import { drawReport } from './draw-report.js';
import { drawTree } from './draw-tree.js';
import { factLine } from './fact-line.js';
import type { Ending, Paper, Show } from './show.js';
import { clip, type Line, paint, widthOf, wrap } from './spans.js';

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const clearToEndOfLine = '\u001B[K';
const clearBelow = '\u001B[J';

export class TerminalShow implements Show {
  readonly #paper: Paper;
  readonly #colours: boolean;
  #trees: readonly TreeNode[] = [];
  /** Columns of each line of the picture on the screen. */
  #drawn: readonly number[] = [];
  #hidden = false;

  constructor(paper: Paper, colours: boolean) {
    this.#paper = paper;
    this.#colours = colours;
  }

  begin(title: string): void {
    process.once('exit', this.#restore);
    this.#hidden = true;
    this.#paper.write(hideCursor);
    this.#redraw([[{ text: 'espalier', tone: 'strong' }, { text: ` · ${title}` }], []], []);
  }

  update(facts: readonly Fact[], trees: readonly TreeNode[]): void {
    this.#trees = trees;
    const lines = facts.map(factLine).filter((line) => line !== null);
    this.#redraw(lines, this.#picture());
  }

  picture(): void {
    this.#redraw([], this.#picture());
  }

  report(report: ExitReport): void {
    // The live tree is wiped: it would say of everybody what was true before the stop, and the report says what is true now.
    this.#redraw([[], ...drawReport(report)], []);
  }

  end({ ok }: Ending): void {
    if (ok) this.#redraw([[], [{ text: '✔ all went well', tone: 'good' }]], []);
  }

  close(): void {
    process.off('exit', this.#restore);
    this.#restore();
  }

  readonly #restore = (): void => {
    if (this.#hidden) this.#paper.write(showCursor);
    this.#hidden = false;
  };

  /** The trees, as much of them as fits: the cursor cannot go back to what has scrolled away. */
  #picture(): Line[] {
    if (this.#trees.length === 0) return [];
    const lines = this.#trees.flatMap((tree): Line[] => [[], ...drawTree(tree)]);
    const room = Math.max(3, (this.#paper.rows || 24) - 1);
    if (lines.length <= room) return lines;
    return [...lines.slice(0, room - 1), [{ text: `… and ${lines.length - room + 1} more`, tone: 'quiet' }]];
  }

  /** One less than there are: a full line may or may not have begun the next one. */
  get #columns(): number {
    return Math.max(20, (this.#paper.columns || 80) - 1);
  }

  /** Writes lines for good above a new picture, in the place of the old one. */
  #redraw(lines: readonly Line[], picture: readonly Line[]): void {
    const columns = this.#columns;
    // A terminal that was made narrower has broken the lines of the old picture.
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / (columns + 1))), 0);
    const clipped = picture.map((line) => clip(line, columns));
    this.#drawn = clipped.map(widthOf);
    const written = [...lines.flatMap((line) => wrap(line, columns)), ...clipped];
    const text = written.map((line) => `${paint(line, this.#colours)}${clearToEndOfLine}\n`).join('');
    this.#paper.write(`${rows > 0 ? `\u001B[${rows}A\r` : ''}${text}${clearBelow}`);
  }
}
