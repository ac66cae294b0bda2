import { describe, expect, it } from 'vitest';
import { drawTree } from '../../src/cli/screen/draw-tree.js';
import { paint } from '../../src/cli/screen/spans.js';
import type { TreeNode } from '../../src/cli/stage/tree-node.js';

const leaf = (name: string, state: string, rest: Partial<TreeNode> = {}): TreeNode => ({
  name,
  state,
  restarts: null,
  about: '',
  children: [],
  ...rest,
});
const drawn = (tree: TreeNode, colours = false): string[] => drawTree(tree).map((line) => paint(line, colours));

const tree = leaf('app', 'running', {
  restarts: { count: 1, budget: 3, periodMs: 5_000 },
  children: [
    leaf('voice', 'ready', {
      restarts: { count: 0 },
      about: 'Live session',
      children: [
        leaf('tasks', 'running', {
          restarts: { count: 0, budget: 3, periodMs: 2_500 },
          children: [leaf('weather', 'succeeded', { about: '12 ms' })],
        }),
      ],
    }),
    leaf('prices', 'restarting', { restarts: { count: 2 } }),
  ],
});

describe('the drawing of a tree', () => {
  it('shows shape, states, restarts and what they are restarted out of, in columns', () => {
    expect(drawn(tree)).toEqual([
      'actor                state       restarts',
      'app                  running     1 of 3 in 5 s',
      '├── voice            ready       0                Live session',
      '│   └── tasks        running     0 of 3 in 2.5 s',
      '│       └── weather  succeeded                    12 ms',
      '└── prices           restarting  2',
    ]);
  });

  it('is a heading and one line for an actor alone', () => {
    expect(drawn(leaf('app', 'failed'))).toEqual(['actor  state   restarts', 'app    failed']);
  });

  it('keeps its columns where names are wide', () => {
    const [, , wide, narrow] = drawn(leaf('app', 'running', { children: [leaf('天気', 'running'), leaf('time', 'failed')] }));
    expect(wide).toBe('├── 天気  running');
    expect(narrow).toBe('└── time  failed');
  });

  it('colours states by what they mean', () => {
    const [, , voice, , weather, prices] = drawn(tree, true);
    expect(voice).toContain('\u001B[32mready');
    expect(weather).toContain('\u001B[32msucceeded');
    expect(prices).toContain('\u001B[33mrestarting');
    expect(drawn(leaf('app', 'killed'), true)[1]).toContain('\u001B[31mkilled');
  });
});
