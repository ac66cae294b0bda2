/** A tree of actors as lines: its shape, how each is, and its restarts. Pure. */
import type { TreeNode } from '../stage/tree-node.js';
import type { Line, Span, Tone } from './spans.js';
import { columnsOf, padTo } from './text-width.js';

const tones: ReadonlyMap<string, Tone> = new Map([
  ...['running', 'ready', 'succeeded', 'closed'].map((state) => [state, 'good'] as const),
  ...['failed', 'crashed', 'killed', 'timedOut'].map((state) => [state, 'bad'] as const),
  ...['not started', 'down', 'ended', 'stopped', 'stopping', 'draining'].map((state) => [state, 'quiet'] as const),
]);

/** The tone of a state: good, bad, out of use; any other is on its way somewhere. */
export function toneOf(state: string): Tone {
  return tones.get(state) ?? 'busy';
}

interface Row {
  readonly branch: string;
  readonly node: TreeNode;
}

/** The lines of a tree: a heading, then a line for each actor, in start order. */
export function drawTree(tree: TreeNode): Line[] {
  const rows = rowsOf(tree, '', '');
  const heading = ['actor', 'state', 'restarts'];
  const cells = rows.map(({ branch, node }) => [branch + node.name, node.state, restartsOf(node)]);
  const widths = heading.map((title, column) => Math.max(...[heading, ...cells].map((row) => columnsOf(row[column] ?? title))));
  const pad = (text: string, column: number): string => padTo(text, (widths[column] ?? 0) + 2);
  const lines = rows.map(({ branch, node }): Line => {
    const restarts = restartsOf(node);
    return [
      { text: branch, tone: 'quiet' },
      { text: pad(branch + node.name, 0).slice(branch.length) },
      { text: pad(node.state, 1), tone: toneOf(node.state) },
      { text: pad(restarts, 2), tone: (node.restarts?.count ?? 0) > 0 ? 'busy' : 'quiet' },
      { text: node.about, tone: 'quiet' },
    ];
  });
  return [heading.map((title, column): Span => ({ text: pad(title, column), tone: 'quiet' })), ...lines];
}

function restartsOf({ restarts }: TreeNode): string {
  if (restarts === null) return '';
  const { count, budget, periodMs } = restarts;
  return budget === undefined || periodMs === undefined ? String(count) : `${count} of ${budget} in ${periodMs / 1_000} s`;
}

function rowsOf(node: TreeNode, branch: string, below: string): Row[] {
  const last = node.children.length - 1;
  return [
    { branch, node },
    ...node.children.flatMap((child, index) =>
      index === last ? rowsOf(child, `${below}└── `, `${below}    `) : rowsOf(child, `${below}├── `, `${below}│   `),
    ),
  ];
}
