/**
 * A definition as Graphviz DOT: states that hold others are clusters, and arrows end at their borders (`compound`). It shows what chart.ts says; the same
 * definition gives the same text.
 */
import { type Arrow, type Box, boxesOf, chartOf, type Line, written } from './chart.js';
import type { ChartDefinition } from './definition.js';

/**
 * @returns DOT text that ends with a line break
 * @throws never
 */
export function dotOf(definition: ChartDefinition): string {
  const { root, arrows } = chartOf(definition);
  const boxes = new Map(boxesOf(root).map((box) => [box.key, box]));
  return [
    `digraph ${quoted(definition.id)} {`,
    ...indented([
      'compound=true; rankdir=TB;',
      'graph [fontname="Courier", fontsize=12, labeljust=l, style=rounded];',
      'node [fontname="Courier", fontsize=11, shape=box, style=rounded];',
      'edge [fontname="Courier", fontsize=11];',
      ...boxLines(root),
      ...arrows.map((arrow) => arrowLine(arrow, boxes)),
    ]),
    '}',
    '',
  ].join('\n');
}

function boxLines(box: Box): readonly string[] {
  const label = labelOf([box.title, ...box.lines]);
  const tooltip = [box.title.about, ...box.lines.map(({ about }) => about)].filter((about) => about !== '').join('\n\n');
  if (box.boxes.length > 0) {
    const style = box.kind === 'region' ? ' style="rounded,dashed";' : '';
    const head = [`subgraph cluster_${box.key} {`, `  label=${label}; tooltip=${quoted(tooltip)};${style}`];
    return [...head, ...indented(box.boxes.flatMap(boxLines)), '}'];
  }
  switch (box.kind) {
    case 'start':
      return [`${box.key} [shape=circle, style=filled, label="", width=0.15, fillcolor=black];`];
    case 'history':
      return [`${box.key} [shape=circle, label=${label}, tooltip=${quoted(tooltip)}];`];
    case 'any':
      return [`${box.key} [style="rounded,dotted", label=${label}];`];
    case 'final':
      return [`${box.key} [peripheries=2, label=${label}, tooltip=${quoted(tooltip)}];`];
    case 'region':
      return [`${box.key} [style="rounded,dashed", label=${label}, tooltip=${quoted(tooltip)}];`];
    case 'state':
      return [`${box.key} [label=${label}, tooltip=${quoted(tooltip)}];`];
  }
}

/** Graphviz has arrows between nodes only: one of a cluster is one of a node in it, cut off at the border. */
function arrowLine({ from, to, lines }: Arrow, boxes: ReadonlyMap<string, Box>): string {
  const [tail, head] = [boxes.get(from), boxes.get(to)];
  const options = [
    ...(lines.length === 0 ? [] : [`label=${labelOf(lines)}`, `tooltip=${quoted(lines.map(({ about }) => about).join('\n\n'))}`]),
    ...(tail !== undefined && tail.boxes.length > 0 ? [`ltail=cluster_${from}`] : []),
    ...(head !== undefined && head.boxes.length > 0 ? [`lhead=cluster_${to}`] : []),
  ];
  return `${nodeIn(tail, from)} -> ${nodeIn(head, to)}${options.length === 0 ? '' : ` [${options.join(', ')}]`};`;
}

function nodeIn(box: Box | undefined, key: string): string {
  const [first] = box?.boxes ?? [];
  return first === undefined ? key : nodeIn(first, first.key);
}

/** Lines beneath each other, to the left. */
function labelOf(lines: readonly Line[]): string {
  const texts = lines.map((line) => inQuotes(written(line)));
  return texts.length === 1 ? `"${texts[0] ?? ''}"` : `"${texts.map((line) => `${line}\\l`).join('')}"`;
}

function quoted(text: string): string {
  return `"${inQuotes(text)}"`;
}

/** Backslashes are Graphviz's own; what is no text at all (control characters, halves of letters) becomes U+FFFD. */
function inQuotes(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/\r\n|\n|\r/g, '\\n');
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
