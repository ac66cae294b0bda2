/**
 * Which way each arrow takes through the frames of a chart. A frame is what is laid out alone: every box that holds others, every region, the picture
 * itself. An arrow that leaves a frame does so through a gate on its border, and goes on from there in the frame around it; those that lead to the same
 * box share their gates, and with them the rest of their way.
 */
import { type Arrow, type Box, boxesOf, type Chart } from './chart.js';

/** An end of a leg: a box, at one of its gates where it is a frame; or, without a box, a gate of the frame in which the leg lies. */
export interface End {
  readonly box: string | undefined;
  readonly gate: string | undefined;
}

/** The part of an arrow that lies in one frame. */
export interface Leg {
  readonly id: string;
  readonly from: End;
  readonly to: End;
  /** The arrow whose label is here. */
  readonly labelled: Arrow | undefined;
}

/** What is planned of a frame. */
export interface Plan {
  readonly legs: Map<string, Leg>;
  /** Gates on its border by their name. Of a stack, with the gate of the row that it prolongs. */
  readonly gates: Map<string, { readonly side: 'in' | 'out'; readonly row?: string; readonly rowGate?: string }>;
}

/** A stretch of an arrow's way: a leg, or a gate that it passes. */
export type Stretch = { readonly leg: string } | { readonly gate: string };

export class Routes {
  readonly #root: Box;
  readonly #boxes = new Map<string, Box>();
  readonly #parents = new Map<string, Box>();
  readonly #plans = new Map<string, Plan>();
  readonly #ways = new Map<string, readonly Stretch[]>();

  constructor({ root, arrows }: Chart) {
    this.#root = root;
    for (const box of boxesOf(root)) {
      this.#boxes.set(box.key, box);
      for (const inner of box.boxes) this.#parents.set(inner.key, box);
    }
    for (const box of this.#boxes.values()) if (this.isFrame(box)) this.#plans.set(box.key, { legs: new Map(), gates: new Map() });
    for (const arrow of arrows) this.#ways.set(arrow.key, this.#wayOf(arrow));
  }

  isFrame(box: Box): boolean {
    return box.boxes.length > 0 || box === this.#root || this.#parents.get(box.key)?.isStack === true;
  }

  planOf(box: Box): Plan {
    return this.#plans.get(box.key) ?? { legs: new Map(), gates: new Map() };
  }

  /** An arrow's way, from its start on. */
  wayOf(arrow: Arrow): readonly Stretch[] {
    return this.#ways.get(arrow.key) ?? [];
  }

  #wayOf(arrow: Arrow): readonly Stretch[] {
    const [from, to] = [this.#box(arrow.from), this.#box(arrow.to)];
    const [outOf, into] = [this.#framesAround(from), this.#framesAround(to)];
    const common = outOf.find((frame) => into.includes(frame)) ?? this.#root;
    const way: Stretch[] = [];
    let label: Arrow | undefined = arrow;
    const walk = (frame: Box, start: End, end: End): void => {
      way.push({ leg: this.#leg(frame, start, end, label) });
      label = undefined;
    };
    let at = this.#end(from, 'out', way);
    for (const frame of outOf.slice(0, outOf.indexOf(common))) {
      const gate = this.#gate(frame, 'out', at, to);
      if (!frame.isStack) walk(frame, at, { box: undefined, gate });
      at = { box: frame.key, gate };
      way.push({ gate: gateId(frame.key, gate) });
    }
    const down: Stretch[][] = [];
    const last: Stretch[] = [];
    let end = this.#end(to, 'in', last);
    for (const frame of into.slice(0, into.indexOf(common))) {
      const gate = this.#gate(frame, 'in', end, to);
      const inside = frame.isStack ? [] : [{ leg: this.#leg(frame, { box: undefined, gate }, end, undefined) }];
      down.unshift([{ gate: gateId(frame.key, gate) }, ...inside]);
      end = { box: frame.key, gate };
    }
    walk(common, at, end);
    return [...way, ...down.flat(), ...last];
  }

  /** Where an arrow begins or ends: a frame is left and entered by a gate of its own. */
  #end(box: Box, side: 'in' | 'out', way: Stretch[]): End {
    if (!this.isFrame(box)) return { box: box.key, gate: undefined };
    this.planOf(box).gates.set(side, { side });
    way.push({ gate: gateId(box.key, side) });
    return { box: box.key, gate: side };
  }

  /** The gate by which arrows to one box pass. */
  #gate(frame: Box, side: 'in' | 'out', inner: End, to: Box): string {
    const row = frame.isStack && inner.box !== undefined && inner.gate !== undefined ? { row: inner.box, rowGate: inner.gate } : {};
    const gate = frame.isStack ? `${inner.box ?? ''}/${inner.gate ?? ''}` : `${side} ${to.key}`;
    this.planOf(frame).gates.set(gate, { side, ...row });
    return gate;
  }

  #leg(frame: Box, from: End, to: End, labelled: Arrow | undefined): string {
    const ends = [from, to].map(({ box = '', gate = '' }) => `${box}:${gate}`).join(' ');
    const id = `${frame.key} ${labelled?.key ?? ''} ${ends}`;
    this.planOf(frame).legs.set(id, { id, from, to, labelled: labelled === undefined || labelled.lines.length === 0 ? undefined : labelled });
    return id;
  }

  #box(key: string): Box {
    const box = this.#boxes.get(key);
    if (box === undefined) throw new Error(`the chart has no box ${key}`);
    return box;
  }

  /** The frames in which a box lies, from within. */
  #framesAround(box: Box): readonly Box[] {
    const frames: Box[] = [];
    for (let at = this.#parents.get(box.key); at !== undefined; at = this.#parents.get(at.key)) frames.push(at);
    return frames;
  }
}

export function gateId(box: string, gate: string): string {
  return `${box} ${gate}`;
}
