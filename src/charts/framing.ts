/** Lays each frame of a chart out, from within: ELK sees a finished frame as one box with gates at fixed places. */
import type { Arrow, Box, Chart } from './chart.js';
import type { Elk, ElkEdge, ElkNode, ElkShape } from './elk-graph.js';
import { labelSizeOf, moved, type Place, type Point, rounded, type Size, sizeOf } from './places.js';
import { type End, gateId, Routes } from './routes.js';

export type Direction = 'right' | 'down';

export interface FramingRules {
  /** Whether ELK is to keep the order of the file where it can. */
  readonly modelOrder: boolean;
  /** Whether ELK is asked for more than that nothing overlaps. */
  readonly refined: boolean;
}

interface Way {
  readonly points: readonly Point[];
  readonly label: Place | undefined;
}

/** A frame with its places, from its own top left corner. */
interface Frame extends Size {
  /** Its own among them. */
  readonly boxes: ReadonlyMap<string, Place>;
  readonly legs: ReadonlyMap<string, Way>;
  /** Its own and those of the frames in it, by {@link gateId}. */
  readonly gates: ReadonlyMap<string, Point>;
  /** The same, at least so long in the direction of the arrows, and so wide across. */
  stretched(length: number, across: number): Frame;
}

/** Around the picture, within a stack, within a sheet, px. */
const space = { margin: 16, stack: 12, row: 10, sheet: 14 } as const;

export class Framing {
  readonly #chart: Chart;
  readonly #elk: Elk;
  readonly #rules: FramingRules & { readonly direction: Direction; readonly roomLetters: number };
  readonly #routes: Routes;
  readonly #order: ReadonlyMap<string, number>;

  constructor(chart: Chart, elk: Elk, rules: FramingRules & { readonly direction: Direction; readonly roomLetters: number }) {
    this.#chart = chart;
    this.#elk = elk;
    this.#rules = rules;
    this.#routes = new Routes(chart);
    const inOrder = (box: Box): readonly string[] => [box.key, ...box.boxes.flatMap(inOrder)];
    this.#order = new Map(inOrder(chart.root).map((key, index) => [key, index]));
  }

  async picture(): Promise<{ width: number; height: number; boxes: ReadonlyMap<string, Place>; arrows: ReadonlyMap<string, Way> }> {
    const frame = shifted(await this.#frame(this.#chart.root), space.margin, space.margin);
    const arrows = new Map(this.#chart.arrows.map((arrow) => [arrow.key, this.#wayOf(arrow, frame)]));
    const size = { width: rounded(frame.width + 2 * space.margin), height: rounded(frame.height + 2 * space.margin) };
    return { ...size, boxes: frame.boxes, arrows };
  }

  #wayOf(arrow: Arrow, { legs, gates }: Frame): Way {
    const stretches = this.#routes.wayOf(arrow);
    const points = stretches.flatMap((stretch): readonly Point[] => {
      if ('leg' in stretch) return legs.get(stretch.leg)?.points ?? [];
      const gate = gates.get(stretch.gate);
      return gate === undefined ? [] : [gate];
    });
    const label = stretches.map((stretch) => ('leg' in stretch ? legs.get(stretch.leg)?.label : undefined)).find((one) => one !== undefined);
    return { points: withoutDetours(points), label };
  }

  async #frame(box: Box): Promise<Frame> {
    if (box.boxes.length === 0) return this.#leaf(box);
    return box.isStack ? this.#stack(box) : this.#sheet(box);
  }

  get #isRight(): boolean {
    return this.#rules.direction === 'right';
  }

  #size(box: Box): Size {
    return sizeOf(box, this.#rules.roomLetters);
  }

  /** A point on the border: gates on the way in are where arrows come from, those on the way out where they run to. */
  #atBorder({ width, height }: Size, side: 'in' | 'out', across: number): Point {
    if (this.#isRight) return { x: side === 'in' ? 0 : width, y: across };
    return { x: across, y: side === 'in' ? 0 : height };
  }

  /** Completes a frame by its own place and gates. @param across  where the gates are that arrows pass */
  #framed(box: Box, size: Size, inner: Pick<Frame, 'boxes' | 'legs' | 'gates'>, across: (gate: string) => number | undefined): Frame {
    const gates = [...this.#routes.planOf(box).gates];
    const own = gates.map(([gate, { side }]): [string, Point] => {
      const passed = gates.flatMap(([name, other]) => (other.side === side && name !== gate ? (across(name) ?? []) : []));
      return [gateId(box.key, gate), this.#atBorder(size, side, across(gate) ?? freeSpot(this.#isRight ? size.height : size.width, passed))];
    });
    const boxes = new Map<string, Place>([[box.key, { x: 0, y: 0, ...size }], ...inner.boxes]);
    const stretched = (length: number, wide: number): Frame => {
      const [width, height] = this.#isRight ? [length, wide] : [wide, length];
      return this.#framed(box, { width: Math.max(width, size.width), height: Math.max(height, size.height) }, inner, across);
    };
    return { ...size, boxes, legs: inner.legs, gates: new Map([...inner.gates, ...own]), stretched };
  }

  #leaf(box: Box): Frame {
    const frame = this.#framed(box, this.#size(box), { boxes: new Map(), legs: new Map(), gates: new Map() }, () => undefined);
    // A mark among regions is none.
    return box.kind === 'history' ? { ...frame, stretched: () => frame } : frame;
  }

  /** Regions, each beside the next across the arrows, all of one length; small ones that no arrow leaves share a row. */
  async #stack(box: Box): Promise<Frame> {
    const rows: (readonly [Box, Frame])[] = [];
    for (const row of box.boxes) rows.push([row, await this.#frame(row)]);
    return this.#stacked(box, rows, 0, 0);
  }

  #stacked(box: Box, rows: readonly (readonly [Box, Frame])[], atLeast: number, atLeastAcross: number): Frame {
    const isRight = this.#isRight;
    const head = this.#size(box);
    const top = head.height + space.row;
    const length = Math.max(
      atLeast - (isRight ? space.stack : top) - space.stack,
      ...rows.map(([, { width, height }]) => (isRight ? width : height)),
      isRight ? head.width : 0,
    );
    const placed: Frame[] = [];
    let across: number = isRight ? top : space.stack;
    for (const shelf of this.#shelves(rows, length)) {
      const lengths = shelf.map(({ width, height }) => (isRight ? width : height));
      const spare = (length - lengths.reduce((sum, px) => sum + px, 0) - (shelf.length - 1) * space.row) / shelf.length;
      const wide = Math.max(...shelf.map(({ width, height }) => (isRight ? height : width)));
      let along: number = isRight ? space.stack : top;
      for (const [index, frame] of shelf.entries()) {
        const long = rounded((lengths[index] ?? 0) + spare);
        placed.push(shifted(frame.stretched(long, wide), isRight ? along : across, isRight ? across : along));
        along += long + space.row;
      }
      across += wide + space.row;
    }
    const extent = Math.max(across - space.row + space.stack, isRight ? 0 : head.width, atLeastAcross);
    const size = isRight ? { width: length + 2 * space.stack, height: extent } : { width: extent, height: top + length + space.stack };
    const inner = merged(placed);
    const { gates } = this.#routes.planOf(box);
    const frame = this.#framed(box, size, inner, (gate) => {
      const { row, rowGate } = gates.get(gate) ?? {};
      const at = row === undefined || rowGate === undefined ? undefined : inner.gates.get(gateId(row, rowGate));
      return isRight ? at?.y : at?.x;
    });
    return { ...frame, stretched: (long, wide) => this.#stacked(box, rows, long, wide) };
  }

  /** Rows in their order; those that no arrow enters or leaves stand behind each other while there is room. */
  #shelves(rows: readonly (readonly [Box, Frame])[], length: number): readonly (readonly Frame[])[] {
    const shelves: { readonly frames: Frame[]; left: number }[] = [];
    for (const [box, frame] of rows) {
      const long = this.#isRight ? frame.width : frame.height;
      const isClosed = this.#routes.planOf(box).gates.size === 0;
      const last = shelves.at(-1);
      if (isClosed && last !== undefined && last.left >= long + space.row) {
        last.frames.push(frame);
        last.left -= long + space.row;
      } else shelves.push({ frames: [frame], left: isClosed ? length - long : 0 });
    }
    return shelves.map(({ frames }) => frames);
  }

  /** Boxes and arrows as ELK places them. */
  async #sheet(box: Box): Promise<Frame> {
    const { legs, gates } = this.#routes.planOf(box);
    const frames = new Map<string, Frame>();
    for (const inner of box.boxes) if (this.#routes.isFrame(inner)) frames.set(inner.key, await this.#frame(inner));
    const through = [...gates].filter(([gate]) => gate !== 'in' && gate !== 'out');
    const used = [...legs.values()].flatMap(({ from, to }) => [from, to]);
    const ids = new Map([...legs.keys()].map((id, index) => [`leg${index}`, id]));
    if (legs.size > mostLegs) throw new Error(`${legs.size} arrows in ${box.state ?? box.key}, and at most ${mostLegs} can be laid out`);
    const head = this.#size(box);
    const graph = await this.#elk.layout(
      {
        id: 'sheet',
        layoutOptions: {
          'elk.padding': paddingBelow(head.height),
          // Else ELK packs what is not connected, also between a gate and the border that it stands for.
          ...(through.length === 0 ? {} : { 'elk.separateConnectedComponents': 'false' }),
        },
        children: [
          ...box.boxes.map((inner) => this.#node(inner, frames.get(inner.key), used)),
          ...through.map(([gate, { side }]) => this.#gateNode(gate, side)),
        ],
        edges: [...legs.values()].map((leg, index) => this.#edge(`leg${index}`, leg)),
      },
      { layoutOptions: this.#options(legs.size) },
    );
    const size = { width: rounded(Math.max(graph.width ?? 0, head.width)), height: rounded(graph.height ?? 0) };
    const placed = new Map((graph.children ?? []).map((node) => [node.id, placeOf(node)]));
    const inside = merged([...frames].map(([key, frame]) => shifted(frame, placed.get(key)?.x ?? Number.NaN, placed.get(key)?.y ?? Number.NaN)));
    const own = new Map([...placed].filter(([key]) => this.#order.has(key)));
    const ways = (graph.edges ?? []).map((edge): [string, Way] => [ids.get(edge.id) ?? edge.id, wayIn(edge)]);
    const inner = { boxes: new Map([...own, ...inside.boxes]), legs: new Map([...inside.legs, ...ways]), gates: inside.gates };
    return this.#framed(box, size, inner, (gate) => {
      const at = placed.get(gate);
      if (at === undefined) return undefined;
      return this.#isRight ? at.y + 1 : at.x + 1;
    });
  }

  #node(box: Box, frame: Frame | undefined, used: readonly End[]): ElkNode {
    if (frame === undefined) return { id: box.key, ...this.#size(box) };
    const names = new Set(used.flatMap(({ box: key, gate }) => (key === box.key && gate !== undefined ? [gate] : [])));
    const { gates } = this.#routes.planOf(box);
    const ports = [...names].map((gate) => {
      const id = gateId(box.key, gate);
      return port(id, frame.gates.get(id), this.#sideOf(gates.get(gate)?.side));
    });
    return { id: box.key, width: frame.width, height: frame.height, ports, layoutOptions: { 'elk.portConstraints': 'FIXED_POS' } };
  }

  /** What stands for a gate in the sheet that it leads out of: nothing is beyond it, so the way from there to the border is free. */
  #gateNode(gate: string, side: 'in' | 'out'): ElkNode {
    const constraint = side === 'in' ? 'FIRST_SEPARATE' : 'LAST_SEPARATE';
    return {
      id: gate,
      width: 2,
      height: 2,
      ports: [port(`${gate} port`, { x: 1, y: 1 }, this.#sideOf(side === 'in' ? 'out' : 'in'))],
      layoutOptions: {
        'elk.portConstraints': 'FIXED_POS',
        ...(this.#rules.refined ? { 'elk.layered.layering.layerConstraint': constraint } : {}),
      },
    };
  }

  #sideOf(side: 'in' | 'out' | undefined): string {
    if (this.#isRight) return side === 'in' ? 'WEST' : 'EAST';
    return side === 'in' ? 'NORTH' : 'SOUTH';
  }

  #edge(id: string, { from, to, labelled }: { readonly from: End; readonly to: End; readonly labelled: Arrow | undefined }): ElkEdge {
    // What comes first in the file stands first: of two arrows in a circle the one that goes on in the file runs with the others.
    const isForward = from.box === undefined || to.box === undefined || (this.#order.get(from.box) ?? 0) < (this.#order.get(to.box) ?? 0);
    const layoutOptions = { 'elk.layered.priority.direction': isForward ? '10' : '0' };
    const edge = { id, sources: [endId(from)], targets: [endId(to)], layoutOptions };
    if (labelled === undefined) return edge;
    return { ...edge, labels: [{ id: `${id} label`, text: id, ...labelSizeOf(labelled.lines, this.#rules.roomLetters) }] };
  }

  #options(legs: number): Record<string, string> {
    const { modelOrder, refined } = this.#rules;
    return {
      'elk.algorithm': 'layered',
      'elk.direction': this.#isRight ? 'RIGHT' : 'DOWN',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.randomSeed': '1',
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
      ...(refined ? spacing : {}),
      ...(refined && legs <= mostBalanced ? { 'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX' } : {}),
      ...(modelOrder && legs <= mostOrdered
        ? { 'elk.layered.considerModelOrder.strategy': 'PREFER_EDGES', 'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER' }
        : {}),
    };
  }
}

const spacing: Readonly<Record<string, string>> = {
  'elk.edgeLabels.inline': 'true',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
};

/** Arrows in one sheet up to which boxes are balanced: that takes ELK seconds at fifty arrows, and minutes at a hundred. */
const mostBalanced = 50;
/** Arrows in one sheet up to which the order of the file is kept: with three hundred that takes minutes. */
const mostOrdered = 120;
/** Arrows in one sheet beyond which ELK is not asked: it would take minutes, and nobody could follow them. */
const mostLegs = 400;

/** Between arrows that pass a border side by side, px. */
const laneGapPx = 14;

/** Where a border is free for a gate: as near to its middle as may be. */
function freeSpot(length: number, taken: readonly number[]): number {
  const middle = rounded(length / 2);
  for (let off = 0; off < middle - laneGapPx; off += laneGapPx / 2) {
    for (const spot of [middle - off, middle + off]) if (taken.every((other) => Math.abs(other - spot) >= laneGapPx)) return spot;
  }
  return middle;
}

function paddingBelow(headPx: number): string {
  return `[top=${headPx + space.sheet},left=${space.sheet},bottom=${space.sheet},right=${space.sheet}]`;
}

function port(id: string, at: Point | undefined, side: string): ElkShape {
  return { id, x: at?.x ?? 0, y: at?.y ?? 0, width: 0, height: 0, layoutOptions: { 'elk.port.side': side } };
}

function endId({ box, gate }: End): string {
  if (box === undefined) return `${gate ?? ''} port`;
  return gate === undefined ? box : gateId(box, gate);
}

function placeOf({ x = Number.NaN, y = Number.NaN, width = Number.NaN, height = Number.NaN }: ElkShape): Place {
  return { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) };
}

function wayIn({ sections = [], labels = [] }: ElkEdge): Way {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
  const [label] = labels;
  return { points: points.map(({ x, y }) => ({ x: rounded(x), y: rounded(y) })), label: label === undefined ? undefined : placeOf(label) };
}

function shifted(frame: Frame, dx: number, dy: number): Frame {
  const boxes = new Map([...frame.boxes].map(([key, place]) => [key, moved(place, dx, dy)]));
  const gates = new Map([...frame.gates].map(([key, point]) => [key, moved(point, dx, dy)]));
  const legs = new Map(
    [...frame.legs].map(([id, { points, label }]): [string, Way] => [
      id,
      { points: points.map((point) => moved(point, dx, dy)), label: label && moved(label, dx, dy) },
    ]),
  );
  return { ...frame, boxes, legs, gates };
}

function merged(frames: readonly Frame[]): Pick<Frame, 'boxes' | 'legs' | 'gates'> {
  return {
    boxes: new Map(frames.flatMap(({ boxes }) => [...boxes])),
    legs: new Map(frames.flatMap(({ legs }) => [...legs])),
    gates: new Map(frames.flatMap(({ gates }) => [...gates])),
  };
}

/** Points that change nothing are left out: doubled ones (to the pixel, for ELK and we round apart), and those on a straight line. */
function withoutDetours(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    const [before, last] = [kept.at(-2), kept.at(-1)];
    if (last !== undefined && Math.abs(last.x - point.x) < 1 && Math.abs(last.y - point.y) < 1) continue;
    const isStraight = before !== undefined && last !== undefined && isOnTheWay(before, last, point);
    if (isStraight) kept.pop();
    kept.push(point);
  }
  return kept;
}

function isOnTheWay(before: Point, at: Point, after: Point): boolean {
  const between = (low: number, middle: number, high: number): boolean => Math.min(low, high) <= middle && middle <= Math.max(low, high);
  if (before.x === at.x && at.x === after.x) return between(before.y, at.y, after.y);
  return before.y === at.y && at.y === after.y && between(before.x, at.x, after.x);
}
