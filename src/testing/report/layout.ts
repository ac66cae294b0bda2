/** Gives a chart its places, by ELK's layered algorithm: arrows run downwards, nothing overlaps, the same chart comes out the same. */
import type * as Elk from 'elkjs';
import { EspalierError } from '../../errors.js';
import type { Arrow, Box, Chart, Line } from './chart.js';
import { rowPx, sizes, widthOf } from './text-width.js';

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A chart with its places, px from the top left corner of the picture. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** By the id of the box. */
  readonly boxes: ReadonlyMap<string, Place>;
  /** By the id of the arrow; an arrow without lines has no label. */
  readonly arrows: ReadonlyMap<string, { readonly points: readonly Point[]; readonly label: Place | undefined }>;
}

/** Space within a box, px. */
export const padding = { x: 10, y: 6, label: 6 } as const;

const options: Readonly<Record<string, string>> = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.edgeLabels.inline': 'true',
  'elk.randomSeed': '1',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
};

/**
 * @param chart  what to draw
 * @throws EspalierError `testing/missing-peer` where elkjs is not installed
 */
export async function layOut(chart: Chart): Promise<Layout> {
  const elk = await loadElk();
  const order = new Map(inOrder(chart.root).map(({ id }, index) => [id, index]));
  const picture: Elk.ElkNode = { id: 'picture', children: [nodeOf(chart.root)], edges: chart.arrows.map((arrow) => edgeOf(arrow, order)) };
  // As defaults of every element: a nested graph does not take the options of the graph around it.
  const graph: Elk.ElkNode = await elk.layout(picture, { layoutOptions: options });
  const boxes = new Map<string, Place>();
  const visit = (node: Elk.ElkNode): void => {
    boxes.set(node.id, placeOf(node));
    node.children?.forEach(visit);
  };
  graph.children?.forEach(visit);
  const arrows = new Map(
    (graph.edges ?? []).map((edge) => {
      const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
      const [label] = edge.labels ?? [];
      return [edge.id, { points: points.map(({ x, y }) => ({ x: rounded(x), y: rounded(y) })), label: label && placeOf(label) }] as const;
    }),
  );
  return { width: rounded(graph.width ?? 0), height: rounded(graph.height ?? 0), boxes, arrows };
}

function nodeOf(box: Box): Elk.ElkNode {
  const { width, height } = textOf(box);
  if (box.boxes.length === 0) return { id: box.id, width, height };
  return {
    id: box.id,
    layoutOptions: {
      'elk.padding': `[top=${height + 14},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      // Height first: ELK turns a picture that runs downwards on its side, and forgets to turn this. The height comes of the padding.
      'elk.nodeSize.minimum': `(1,${width})`,
    },
    children: box.boxes.map(nodeOf),
  };
}

/** The room that the text of a box takes. */
function textOf({ kind, title, lines }: Box): { readonly width: number; readonly height: number } {
  if (kind === 'start') return { width: 12, height: 12 };
  const widest = Math.max(widthOf(written(title), sizes.title), ...lines.map((line) => widthOf(written(line), sizes.line)));
  const rows = rowPx.title + padding.y + (lines.length === 0 ? 0 : lines.length * rowPx.line + padding.y);
  return { width: Math.max(widest + 2 * padding.x, kind === 'history' ? 30 : 60), height: rows };
}

function inOrder(box: Box): readonly Box[] {
  return [box, ...box.boxes.flatMap(inOrder)];
}

function edgeOf({ id, from, to, lines }: Arrow, order: ReadonlyMap<string, number>): Elk.ElkExtendedEdge {
  // What comes first in the machine's file stands higher: of two arrows in a circle the one that goes on in the file runs downwards.
  const isForward = (order.get(from) ?? 0) < (order.get(to) ?? 0);
  const edge = { id, sources: [from], targets: [to], layoutOptions: { 'elk.layered.priority.direction': isForward ? '10' : '0' } };
  if (lines.length === 0) return edge;
  const width = Math.max(...lines.map((line) => widthOf(written(line), sizes.line))) + 2 * padding.label;
  const label = { id: `${id} label`, text: id, width, height: lines.length * rowPx.line + 6 };
  return { ...edge, labels: [label] };
}

export function written(line: Line): string {
  return line.parts.map(({ text }) => text).join('');
}

function placeOf({ x = 0, y = 0, width = 0, height = 0 }: Elk.ElkShape): Place {
  return { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) };
}

/** To a tenth of a pixel: short, and the same on every machine. */
function rounded(px: number): number {
  return Math.round(px * 10) / 10;
}

async function loadElk(): Promise<Elk.ELK> {
  try {
    const { default: elk } = await import('elkjs');
    return new elk.default();
  } catch (cause) {
    throw new EspalierError(
      'testing/missing-peer',
      {
        expected: 'the package elkjs (^0.12) for pictures of a coverage: npm install --save-dev elkjs',
        got: String((cause as { code?: unknown }).code),
      },
      { cause },
    );
  }
}
