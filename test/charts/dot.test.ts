import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { definitionOf } from '../../src/charts/definition.js';
import { dotOf } from '../../src/charts/dot.js';

describe('a machine as DOT', () => {
  it('nests clusters, cuts arrows off at their borders, and rings final states', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: { initial: 'b', states: { b: { on: { go: '#m.c' } } }, on: { leave: 'c' } },
        c: { type: 'final' },
      },
    });
    expect(dotOf(definitionOf(machine)).split('\n')).toEqual([
      'digraph "m" {',
      '  compound=true; rankdir=TB;',
      '  graph [fontname="Courier", fontsize=12, labeljust=l, style=rounded];',
      '  node [fontname="Courier", fontsize=11, shape=box, style=rounded];',
      '  edge [fontname="Courier", fontsize=11];',
      '  subgraph cluster_box0 {',
      '    label="m"; tooltip="m";',
      '    start0 [shape=circle, style=filled, label="", width=0.15, fillcolor=black];',
      '    subgraph cluster_box1 {',
      '      label="a"; tooltip="m.a";',
      '      start1 [shape=circle, style=filled, label="", width=0.15, fillcolor=black];',
      '      box2 [label="b", tooltip="m.a.b"];',
      '    }',
      '    box3 [peripheries=2, label="c", tooltip="m.c"];',
      '  }',
      '  start0 -> start1 [lhead=cluster_box1];',
      '  start1 -> box3 [label="leave", tooltip="m.a --leave#0--> m.c", ltail=cluster_box1];',
      '  start1 -> box2;',
      '  box2 -> box3 [label="go", tooltip="m.a.b --go#0--> m.c"];',
      '}',
      '',
    ]);
  });

  it('leaves no quotation mark and no backslash of a name to Graphviz', () => {
    const text = dotOf(definitionOf(createMachine({ id: 'm"]', on: { '\\N"; x [': { actions: () => undefined }, '\u0007': {} } })));
    expect(text).toContain('label="m\\"]\\l\\\\N\\"; x [\\l\uFFFD\\l"');
    expect(text.replaceAll(/"(?:[^"\\]|\\.)*"/gu, '')).not.toMatch(/["\\]/u);
  });
});
