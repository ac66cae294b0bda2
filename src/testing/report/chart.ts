/**
 * What is drawn of a coverage: the machine's states, nested, with lines of text in them, and arrows with labels. Nothing here has a place yet.
 *
 * | in the machine                                        | in the picture                                                         |
 * |-------------------------------------------------------|------------------------------------------------------------------------|
 * | transition to another state                           | an arrow `event [guard] ×hits`; those between the same two share one   |
 * | transition to itself, or without a target             | a line in its state, `↻` where it enters the state again               |
 * | transition of a compound state to one inside it       | an arrow from a box `in any state` in it                               |
 * | transition to a state around its own                  | an arrow to where that state begins                                    |
 * | more than one target                                  | an arrow to each                                                       |
 * | guard that was never true, or never false             | said in its brackets                                                   |
 * | `invoke`, `after`                                     | a line in its state: how its actor ended, whether its time passed      |
 */
import { type AnyStateNode, edgesOf, type Edge, eventName, invocations } from '../../charts/edges.js';
import type { Coverage } from '../model/coverage.js';
import { type CoverageItem, guardId, invocationOf } from '../model/coverage-items.js';
import { countOf, facts, type Mark, type Standing, standing, together } from './standing.js';
import { short } from './text-width.js';

/** A piece of a line, in one colour. */
export interface Part {
  readonly text: string;
  /** `plain`: of no item of its own. */
  readonly mark: Mark | 'plain';
}

/** A line of text, with what is known of it as its tooltip. */
export interface Line {
  readonly parts: readonly Part[];
  readonly about: string;
}

/** A box: a state, a region, or a mark within one. */
export interface Box {
  readonly id: string;
  readonly kind: 'state' | 'final' | 'region' | 'start' | 'history' | 'any';
  readonly title: Line;
  readonly mark: Mark | 'plain';
  readonly hits: number;
  readonly lines: readonly Line[];
  readonly boxes: readonly Box[];
}

export interface Arrow {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly mark: Mark | 'plain';
  readonly hits: number;
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly root: Box;
  readonly arrows: readonly Arrow[];
}

/** The chart of a coverage: the same for the same coverage. */
export function chartOf(coverage: Coverage): Chart {
  return new Draft(coverage).chart();
}

/** One transition as it is drawn. */
interface Stroke {
  readonly edge: Edge;
  readonly item: CoverageItem;
  readonly standing: Standing;
}

class Draft {
  readonly #coverage: Coverage;
  readonly #items: ReadonlyMap<string, CoverageItem>;
  readonly #strokes: readonly Stroke[];
  /** What becomes of each state: arrows by their two ends, and states that need a box `in any state`. */
  readonly #arrows = new Map<string, { readonly from: string; readonly to: string; readonly strokes: Stroke[]; readonly lines: Line[] }>();
  readonly #inAnyState = new Set<AnyStateNode>();

  constructor(coverage: Coverage) {
    this.#coverage = coverage;
    this.#items = new Map(coverage.items.map((item) => [item.id, item]));
    // The executed copy has watched guards, which have lost their names; its transitions still come in the order of the items.
    const items = coverage.items.filter(({ kind }) => kind === 'transition');
    this.#strokes = edgesOf(coverage.machine).flatMap((edge, index) => {
      const item = items[index];
      return item === undefined ? [] : [{ edge, item, standing: standing(coverage, item) }];
    });
    for (const stroke of this.#strokes) this.#place(stroke);
  }

  chart(): Chart {
    const root = this.#box(this.#coverage.machine.root);
    const arrows = [...this.#arrows.values()].map(({ from, to, strokes, lines }, index): Arrow => {
      const own = strokes.map(({ standing }) => standing);
      const { mark } = together([...own, ...strokes.flatMap(({ item }) => this.#outcomes(item))]);
      return { id: `arrow ${index}`, from, to, mark: strokes.length === 0 ? 'plain' : mark, hits: together(own).hits, lines };
    });
    return { root, arrows };
  }

  #place(stroke: Stroke): void {
    const { node, definition } = stroke.edge;
    const targets = drawnTargets(definition.target, node);
    targets.forEach((target, index) => {
      const isInside = isWithin(target, node);
      if (isInside) this.#inAnyState.add(node);
      const from = isInside ? anyId(node) : boxId(node);
      const to = isWithin(node, target) ? beginningOf(target) : boxId(target);
      if (to === anyId(target)) this.#inAnyState.add(target);
      const key = `${from}\n${to}`;
      const arrow = this.#arrows.get(key) ?? { from, to, strokes: [], lines: [] };
      this.#arrows.set(key, arrow);
      arrow.strokes.push(stroke);
      arrow.lines.push(this.#transitionLine(stroke, index === 0 ? '' : ' (also)'));
    });
  }

  #box(node: AnyStateNode): Box {
    const item = this.#items.get(`state ${node.id}`);
    const own = item === undefined ? undefined : standing(this.#coverage, item);
    const mark = own?.mark ?? 'plain';
    const children = childrenOf(node);
    const start = children.length > 0 && node.type !== 'parallel' ? initialOf(node) : undefined;
    const marks: Box[] = [];
    if (start !== undefined) {
      marks.push(plainBox(startId(node), 'start', ''));
      this.#arrows.set(`start ${node.id}`, { from: startId(node), to: boxId(start), strokes: [], lines: [] });
    }
    if (this.#inAnyState.has(node)) marks.push(plainBox(anyId(node), 'any', 'in any state'));
    if (node.type === 'history') return plainBox(boxId(node), 'history', node.history === 'deep' ? 'H*' : 'H');
    const about = [own === undefined ? node.id : facts(own), ...(node.description === undefined ? [] : [node.description])].join('\n');
    const parts: Part[] = [{ text: short(node.key), mark: 'plain' }];
    if (own !== undefined) parts.push({ text: ` ${countOf(own)}`, mark });
    const kind = node.type === 'final' ? 'final' : node.parent?.type === 'parallel' ? 'region' : 'state';
    return {
      id: boxId(node),
      kind,
      title: { parts, about },
      mark,
      hits: own?.hits ?? 0,
      lines: [...this.#invokeLines(node), ...this.#delayLines(node), ...this.#innerLines(node)],
      boxes: [...marks, ...children.map((child) => this.#box(child))],
    };
  }

  /** Transitions that go nowhere else. */
  #innerLines(node: AnyStateNode): readonly Line[] {
    return this.#strokes
      .filter(({ edge }) => edge.node === node)
      .filter(({ edge }) => drawnTargets(edge.definition.target, node).length === 0)
      .map((stroke) => this.#transitionLine(stroke, stroke.edge.definition.target === undefined ? '' : ' ↻'));
  }

  #transitionLine({ edge, item, standing: own }: Stroke, suffix: string): Line {
    const event = eventName(edge.event, edge.node);
    const guard = guardOf(item, edge, event);
    const outcomes = this.#outcomes(item);
    const missing = outcomes.filter(({ mark }) => mark !== 'covered');
    const parts: Part[] = [{ text: short(event), mark: 'plain' }];
    if (guard !== '' && missing.length === 0) parts.push({ text: ` [${short(guard)}]`, mark: 'plain' });
    else if (guard !== '') {
      parts.push({ text: ` [${short(guard)}: `, mark: 'plain' });
      missing.forEach(({ is, mark }, index) => {
        parts.push({ text: `${index === 0 ? '' : ', '}${mark === 'open' ? `never ${is}` : `${is} waived`}`, mark });
      });
      parts.push({ text: ']', mark: 'plain' });
    }
    parts.push({ text: `${suffix} `, mark: 'plain' }, { text: countOf(own), mark: own.mark });
    const guards = outcomes.map((one) => `guard ${one.is}: ${countOf(one)}${one.waived === undefined ? '' : `, waived: ${one.waived}`}`);
    return { parts, about: [facts(own), ...guards].join('\n') };
  }

  /** How the outcomes of a transition's guard stand. */
  #outcomes(transition: CoverageItem): readonly (Standing & { readonly is: boolean })[] {
    return [true, false].flatMap((is) => {
      const outcome = this.#items.get(guardId(transition.id, is));
      return outcome === undefined ? [] : [{ ...standing(this.#coverage, outcome), is }];
    });
  }

  #invokeLines(node: AnyStateNode): readonly Line[] {
    return invocations(node).map((invocation) => {
      const { id, src } = invocation;
      const name = id === src || id.startsWith('xstate.') || id.includes('.') ? src : `${id} (${src})`;
      return this.#outcomeLine(`invoke ${short(name)}`, invocationOf(node, invocation), ['done', 'error', 'stopped']);
    });
  }

  #delayLines(node: AnyStateNode): readonly Line[] {
    const delays = this.#strokes.filter(({ edge }) => edge.node === node && edge.event.startsWith('xstate.after.'));
    const names = new Set(delays.map(({ edge }) => eventName(edge.event, node)));
    return [...names].map((name) => this.#outcomeLine(short(name), `delay ${node.id} ${name}`, ['fired', 'cancelled']));
  }

  #outcomeLine(name: string, stem: string, ways: readonly string[]): Line {
    const known = ways.flatMap((way) => {
      const item = this.#items.get(`${stem} ${way}`);
      return item === undefined ? [] : [{ way, own: standing(this.#coverage, item) }];
    });
    const parts: Part[] = [{ text: known.length === 0 ? name : `${name}:`, mark: 'plain' }];
    for (const { way, own } of known) parts.push({ text: ` ${way} ${countOf(own)}`, mark: own.mark });
    return { parts, about: known.length === 0 ? stem : known.map(({ own }) => facts(own)).join('\n\n') };
  }
}

function plainBox(id: string, kind: Box['kind'], text: string): Box {
  return { id, kind, title: { parts: [{ text, mark: 'plain' }], about: '' }, mark: 'plain', hits: 0, lines: [], boxes: [] };
}

/** The targets that get an arrow: all but the state itself. */
function drawnTargets(targets: readonly AnyStateNode[] | undefined, node: AnyStateNode): readonly AnyStateNode[] {
  return targets?.filter((target) => target !== node) ?? [];
}

/** The guard as the item's id names it: the rest of the id is known. */
function guardOf({ id }: CoverageItem, { node, definition }: Edge, event: string): string {
  if (definition.guard === undefined) return '';
  const rest = id.slice(`transition ${node.id} --${event}[`.length);
  const targets = definition.target?.map((target) => target.id).join(', ') ?? '(stays)';
  return rest.slice(0, rest.length - `--> ${targets}`.length).replace(/\]#\d+$/u, '');
}

function childrenOf(node: AnyStateNode): readonly AnyStateNode[] {
  return Object.values<AnyStateNode>(node.states).toSorted((left, right) => left.order - right.order);
}

function initialOf(node: AnyStateNode): AnyStateNode | undefined {
  return (node.initial?.target as readonly AnyStateNode[] | undefined)?.[0];
}

function isWithin(inner: AnyStateNode, outer: AnyStateNode): boolean {
  for (let node = inner.parent as AnyStateNode | undefined; node !== undefined; node = node.parent as AnyStateNode | undefined) {
    if (node === outer) return true;
  }
  return false;
}

/** Where an arrow from inside a state to the state itself ends. */
function beginningOf(node: AnyStateNode): string {
  return node.type === 'parallel' ? anyId(node) : startId(node);
}

function boxId(node: AnyStateNode): string {
  return `box ${node.id}`;
}

function startId(node: AnyStateNode): string {
  return `start ${node.id}`;
}

function anyId(node: AnyStateNode): string {
  return `any ${node.id}`;
}
